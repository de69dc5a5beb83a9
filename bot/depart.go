package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	switch {
	case profile.Kind == Unknown, profile.Kind == Member && time.Since(row.At) < doubtful:
		return errDoubtful
	case profile.Kind == Member: // he was back before this was worked on
		return d.settle(ctx, claim, row)
	}
	if err := d.disarm(ctx, user); err != nil {
		return err
	}
	left, mine, err := d.eraseAll(ctx, user)
	if err != nil {
		return err
	}
	posts, err := d.tellOfDeparture(ctx, row, user, profile, mine, left)
	if err != nil {
		return err
	}
	if len(posts) > 0 { // before the rows go: from them it is known what there was
		if err := d.Outbox.AddPosts(ctx, claim, posts); err != nil {
			return fmt.Errorf("tell the admins: %w", err)
		}
	}
	for _, c := range mine {
		if _, err := d.Connections.Disconnect(ctx, c, store.Person{}); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("drop a connection of who left: %w", err)
		}
	}
	return d.settle(ctx, claim, row)
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

// eraseAll destroys the credentials of a user, revoked at their clouds where that can be done, and says what is left to do.
// The connections' rows stay for now.
func (d *Desk) eraseAll(ctx context.Context, user store.User) (left []string, mine []store.Connection, err error) {
	mine, err = d.Connections.Connections(ctx, user.OrgID, user.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("list the connections of who left: %w", err)
	}
	mine = slices.DeleteFunc(mine, func(c store.Connection) bool { return c.UserID != user.ID })
	for _, c := range mine {
		said, err := d.Settings.Forget(ctx, c)
		if err != nil {
			return nil, nil, fmt.Errorf("erase a credential of who left: %w", err)
		}
		left = append(left, strings.TrimSpace(fmt.Sprintf("%s %s: %s", c.Cloud, label(c), said)))
	}
	pending, err := d.Belongings.PendingOf(ctx, user.OrgID, user.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("list what waits of who left: %w", err)
	}
	for _, p := range pending {
		said, err := d.Settings.Forget(ctx, p.Connection)
		if err != nil {
			return nil, nil, fmt.Errorf("erase a credential that waited: %w", err)
		}
		if err := d.Belongings.EndPending(ctx, p, "left", store.Person{}); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, nil, fmt.Errorf("drop what waited of who left: %w", err)
		}
		left = append(left, strings.TrimSpace(fmt.Sprintf("%s %s, which waited for an admin: %s", p.Connection.Cloud, label(p.Connection), said)))
	}
	return left, mine, nil
}

func label(c store.Connection) string {
	if c.Label != "" {
		return c.Label
	}
	return c.Account
}

// tellOfDeparture writes to each admin, in his direct messages, what was taken away and what is left to do by hand. Nobody
// is written to about somebody who had nothing.
func (d *Desk) tellOfDeparture(ctx context.Context, row store.Received, user store.User, profile Profile, mine []store.Connection, left []string) ([]store.Post, error) {
	if !user.Active && len(left) == 0 { // told before, by the event or the reconcile
		return nil, nil
	}
	if err := d.Audit.Audit(ctx, store.AuditEntry{Kind: store.AuditDeparture, OrgID: user.OrgID, UserID: user.ID, Person: row.Person.String(),
		Subject: user.ID, Detail: detail(map[string]any{"connections": len(mine), "left": left})}); err != nil {
		return nil, fmt.Errorf("note the departure: %w", err)
	}
	if len(left) == 0 {
		return nil, nil
	}
	admins, err := d.Belongings.Admins(ctx, user.OrgID)
	if err != nil {
		return nil, fmt.Errorf("find the admins: %w", err)
	}
	m := Message{Text: fmt.Sprintf("%s (%s) was deactivated. Everything that ran for them was stopped, what waited for a click is void, their browsers are signed out, and these credentials are erased:\n- %s",
		visible(profile.Name), row.Person.ID, strings.Join(left, "\n- "))}
	var posts []store.Post
	for i, admin := range admins {
		if admin.Platform != row.Person.Platform || admin == row.Person {
			continue
		}
		place := store.Place{Platform: admin.Platform, Team: row.Place.Team}
		posts = append(posts, whisperTo(rowTurn(row), partNotices+i, place, admin, outgoing{Message: m}))
	}
	return posts, nil
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
}

// Reconciler looks up everybody whom Aurora knows, once an hour, for departures whose event was lost. One replica of all
// does it at a time; two that do, do no harm.
type Reconciler struct {
	Desk   *Desk
	Leases Leases
	Log    zerolog.Logger
}

const (
	reconcileEvery = time.Hour
	reconcilePace  = time.Second // between two people: platforms take about a hundred such questions a minute
)

// Run reconciles until ctx ends.
func (r *Reconciler) Run(ctx context.Context) error {
	for {
		if _, err := r.Leases.TakeLease(ctx, "reconcile", reconcileEvery-reconcileEvery/20); err == nil {
			r.Once(ctx, reconcilePace)
		}
		if !pause(ctx, reconcileEvery) {
			return nil
		}
	}
}

// Once looks everybody up, pace apart.
func (r *Reconciler) Once(ctx context.Context, pace time.Duration) {
	people, err := r.Desk.Departures.ActivePersons(ctx)
	if err != nil {
		r.Log.Warn().Err(err).Msg("reconcile: list people")
		return
	}
	for _, p := range people {
		if !pause(ctx, pace) {
			return
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
		if profile.Kind != Deactivated {
			continue
		}
		key := fmt.Sprintf("left:%s:%d", p, time.Now().Unix()/int64(reconcileEvery.Seconds()))
		if err := r.Desk.Departed(ctx, key, p, store.Place{Platform: p.Platform}, "reconcile"); err != nil {
			r.Log.Warn().Err(err).Msg("reconcile: somebody left")
		}
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
