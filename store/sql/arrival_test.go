package sql_test

import (
	"context"
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
