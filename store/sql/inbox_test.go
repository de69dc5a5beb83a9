package sql_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"aurora/store"
	"aurora/store/sql"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestATryIsNotedOnAnOpenRow(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada))
		c := claim(t, db, "r1")
		id := pending(t, db, c)[0].ID
		must(t, db.NoteTry(t.Context(), c, id, []byte(`{"tried":true}`)))
		if row := pending(t, db, c)[0]; string(row.Payload) != `{"tried":true}` {
			t.Errorf("the payload is %s", row.Payload)
		}
		other := c
		other.Fence--
		want(t, db.NoteTry(t.Context(), other, id, []byte(`{}`)), store.ErrFenced)
		must(t, db.Settle(t.Context(), c, id, nil))
		want(t, db.NoteTry(t.Context(), c, id, []byte(`{}`)), store.ErrNotFound)
	})
}

func TestReceiveKeepsOneOfManyDeliveries(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		for name, change := range map[string]func(*store.Event, int){
			"by key":         func(*store.Event, int) {},
			"by message key": func(ev *store.Event, i int) { ev.Key += "/" + string(rune('a'+i)) },
		} {
			var fresh atomic.Int32
			for _, err := range race(32, func(i int) error {
				ev := event(name, "thread", ada)
				ev.MessageKey = "msg:" + name
				change(&ev, i)
				ok, err := db.Receive(t.Context(), ev)
				if ok {
					fresh.Add(1)
				}
				return err
			}) {
				must(t, err)
			}
			if fresh.Load() != 1 {
				t.Errorf("%s: %d of 32 deliveries were taken as fresh, want 1", name, fresh.Load())
			}
		}
		if rows := pending(t, db, claim(t, db, "r1")); len(rows) != 2 {
			t.Errorf("the inbox holds %d rows, want 2", len(rows))
		}
	})
}

func TestReceiveGivesBackWhatCame(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		in := event("k1", "thread", ada)
		in.MessageKey = "m1"
		in.Place.Whisper = "U1"
		receive(t, db, in)
		got := pending(t, db, claim(t, db, "r1"))[0].Event
		if diff := cmp.Diff(in, got, cmpopts.IgnoreFields(store.Event{}, "At")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestReceiveTakesBrokenText(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		in := event("k1", "thread", ada)
		in.Text = "a\x00b\xff" + strings.Repeat("é", 40000)
		in.Payload = nil
		receive(t, db, in)
		got := pending(t, db, claim(t, db, "r1"))[0]
		if want := "a\uFFFDb\uFFFD" + strings.Repeat("é", 40000); got.Text != want {
			t.Errorf("the text came back as %.20q", got.Text)
		}
		in = event("k2", "thread", ada)
		in.Payload = []byte(`{"half":`)
		if _, err := db.Receive(t.Context(), in); err == nil {
			t.Error("a payload that is not JSON was taken")
		}
		if _, err := db.Receive(t.Context(), store.Event{Key: "k3", Kind: store.EventMention}); err == nil {
			t.Error("a mention without a thread was taken")
		}
	})
}

func TestClickWaitsForNoThread(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada))
		claim(t, db, "r1")
		click := event("act:1", "", ada)
		click.Kind = store.EventClick
		receive(t, db, click)
		c := claim(t, db, "r2")
		if rows := pending(t, db, c); c.Thread != "act:1" || len(rows) != 1 {
			t.Errorf("claimed %v with %d rows, want the click", c, len(rows))
		}
	})
}

func TestSettleErasesAndPostsOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada), event("k2", "other", ada))
		c := claim(t, db, "r1")
		row := pending(t, db, c)[0]
		post := store.Post{Kind: store.PostMessage, Body: []byte(`{"notice":"hello"}`)}
		for range 2 {
			must(t, db.Settle(t.Context(), c, row.ID, []store.Post{post}))
		}
		if post.Turn != "" {
			t.Error("Settle wrote into the caller's posts")
		}
		if left := pending(t, db, c); len(left) != 0 {
			t.Errorf("%d rows are still pending", len(left))
		}
		if text := e.text(t, `SELECT text || coalesce(CAST(payload AS text), '') FROM inbox WHERE id = $1`, row.ID); text != "" {
			t.Errorf("the settled row still says %q", text)
		}
		posts, err := db.Outbox(t.Context(), c)
		must(t, err)
		if len(posts) != 1 || !strings.HasPrefix(posts[0].Turn, "inbox_") {
			t.Errorf("the outbox holds %+v, want one post of the row", posts)
		}
		other := claim(t, db, "r1")
		want(t, db.Settle(t.Context(), other, row.ID, nil), store.ErrConflict)
	})
}

func TestContinueTurnIsAllOrNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		click := event("act:1", "", ada)
		click.Kind = store.EventClick
		receive(t, db, click)
		c := claim(t, db, "r1")
		row := pending(t, db, c)[0]
		goOn := event("cont:conf_1", "thread", ada)
		goOn.Kind = store.EventContinuation
		bad := []store.Post{{Turn: "turn_1", Body: []byte(`{`)}}
		if err := db.ContinueTurn(t.Context(), c, row.ID, goOn, bad); err == nil {
			t.Fatal("a post whose body is not JSON was taken")
		}
		if len(pending(t, db, c)) != 1 || e.text(t, `SELECT count(*) FROM inbox`) != "1" {
			t.Fatal("a failed ContinueTurn left something behind")
		}
		for range 2 {
			must(t, db.ContinueTurn(t.Context(), c, row.ID, goOn, []store.Post{{Turn: "turn_1", Part: 1, Body: []byte(`{}`)}}))
		}
		must(t, db.Release(t.Context(), c)) // its post is not sent: the click's thread stays due, behind the other
		next := claim(t, db, "r1")
		if rows := pending(t, db, next); next.Thread != "thread" || len(rows) != 1 || rows[0].Kind != store.EventContinuation {
			t.Errorf("claimed %v with %+v, want the continuation", next, rows)
		}
	})
}

// Events that are committed together share nothing but the journey: repeats are found, one that the database refuses
// fails alone, and order within a thread stays.
func TestEventsCommittedTogetherStandAlone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		refuse := `ALTER TABLE inbox ADD CHECK (text <> 'bad')`
		if e.name == "sqlite" {
			refuse = `CREATE TRIGGER refuse BEFORE INSERT ON inbox WHEN NEW.text = 'bad' BEGIN SELECT raise(ABORT, 'refused'); END`
		}
		e.exec(t, refuse)
		var fresh, bad atomic.Int32
		for i, err := range race(200, func(i int) error {
			ev := event(name(i/2), "thread "+name(i%7), ada) // each key twice, in different threads
			ev.Payload = nil
			if i < 4 {
				ev.Text = "bad"
			}
			ok, err := db.Receive(t.Context(), ev)
			if ok {
				fresh.Add(1)
			}
			return err
		}) {
			switch {
			case i < 4 && err != nil:
				bad.Add(1)
			case err != nil:
				t.Errorf("event %d: %v", i, err)
			}
		}
		if fresh.Load() != 98 || bad.Load() != 4 {
			t.Errorf("%d were fresh and %d refused, want 98 and 4", fresh.Load(), bad.Load())
		}
		if n := e.text(t, `SELECT count(*) FROM inbox`); n != "98" {
			t.Errorf("the inbox holds %s rows, want 98", n)
		}
	})
}

func TestReceiveAfterCloseSaysSo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db, err := sql.Open(t.Context(), sql.Config{URL: e.url})
		must(t, err)
		must(t, db.Close())
		_, err = db.Receive(t.Context(), event("k1", "thread", ada))
		want(t, err, store.ErrUnavailable)
	})
}

func TestTriesAreCountedWhileARowIsOpen(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada))
		c := claim(t, db, "r1")
		row := pending(t, db, c)[0]
		for n := 1; n <= 3; n++ {
			if got, err := db.CountTry(t.Context(), c, row.ID); err != nil || got != n {
				t.Fatalf("try %d counts as %d, error %v", n, got, err)
			}
		}
		old := c
		old.Fence--
		_, err := db.CountTry(t.Context(), old, row.ID)
		want(t, err, store.ErrFenced)
		must(t, db.Settle(t.Context(), c, row.ID, nil))
		_, err = db.CountTry(t.Context(), c, row.ID)
		want(t, err, store.ErrNotFound)
	})
}
