package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"aurora/store"
)

// Leases let one process of all do a thing.
type Leases interface {
	TakeLease(ctx context.Context, name string, ttl time.Duration) (token string, err error)
	GiveLease(ctx context.Context, name, token string) error
}

func leases(t *testing.T, s Leases) {
	t.Run("one has it until he gives it back", func(t *testing.T) { oneLease(t, s) })
	t.Run("it ends by itself", func(t *testing.T) { leaseEnds(t, s) })
	t.Run("of 50 at once one gets it", func(t *testing.T) { manyLeases(t, s) })
	t.Run("what is no lease is refused", func(t *testing.T) {
		refused(t, second(s.TakeLease(t.Context(), "", time.Minute)))
		refused(t, second(s.TakeLease(t.Context(), "x", 0)))
		refused(t, second(s.TakeLease(t.Context(), "x", -time.Second)))
	})
}

func taken(t *testing.T, s Leases, name string) {
	t.Helper()
	if token, err := s.TakeLease(t.Context(), name, time.Minute); !errors.Is(err, store.ErrConflict) || token != "" {
		t.Errorf("a second lease on %s: %v, want a conflict", name, err)
	}
}

func oneLease(t *testing.T, s Leases) {
	ctx := t.Context()
	token, err := s.TakeLease(ctx, "kv/data/one", time.Minute)
	must(t, err)
	taken(t, s, "kv/data/one")
	other, err := s.TakeLease(ctx, "kv/data/one:further", time.Minute)
	must(t, err)
	if other == token {
		t.Error("two leases have one token")
	}
	must(t, s.GiveLease(ctx, "kv/data/one", other)) // another's token gives nothing back
	must(t, s.GiveLease(ctx, "kv/data/one", ""))
	taken(t, s, "kv/data/one")
	must(t, s.GiveLease(ctx, "kv/data/one", token))
	must(t, s.GiveLease(ctx, "kv/data/one", token)) // twice is no error
	again, err := s.TakeLease(ctx, "kv/data/one", time.Minute)
	must(t, err)
	must(t, s.GiveLease(ctx, "kv/data/one", token)) // the old token has no say over the new lease
	taken(t, s, "kv/data/one")
	must(t, s.GiveLease(ctx, "kv/data/one", again))
}

func leaseEnds(t *testing.T, s Leases) {
	old, err := s.TakeLease(t.Context(), "short", 200*time.Millisecond)
	must(t, err)
	taken(t, s, "short")
	waitFor(t, "the lease to end", func() bool {
		_, err := s.TakeLease(t.Context(), "short", time.Minute)
		return err == nil
	})
	must(t, s.GiveLease(t.Context(), "short", old)) // it is another's by now
	taken(t, s, "short")
}

func manyLeases(t *testing.T, s Leases) {
	errs := make([]error, 50)
	var callers sync.WaitGroup
	for i := range errs {
		callers.Go(func() { _, errs[i] = s.TakeLease(t.Context(), "crowd", time.Minute) })
	}
	callers.Wait()
	got := 0
	for _, err := range errs {
		if err == nil {
			got++
		} else if !errors.Is(err, store.ErrConflict) {
			t.Errorf("%v, want a conflict", err)
		}
	}
	if got != 1 {
		t.Errorf("%d of 50 have the lease", got)
	}
}
