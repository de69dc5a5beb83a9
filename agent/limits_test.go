package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

// endless is a bench whose model always wants one more read.
func endless(steps int, perStep int) *bench {
	var replies []agent.Reply
	for i := range steps {
		commands := make([]string, perStep)
		for k := range commands {
			commands[k] = fmt.Sprintf("read %d-%d", i, k)
		}
		replies = append(replies, calls(fmt.Sprintf("s%d", i), commands...))
	}
	return newBench(replies...)
}

func TestLimitsEndTheTurnHonestly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bench  *bench
		limits agent.Limits
		asked  int // how often the model is asked
		ran    int
		notice string
	}{
		"steps":          {endless(20, 1), agent.Limits{}, 12, 11, "12 rounds"},
		"calls per step": {endless(2, 9), agent.Limits{Steps: 2}, 2, 8, "2 rounds"},
		"calls":          {endless(12, 8), agent.Limits{}, 6, 40, "40 commands"},
		"tokens":         {endless(12, 1), agent.Limits{Tokens: 45}, 3, 3, "45 tokens"},
		"bytes":          {endless(12, 1), agent.Limits{TotalBytes: 300}, 4, 3, "KiB of output"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.bench.loop.Limits = tc.limits
			o := tc.bench.run(t, askTurn(store.Ask, "go on"))
			if got := len(tc.bench.model.requests); got != tc.asked {
				t.Errorf("asked %d times, want %d", got, tc.asked)
			}
			if got := len(tc.bench.runner.asks); got != tc.ran {
				t.Errorf("ran %d, want %d", got, tc.ran)
			}
			if o.final.State != store.TurnDone || !strings.Contains(o.final.Notice, tc.notice) {
				t.Errorf("final %+v", o.final)
			}
			if last := tc.bench.model.requests[tc.asked-1]; name != "tokens" && !last.NoCalls {
				t.Error("the model was not told that this is its last word")
			}
		})
	}
}

func TestCallsBeyondTheLimitAreAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a", "read b", "read c"), says("done"))
	b.loop.Limits.CallsPerStep = 2
	b.run(t, askTurn(store.Ask, "go"))
	last := b.model.requests[1].Messages
	if got := last[len(last)-1]; got.CallID != "1c" || !strings.Contains(got.Text, "at most 2 calls in one reply") {
		t.Errorf("the model heard %+v", got)
	}
}

func TestWallTimeEndsTheTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(calls("1", "write a"), calls("2", "read b"), says("never"))
		b.runner.before = func(ctx context.Context, a providers.Ask) {
			if line(a) == "read b" {
				<-ctx.Done()
			}
		}
		start := time.Now()
		o := b.run(t, askTurn(store.Agent, "go"))
		if got := time.Since(start); got != 10*time.Minute {
			t.Errorf("it took %s", got)
		}
		if o.final.State != store.TurnDone || !strings.Contains(o.final.Notice, "10m0s") || !strings.Contains(o.final.Notice, "write a (ok)") {
			t.Errorf("final %+v", o.final)
		}
	})
}

func TestTakeoverDoesNotLengthenTheTurn(t *testing.T) {
	t.Parallel()
	b := newBench(says("never"))
	turn := askTurn(store.Ask, "go")
	turn.Started = time.Now().Add(-11 * time.Minute)
	if o := b.run(t, turn); len(b.model.requests) != 0 || !strings.Contains(o.final.Notice, "10m0s") {
		t.Errorf("asked %d times, final %+v", len(b.model.requests), o.final)
	}
}

func TestLongOutputKeepsHeadAndTail(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a"), says("done"))
	long := "HEAD\n" + strings.Repeat("\"quoted\" line\n", 20_000) + "TAIL"
	b.runner.results["read a"] = providers.Result{
		Status: providers.StatusOK, Output: long, Cloud: store.AWS, Sections: []providers.Section{{Account: "111122223333"}},
	}
	o := b.run(t, askTurn(store.Ask, "go"))
	last := b.model.requests[1].Messages
	heard := last[len(last)-1].Text
	var got struct {
		Output   string
		Metadata struct {
			Account   string
			Truncated bool
		}
	}
	if err := json.Unmarshal([]byte(heard), &got); err != nil || len(heard) > 16<<10 || len(heard) < 8<<10 {
		t.Fatalf("%d bytes, %v", len(heard), err)
	}
	if !strings.HasPrefix(got.Output, "HEAD") || !strings.HasSuffix(got.Output, "TAIL") || !got.Metadata.Truncated || got.Metadata.Account != "111122223333" {
		t.Errorf("the model heard %.80s ... %+v", got.Output, got.Metadata)
	}
	if done := eventsOf[agent.CallDone](o); done[0].Result.Output != long {
		t.Error("people are shown the shortened output")
	}
}

func TestResultThatCannotBeShortenedIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a"), says("done"))
	res := providers.Result{Status: providers.StatusOK, Output: "x"}
	for i := range 500 {
		res.Sections = append(res.Sections, providers.Section{Account: fmt.Sprintf("account-%d-%s", i, strings.Repeat("x", 100))})
	}
	b.runner.results["read a"] = res
	b.run(t, askTurn(store.Ask, "go"))
	last := b.model.requests[1].Messages
	if heard := last[len(last)-1].Text; len(heard) > 16<<10 || !strings.Contains(heard, "too large to show") {
		t.Errorf("the model heard %.200s", heard)
	}
}

func TestLongRefusalIsShortened(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a"), says("done"))
	b.runner.results["read a"] = providers.Result{Code: providers.CodeAmbiguous, Error: "Which one? " + strings.Repeat("account ", 10_000)}
	b.run(t, askTurn(store.Ask, "go"))
	last := b.model.requests[1].Messages
	if heard := last[len(last)-1].Text; len(heard) > 16<<10 || !strings.Contains(heard, "Which one?") || !strings.Contains(heard, `"code":"ambiguous"`) {
		t.Errorf("the model heard %.200s", heard)
	}
}

func TestBrokenReplyIsAskedForOnceMore(t *testing.T) {
	t.Parallel()
	for kind, want := range map[agent.FailureKind]int{
		agent.FailTruncated: 2, agent.FailMalformed: 2, agent.FailIdle: 2,
		agent.FailUnavailable: 1, agent.FailLimited: 1, agent.FailRejected: 1, agent.FailQuota: 1, agent.FailContext: 1, agent.FailLength: 1, agent.FailFiltered: 1, agent.FailTooLarge: 1, agent.FailNone: 1,
	} {
		b := newBench(says("never"))
		f := &agent.Failure{Kind: kind, Usage: agent.Usage{In: 3}}
		b.model.failures = map[int]error{0: f, 1: f}
		o := b.run(t, askTurn(store.Ask, "go"))
		if got := len(b.model.requests); got != want {
			t.Errorf("%s: asked %d times, want %d", kind, got, want)
		}
		if !strings.HasPrefix(o.final.Notice, f.Sentence()) || o.final.Usage.In != int64(3*want) {
			t.Errorf("%s: final %+v", kind, o.final)
		}
		if r := eventsOf[agent.Replied](o); len(r) != want || r[0].Failure != f {
			t.Errorf("%s: %+v", kind, r)
		}
	}
}

func TestFailureAfterAChangeSaysWhatRan(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "write a"))
	b.model.failures = map[int]error{1: &agent.Failure{Kind: agent.FailUnavailable}}
	if o := b.run(t, askTurn(store.Agent, "go")); !strings.Contains(o.final.Notice, "write a (ok)") {
		t.Errorf("final %+v", o.final)
	}
}

func TestNoModelSaysHowToConfigureOne(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.loop.Model = agent.Unconfigured{}
	if o := b.run(t, askTurn(store.Ask, "go")); !strings.Contains(o.final.Notice, "OPENAI_API_KEY") || !strings.Contains(o.final.Notice, "/aurora run") {
		t.Errorf("final %+v", o.final)
	}
}

func TestRepliesTheJournalCannotKeyAreNotUsed(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]agent.Reply{
		"same id twice": {Calls: []agent.Call{call("a", "read a"), call("a", "read b")}},
		"no id":         {Calls: []agent.Call{call("", "read a")}},
		"odd id":        {Calls: []agent.Call{call("a/b", "read a")}},
		"not JSON":      {Calls: []agent.Call{{ID: "a", Name: agent.ToolName, Arguments: json.RawMessage(`{"provider":`)}}},
		"no object":     {Calls: []agent.Call{{ID: "a", Name: agent.ToolName, Arguments: json.RawMessage(`[1]`)}}},
	} {
		b := newBench(reply)
		if o := b.run(t, askTurn(store.Ask, "go")); len(b.runner.asks) != 0 || !strings.Contains(o.final.Notice, "ask again") {
			t.Errorf("%s: %+v", name, o.final)
		}
	}
	b := newBench(calls("1", "read a"), calls("1", "read a"))
	if b.run(t, askTurn(store.Ask, "go")); len(b.runner.asks) != 1 {
		t.Error("an id of an earlier step was used again")
	}
}
