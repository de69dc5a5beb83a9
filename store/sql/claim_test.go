package sql_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/sql"
)

func TestClaimGoesToOneReplica(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		replicas := []*sql.DB{e.open(t, "r0")}
		if e.name == "postgres" {
			replicas = append(replicas, e.open(t, "r1"))
		}
		const threads, claimers = 20, 16
		for i := range threads {
			receive(t, replicas[0], event(name(i), "thread "+name(i), ada))
		}
		var mu sync.Mutex
		got := map[string]int{}
		for _, err := range race(claimers, func(i int) error {
			for {
				c, err := replicas[i%len(replicas)].Claim(t.Context(), name(i))
				if errors.Is(err, store.ErrNotFound) {
					return nil
				}
				if err != nil {
					return err
				}
				mu.Lock()
				got[c.Thread]++
				mu.Unlock()
			}
		}) {
			must(t, err)
		}
		for thread, n := range got {
			if n != 1 {
				t.Errorf("%s was claimed %d times", thread, n)
			}
		}
		// A claimer that finds rows locked may end before others do; what it left is there for the next look.
		for len(got) < threads {
			c := claim(t, replicas[0], "late")
			if got[c.Thread]++; got[c.Thread] > 1 {
				t.Fatalf("%s was claimed again", c.Thread)
			}
		}
	})
}

func TestClaimTakesTheOldestFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "young", ada), event("k2", "old", ada))
		e.exec(t, `UPDATE threads SET due_at = `+e.past+` WHERE key = 'old'`)
		for _, thread := range []string{"old", "young"} {
			if c := claim(t, db, "r1"); c.Thread != thread {
				t.Errorf("claimed %s, want %s", c.Thread, thread)
			}
		}
		_, err := db.Claim(t.Context(), "r1")
		want(t, err, store.ErrNotFound)
	})
}

func TestExpiredLeaseIsTakenOverAndFencesTheOldHolder(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		old, turn := begin(t, db, org, user, "k1", "thread")
		must(t, db.AddPosts(t.Context(), old, []store.Post{{Turn: turn.ID, Part: 0}}))
		receive(t, db, event("k2", "thread", ada))
		if _, err := db.Claim(t.Context(), "r2"); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("a live lease was taken over: %v", err)
		}
		e.exec(t, `UPDATE threads SET lease_until = `+e.past)
		taken := claim(t, db, "r2")
		if taken.Fence != old.Fence+1 {
			t.Errorf("the fence went from %d to %d", old.Fence, taken.Fence)
		}
		for what, err := range everyWrite(t, db, old, turn) {
			if !errors.Is(err, store.ErrFenced) {
				t.Errorf("%s with an old claim: %v, want ErrFenced", what, err)
			}
		}
		if rows := pending(t, db, taken); len(rows) != 1 {
			t.Errorf("an old claim changed the inbox: %d rows pending, want 1", len(rows))
		}
		open, _, err := db.OpenTurn(t.Context(), taken)
		must(t, err)
		if open.ID != turn.ID {
			t.Errorf("the new holder finds %s, want %s", open.ID, turn.ID)
		}
	})
}

// everyWrite tries all that a worker does with its claim.
func everyWrite(t *testing.T, db *sql.DB, c store.Claim, turn store.Turn) map[string]error {
	ctx := t.Context()
	got := map[string]error{
		"Renew":        db.Renew(ctx, c),
		"Release":      db.Release(ctx, c),
		"Settle":       db.Settle(ctx, c, turn.InboxID, nil),
		"FinishTurn":   db.FinishTurn(ctx, c, turn.ID, store.TurnDone, nil),
		"ContinueTurn": db.ContinueTurn(ctx, c, turn.InboxID, event("k9", "thread", ada), nil),
		"SaveResult":   db.SaveResult(ctx, c, turn.ID, 1, "a", []byte(`{}`)),
		"AddPosts":     db.AddPosts(ctx, c, []store.Post{{Turn: turn.ID, Part: 7}}),
		"BeginSend":    db.BeginSend(ctx, c, 1),
		"Sent":         db.Sent(ctx, c, 1, "1.1"),
	}
	_, got["SaveReply"] = db.SaveReply(ctx, c, turn.ID, 1, []byte(`{}`), nil, nil)
	_, got["BeginTurn"] = db.BeginTurn(ctx, c, turn)
	_, _, got["OpenTurn"] = db.OpenTurn(ctx, c)
	_, got["Pending"] = db.Pending(ctx, c)
	_, got["Outbox"] = db.Outbox(ctx, c)
	return got
}

func TestReleasedClaimWritesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		c, turn := begin(t, db, org, user, "k1", "thread")
		must(t, db.Release(t.Context(), c))
		for what, err := range everyWrite(t, db, c, turn) {
			if !errors.Is(err, store.ErrFenced) {
				t.Errorf("%s after Release: %v, want ErrFenced", what, err)
			}
		}
	})
}

func TestReleaseLeavesOnlyOpenWorkDue(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		c, turn := begin(t, db, org, user, "k1", "thread")
		must(t, db.Release(t.Context(), c)) // the turn still runs
		c = claim(t, db, "r1")
		must(t, db.FinishTurn(t.Context(), c, turn.ID, store.TurnDone, []store.Post{{Turn: turn.ID, Part: 1}}))
		must(t, db.Release(t.Context(), c)) // the post is not sent
		c = claim(t, db, "r1")
		posts, err := db.Outbox(t.Context(), c)
		must(t, err)
		must(t, db.Sent(t.Context(), c, posts[0].ID, "1.1"))
		must(t, db.Release(t.Context(), c))
		_, err = db.Claim(t.Context(), "r1")
		want(t, err, store.ErrNotFound)
		receive(t, db, event("k2", "thread", ada))
		claim(t, db, "r1")
	})
}

func TestPostponedWorkRestsUntilSomethingNewComes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada))
		must(t, db.Postpone(t.Context(), claim(t, db, "r1"), time.Hour))
		_, err := db.Claim(t.Context(), "r1")
		want(t, err, store.ErrNotFound)
		receive(t, db, event("k2", "thread", ada))
		must(t, db.Postpone(t.Context(), claim(t, db, "r1"), 90*time.Minute))
		e.exec(t, `UPDATE threads SET due_at = `+e.past)
		claim(t, db, "r1")
	})
}

// Whatever the interleaving, no thread with open work may be left without being due: nobody would ever look at it.
func TestNoWorkIsForgotten(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		const events, workers = 120, 8
		settled := &tally{want: events, seen: map[string]int{}, full: make(chan struct{})}
		for _, err := range race(workers+1, func(i int) error {
			if i < workers {
				return settleAll(t.Context(), db, name(i), settled)
			}
			for n := range events {
				if _, err := db.Receive(t.Context(), event(name(n), "thread "+name(rand.IntN(3)), ada)); err != nil {
					return err
				}
			}
			return nil
		}) {
			must(t, err)
		}
		for key, n := range settled.seen {
			if n != 1 {
				t.Errorf("%s was settled %d times", key, n)
			}
		}
	})
}

// tally counts keys until there are enough of them.
type tally struct {
	mu   sync.Mutex
	want int
	seen map[string]int
	full chan struct{}
}

func (c *tally) add(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[key]++; len(c.seen) == c.want && c.seen[key] == 1 {
		close(c.full)
	}
}

// settleAll works as a worker does until the tally is full.
func settleAll(ctx context.Context, db *sql.DB, runner string, settled *tally) error {
	wake := db.Wake(ctx)
	for {
		c, err := db.Claim(ctx, runner)
		if errors.Is(err, store.ErrNotFound) {
			select {
			case <-settled.full:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			case <-wake:
			case <-time.After(time.Second):
			}
			continue
		}
		if err != nil {
			return err
		}
		rows, err := db.Pending(ctx, c)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := db.Settle(ctx, c, row.ID, nil); err != nil {
				return err
			}
			settled.add(row.Key)
		}
		if err := db.Release(ctx, c); err != nil {
			return err
		}
	}
}

func TestWakeFollowsReceive(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		sender := e.open(t, "r1")
		listener := sender
		if e.name == "postgres" {
			listener = e.open(t, "r2") // another process
		}
		wake := listener.Wake(t.Context())
		if e.name == "postgres" {
			await(t, wake) // says that it listens
		}
		receive(t, sender, event("k1", "thread", ada))
		await(t, wake)
	})
}

func TestWakeSurvivesALostConnection(t *testing.T) {
	t.Parallel()
	e := postgresEngine(t)
	sender, listener := e.open(t, "r1"), e.open(t, "r2")
	wake := listener.Wake(t.Context())
	await(t, wake)
	e.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN aurora_work' AND datname = current_database()`)
	await(t, wake) // it listens again
	receive(t, sender, event("k1", "thread", ada))
	await(t, wake)
}

func await(t *testing.T, wake <-chan struct{}) {
	t.Helper()
	select {
	case <-wake:
	case <-time.After(20 * time.Second):
		t.Fatal("no wake-up came")
	}
}
