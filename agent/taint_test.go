package agent_test

import (
	"slices"
	"strings"
	"testing"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

func TestTaintBegins(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(*agent.Turn, *bench)
		want    bool
	}{
		"own words alone":        {func(*agent.Turn, *bench) {}, false},
		"own words in thread":    {func(t *agent.Turn, _ *bench) { t.History = []agent.Said{{Own: true, Text: "earlier"}} }, false},
		"somebody else's words":  {func(t *agent.Turn, _ *bench) { t.History = []agent.Said{{Own: true, Text: "a"}, {Text: "b"}} }, true},
		"Aurora's earlier words": {func(t *agent.Turn, _ *bench) { t.History = []agent.Said{{Bot: true, Text: "b"}} }, true},
		"an alert":               {func(t *agent.Turn, _ *bench) { t.Alert = "disk full" }, true},
		"a continuation":         {func(t *agent.Turn, _ *bench) { t.Settled = []agent.Settled{{Confirmation: "conf_x"}} }, true},
		"labels in Agent mode":   {func(t *agent.Turn, _ *bench) { t.Accounts = []agent.Account{{Label: "prod"}} }, false},
		"labels in Ask mode": {func(t *agent.Turn, _ *bench) {
			t.Caller.Mode, t.Accounts = store.Ask, []agent.Account{{Label: "prod"}}
		}, true},
		"own remembered ask": {func(t *agent.Turn, b *bench) {
			remember(b, "posted", `{"turn":"t0","kind":"ask","user":"usr_1","text":"earlier"}`)
		}, false},
		"own whispered ask": {func(t *agent.Turn, b *bench) {
			remember(b, "user:usr_1", `{"turn":"t0","kind":"ask","user":"usr_1","text":"earlier"}`)
		}, false},
		"another's remembered ask": {func(t *agent.Turn, b *bench) {
			remember(b, "posted", `{"turn":"t0","kind":"ask","user":"usr_2","text":"earlier"}`)
		}, true},
		"remembered answer": {func(t *agent.Turn, b *bench) {
			remember(b, "posted", `{"turn":"t0","kind":"answer","user":"usr_1","text":"earlier"}`)
		}, true},
		"remembered finding": {func(t *agent.Turn, b *bench) {
			remember(b, "user:usr_1", `{"turn":"t0","kind":"finding","user":"usr_1","text":"earlier"}`)
		}, true},
		"another's finding is not told": {func(t *agent.Turn, b *bench) {
			remember(b, "user:usr_2", `{"turn":"t0","kind":"finding","user":"usr_2","text":"earlier"}`)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(calls("1", "write a"), says("done"))
			turn := askTurn(store.Agent, "write a")
			tc.prepare(&turn, b)
			b.run(t, turn)
			if got := b.runner.asks[0].Tainted; got != tc.want {
				t.Errorf("tainted %v, want %v", got, tc.want)
			}
		})
	}
}

func remember(b *bench, layer, entry string) {
	_ = b.memory.Remember(nil, "T:C:1", layer, []byte(entry)) //nolint:staticcheck // the memory in memory looks at no context
}

func TestTaintGrowsWithWhatWasRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first  string
		result providers.Result
		want   bool
	}{
		"output":          {"read a", providers.Result{Status: providers.StatusOK, Output: "x"}, true},
		"failed":          {"read a", providers.Result{Status: providers.StatusFailed, Error: "x"}, true},
		"ambiguous":       {"read a", providers.Result{Code: providers.CodeAmbiguous, Error: "prod or staging?"}, true},
		"refused":         {"read a", providers.Result{Code: providers.CodeRefused, Error: "no"}, true},
		"unknown command": {"read a", providers.Result{Code: providers.CodeUnknown, Error: "no"}, false},
		"unparsed":        {"read a", providers.Result{Code: providers.CodeUnparsed, Error: "no"}, false},
	} {
		b := newBench(calls("1", tc.first, "write b"), calls("2", "write c"), says("done"))
		b.runner.results[tc.first] = tc.result
		b.run(t, askTurn(store.Agent, "go"))
		for _, a := range b.runner.asks {
			// write b was proposed before the result was read, write c after; and b's own output taints c.
			if line(a) == "write b" && a.Tainted {
				t.Errorf("%s: tainted within the step", name)
			}
		}
		b = newBench(calls("1", tc.first), calls("2", "write c"), says("done"))
		b.runner.results[tc.first] = tc.result
		b.run(t, askTurn(store.Agent, "go"))
		i := slices.IndexFunc(b.runner.asks, func(a providers.Ask) bool { return line(a) == "write c" })
		if got := b.runner.asks[i].Tainted; got != tc.want {
			t.Errorf("%s: tainted %v, want %v", name, got, tc.want)
		}
	}
}

func TestMemoryTellsOnlyWhatTheAskerMayKnow(t *testing.T) {
	t.Parallel()
	b := newBench(says("ok"))
	m := agent.Memory{Keep: b.memory}
	ctx := t.Context()
	for _, err := range []error{
		m.Posted(ctx, "T:C:1", "t0", "usr_2", "PUBLIC-ASK", "PUBLIC-ANSWER"),
		m.Found(ctx, "T:C:1", "t0", "usr_1", "aws x", "MY-FINDING"),
		m.Found(ctx, "T:C:1", "t0", "usr_2", "aws x", "OTHER-FINDING"),
		m.Whispered(ctx, "T:C:1", "t0", "usr_2", "OTHER-ASK", "OTHER-WHISPER", false),
		m.Found(ctx, "T:C:1", "t0", "usr_1", "aws x", "MY-FINDING"), // a takeover may keep it twice
		m.Posted(ctx, "T:C:2", "t0", "usr_1", "OTHER-THREAD", "OTHER-THREAD"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b.run(t, askTurn(store.Ask, "go on"))
	heard := b.model.requests[0].Messages[0].Text
	for _, want := range []string{"PUBLIC-ASK", "PUBLIC-ANSWER", "MY-FINDING"} {
		if !strings.Contains(heard, want) {
			t.Errorf("%s is not told", want)
		}
	}
	if strings.Count(heard, "MY-FINDING") != 1 {
		t.Error("what was kept twice is told twice")
	}
	if strings.Contains(heard, "OTHER-") {
		t.Errorf("told what only somebody else may know: %s", heard)
	}
}

func TestFindingsAreKeptForTheAskerAlone(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a"), says("the answer"))
	b.runner.results["read a"] = providers.Result{Status: providers.StatusOK, Output: "VISIBLE", Private: "ONCE-ONLY-SECRET"}
	b.run(t, askTurn(store.Ask, "go"))
	if got := b.memory.layers["T:C:1|user:usr_1"]; len(got) != 1 || !strings.Contains(string(got[0]), "VISIBLE") {
		t.Errorf("layer %s", got)
	}
	if got := b.memory.layers["T:C:1|posted"]; len(got) != 0 {
		t.Errorf("the loop posted %s", got)
	}
	steps, _ := b.journal.Steps(t.Context())
	for _, where := range []string{string(steps[0].Results["1a"]), string(b.memory.layers["T:C:1|user:usr_1"][0]), b.model.requests[1].Messages[2].Text} {
		if strings.Contains(where, "ONCE-ONLY-SECRET") {
			t.Errorf("a secret that is shown once lies in %s", where)
		}
	}
}

func TestForgettingIsNoReasonToStop(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a"), says("done"))
	b.memory.fail = store.ErrUnavailable
	o := b.run(t, askTurn(store.Ask, "go"))
	if o.final.Text != "done" || len(eventsOf[agent.Forgot](o)) != 3 {
		t.Errorf("final %+v, %d times forgotten", o.final, len(eventsOf[agent.Forgot](o)))
	}
}

func TestAskerOnlyReachesTheFinal(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a"), says("done"))
	b.runner.results["read a"] = providers.Result{Status: providers.StatusOK, Output: "rows", AskerOnly: true}
	if o := b.run(t, askTurn(store.Ask, "go")); !o.final.AskerOnly {
		t.Error("the answer may quote what was for the asker alone, and nobody says so")
	}
}
