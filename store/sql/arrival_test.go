package sql_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/sql"
	"aurora/store/storetest"
)

// TestArrivalsDoNotWaitForWork lets every connection but one wait for a lock that others hold, and more stand in line.
func TestArrivalsDoNotWaitForWork(t *testing.T) {
	t.Parallel()
	_, serve := storetest.Postgres(t)
	raw := openRaw(t, "pgx", storetest.PostgresAdmin(t, serve))
	db := openDB(t, sql.Config{URL: serve, AuditKey: "key", Runner: "r1", MaxConns: 3})
	receive(t, db, event("first", "busy", ada))
	claim, err := db.Claim(t.Context(), "r1")
	must(t, err)
	lock, err := raw.BeginTx(t.Context(), nil)
	must(t, err)
	if _, err := lock.ExecContext(t.Context(), `SELECT 1 FROM threads WHERE key = 'busy' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			if err := db.Renew(t.Context(), claim); err != nil {
				t.Error(err)
			}
		})
	}
	waiting := func() (n int) {
		must(t, raw.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n))
		return n
	}
	for end := time.Now().Add(20 * time.Second); waiting() < 2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d statements wait for the lock, want 2", waiting())
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if fresh, err := db.Receive(ctx, event("second", "other", ada)); err != nil || !fresh {
		t.Errorf("an event waits for work on another: %v", err)
	}
	short, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	want(t, db.Release(short, store.Claim{Thread: "other"}), store.ErrUnavailable)
	must(t, lock.Rollback())
	work.Wait()
	must(t, db.Release(t.Context(), claim))
}

// TestWhoGivesUpIsToldWhetherItMayBeTaken lets one event hang in its transaction and another wait behind it: the first may
// be committed after all, the second never is, so that a person may safely say it again.
func TestWhoGivesUpIsToldWhetherItMayBeTaken(t *testing.T) {
	t.Parallel()
	_, serve := storetest.Postgres(t)
	raw := openRaw(t, "pgx", storetest.PostgresAdmin(t, serve))
	db := openDB(t, sql.Config{URL: serve, AuditKey: "key", Runner: "r1"})
	receive(t, db, event("before", "busy", ada))
	lock, err := raw.BeginTx(t.Context(), nil)
	must(t, err)
	if _, err := lock.ExecContext(t.Context(), `SELECT 1 FROM threads WHERE key = 'busy' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	receiveUntil := func(key string, hangs bool) error {
		ctx, stop := context.WithCancelCause(t.Context())
		defer stop(nil)
		said := make(chan error, 1)
		go func() { _, err := db.Receive(ctx, event(key, "busy", ada)); said <- err }()
		for end := time.Now().Add(20 * time.Second); hangs; time.Sleep(5 * time.Millisecond) {
			var n int
			must(t, raw.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n))
			if n > 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatal("the event does not wait for the lock")
			}
		}
		stop(nil)
		return <-said
	}
	want(t, receiveUntil("hangs", true), store.ErrUncertain)
	if err := receiveUntil("waits", false); err == nil || errors.Is(err, store.ErrUncertain) {
		t.Fatalf("who waits behind it is told %v", err)
	}
	must(t, lock.Rollback())
	receive(t, db, event("after", "busy", ada)) // comes behind both
	var keys string
	must(t, raw.QueryRowContext(t.Context(), `SELECT string_agg(key, ' ' ORDER BY id) FROM inbox`).Scan(&keys))
	if keys != "before hangs after" {
		t.Errorf("taken: %s", keys)
	}
}
