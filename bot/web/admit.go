package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aurora/bot"
	"aurora/store"
)

// Waiting keeps connections that an admin has to approve.
type Waiting interface {
	AddPending(ctx context.Context, p store.PendingConnection) error
	PendingConnection(ctx context.Context, orgID, id string) (store.PendingConnection, error)
	DuePending(ctx context.Context) ([]store.PendingConnection, error)
	// ApprovePending puts what waited into use as c, unless it does not wait any more.
	ApprovePending(ctx context.Context, p store.PendingConnection, c store.Connection, by store.Person) (store.Connection, error)
	EndPending(ctx context.Context, p store.PendingConnection, state string, by store.Person) error
}

// Admins finds whoever can approve.
type Admins interface {
	NewPendingID() string
	Admins(ctx context.Context, orgID string) ([]store.Person, error)
}

// Directory tells what a chat platform knows of a person.
type Directory interface {
	Profile(ctx context.Context, team string, p store.Person) (bot.Profile, error)
}

// Teller writes to people alone, buttons and all.
type Teller interface {
	Tell(ctx context.Context, place store.Place, m bot.Message) error
}

// mostAdmins is how many admins are asked about one connection.
const mostAdmins = 20

// proven tells whether it is certain that the ticket's person connected what is to be kept. A link proves nothing: it may
// have been passed on. The chat's own sign-in does, and so does an e-mail address that the cloud vouches for when it is the
// person's in chat. What was approved before needs no approval again. On this machine itself there is nobody else.
func (s *Server) proven(ctx context.Context, p pass, l Linked, at slot) bool {
	if s.Local || p.Proven || at.conn != nil && sameIdentity(at.old, l.Credential) {
		return true
	}
	directory := s.People[p.Person.Platform]
	if l.Email == "" || directory == nil {
		return false
	}
	profile, err := directory.Profile(ctx, p.Place.Team, p.Person)
	if err != nil {
		s.Log.Info().Err(err).Msg("compare e-mail addresses")
		return false
	}
	return profile.Kind == bot.Member && profile.Email != "" && strings.EqualFold(profile.Email, l.Email)
}

func sameIdentity(old, fresh store.Credential) bool {
	subject := fresh.Get("subject")
	return subject != "" && old.Get("subject") == subject && old.Get("kind") == fresh.Get("kind")
}

// wait keeps a connection aside until an admin has approved it, and asks the admins.
func (s *Server) wait(ctx context.Context, t bot.ConnectTicket, l Linked) (text string, err error) {
	admins, err := s.Admins.Admins(ctx, t.OrgID)
	if err != nil {
		return "", fmt.Errorf("find the admins: %w", err)
	}
	for _, p := range s.Chiefs { // named in the settings, and perhaps never seen yet
		if p.Platform == t.Person.Platform && p.Team == t.Person.Team && !slices.Contains(admins, p) {
			admins = append(admins, p)
		}
	}
	id := s.Admins.NewPendingID()
	path := store.CredentialPath(t.OrgID, t.Owner(), t.Cloud, id, false)
	if _, err := s.Keeper.Put(ctx, path, l.Credential, 0); err != nil {
		return "", fmt.Errorf("keep the %s credential: %w", t.Cloud, err)
	}
	conn := connection(t, l, path)
	conn.UserID = t.UserID // for whom it waits, also where the organisation will own it
	pending := store.PendingConnection{ID: id, Connection: conn, Person: t.Person, Place: t.Place, CreatedAt: time.Now()}
	if err := s.Waiting.AddPending(ctx, pending); err != nil {
		return "", errors.Join(err, s.Keeper.Delete(context.WithoutCancel(ctx), path))
	}
	if s.ask(ctx, pending, admins) == 0 {
		return fmt.Sprintf("%s account %s is accepted, and waits for an Aurora admin: nothing proves yet that it was you who connected it. I could reach no admin. "+
			"Please tell whoever runs Aurora; it is erased after a day.", t.Cloud, l.Account), nil
	}
	return fmt.Sprintf("%s account %s is accepted, and waits for an Aurora admin to approve it: nothing proves yet that it was you who connected it. "+
		"You hear here when it can be used; without an answer it is erased after a day.", t.Cloud, l.Account), nil
}

// ask writes to the admins and tells how many it reached.
func (s *Server) ask(ctx context.Context, p store.PendingConnection, admins []store.Person) (reached int) {
	m := bot.AdmitAsked(p, s.nameOf(ctx, p))
	for _, admin := range admins[:min(len(admins), mostAdmins)] {
		teller := s.Tellers[admin.Platform]
		if teller == nil || admin.Platform != p.Person.Platform {
			continue
		}
		armed := m
		armed.Buttons = slices.Clone(m.Buttons)
		var err error
		for i, b := range armed.Buttons {
			if armed.Buttons[i].Value, err = s.Tickets.NewTicket(ctx, b.Press, bot.AdmitLife); err != nil {
				break
			}
		}
		if err == nil {
			err = teller.Tell(ctx, store.Place{Platform: admin.Platform, Team: p.Place.Team, Whisper: admin.ID}, armed)
		}
		if err != nil {
			s.Log.Warn().Err(err).Stringer("admin", admin).Msg("ask an admin to approve a connection")
			continue
		}
		reached++
	}
	return reached
}

func (s *Server) nameOf(ctx context.Context, p store.PendingConnection) string {
	if directory := s.People[p.Person.Platform]; directory != nil {
		if profile, err := directory.Profile(ctx, p.Place.Team, p.Person); err == nil && profile.Name != "" {
			return profile.Name
		}
	}
	return p.Person.ID
}

// admitTime is longer than what a word on a connection that waits takes to carry out.
const admitTime = 2 * time.Minute

// alone lets nobody else, on any replica, have a word on the same connection until done: what one erases and revokes the
// other could be putting into use. *bot.Later while somebody has.
func (s *Server) alone(ctx context.Context, id string) (done func(), err error) {
	name := "admit:" + id
	lease, err := s.Leases.TakeLease(ctx, name, admitTime)
	if errors.Is(err, store.ErrConflict) {
		return nil, &bot.Later{After: time.Second}
	}
	if err != nil {
		return nil, fmt.Errorf("keep others from a connection that waits: %w", err)
	}
	return func() {
		_ = s.Leases.GiveLease(context.WithoutCancel(ctx), name, lease) // it ends by itself
	}, nil
}

// Admit carries out an admin's word on a connection that waits: it comes into use, or it is erased. Doing it twice does no
// harm. store.ErrNotFound when it does not wait any more, *bot.Later while somebody else's word is carried out.
func (s *Server) Admit(ctx context.Context, orgID string, word bot.Word, by store.Person) (said string, err error) {
	done, err := s.alone(ctx, word.Pending)
	if err != nil {
		return "", err
	}
	defer done()
	p, err := s.Waiting.PendingConnection(ctx, orgID, word.Pending)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", s.leaveNothing(ctx, word)
	case err != nil:
		return "", fmt.Errorf("find a connection that waits: %w", err)
	case time.Since(p.CreatedAt) > store.PendingLife:
		return "", fmt.Errorf("find a connection that waits: its time is over: %w", store.ErrNotFound)
	case !word.Good:
		return s.expel(ctx, p, "refused", by)
	}
	return s.approve(ctx, p, by)
}

// approve puts what waits into use. The copy of its credential goes last: until then all of it can be done again.
func (s *Server) approve(ctx context.Context, p store.PendingConnection, by store.Person) (said string, err error) {
	cred, _, err := s.Keeper.Get(ctx, pathOf(p.Connection))
	if err != nil {
		return "", fmt.Errorf("read the credential that waits: %w", err)
	}
	t := ticketOf(p)
	if err := s.active(ctx, t); err != nil {
		return "", err
	}
	l := linkedOf(p, cred)
	at, err := s.placeFor(ctx, t, l)
	if err != nil {
		return "", err
	}
	_, err = s.keep(ctx, t, l, at, func(ctx context.Context, c store.Connection) (store.Connection, error) {
		return s.Waiting.ApprovePending(ctx, p, c, by)
	})
	if err != nil {
		return "", err
	}
	if err := s.eraseCopy(ctx, pathOf(p.Connection)); err != nil {
		return "", err
	}
	s.tell(ctx, t, connectedText(t, l))
	return fmt.Sprintf("%s account %s is approved for %s.", p.Connection.Cloud, p.Connection.Account, s.nameOf(ctx, p)), nil
}

// leaveNothing says that a connection does not wait any more, once no copy of its credential is left: an approval may have
// been cut short before it came to that.
func (s *Server) leaveNothing(ctx context.Context, word bot.Word) error {
	path, ok := strings.CutPrefix(word.Token, "vault:")
	if ok && strings.HasSuffix(path, "/"+word.Pending) {
		if err := s.eraseCopy(ctx, path); err != nil {
			return err
		}
	}
	return fmt.Errorf("find a connection that waits: %w", store.ErrNotFound)
}

func (s *Server) eraseCopy(ctx context.Context, path string) error {
	if err := s.Keeper.Delete(ctx, path); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("erase the copy of a credential: %w", err)
	}
	return nil
}

// Withdraw erases what waits, at the word of whoever connected it. store.ErrNotFound when it does not wait any more,
// *bot.Later while somebody else's word is carried out.
func (s *Server) Withdraw(ctx context.Context, orgID, id string, by store.Person) (said string, err error) {
	done, err := s.alone(ctx, id)
	if err != nil {
		return "", err
	}
	defer done()
	p, err := s.Waiting.PendingConnection(ctx, orgID, id)
	if err != nil {
		return "", fmt.Errorf("find a connection that waits: %w", err)
	}
	left, err := s.drop(ctx, p, "withdrawn", by)
	if err != nil {
		return "", err
	}
	return erasedText(p, "withdrawn", left), nil
}

// expel erases what waits and tells whoever connected it.
func (s *Server) expel(ctx context.Context, p store.PendingConnection, state string, by store.Person) (said string, err error) {
	left, err := s.drop(ctx, p, state, by)
	if err != nil {
		return "", err
	}
	s.tell(ctx, ticketOf(p), fmt.Sprintf("%s account %s was not approved (%s), so its credential is erased. %s", p.Connection.Cloud, p.Connection.Account, state, left))
	return erasedText(p, state, left), nil
}

func erasedText(p store.PendingConnection, state, left string) string {
	return strings.TrimSpace(fmt.Sprintf("%s account %s is %s, and its credential is erased. %s", p.Connection.Cloud, p.Connection.Account, state, left))
}

// drop revokes and erases what waits, and says what is left to do at the cloud.
func (s *Server) drop(ctx context.Context, p store.PendingConnection, state string, by store.Person) (left string, err error) {
	left, err = s.Forget(ctx, p.Connection)
	if err != nil {
		return "", fmt.Errorf("erase a credential that waited: %w", err)
	}
	if err := s.Waiting.EndPending(ctx, p, state, by); err != nil {
		return "", fmt.Errorf("note that a connection is %s: %w", state, err)
	}
	return left, nil
}

// DropDue erases what has waited for too long.
func (s *Server) DropDue(ctx context.Context) error {
	due, err := s.Waiting.DuePending(ctx)
	if err != nil {
		return fmt.Errorf("list connections that waited too long: %w", err)
	}
	for _, p := range due {
		err = errors.Join(err, s.expire(ctx, p))
	}
	return err
}

// expire passes over what another replica, or an admin's word, is at or was faster with.
func (s *Server) expire(ctx context.Context, p store.PendingConnection) error {
	done, err := s.alone(ctx, p.ID)
	if _, busy := errors.AsType[*bot.Later](err); busy {
		return nil
	}
	if err != nil {
		return err
	}
	defer done()
	if p, err = s.Waiting.PendingConnection(ctx, p.Connection.OrgID, p.ID); err == nil {
		_, err = s.expel(ctx, p, "expired", store.Person{})
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func pathOf(c store.Connection) string { return strings.TrimPrefix(c.Token, "vault:") }

// ticketOf is the ticket that a connection that waits came of.
func ticketOf(p store.PendingConnection) bot.ConnectTicket {
	c := p.Connection
	return bot.ConnectTicket{Purpose: bot.PurposeConnect, Cloud: c.Cloud, OrgID: c.OrgID, UserID: c.UserID, Person: p.Person, Place: p.Place, Shared: p.OfOrganisation()}
}

// linkedOf is what its cloud accepted then.
func linkedOf(p store.PendingConnection, cred store.Credential) Linked {
	c := p.Connection
	return Linked{Account: c.Account, Label: c.Label, Region: c.Region, Projects: c.Projects, Settings: c.Settings, ReadOnly: c.ReadOnly,
		Credential: cred, Merge: cred.Get("subject") != ""}
}
