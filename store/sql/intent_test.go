package sql_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"aurora/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func intentOf(turn store.Turn, id, call, effect string) store.Intent {
	return store.Intent{ID: id, OrgID: turn.OrgID, UserID: turn.UserID, Turn: turn.ID, Step: 1, Call: call, Effect: effect, Cloud: store.AWS,
		ConnectionID: "con_1", Account: "1234", Argv: []string{"aws", "ec2", "describe-instances"}, PolicyRule: "read", Policy: "p1", Runner: "r1"}
}

func TestIntentStandsOncePerCall(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, turn := begin(t, db, org, user, "k1", "thread")
		var begun atomic.Int32
		for _, err := range race(16, func(i int) error {
			existing, err := db.BeginIntent(t.Context(), intentOf(turn, "int_"+name(i), "a", "write"))
			if err == nil && existing == nil {
				begun.Add(1)
			}
			return err
		}) {
			must(t, err)
		}
		if begun.Load() != 1 {
			t.Fatalf("%d of 16 may run the call, want 1", begun.Load())
		}
		existing, err := db.BeginIntent(t.Context(), intentOf(turn, "int_late", "a", "write"))
		must(t, err)
		if existing == nil || existing.Lost || existing.Outcome != nil {
			t.Fatalf("the standing intent is %+v, want one that runs", existing)
		}
		want := intentOf(turn, existing.ID, "a", "write")
		if diff := cmp.Diff(want, *existing, cmpopts.IgnoreFields(store.Intent{}, "StartedAt")); diff != "" {
			t.Error(diff)
		}
		must(t, db.FinishIntent(t.Context(), existing.ID, []byte(`{"status":"ok","output":"secret text"}`)))
		again, err := db.BeginIntent(t.Context(), intentOf(turn, "int_later", "a", "write"))
		must(t, err)
		if string(again.Outcome) != `{"status":"ok","output":"secret text"}` {
			t.Errorf("the outcome came back as %s", again.Outcome)
		}
		if n := e.text(t, `SELECT count(*) FROM audit WHERE kind IN ('intent', 'outcome') AND detail NOT LIKE '%secret text%'`); n != "2" {
			t.Errorf("%s rows in the audit, want the intent and the outcome, without what the command said", n)
		}
	})
}

func TestIntentOfAConfirmationIsKeyedByIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, turn := begin(t, db, org, user, "k1", "thread")
		for i, row := range []struct {
			confirmation string
			stands       bool
		}{{"", false}, {"conf_1/0", false}, {"conf_1/1", false}, {"conf_1/0", true}, {"", true}} {
			intent := intentOf(turn, "int_"+name(i), "a", "delete")
			intent.Confirmation = row.confirmation
			existing, err := db.BeginIntent(t.Context(), intent)
			must(t, err)
			if (existing != nil) != row.stands {
				t.Errorf("%d %q: existing %v, want %v", i, row.confirmation, existing, row.stands)
			}
		}
	})
}

func TestIntentsOfAConfirmationComeInTheOrderOfItsPlan(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, turn := begin(t, db, org, user, "k1", "thread")
		for i, confirmation := range []string{"conf_1/1", "conf_1/0", "conf_11/0", "confx1/2", ""} {
			intent := intentOf(turn, "int_"+name(i), "a", "delete")
			intent.Confirmation = confirmation
			_, err := db.BeginIntent(t.Context(), intent)
			must(t, err)
		}
		must(t, db.FinishIntent(t.Context(), "int_n001", []byte(`{"status":"ok"}`)))
		e.exec(t, `UPDATE intents SET lease_until = `+e.past)
		list, err := db.IntentsOf(t.Context(), "conf_1")
		must(t, err)
		if len(list) != 2 || list[0].ID != "int_n001" || list[0].Outcome == nil || list[0].Lost || list[1].ID != "int_n000" || !list[1].Lost {
			t.Errorf("listed %+v", list)
		}
		if list, err := db.IntentsOf(t.Context(), ""); err != nil || len(list) != 0 {
			t.Errorf("of no confirmation: %+v, %v", list, err)
		}
	})
}

func TestLostIntentBecomesUnknownAndNeverRunsAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, turn := begin(t, db, org, user, "k1", "thread")
		for _, intent := range []store.Intent{intentOf(turn, "int_lost", "a", "write"), intentOf(turn, "int_read", "b", "read"), intentOf(turn, "int_kept", "c", "write")} {
			if intent.ID == "int_kept" {
				intent.Runner, intent.Confirmation = "r2", "conf_1/0" // a click is whoever's that claimed it
			}
			if existing, err := db.BeginIntent(t.Context(), intent); existing != nil || err != nil {
				t.Fatal(existing, err)
			}
		}
		if lost, err := db.LostIntents(t.Context()); err != nil || len(lost) != 0 {
			t.Fatalf("intents with a live lease were called lost: %+v, %v", lost, err)
		}
		e.exec(t, `UPDATE intents SET lease_until = `+e.past)
		must(t, db.RenewIntents(t.Context(), "r2"))
		var found atomic.Int32
		for _, err := range race(4, func(int) error {
			lost, err := db.LostIntents(t.Context())
			for _, i := range lost {
				if i.ID != "int_lost" || string(i.Outcome) != `{"status":"unknown"}` {
					return errors.New("lost: " + i.ID + " " + string(i.Outcome))
				}
				found.Add(1)
			}
			return err
		}) {
			must(t, err)
		}
		if found.Load() != 1 {
			t.Errorf("the lost intent was found %d times, want once", found.Load())
		}
		existing, err := db.BeginIntent(t.Context(), intentOf(turn, "int_again", "a", "write"))
		if err != nil || existing == nil || string(existing.Outcome) != `{"status":"unknown"}` {
			t.Errorf("a lost write may run again: %+v, %v", existing, err)
		}
		must(t, db.FinishIntent(t.Context(), "int_lost", []byte(`{"status":"ok"}`))) // its runner was alive after all
		want(t, db.FinishIntent(t.Context(), "int_lost", []byte(`{"status":"failed"}`)), store.ErrConflict)
		if late := e.text(t, `SELECT count(*) FROM audit WHERE kind = 'outcome' AND subject = 'int_lost'`); late != "2" {
			t.Errorf("%s outcomes in the audit, want the unknown one and the late one", late)
		}
	})
}

func TestUnfinishedReadIsTakenOver(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, turn := begin(t, db, org, user, "k1", "thread")
		_, err := db.BeginIntent(t.Context(), intentOf(turn, "int_old", "a", "read"))
		must(t, err)
		if existing, err := db.BeginIntent(t.Context(), intentOf(turn, "int_same", "a", "read")); err != nil || existing == nil || existing.Lost {
			t.Fatalf("a read that still runs here was begun again: %+v, %v", existing, err)
		}
		e.exec(t, `UPDATE threads SET lease_until = `+e.past)
		claim(t, db, "r2")
		second := intentOf(turn, "int_new", "a", "read")
		second.Runner = "r2" // it holds the turn: the first runner's lease on the thread is over, whatever its intent's says
		if existing, err := db.BeginIntent(t.Context(), second); err != nil || existing != nil {
			t.Fatalf("a read of another runner was not taken over: %+v, %v", existing, err)
		}
		want(t, db.FinishIntent(t.Context(), "int_old", []byte(`{"status":"ok"}`)), store.ErrNotFound)
		e.exec(t, `UPDATE intents SET lease_until = `+e.past)
		third := intentOf(turn, "int_third", "a", "read")
		third.Runner = "r2"
		if existing, err := db.BeginIntent(t.Context(), third); err != nil || existing != nil {
			t.Fatalf("a lost read was not taken over: %+v, %v", existing, err)
		}
		must(t, db.FinishIntent(t.Context(), "int_third", []byte(`{"status":"failed","code":"cancelled"}`)))
		if existing, err := db.BeginIntent(t.Context(), second); err != nil || existing != nil {
			t.Fatalf("a read that was cut short was not taken over: %+v, %v", existing, err)
		}
		must(t, db.FinishIntent(t.Context(), "int_new", []byte(`{"status":"ok"}`)))
		if existing, err := db.BeginIntent(t.Context(), third); err != nil || existing == nil {
			t.Fatalf("a read that has its answer was begun again: %+v, %v", existing, err)
		}

		intentB, intentC := intentOf(turn, "int_b", "b", "read"), intentOf(turn, "int_c", "b", "read")
		intentB.Runner, intentC.Runner = "r2", "r2"
		_, err = db.BeginIntent(t.Context(), intentB)
		must(t, err)
		_, err = db.BeginIntent(t.Context(), intentOf(turn, "int_back", "b", "read")) // the first runner wakes up again
		want(t, err, store.ErrFenced)
		e.exec(t, `UPDATE intents SET lease_until = `+e.past)
		must(t, db.RequestStop(t.Context(), []string{turn.ID}, ada))
		_, err = db.BeginIntent(t.Context(), intentC)
		want(t, err, store.ErrStopped)
	})
}

// A process that stood still between judging a write and noting it wakes up after its turn was taken over: whoever has
// the thread then may have said that the write was not run.
func TestIntentNeedsTheThreadOfItsTurn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, turn := begin(t, db, org, user, "k1", "thread")
		e.exec(t, `UPDATE threads SET lease_until = `+e.past)
		c := claim(t, db, "r2")
		_, err := db.BeginIntent(t.Context(), intentOf(turn, "int_late", "a", "write"))
		want(t, err, store.ErrFenced)
		mine := intentOf(turn, "int_mine", "b", "write")
		mine.Runner = "r2"
		if existing, err := db.BeginIntent(t.Context(), mine); existing != nil || err != nil {
			t.Fatal(existing, err)
		}
		must(t, db.FinishTurn(t.Context(), c, turn.ID, store.TurnWaiting, nil))
		mine.ID, mine.Call = "int_after", "c"
		_, err = db.BeginIntent(t.Context(), mine)
		want(t, err, store.ErrFenced)
		clicked := intentOf(turn, "int_clicked", "a", "delete")
		clicked.Confirmation = "conf_1/0"
		if existing, err := db.BeginIntent(t.Context(), clicked); existing != nil || err != nil {
			t.Fatalf("a click after the turn: %v, %v", existing, err)
		}
		if n := e.text(t, `SELECT count(*) FROM audit WHERE kind = 'intent'`); n != "2" {
			t.Errorf("%s intents in the audit, want the two that began", n)
		}
	})
}

func TestIntentNeedsItsTurn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, turn := begin(t, db, org, user, "k1", "thread")
		for what, change := range map[string]func(*store.Intent){
			"unknown turn":         func(i *store.Intent) { i.Turn = "turn_none" },
			"another organisation": func(i *store.Intent) { i.OrgID = "org_none" },
		} {
			intent := intentOf(turn, "int_1", "a", "read")
			change(&intent)
			if _, err := db.BeginIntent(t.Context(), intent); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", what, err)
			}
		}
		if n := e.text(t, `SELECT count(*) FROM audit WHERE kind = 'intent'`); n != "0" {
			t.Errorf("%s refused intents are in the audit as begun", n)
		}
	})
}
