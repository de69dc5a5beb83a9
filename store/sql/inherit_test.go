package sql_test

import (
	"errors"
	"testing"

	"aurora/store"
)

// The only process of a store takes over at once what the one before it held, and fences that one out.
func TestOnlyProcessInheritsAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		old, turn := begin(t, db, org, user, "k1", "thread")
		if _, err := db.Claim(t.Context(), "r2"); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("a live lease was taken over: %v", err)
		}
		must(t, db.Inherit(t.Context()))
		taken := claim(t, db, "r2")
		open, _, err := db.OpenTurn(t.Context(), taken)
		must(t, err)
		if open.ID != turn.ID {
			t.Errorf("the heir finds %s, want %s", open.ID, turn.ID)
		}
		want(t, db.Renew(t.Context(), old), store.ErrFenced)
	})
}
