package agent_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

// story is a turn with everything in it: reads, a change, a joined message, and a plan at its end.
func story() *bench {
	b := newBench(
		calls("1", "read a", "read b"),
		calls("2", "read c", "nonsense d"),
		calls("3", "delete e", "delete f", "touch g", "delete i", "read h"),
		says("Two deletes wait."),
	)
	b.journal.pending = map[int][]store.Received{2: {{ID: 9, Event: store.Event{Text: "and e, f"}}}}
	return b
}

func TestTakeoverNeitherAsksNorRunsAgain(t *testing.T) {
	t.Parallel()
	whole := story()
	turn := askTurn(store.Agent, "clean up")
	want := whole.run(t, turn)
	if want.err != nil || whole.journal.writes != 13 {
		t.Fatalf("the whole turn: %v, %d writes", want.err, whole.journal.writes)
	}
	for crash := 1; crash <= whole.journal.writes; crash++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("write %d after %v", crash, after), func(t *testing.T) {
				t.Parallel()
				takeover(t, turn, crash, after, whole, want)
			})
		}
	}
}

func takeover(t *testing.T, turn agent.Turn, crash int, after bool, whole *bench, want outcome) {
	b := story()
	b.journal.crash, b.journal.after = crash, after
	if o := b.run(t, turn); !errors.Is(o.err, errCrash) {
		t.Fatalf("no crash: %+v", o)
	}
	before, _ := b.journal.Steps(t.Context())
	asked, ran := len(b.model.requests), len(b.runner.asks)
	b.journal.crash = 0
	got := b.run(t, turn)
	if diff := cmp.Diff(want.final, got.final); got.err != nil || diff != "" {
		t.Errorf("err %v, final (-want +got):\n%s", got.err, diff)
	}
	// Asked only for the steps that were not journaled, and with the very same conversation.
	if n := len(b.model.requests) - asked; n != 4-len(before) {
		t.Errorf("asked %d times after %d recorded steps", n, len(before))
	}
	if diff := cmp.Diff(whole.model.requests[len(before):], b.model.requests[asked:]); diff != "" {
		t.Errorf("conversation after the takeover (-want +got):\n%s", diff)
	}
	for _, a := range b.runner.asks[ran:] {
		if a.Step <= len(before) && before[a.Step-1].Results[a.Call] != nil {
			t.Errorf("%s ran again though its result was journaled", line(a))
		}
	}
	if diff := cmp.Diff(asks(whole.runner.asks), asks(b.runner.asks)); diff != "" {
		t.Errorf("what was asked of the executor (-want +got):\n%s", diff)
	}
	p, q := eventsOf[agent.Proposed](want), eventsOf[agent.Proposed](got)
	if len(q) != 1 || cmp.Diff(p[0].Confirmation, q[0].Confirmation) != "" || !slices.Equal(p[0].Calls, q[0].Calls) {
		t.Errorf("proposed %+v, want %+v", q, p)
	}
	if diff := cmp.Diff(kinds(want), kinds(got)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// asks gives what was asked of the executor, each ask once, with what policy sees of it.
func asks(all []providers.Ask) []string {
	set := map[string]bool{}
	for _, a := range all {
		set[fmt.Sprintf("%d/%s %s tainted=%v", a.Step, a.Call, line(a), a.Tainted)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func kinds(o outcome) []string {
	var all []string
	for _, e := range o.events {
		all = append(all, fmt.Sprintf("%T", e))
	}
	return all
}

func TestReplayIsMarked(t *testing.T) {
	t.Parallel()
	b := story()
	turn := askTurn(store.Agent, "clean up")
	b.run(t, turn)
	asked, ran := len(b.model.requests), len(b.runner.asks)
	o := b.run(t, turn)
	if len(b.model.requests) != asked || len(b.runner.asks) != ran {
		t.Error("a finished turn was asked or run again")
	}
	for _, e := range eventsOf[agent.CallDone](o) {
		if !e.Replayed {
			t.Errorf("%s is not marked", e.Call.ID)
		}
	}
	for _, e := range eventsOf[agent.Proposed](o) {
		if !e.Replayed {
			t.Error("the proposal is not marked")
		}
	}
}
