package sql_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"aurora/store"
	"aurora/store/sql"
)

func TestStopKeepsIntentsFromStarting(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, turn := begin(t, db, org, user, "k1", "thread")
		if stopped, err := db.Stopped(t.Context(), turn.ID); err != nil || stopped {
			t.Fatal(stopped, err)
		}
		for range 2 {
			must(t, db.RequestStop(t.Context(), []string{"turn_none", turn.ID, turn.ID}, bob))
		}
		if stopped, err := db.Stopped(t.Context(), turn.ID); err != nil || !stopped {
			t.Fatal(stopped, err)
		}
		for _, effect := range []string{"read", "delete"} {
			_, err := db.BeginIntent(t.Context(), intentOf(turn, "int_"+effect, effect, effect))
			want(t, err, store.ErrStopped)
		}
		if n := e.text(t, `SELECT count(*) FROM audit WHERE kind = 'stop' AND person = 'slack:T1:U2'`); n != "1" {
			t.Errorf("%s stops in the audit, want 1", n)
		}
	})
}

func TestFreezeLetsOnlyReadsStart(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, turn := begin(t, db, org, user, "k1", "thread")
		for range 2 {
			must(t, db.Freeze(t.Context(), store.Freeze{OrgID: org.ID, By: bob.String(), Reason: "incident"}))
		}
		f, frozen, err := db.Frozen(t.Context(), org.ID)
		if err != nil || !frozen || f.By != bob.String() || f.Reason != "incident" || f.At.IsZero() {
			t.Errorf("frozen is %v %+v, error %v", frozen, f, err)
		}
		for _, effect := range []string{"write", "disrupt", "delete"} {
			_, err := db.BeginIntent(t.Context(), intentOf(turn, "int_"+effect, effect, effect))
			want(t, err, store.ErrFrozen)
		}
		if existing, err := db.BeginIntent(t.Context(), intentOf(turn, "int_read", "read", "read")); err != nil || existing != nil {
			t.Errorf("a read did not start: %v, %v", existing, err)
		}
		for range 2 {
			must(t, db.Unfreeze(t.Context(), org.ID, ada))
		}
		if existing, err := db.BeginIntent(t.Context(), intentOf(turn, "int_write", "write", "write")); err != nil || existing != nil {
			t.Errorf("a write did not start after the thaw: %v, %v", existing, err)
		}
		if n := e.text(t, `SELECT count(*) FROM audit WHERE kind = 'freeze'`); n != "2" {
			t.Errorf("%s freezes in the audit, want 2", n)
		}
		want(t, db.Freeze(t.Context(), store.Freeze{OrgID: "org_none"}), store.ErrNotFound)
	})
}

// Fifty agents begin intents as fast as they can while an admin freezes or stops: nothing may begin once that has
// returned, as every agent can tell by looking at a flag that is set right after.
func TestNothingStartsAfterStopOrFreezeReturned(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		t.Run("freeze", func(t *testing.T) {
			raceAgainst(t, e, store.ErrFrozen, "F", func(db *sql.DB, org store.Organisation, _ store.Turn) error {
				return db.Freeze(t.Context(), store.Freeze{OrgID: org.ID, By: bob.String()})
			})
		})
		t.Run("stop", func(t *testing.T) {
			raceAgainst(t, e, store.ErrStopped, "S", func(db *sql.DB, _ store.Organisation, turn store.Turn) error {
				return db.RequestStop(t.Context(), []string{turn.ID}, bob)
			})
		})
	})
}

func raceAgainst(t *testing.T, e *engine, refusal error, team string, end func(*sql.DB, store.Organisation, store.Turn) error) {
	db := e.open(t, "r1")
	org, user := contact(t, db, store.Person{Platform: store.Slack, Team: team, ID: "U1"}, store.Operator)
	_, turn := begin(t, db, org, user, "k"+team, "thread "+team)
	const agents = 50
	var ended atomic.Bool
	var begun, warm sync.WaitGroup
	warm.Add(agents)
	begun.Go(func() {
		warm.Wait()
		if err := end(db, org, turn); err != nil {
			t.Error(err)
		}
		ended.Store(true)
	})
	for i := range agents {
		begun.Go(func() {
			for n := 0; ; n++ {
				over := ended.Load()
				id := team + name(i) + "/" + name(n)
				_, err := db.BeginIntent(t.Context(), intentOf(turn, "int_"+id, id, "write"))
				if n == 0 {
					warm.Done()
				}
				if errors.Is(err, refusal) {
					return
				}
				if err != nil || over {
					t.Errorf("an intent began after the end: %v, error %v", over, err)
					return
				}
			}
		})
	}
	begun.Wait()
}
