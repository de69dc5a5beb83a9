package main

import (
	"context"
	dbsql "database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"aurora/bot"
	"aurora/store"
)

// By these names they can be embedded: a field would hide the method that is called as its type.
type (
	links = bot.Connections
	box   = bot.Outbox
)

// cutter fails one call among all that a departure makes, as a process that is killed there would not have made it, nor any
// behind it.
type cutter struct {
	bot.Departures
	bot.Belongings
	bot.Sessions
	links
	box
	bot.Rows
	at, made int
	ended    int // sessions
	forgot   func(ctx context.Context, c store.Connection) (string, error)
}

var errCut = errors.Join(errors.New("cut off here"), store.ErrUnavailable)

func (c *cutter) step() error {
	if c.made++; c.made == c.at {
		return errCut
	}
	return nil
}

func (c *cutter) Depart(ctx context.Context, orgID, userID string, by store.Person) error {
	return errors.Join(c.step(), c.Departures.Depart(ctx, orgID, userID, by), c.step())
}

func (c *cutter) OpenTurns(ctx context.Context, orgID, userID string) ([]store.Turn, error) {
	turns, err := c.Departures.OpenTurns(ctx, orgID, userID)
	return turns, errors.Join(c.step(), err)
}

func (c *cutter) EndSessions(context.Context, string) error {
	c.ended++
	return c.step()
}

func (c *cutter) forget(ctx context.Context, conn store.Connection) (string, error) {
	if err := c.step(); err != nil {
		return "", err
	}
	said, err := c.forgot(ctx, conn)
	return said, errors.Join(err, c.step())
}

func (c *cutter) AddPosts(ctx context.Context, claim store.Claim, posts []store.Post) error {
	return errors.Join(c.step(), c.box.AddPosts(ctx, claim, posts), c.step())
}

func (c *cutter) Disconnect(ctx context.Context, conn store.Connection, by store.Person) (store.Connection, error) {
	if err := c.step(); err != nil {
		return store.Connection{}, err
	}
	gone, err := c.links.Disconnect(ctx, conn, by)
	return gone, errors.Join(err, c.step())
}

func (c *cutter) Settle(ctx context.Context, claim store.Claim, inboxID int64, posts []store.Post) error {
	return errors.Join(c.step(), c.Rows.Settle(ctx, claim, inboxID, posts))
}

// cut puts the cutter between the desk and its stores.
func (s *stage) cut(at int) *cutter {
	c := &cutter{Departures: s.stores.sql, Belongings: s.stores.sql, links: s.stores.sql, box: s.stores.sql, Rows: s.stores.sql, at: at}
	c.forgot = func(ctx context.Context, conn store.Connection) (string, error) {
		err := s.stores.keeper.Delete(ctx, strings.TrimPrefix(conn.Token, "vault:"))
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return "Delete the role in AWS.", err
	}
	d := s.desk
	d.Departures, d.Belongings, d.Sessions, d.Connections, d.Outbox, d.Rows, d.Settings.Forget = c, c, c, c, c, c, c.forget
	return c
}

// workOn works until nothing is open, as many processes would of which each is cut off at an error.
func (s *stage) workOn() {
	s.t.Helper()
	ctx := zerolog.Nop().WithContext(s.t.Context())
	for range 50 {
		claim, err := s.stores.sql.Claim(ctx, "stage")
		if errors.Is(err, store.ErrNotFound) {
			return
		}
		s.must(err)
		if err := s.desk.Work(ctx, claim); err != nil && !errors.Is(err, errCut) {
			s.t.Fatal(err)
		}
		s.must(s.stores.sql.Release(ctx, claim))
	}
	s.t.Fatal("it never ends")
}

// Whatever step of a departure a process dies at, the next one finishes it: nothing of his is left, and each admin hears of
// it once.
func TestADepartureIsFinishedWhereverItIsCutOff(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		s := newStage(t, stageOptions{redisURL: "redis://" + miniredis.RunT(t).Addr() + "/0"})
		one := s.connect("ada", store.Connection{Cloud: store.AWS, Account: "111122223333"}, "secret-1")
		two := s.connect("ada", store.Connection{Cloud: store.GCP, Account: "ada@example.com"}, "secret-2")
		bens := s.connect("ben", store.Connection{Cloud: store.AWS, Account: "444455556666"}, "secret-3")
		shared := s.connect("", store.Connection{Cloud: store.AWS, Account: "777788889999"}, "secret-4")
		s.must(s.stores.sql.Grant(t.Context(), s.org.ID, store.Grant{ConnectionID: shared.ID, UserID: s.users["ada"].ID, MaxEffect: "write"}, person("chloe")))
		s.room.deactivate("ada", true)
		c := s.cut(at)
		for _, key := range []string{"ev:1", "left:1"} { // the event, and the reconcile that saw it, too
			s.must(s.desk.Departed(t.Context(), key, person("ada"), store.Place{Platform: store.Slack, Team: stageTeam}, "event"))
		}
		s.workOn()
		s.gone("ada", shared, one, two)
		if _, _, err := s.stores.keeper.Get(t.Context(), strings.TrimPrefix(bens.Token, "vault:")); err != nil {
			t.Errorf("cut at %d: ben's credential: %v", at, err)
		}
		heard := map[string]int{}
		for _, u := range s.room.heard() {
			for line := range strings.Lines(u.message.Text) {
				if strings.Contains(line, "Delete the role in AWS.") {
					heard[u.to+" of "+strings.Fields(line)[1]]++
				}
			}
		}
		if diff := cmp.Diff(map[string]int{"chloe of aws": 1, "chloe of gcp": 1}, heard); diff != "" {
			t.Errorf("cut at %d: told %s", at, diff)
		}
		if t.Failed() || c.made < at {
			if at < 12 {
				t.Errorf("only %d steps were cut", at)
			}
			return
		}
	}
}

// gone makes sure that somebody has nothing any more.
func (s *stage) gone(who string, shared store.Connection, were ...store.Connection) {
	s.t.Helper()
	ctx, db := s.t.Context(), s.stores.sql
	user, err := db.UserByID(ctx, s.org.ID, s.users[who].ID)
	s.must(err)
	conns, err := db.Connections(ctx, s.org.ID, user.ID)
	s.must(err)
	grants, err := db.Grants(ctx, s.org.ID, shared.ID)
	s.must(err)
	if user.Active || user.Role != store.Viewer || len(conns) != 0 || len(grants) != 0 {
		s.t.Errorf("%+v has %v and %v", user, conns, grants)
	}
	for _, c := range were {
		if _, _, err := s.stores.keeper.Get(ctx, strings.TrimPrefix(c.Token, "vault:")); !errors.Is(err, store.ErrNotFound) {
			s.t.Errorf("the credential of %s: %v", c.Account, err)
		}
	}
}

func TestALostDepartureIsFoundWithinTheHour(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{redisURL: "redis://" + miniredis.RunT(t).Addr() + "/0"})
	one := s.connect("ada", store.Connection{Cloud: store.AWS, Account: "111122223333"}, "secret-1")
	shared := s.connect("", store.Connection{Cloud: store.AWS, Account: "777788889999"}, "secret-4")
	s.cut(0)
	recon := &bot.Reconciler{Desk: s.desk, Leases: s.stores.redis, Log: zerolog.Nop()}
	s.must(recon.Once(t.Context(), 0))
	s.workOn()
	if conns, err := s.stores.sql.Connections(t.Context(), s.org.ID, s.users["ada"].ID); err != nil || len(conns) != 1 {
		t.Fatalf("everybody is there, and %v, %v", conns, err)
	}
	s.room.deactivate("ada", true)
	s.must(recon.Once(t.Context(), 0))
	s.must(recon.Once(t.Context(), 0))
	s.workOn()
	s.gone("ada", shared, one)

	// Back within the hour she is still switched off: the platform's word may be older than her leaving.
	s.room.deactivate("ada", false)
	s.cut(0)
	s.say(person("ada"), inHouse, "", "whoami")
	if text := s.text(); !strings.Contains(text, "switched off") {
		t.Errorf("she hears %q", text)
	}
	s.longAgo(`UPDATE users SET left_at = '2026-01-01 00:00:00.000' WHERE left_at IS NOT NULL`)
	s.say(person("ada"), inHouse, "", "whoami")
	if text := s.text(); !strings.Contains(text, "with the role viewer") {
		t.Errorf("she hears %q", text)
	}
	if conns, err := s.stores.sql.Connections(t.Context(), s.org.ID, s.users["ada"].ID); err != nil || len(conns) != 0 {
		t.Errorf("back she has %v, %v", conns, err)
	}
}

// One credential that cannot be erased keeps neither the others nor itself: the event is tried for as long as it takes, and
// what is left of a departure nobody works on any more is found within the hour, also when its person is back.
func TestADepartureIsNeverGivenUp(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{redisURL: "redis://" + miniredis.RunT(t).Addr() + "/0"})
	stuck := s.connect("ada", store.Connection{Cloud: store.AWS, Account: "111122223333"}, "secret-1")
	other := s.connect("ada", store.Connection{Cloud: store.GCP, Account: "ada@example.com"}, "secret-2")
	shared := s.connect("", store.Connection{Cloud: store.AWS, Account: "777788889999"}, "secret-4")
	s.room.deactivate("ada", true)
	c := s.cut(0)
	whole, refused := c.forgot, errors.New("the token of the vault has ended")
	c.forgot = func(ctx context.Context, conn store.Connection) (string, error) {
		if conn.ID == stuck.ID {
			return "", refused
		}
		return whole(ctx, conn)
	}
	s.must(s.desk.Departed(t.Context(), "ev:1", person("ada"), store.Place{Platform: store.Slack, Team: stageTeam}, "event"))
	ctx := zerolog.Nop().WithContext(t.Context())
	for range 30 { // more often than any other event is tried
		claim, err := s.stores.sql.Claim(ctx, "stage")
		s.must(err)
		if err := s.desk.Work(ctx, claim); !errors.Is(err, refused) {
			t.Fatalf("it was given up: %v", err)
		}
		s.must(s.stores.sql.Release(ctx, claim))
	}
	if _, _, err := s.stores.keeper.Get(ctx, strings.TrimPrefix(other.Token, "vault:")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the other credential: %v", err)
	}
	s.longAgo(`UPDATE inbox SET settled_at = '2026-01-01 00:00:00.000'`) // as if somebody had
	s.longAgo(`UPDATE users SET left_at = '2026-01-01 00:00:00.000' WHERE left_at IS NOT NULL`)
	s.room.deactivate("ada", false)
	c.forgot = whole
	recon := &bot.Reconciler{Desk: s.desk, Leases: s.stores.redis, Log: zerolog.Nop()}
	s.must(recon.Once(ctx, 0))
	s.workOn()
	s.gone("ada", shared, stuck, other)
}

// text is all that was said since it was last looked at.
func (s *stage) text() string {
	var b strings.Builder
	for _, u := range s.room.heard() {
		b.WriteString(u.message.Notice + u.message.Text + "\n")
	}
	return b.String()
}

// longAgo changes the database by hand.
func (s *stage) longAgo(query string) {
	s.t.Helper()
	raw, err := dbsql.Open("sqlite", "file:"+filepath.Join(s.dir, "aurora.db")+"?_pragma=busy_timeout(5000)")
	s.must(err)
	_, err = raw.ExecContext(s.t.Context(), query)
	s.must(errors.Join(err, raw.Close()))
}
