package redis_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/redis"
	"aurora/store/storetest"
)

// again repeats a call until it no longer says that Redis is away.
func again[T any](t *testing.T, call func() (T, error)) (T, error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		got, err := call()
		if !errors.Is(err, store.ErrUnavailable) {
			return got, err
		}
		if time.Now().After(deadline) {
			t.Fatalf("Redis is still away: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func take(db *redis.DB, t *testing.T, id, click string) func() (store.ConfirmationState, error) {
	return func() (store.ConfirmationState, error) { return db.TakeConfirmation(t.Context(), id, click) }
}

func TestDecidedStaysDecidedAcrossAFailover(t *testing.T) {
	servers := storetest.Sentinel(t)
	db := open(t, servers.URL)
	taken, cancelled, waiting := storetest.NewConfirmation("taken", time.Minute),
		storetest.NewConfirmation("cancelled", time.Minute), storetest.NewConfirmation("waiting", time.Minute)
	for _, c := range []store.Confirmation{waiting, taken, cancelled} {
		put(t, db, c)
	}
	if state, err := db.TakeConfirmation(t.Context(), taken.ID, "act:1"); err != nil || state != store.ConfirmationTaken {
		t.Fatalf("the take: %q, %v", state, err)
	}
	if state, err := db.EndConfirmation(t.Context(), cancelled.ID, store.ConfirmationCancelled); err != nil || state != store.ConfirmationCancelled {
		t.Fatalf("the cancel: %q, %v", state, err)
	}
	begun := time.Now()
	servers.Failover(t)
	if state, err := again(t, take(db, t, taken.ID, "act:2")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another click after the failover: %q, %v, want a conflict", state, err)
	}
	t.Logf("usable %s after the master was killed", time.Since(begun).Round(time.Millisecond))
	if state, err := again(t, take(db, t, taken.ID, "act:1")); err != nil || state != store.ConfirmationTaken {
		t.Errorf("the same click after the failover: %q, %v, want taken", state, err)
	}
	if state, err := again(t, take(db, t, cancelled.ID, "act:3")); err != nil || state != store.ConfirmationCancelled {
		t.Errorf("a click on the cancelled one: %q, %v, want cancelled", state, err)
	}
	if state, err := again(t, take(db, t, waiting.ID, "act:4")); err != nil || state != store.ConfirmationTaken {
		t.Errorf("a click on the waiting one: %q, %v, want taken", state, err)
	}
}

// While the master dies, each click tries until it hears something definite: still one has it.
func TestClicksDuringAFailoverTakeOnce(t *testing.T) {
	servers := storetest.Sentinel(t)
	db := open(t, servers.URL)
	const rounds = 200
	for i := range rounds {
		put(t, db, storetest.NewConfirmation(fmt.Sprint("during-", i), time.Minute))
	}
	winners := make([][]string, rounds)
	var mu sync.Mutex
	var clickers sync.WaitGroup
	for worker := range 8 {
		clickers.Go(func() {
			for i := range rounds {
				click := fmt.Sprint("act:", worker)
				state, err := again(t, take(db, t, fmt.Sprint("conf_during-", i), click))
				mu.Lock()
				if err == nil && state == store.ConfirmationTaken {
					winners[i] = append(winners[i], click)
				}
				mu.Unlock()
				time.Sleep(time.Millisecond) // so that the failover falls among the clicks
			}
		})
	}
	servers.Failover(t)
	clickers.Wait()
	lost := 0
	for i, won := range winners {
		if len(won) > 1 {
			t.Errorf("confirmation %d was taken by %v", i, won)
		}
		if len(won) == 0 {
			lost++ // its record had not reached a replica when the master died: unknown, so nothing runs
		}
	}
	t.Logf("%d of %d were lost with the master and ran nowhere", lost, rounds)
	if lost == rounds {
		t.Error("nothing was ever taken")
	}
}

func TestTakeThatNoReplicaHasDoesNotCount(t *testing.T) {
	servers := storetest.Sentinel(t)
	db := open(t, servers.URL)
	c := storetest.NewConfirmation("alone", time.Minute)
	put(t, db, c)
	for _, replica := range servers.Replicas(t) {
		replica.Pause(t)
	}
	for _, click := range []string{"act:1", "act:1"} { // the retry writes nothing new and must still be refused
		begun := time.Now()
		_, err := db.TakeConfirmation(t.Context(), c.ID, click)
		if took := time.Since(begun); !errors.Is(err, store.ErrUnavailable) || took > 2*time.Second {
			t.Errorf("a take without replicas: %v after %s, want store.ErrUnavailable within 2s", err, took)
		}
	}
	for _, replica := range servers.Replicas(t) {
		replica.Resume(t)
	}
	if state, err := again(t, take(db, t, c.ID, "act:1")); err != nil || state != store.ConfirmationTaken {
		t.Errorf("the same click with replicas: %q, %v, want taken", state, err)
	}
	if _, err := again(t, take(db, t, c.ID, "act:2")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another click: %v, want a conflict", err)
	}
}
