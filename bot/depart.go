package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// Departures keeps who has left, and what is still his.
type Departures interface {
	// Depart switches a user off and takes role and grants from him; doing it twice does no harm.
	Depart(ctx context.Context, orgID, userID string, by store.Person) error
	// Return switches a user on again who left a while ago, with the role of a first contact.
	Return(ctx context.Context, orgID, userID string, role store.Role, by store.Person) (returned bool, err error)
	OpenTurns(ctx context.Context, orgID, userID string) ([]store.Turn, error)
	ActivePersons(ctx context.Context) ([]store.Person, error)
	// LeftPersons lists the people who have left, of whom something may still be there.
	LeftPersons(ctx context.Context) ([]store.Person, error)
}

// Belongings are what else a user who leaves has, besides connections.
type Belongings interface {
	Admins(ctx context.Context, orgID string) ([]store.Person, error)
	PendingOf(ctx context.Context, orgID, userID string) ([]store.PendingConnection, error)
	EndPending(ctx context.Context, p store.PendingConnection, state string, by store.Person) error
}

// Sessions ends what somebody is signed in to in browsers.
type Sessions interface {
	EndSessions(ctx context.Context, userID string) error
}

// DeparturePayload is what is said with the news that somebody left.
type DeparturePayload struct {
	Source string `json:"source"` // who noticed: "event" or "reconcile"
}

// doubtful is how long a platform that says both yes and no is asked again.
const doubtful = time.Minute

// errDoubtful says that the platform told of a departure and its directory does not know of it yet.
var errDoubtful = &Later{After: 5 * time.Second}

// departed takes everything from a person who left: what runs, what waits for a click, browsers, credentials, rows. The
// event stays in the inbox until all of it is done and the admins' messages are in the outbox; each step may be done twice.
func (d *Desk) departed(ctx context.Context, claim store.Claim, row store.Received) error {
	user, err := d.Users.Person(ctx, row.Person)
	if errors.Is(err, store.ErrNotFound) {
		return d.settle(ctx, claim, row)
	}
	if err != nil {
		return fmt.Errorf("find who left: %w", err)
	}
	profile, err := d.Chats[row.Place.Platform].Directory.Profile(ctx, row.Place.Team, row.Person)
	if err != nil {
		return fmt.Errorf("look up who left: %w", err)
	}
	back := profile.Kind == Member && user.Active // of who was switched off all goes, though he be back by now
	switch {
	case profile.Kind == Unknown, back && time.Since(row.At) < doubtful:
		return errDoubtful
	case back:
		return d.settle(ctx, claim, row)
	}
	if err := d.disarm(ctx, user); err != nil {
		return err
	}
	gone, trouble := d.eraseAll(ctx, user)
	if err := d.concludeDeparture(ctx, claim, row, user, profile, gone); err != nil {
		return err
	}
	if trouble != nil { // what could be erased is told and gone; the event stays for the rest
		return trouble
	}
	return d.settle(ctx, claim, row)
}

// erased is a connection whose credential is destroyed, and what is left to do about it.
type erased struct {
	connection store.Connection
	waiting    *store.PendingConnection // it waited for an admin
	left       string
}

func (e erased) id() string {
	if e.waiting != nil {
		return e.waiting.ID
	}
	return e.connection.ID
}

// concludeDeparture tells the admins what was erased, and then drops its rows: from them it is known what there was.
func (d *Desk) concludeDeparture(ctx context.Context, claim store.Claim, row store.Received, user store.User, profile Profile, gone []erased) error {
	posts, err := d.tellOfDeparture(ctx, row, user, profile, gone)
	if err != nil {
		return err
	}
	if len(posts) > 0 {
		if err := d.Outbox.AddPosts(ctx, claim, posts); err != nil {
			return fmt.Errorf("tell the admins: %w", err)
		}
	}
	for _, e := range gone {
		if err := d.dropErased(ctx, e); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("drop a connection of who left: %w", err)
		}
	}
	return nil
}

func (d *Desk) dropErased(ctx context.Context, e erased) error {
	if e.waiting != nil {
		return d.Belongings.EndPending(ctx, *e.waiting, "left", store.Person{})
	}
	_, err := d.Connections.Disconnect(ctx, e.connection, store.Person{})
	return err
}

// disarm lets nothing of a user's start any more, ends what runs and voids what waits.
func (d *Desk) disarm(ctx context.Context, user store.User) error {
	if err := d.Departures.Depart(ctx, user.OrgID, user.ID, store.Person{}); err != nil {
		return fmt.Errorf("switch off who left: %w", err)
	}
	turns, err := d.Departures.OpenTurns(ctx, user.OrgID, user.ID)
	if err != nil {
		return fmt.Errorf("list the turns of who left: %w", err)
	}
	ids := make([]string, len(turns))
	for i, t := range turns {
		ids[i] = t.ID
	}
	if err := d.Stopper.RequestStop(ctx, ids, store.Person{}); err != nil {
		return fmt.Errorf("stop the turns of who left: %w", err)
	}
	for _, id := range ids {
		d.voidCards(ctx, id)
	}
	if d.Sessions == nil {
		return nil
	}
	if err := d.Sessions.EndSessions(ctx, user.ID); err != nil {
		return fmt.Errorf("end the sessions of who left: %w", err)
	}
	return nil
}

// eraseAll destroys the credentials of a user, revoked at their clouds where that can be done. One that cannot be erased
// now keeps none of the others: err tells of it, and gone of those. The rows stay for now.
func (d *Desk) eraseAll(ctx context.Context, user store.User) (gone []erased, err error) {
	all, err := d.belongings(ctx, user)
	if err != nil {
		return nil, err
	}
	var trouble []error
	for _, e := range all {
		said, err := d.Settings.Forget(ctx, e.connection)
		if err != nil {
			trouble = append(trouble, fmt.Errorf("erase a %s credential of who left: %w", e.connection.Cloud, err))
			continue
		}
		waited := ""
		if e.waiting != nil {
			waited = ", which waited for an admin"
		}
		e.left = strings.TrimSpace(fmt.Sprintf("%s %s%s: %s", e.connection.Cloud, label(e.connection), waited, said))
		gone = append(gone, e)
	}
	return gone, errors.Join(trouble...)
}

// belongings lists what a user owns, and what waits for an admin.
func (d *Desk) belongings(ctx context.Context, user store.User) (all []erased, err error) {
	connections, err := d.Connections.Connections(ctx, user.OrgID, user.ID)
	if err != nil {
		return nil, fmt.Errorf("list the connections of who left: %w", err)
	}
	for _, c := range connections {
		if c.UserID == user.ID {
			all = append(all, erased{connection: c})
		}
	}
	pending, err := d.Belongings.PendingOf(ctx, user.OrgID, user.ID)
	if err != nil {
		return nil, fmt.Errorf("list what waits of who left: %w", err)
	}
	for _, p := range pending {
		all = append(all, erased{connection: p.Connection, waiting: &p})
	}
	return all, nil
}

func label(c store.Connection) string {
	if c.Label != "" {
		return c.Label
	}
	return c.Account
}

// tellOfDeparture writes to each admin, in his direct messages, what was taken away and what is left to do by hand: a message
// for each credential, since each may be erased in another try and shall be told of once. Nobody is written to about
// somebody who had nothing.
func (d *Desk) tellOfDeparture(ctx context.Context, row store.Received, user store.User, profile Profile, gone []erased) ([]store.Post, error) {
	if !user.Active && len(gone) == 0 { // told before, by the event or the reconcile
		return nil, nil
	}
	var left []string
	for _, e := range gone {
		left = append(left, e.left)
	}
	if err := d.Audit.Audit(ctx, store.AuditEntry{Kind: store.AuditDeparture, OrgID: user.OrgID, UserID: user.ID, Person: row.Person.String(),
		Subject: user.ID, Detail: detail(map[string]any{"connections": len(gone), "left": left})}); err != nil {
		return nil, fmt.Errorf("note the departure: %w", err)
	}
	if len(gone) == 0 {
		return nil, nil
	}
	admins, err := d.adminsOf(ctx, user.OrgID)
	if err != nil {
		return nil, err
	}
	var posts []store.Post
	for _, e := range gone {
		m := Message{Text: fmt.Sprintf("%s (%s) was deactivated. What ran for them was stopped, what waited for a click is void, their browsers are signed out, and this credential is erased:\n- %s",
			visible(profile.Name), row.Person.ID, e.left)}
		for i, admin := range admins {
			if admin.Platform == row.Person.Platform && admin != row.Person {
				place := store.Place{Platform: admin.Platform, Team: row.Place.Team}
				posts = append(posts, whisperTo(rowTurn(row)+":"+e.id(), partNotices+i, place, admin, outgoing{Message: m}))
			}
		}
	}
	return posts, nil
}

// adminsOf are the admins of an organisation: those in the database, and those whom the settings name and who were perhaps
// never seen yet.
func (d *Desk) adminsOf(ctx context.Context, orgID string) ([]store.Person, error) {
	admins, err := d.Belongings.Admins(ctx, orgID)
	if err != nil {
		return nil, fmt.Errorf("find the admins: %w", err)
	}
	var named []store.Person
	for p := range d.Settings.Admins {
		org, err := d.Users.EnsureOrganisation(ctx, p.Platform, p.Team, "")
		if err != nil {
			return nil, fmt.Errorf("find the organisation of an admin: %w", err)
		}
		if org.ID == orgID && !slices.Contains(admins, p) {
			named = append(named, p)
		}
	}
	slices.SortFunc(named, func(a, b store.Person) int { return strings.Compare(a.String(), b.String()) })
	return append(admins, named...), nil
}

// Departed makes the news durable that a person left. It is called for people nobody knows, too.
func (d *Desk) Departed(ctx context.Context, key string, p store.Person, place store.Place, source string) error {
	raw, err := json.Marshal(DeparturePayload{Source: source})
	if err != nil {
		return fmt.Errorf("note that somebody left: %w", err)
	}
	_, err = d.Inbox.Receive(ctx, store.Event{Key: key, Kind: store.EventDeparted, Thread: "person:" + p.String(), Person: p, Place: place, Payload: raw, At: time.Now()})
	if err != nil {
		return fmt.Errorf("note that somebody left: %w", err)
	}
	return nil
}

// Leases gives one process of all the right to do something for a while.
type Leases interface {
	TakeLease(ctx context.Context, name string, ttl time.Duration) (token string, err error)
	GiveLease(ctx context.Context, name, token string) error
}

// Reconciler looks up everybody whom Aurora knows, once an hour, for departures whose event was lost, and takes up those
// that were not finished. One replica of all does it at a time; two that do, do no harm.
type Reconciler struct {
	Desk   *Desk
	Leases Leases
	Log    zerolog.Logger
}

const (
	reconcileEvery = time.Hour
	reconcileAgain = time.Minute // after an error
	reconcilePace  = time.Second // between two people: platforms take about a hundred such questions a minute
	reconcileLease = "reconcile"
)

// Run reconciles until ctx ends.
func (r *Reconciler) Run(ctx context.Context) error {
	for {
		if !pause(ctx, r.turn(ctx)) {
			return nil
		}
	}
}

// turn reconciles if no other replica has done so within the hour, and tells how long to wait. Who cannot finish gives the
// lease back, so that another does.
func (r *Reconciler) turn(ctx context.Context) time.Duration {
	token, err := r.Leases.TakeLease(ctx, reconcileLease, reconcileEvery-reconcileEvery/20)
	if errors.Is(err, store.ErrConflict) {
		return reconcileEvery
	}
	if err == nil {
		if err = r.Once(ctx, reconcilePace); err == nil {
			return reconcileEvery
		}
		if err := r.Leases.GiveLease(context.WithoutCancel(ctx), reconcileLease, token); err != nil {
			r.Log.Warn().Err(err).Msg("reconcile: give the lease back")
		}
	}
	if ctx.Err() == nil {
		r.Log.Warn().Err(err).Msg("reconcile")
	}
	return reconcileAgain
}

// Once looks everybody up, pace apart. In no order: of a look that is always cut short nobody shall always be the end.
func (r *Reconciler) Once(ctx context.Context, pace time.Duration) error {
	if err := r.unfinished(ctx); err != nil {
		return err
	}
	people, err := r.Desk.Departures.ActivePersons(ctx)
	if err != nil {
		return fmt.Errorf("list people: %w", err)
	}
	rand.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	for _, p := range people {
		if !pause(ctx, pace) {
			return ctx.Err() //nolint:wrapcheck // nothing went wrong
		}
		chat, ok := r.Desk.Chats[p.Platform]
		if !ok {
			continue
		}
		profile, err := chat.Directory.Profile(ctx, "", p)
		if err != nil {
			r.Log.Info().Err(err).Msg("reconcile: look somebody up")
			continue
		}
		if profile.Kind == Deactivated {
			r.leave(ctx, p)
		}
	}
	return nil
}

// unfinished takes up the departures after which something is still there.
func (r *Reconciler) unfinished(ctx context.Context) error {
	people, err := r.Desk.Departures.LeftPersons(ctx)
	if err != nil {
		return fmt.Errorf("list who has left: %w", err)
	}
	for _, p := range people {
		user, err := r.Desk.Users.Person(ctx, p)
		if err != nil {
			return fmt.Errorf("find who left: %w", err)
		}
		left, err := r.Desk.belongings(ctx, user)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			r.leave(ctx, p)
		}
	}
	return nil
}

func (r *Reconciler) leave(ctx context.Context, p store.Person) {
	key := fmt.Sprintf("left:%s:%d", p, time.Now().Unix()/int64(reconcileEvery.Seconds()))
	if err := r.Desk.Departed(ctx, key, p, store.Place{Platform: p.Platform}, "reconcile"); err != nil {
		r.Log.Warn().Err(err).Msg("reconcile: somebody left")
	}
}

// pause waits; false when ctx ended.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
