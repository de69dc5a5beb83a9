package sql_test

import (
	"encoding/json"
	"testing"
	"time"

	"aurora/store"

	"github.com/google/go-cmp/cmp"
)

func TestBeginTurnHappensOncePerRow(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		c, turn := begin(t, db, org, user, "k1", "thread")
		again, err := db.BeginTurn(t.Context(), c, store.Turn{ID: "turn_other", InboxID: turn.InboxID, OrgID: org.ID, UserID: user.ID, Asker: ada})
		must(t, err)
		if diff := cmp.Diff(turn, again); diff != "" {
			t.Error(diff)
		}
		open, row, err := db.OpenTurn(t.Context(), c)
		must(t, err)
		if diff := cmp.Diff(turn, open); diff != "" {
			t.Error(diff)
		}
		if row.ID != turn.InboxID || row.Key != "k1" || row.Text != "text of k1" || row.Person != ada || len(row.Payload) == 0 {
			t.Errorf("it began on %+v", row)
		}
		receive(t, db, event("k2", "thread", bob))
		_, err = db.BeginTurn(t.Context(), c, store.Turn{InboxID: pending(t, db, c)[0].ID, OrgID: org.ID, UserID: user.ID, Asker: bob})
		want(t, err, store.ErrConflict)
		if len(pending(t, db, c)) != 1 {
			t.Error("a turn that could not begin took its row")
		}
	})
}

func TestFinishTurnSettlesItsRowsAndKeepsTheJournal(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		c, turn := begin(t, db, org, user, "k1", "thread")
		receive(t, db, event("k2", "thread", ada))
		joined, err := db.SaveReply(t.Context(), c, turn.ID, 1, []byte(`{}`), []int64{pending(t, db, c)[0].ID}, nil)
		must(t, err)
		for range 2 {
			must(t, db.FinishTurn(t.Context(), c, turn.ID, store.TurnWaiting, []store.Post{{Turn: turn.ID, Part: 1}}))
		}
		want(t, db.FinishTurn(t.Context(), c, turn.ID, store.TurnDone, nil), store.ErrConflict)
		if left := e.text(t, `SELECT count(*) FROM inbox WHERE settled_at IS NULL OR text <> '' OR payload IS NOT NULL`); left != "0" {
			t.Errorf("%s rows are not settled and erased", left)
		}
		_, _, err = db.OpenTurn(t.Context(), c)
		want(t, err, store.ErrNotFound)
		steps, err := db.Steps(t.Context(), turn.ID)
		must(t, err)
		if diff := cmp.Diff(joined, steps[0].Joined); diff != "" || joined[0].Text != "text of k2" {
			t.Errorf("what joined is lost to the continuation: %s", diff)
		}
		kept, err := db.Turn(t.Context(), turn.ID)
		must(t, err)
		if kept.Text != turn.Text || kept.State != store.TurnWaiting {
			t.Errorf("the turn is kept as %+v", kept)
		}
	})
}

func TestJournalReplays(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		c, turn := begin(t, db, org, user, "k1", "thread")
		reply := json.RawMessage(`{"calls": [{"id":"a"},{"id":"b"}], "z":1, "a":"<&>"}`)
		for range 2 {
			_, err := db.SaveReply(t.Context(), c, turn.ID, 1, reply, nil, []store.Post{{Turn: turn.ID, Part: 0}})
			must(t, err)
		}
		_, err := db.SaveReply(t.Context(), c, turn.ID, 1, []byte(`{}`), nil, nil)
		want(t, err, store.ErrConflict)
		must(t, db.SaveResult(t.Context(), c, turn.ID, 1, "b", []byte(`{"output":"first"}`)))
		must(t, db.SaveResult(t.Context(), c, turn.ID, 1, "b", []byte(`{"output":"second"}`)))
		if err := db.SaveResult(t.Context(), c, turn.ID, 2, "b", []byte(`{}`)); err == nil {
			t.Error("a result was kept for a step without a reply")
		}
		e.exec(t, `UPDATE threads SET lease_until = `+e.past)
		claim(t, db, "r2")
		steps, err := db.Steps(t.Context(), turn.ID)
		must(t, err)
		want := []store.Step{{N: 1, Reply: reply, Joined: []store.Received{}, Results: map[string]json.RawMessage{"b": []byte(`{"output":"first"}`)}}}
		if diff := cmp.Diff(want, steps); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOnlyTheAskersOwnMessagesJoin(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		c, turn := begin(t, db, org, user, "k1", "thread")
		elsewhere := store.Person{Platform: store.Slack, Team: "T2", ID: ada.ID} // the same id in another workspace
		receive(t, db, event("own", "thread", ada), event("bob", "thread", bob), event("same id", "thread", elsewhere), event("other thread", "other", ada))
		var all []int64
		for id := range int64(10) {
			all = append(all, id)
		}
		for range 2 {
			joined, err := db.SaveReply(t.Context(), c, turn.ID, 1, []byte(`{}`), all, nil)
			must(t, err)
			if len(joined) != 1 || joined[0].Key != "own" {
				t.Fatalf("joined %+v, want the asker's own message in this thread", joined)
			}
		}
		rows := pending(t, db, c)
		if len(rows) != 2 || rows[0].Key != "bob" || rows[1].Key != "same id" {
			t.Errorf("pending are %+v, want the others' two, oldest first", rows)
		}
		_, err := db.BeginTurn(t.Context(), c, store.Turn{InboxID: all[2], OrgID: org.ID, UserID: user.ID, Asker: ada})
		want(t, err, store.ErrConflict)
	})
}

func TestFailedStepLeavesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		c, turn := begin(t, db, org, user, "k1", "thread")
		receive(t, db, event("k2", "thread", ada))
		row := pending(t, db, c)[0]
		_, err := db.SaveReply(t.Context(), c, turn.ID, 1, []byte(`{}`), []int64{row.ID}, []store.Post{{Turn: turn.ID, Part: 1}, {Part: 2}})
		if err == nil {
			t.Fatal("a post without a turn was taken")
		}
		steps, err := db.Steps(t.Context(), turn.ID)
		must(t, err)
		if posts := e.text(t, `SELECT count(*) FROM outbox`); len(steps) != 0 || len(pending(t, db, c)) != 1 || posts != "0" {
			t.Errorf("a failed step left %d steps, %s posts", len(steps), posts)
		}
	})
}

func TestAStopMeansWhatWasAskedBeforeIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		said := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		var early store.Turn
		for key, at := range map[string]time.Time{"early": said.Add(-time.Minute), "late": said.Add(time.Minute)} {
			ask := event(key, key, ada)
			ask.At = at
			receive(t, db, ask)
			c := claim(t, db, "r1")
			turn, err := db.BeginTurn(t.Context(), c, store.Turn{InboxID: pending(t, db, c)[0].ID, OrgID: org.ID, UserID: user.ID, Asker: ada, Place: ask.Place, Mode: store.Ask})
			must(t, err)
			if key == "early" {
				early = turn
			}
		}
		turns, err := db.RunningTurns(t.Context(), ada, early.Place, said)
		must(t, err)
		if len(turns) != 1 || turns[0].ID != early.ID {
			t.Errorf("a stop means %+v", turns)
		}
		if turns, err = db.RunningTurns(t.Context(), ada, early.Place, said.Add(time.Hour)); err != nil || len(turns) != 2 {
			t.Errorf("a later one means %+v, %v", turns, err)
		}
	})
}

func TestRunningTurnsAreThoseOfThePersonInThePlace(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, other := contact(t, db, bob, store.Operator)
		_, first := begin(t, db, org, user, "k1", "one")
		c, waiting := begin(t, db, org, user, "k2", "two")
		must(t, db.FinishTurn(t.Context(), c, waiting.ID, store.TurnWaiting, nil))
		_, bobs := begin(t, db, org, other, "k3", "three")
		c, done := begin(t, db, org, user, "k4", "four")
		must(t, db.FinishTurn(t.Context(), c, done.ID, store.TurnDone, nil))
		here := store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}
		thread, elsewhere := here, here
		thread.Thread, elsewhere.Channel = "9.9", "C2"
		for _, row := range []struct {
			who   store.Person
			place store.Place
			want  []string
		}{
			{ada, here, []string{first.ID, waiting.ID}},
			{bob, here, []string{bobs.ID}},
			{store.Person{}, here, []string{first.ID, waiting.ID, bobs.ID}},
			{ada, thread, nil},
			{ada, elsewhere, nil},
		} {
			turns, err := db.RunningTurns(t.Context(), row.who, row.place, time.Now())
			must(t, err)
			got := map[string]bool{}
			for _, turn := range turns {
				got[turn.ID] = true
			}
			if len(got) != len(row.want) {
				t.Errorf("%v in %v: got %d turns, want %d", row.who, row.place, len(got), len(row.want))
			}
			for _, id := range row.want {
				if !got[id] {
					t.Errorf("%v in %v: %s is missing", row.who, row.place, id)
				}
			}
		}
	})
}
