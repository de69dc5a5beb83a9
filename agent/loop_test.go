package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

func TestAnswerNamesWhatTheModelSaid(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a"), says("There is one."))
	o := b.run(t, askTurn(store.Ask, "list things"))
	want := agent.Final{Text: "There is one.", State: store.TurnDone, Usage: agent.Usage{In: 20, Out: 10}, Tainted: true}
	if diff := cmp.Diff(want, o.final); o.err != nil || diff != "" {
		t.Errorf("err %v, final (-want +got):\n%s", o.err, diff)
	}
	last := b.model.requests[1].Messages
	if got := last[len(last)-1]; got.Role != agent.RoleTool || got.CallID != "1a" || !strings.Contains(got.Text, "out of read a") {
		t.Errorf("the model heard %+v", got)
	}
}

func TestReplyIsJournaledBeforeItsCallsRun(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a", "write b"), says("done"))
	b.runner.before = func(_ context.Context, a providers.Ask) {
		steps, _ := b.journal.Steps(context.Background())
		if len(steps) != a.Step {
			t.Errorf("%s runs with %d steps journaled", line(a), len(steps))
		}
	}
	b.run(t, askTurn(store.Agent, "do it"))
	b.model.before = nil
	steps, _ := b.journal.Steps(t.Context())
	if len(steps) != 2 || len(steps[0].Results) != 2 {
		t.Errorf("journal: %+v", steps)
	}
}

func TestReadsRunSideBySideAtMostFour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(calls("1", "read a", "read b", "read c", "read d", "read e", "read f"), says("done"))
		delay := map[string]time.Duration{"read a": 60, "read b": 50, "read c": 40, "read d": 30, "read e": 20, "read f": 10}
		b.runner.before = func(_ context.Context, a providers.Ask) { time.Sleep(delay[line(a)] * time.Millisecond) }
		o := b.run(t, askTurn(store.Ask, "list"))
		if b.runner.most != 4 {
			t.Errorf("%d ran at once, want 4", b.runner.most)
		}
		var order []string
		for _, m := range b.model.requests[1].Messages {
			if m.Role == agent.RoleTool {
				order = append(order, m.CallID)
			}
		}
		if want := []string{"1a", "1b", "1c", "1d", "1e", "1f"}; !slices.Equal(order, want) {
			t.Errorf("results in order %v", order)
		}
		if done := eventsOf[agent.CallDone](o); len(done) != 6 || done[0].Call.ID != "1a" {
			t.Errorf("events: %+v", done)
		}
	})
}

func TestChangesRunAloneAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(calls("1", "read a", "read b", "write c", "write d", "read e"), says("done"))
		var mu sync.Mutex
		running := map[string]bool{}
		b.runner.before = func(_ context.Context, a providers.Ask) {
			mu.Lock()
			running[line(a)] = true
			if strings.HasPrefix(line(a), "write") && len(running) > 1 || running["write c"] && len(running) > 1 {
				t.Errorf("%s runs beside %v", line(a), running)
			}
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			delete(running, line(a))
			mu.Unlock()
		}
		b.run(t, askTurn(store.Agent, "do it"))
		if got := b.runner.lines(); !slices.Equal(got[2:], []string{"write c", "write d", "read e"}) {
			t.Errorf("ran %v", got)
		}
	})
}

func TestEveryCallIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	odd := calls("1", "read a", "nonsense b", "delete c", "write d", "read e")
	odd.Calls = append(odd.Calls,
		agent.Call{ID: "x1", Name: "run_shell", Arguments: json.RawMessage(`{"cmd":"id"}`)},
		agent.Call{ID: "x2", Name: agent.ToolName, Arguments: json.RawMessage(`{"provider":"aws","command":"read z","confirmed":true}`)},
		agent.Call{ID: "x3", Name: agent.ToolName, Arguments: json.RawMessage(`{"provider":"mars","command":"read z"}`)},
		agent.Call{ID: "x4", Name: agent.ToolName, Arguments: json.RawMessage(`{"provider":"aws","command":"read z","command":"write z"}`)},
	)
	b := newBench(odd, says("waiting"))
	b.loop.Limits.CallsPerStep = 9
	b.runner.results["read e"] = providers.Result{Code: providers.CodeTimeout, Error: "It took too long."}
	o := b.run(t, askTurn(store.Agent, "do it"))
	answers := map[string]string{}
	for _, m := range b.model.requests[1].Messages {
		if m.Role == agent.RoleTool {
			if answers[m.CallID] != "" {
				t.Errorf("%s answered twice", m.CallID)
			}
			answers[m.CallID] = m.Text
		}
	}
	for id, want := range map[string]string{
		"1a": `"status":"ok"`, "1b": `"code":"unknown"`, "1c": `"requires_confirmation":true`, "1d": `"code":"held"`, "1e": `"code":"timeout"`,
		"x1": `"code":"unknown_tool"`, "x2": `"code":"invalid_arguments"`, "x3": `"code":"invalid_arguments"`, "x4": `"code":"invalid_arguments"`,
	} {
		if !strings.Contains(answers[id], want) {
			t.Errorf("%s: %s, want %s", id, answers[id], want)
		}
	}
	if o.final.State != store.TurnWaiting || len(answers) != 9 {
		t.Errorf("final %+v, %d answers", o.final, len(answers))
	}
}

func TestPlanSharesOneCard(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a", "delete b", "delete c", "write d", "delete e", "read f"), says("Two deletes wait for your click."))
	o := b.run(t, askTurn(store.Agent, "clean up"))
	proposed := eventsOf[agent.Proposed](o)
	if len(proposed) != 1 {
		t.Fatalf("%d proposals", len(proposed))
	}
	p := proposed[0]
	if diff := cmp.Diff([]string{"1b", "1c"}, p.Calls); diff != "" || len(p.Confirmation.Commands) != 2 || p.ID != p.Confirmation.ID || p.Confirmation.Call != "1b" {
		t.Errorf("plan %+v", p)
	}
	if got := b.runner.lines(); slices.Contains(got, "write d") || slices.Contains(got, "delete e") || !slices.Contains(got, "read f") {
		t.Errorf("ran %v", got)
	}
	last := b.model.requests[1]
	if !last.NoCalls {
		t.Error("the model may still call while a click is waited for")
	}
	for _, m := range last.Messages {
		if (m.CallID == "1b" || m.CallID == "1c") && !strings.Contains(m.Text, p.ID) {
			t.Errorf("%s heard %s, not the plan's id", m.CallID, m.Text)
		}
	}
	if o.final.State != store.TurnWaiting || o.final.Text == "" || o.final.Notice != "" {
		t.Errorf("final %+v", o.final)
	}
}

func TestPlanKeepsToOneConnectionAndTenCommands(t *testing.T) {
	t.Parallel()
	twelve := []string{"delete a", "delete b", "delete c", "delete d", "delete e", "delete f", "delete g", "delete h", "delete i", "delete j", "delete k", "delete l"}
	for name, tc := range map[string]struct {
		prepare func(*bench)
		want    int
	}{
		"ten at most":        {func(*bench) {}, 10},
		"another connection": {func(b *bench) { b.runner.results["delete c"] = proposal(providers.Ask{Line: "delete c"}, "con_2") }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(calls("1", twelve...), says("waiting"))
			b.loop.Limits.CallsPerStep = 20
			tc.prepare(b)
			o := b.run(t, askTurn(store.Agent, "clean up"))
			if p := eventsOf[agent.Proposed](o); len(p) != 1 || len(p[0].Confirmation.Commands) != tc.want || len(p[0].Calls) != tc.want {
				t.Errorf("proposed %+v", p)
			}
		})
	}
}

func TestWaitingTurnEndsWithoutTheModelToo(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "delete b"))
	b.model.failures = map[int]error{1: &agent.Failure{Kind: agent.FailUnavailable}}
	o := b.run(t, askTurn(store.Agent, "delete b"))
	if o.final.State != store.TurnWaiting || len(eventsOf[agent.Proposed](o)) != 1 || o.final.Notice == "" {
		t.Errorf("final %+v", o.final)
	}
}

func TestModelCannotConfirmWhileWaiting(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "delete b"), calls("2", "delete b", "write c", "read d"))
	o := b.run(t, askTurn(store.Agent, "delete b"))
	if got := b.runner.lines(); !slices.Equal(got, []string{"delete b"}) {
		t.Errorf("ran %v", got)
	}
	if o.final.State != store.TurnWaiting || !strings.Contains(o.final.Notice, "has not run") {
		t.Errorf("final %+v", o.final)
	}
}

func TestFailedChangeHoldsTheNext(t *testing.T) {
	t.Parallel()
	for name, res := range map[string]providers.Result{
		"failed":  {Status: providers.StatusFailed, Error: "exit status 1"},
		"unknown": {Code: providers.CodeLost, Error: "Nobody knows."},
		"timeout": {Code: providers.CodeTimeout, Error: "Too long."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(calls("1", "write a", "write b", "read c"), says("done"))
			b.runner.results["write a"] = res
			b.run(t, askTurn(store.Agent, "do it"))
			if got := b.runner.lines(); !slices.Equal(got, []string{"write a", "read c"}) {
				t.Errorf("ran %v", got)
			}
		})
	}
}

func TestArgvFormTravelsAsWords(t *testing.T) {
	t.Parallel()
	c := agent.Call{ID: "1a", Name: agent.ToolName, Arguments: json.RawMessage(`{"provider":"aws","command":["read","two words",""],"selected_project_id":"p"}`)}
	b := newBench(agent.Reply{Calls: []agent.Call{c}, Finish: "tool_calls"}, says("done"))
	b.run(t, askTurn(store.Ask, "go"))
	a := b.runner.asks[0]
	if !slices.Equal(a.Argv, []string{"read", "two words", ""}) || a.Line != "" || a.Project != "p" || a.Cloud != store.AWS || a.Typed {
		t.Errorf("ask %+v", a)
	}
}

func TestJoinedMessagesAreHeardAtTheNextStep(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a"), says("first answer"), says("second answer"))
	b.journal.pending = map[int][]store.Received{
		1: {{ID: 7, Event: store.Event{Text: "only the big ones"}}},
		2: {{ID: 8, Event: store.Event{Text: "and buckets"}}},
	}
	o := b.run(t, askTurn(store.Ask, "list"))
	if o.final.Text != "second answer" || len(b.model.requests) != 3 {
		t.Fatalf("final %+v after %d askings", o.final, len(b.model.requests))
	}
	second, third := b.model.requests[1].Messages, b.model.requests[2].Messages
	if got := second[len(second)-1]; got.Role != agent.RoleUser || got.Text != "only the big ones" {
		t.Errorf("second asking ends with %+v", got)
	}
	if got := third[len(third)-1]; got.Text != "and buckets" {
		t.Errorf("third asking ends with %+v", got)
	}
	if r := eventsOf[agent.Replied](o); len(r[0].Joined) != 1 || r[0].Joined[0].ID != 7 {
		t.Errorf("replied %+v", r)
	}
}

func TestLateMessageIsNotLostSilently(t *testing.T) {
	t.Parallel()
	b := newBench(says("answer"))
	b.loop.Limits.Steps = 1
	b.journal.pending = map[int][]store.Received{1: {{ID: 7, Event: store.Event{Text: "one more thing"}}}}
	if o := b.run(t, askTurn(store.Ask, "list")); !strings.Contains(o.final.Notice, "send it again") {
		t.Errorf("final %+v", o.final)
	}
}

func TestStopEndsTheTurnAndSaysWhatRan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(calls("1", "write a", "write b", "write c"), says("never"))
		b.runner.before = func(ctx context.Context, a providers.Ask) {
			if line(a) == "write b" {
				b.journal.stop()
				<-ctx.Done()
			}
		}
		start := time.Now()
		o := b.run(t, askTurn(store.Agent, "do it"))
		if time.Since(start) > 2*time.Second || o.final.State != store.TurnStopped {
			t.Errorf("after %s: %+v", time.Since(start), o.final)
		}
		for _, want := range []string{"write a (ok)", "write b (cancelled while it ran)"} {
			if !strings.Contains(o.final.Notice, want) {
				t.Errorf("notice %q lacks %q", o.final.Notice, want)
			}
		}
		steps, _ := b.journal.Steps(t.Context())
		if len(steps) != 1 || len(steps[0].Results) != 3 || slices.Contains(b.runner.lines(), "write c") {
			t.Errorf("journal %+v, ran %v", steps, b.runner.lines())
		}
	})
}

func TestStopEndsTheModelsStream(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	b := newBench(says("never"))
	b.model.before = func(int) { cancel(store.ErrStopped) }
	if o := b.runCtx(ctx, t, askTurn(store.Ask, "go")); o.final.State != store.TurnStopped || !strings.Contains(o.final.Notice, "Nothing was changed.") {
		t.Errorf("final %+v", o.final)
	}
}

func TestWhatRanBeforeAStopIsJournaled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	b := newBench(calls("1", "write a", "write b"), says("never"))
	b.runner.before = func(context.Context, providers.Ask) { cancel(store.ErrStopped) }
	o := b.runCtx(ctx, t, askTurn(store.Agent, "go"))
	steps, _ := b.journal.Steps(t.Context())
	if o.final.State != store.TurnStopped || len(steps) != 1 || len(steps[0].Results) != 2 {
		t.Errorf("final %+v, journal %+v, err %v", o.final, steps, o.err)
	}
}

func TestLostClaimWinsOverAStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	b := newBench(calls("1", "write a"), says("never"))
	b.runner.before = func(context.Context, providers.Ask) {
		b.journal.fail = store.ErrFenced
		cancel(store.ErrStopped)
	}
	if o := b.runCtx(ctx, t, askTurn(store.Agent, "go")); !errors.Is(o.err, store.ErrFenced) {
		t.Errorf("final %+v, err %v: another replica ends this turn", o.final, o.err)
	}
}

func TestNothingGoesOnWithoutAJournal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(calls("1", "read a", "read b"), says("never"))
		b.journal.crash = 2
		b.runner.before = func(ctx context.Context, a providers.Ask) {
			if line(a) == "read b" {
				<-ctx.Done()
			}
		}
		start := time.Now()
		if o := b.run(t, askTurn(store.Ask, "go")); !errors.Is(o.err, errCrash) || time.Since(start) > time.Second {
			t.Errorf("err %v after %s", o.err, time.Since(start))
		}
	})
}

func TestLostClaimAndShutdownAreNoEnd(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{store.ErrFenced, context.Canceled} {
		ctx, cancel := context.WithCancelCause(t.Context())
		b := newBench(says("never"))
		b.model.before = func(int) { cancel(cause) }
		if o := b.runCtx(ctx, t, askTurn(store.Ask, "go")); !errors.Is(o.err, cause) {
			t.Errorf("%v: %+v", cause, o)
		}
		if steps, _ := b.journal.Steps(t.Context()); len(steps) != 0 {
			t.Errorf("%v: journaled all the same", cause)
		}
	}
	b := newBench(calls("1", "read a"), says("never"))
	b.journal.fail = store.ErrFenced
	if o := b.run(t, askTurn(store.Ask, "go")); !errors.Is(o.err, store.ErrFenced) || len(b.runner.lines()) != 0 {
		t.Errorf("a reply that could not be journaled was used: %+v", o)
	}
}

func TestPanickingRunnerIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "write a", "write b"), says("done"))
	b.runner.before = func(context.Context, providers.Ask) { panic("broken") }
	o := b.run(t, askTurn(store.Agent, "go"))
	if done := eventsOf[agent.CallDone](o); done[0].Result.Code != providers.CodeLost || len(b.runner.lines()) != 1 {
		t.Errorf("events %+v", done)
	}
}
