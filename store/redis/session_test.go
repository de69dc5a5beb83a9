package redis_test

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/redis"
	"aurora/store/storetest"
)

// onEach runs a test against a real server and the embedded one.
func onEach(t *testing.T, test func(t *testing.T, db *redis.DB)) {
	t.Helper()
	t.Run("redis-server", func(t *testing.T) { t.Parallel(); test(t, open(t, storetest.Redis(t).URL)) })
	t.Run("embedded", func(t *testing.T) { t.Parallel(); test(t, embedded(t)) })
}

func TestATicketHasOneHolder(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *redis.DB) {
		var winners atomic.Int32
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				mine, err := db.ClaimTicket(t.Context(), "T", string(rune('a'+i)), time.Minute)
				if err != nil {
					t.Error(err)
				}
				again, err := db.ClaimTicket(t.Context(), "T", string(rune('a'+i)), time.Minute)
				if err != nil || again != mine {
					t.Errorf("asked twice: %v, then %v, %v", mine, again, err)
				}
				if mine {
					winners.Add(1)
				}
			})
		}
		all.Wait()
		if winners.Load() != 1 {
			t.Errorf("%d hold it", winners.Load())
		}
		if _, err := db.ClaimTicket(t.Context(), "T", "", time.Minute); err == nil {
			t.Error("nobody may hold it")
		}
	})
}

func TestSessionsEndOneByOneAndAllAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *redis.DB) {
		begin := func(user string) string {
			id, err := db.NewSession(t.Context(), user, json.RawMessage(`{"of":"`+user+`"}`), time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		lives := func(id string) bool {
			_, err := db.Session(t.Context(), id)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		one, two, other := begin("usr_1"), begin("usr_1"), begin("usr_2")
		if raw, err := db.Session(t.Context(), one); err != nil || string(raw) != `{"of":"usr_1"}` {
			t.Errorf("%s, %v", raw, err)
		}
		if err := db.EndSession(t.Context(), one); err != nil || lives(one) || !lives(two) {
			t.Errorf("after ending one: %v, %v, %v", err, lives(one), lives(two))
		}
		if err := db.EndSessions(t.Context(), "usr_1"); err != nil || lives(two) || !lives(other) {
			t.Errorf("after ending all: %v, %v, %v", err, lives(two), lives(other))
		}
		if !lives(begin("usr_1")) || lives("AAAAAAAAAAAAAAAAAAAAAAAAAA") {
			t.Error("a new session must live, a made-up one not")
		}
		if _, err := db.NewSession(t.Context(), "usr_1", json.RawMessage(`{}`), 48*time.Hour); err == nil {
			t.Error("a session would outlive the memory of its end")
		}
	})
}

func TestCountsAreSharedAndForgotten(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *redis.DB) {
		for want := int64(1); want <= 3; want++ {
			n, left, err := db.Count(t.Context(), "address:1", time.Minute)
			if err != nil || n != want || left <= 0 || left > time.Minute {
				t.Errorf("%d for %s, %v; want %d", n, left, err, want)
			}
		}
		if n, _, err := db.Count(t.Context(), "address:2", time.Minute); err != nil || n != 1 {
			t.Errorf("another begins at %d, %v", n, err)
		}
	})
}
