package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/agent"
	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
)

// bench is a loop with everything around it small and real: a journal in memory, a runner that knows a few commands, and a
// model that answers from a list.
type bench struct {
	model   *listModel
	journal *memJournal
	runner  *fakeRunner
	memory  *memRecaller
	loop    *agent.Loop
}

func newBench(replies ...agent.Reply) *bench {
	b := &bench{
		model: &listModel{replies: replies}, journal: &memJournal{}, memory: &memRecaller{},
		runner: &fakeRunner{results: map[string]providers.Result{}},
	}
	b.loop = &agent.Loop{Model: b.model, Runner: b.runner, Memory: agent.Memory{Keep: b.memory}}
	return b
}

func askTurn(mode store.Mode, text string) agent.Turn {
	return agent.Turn{
		ID: "turn_1", Thread: "T:C:1", Text: text, Started: time.Now(), Clouds: []store.Cloud{store.AWS},
		Caller: providers.Caller{
			Org: store.Organisation{ID: "org_1"}, User: store.User{ID: "usr_1", Role: store.Operator}, Mode: mode,
		},
	}
}

// outcome is a whole run.
type outcome struct {
	events []agent.Event
	final  agent.Final
	err    error
}

func (b *bench) run(t *testing.T, turn agent.Turn) outcome {
	t.Helper()
	return b.runCtx(t.Context(), t, turn)
}

func (b *bench) runCtx(ctx context.Context, t *testing.T, turn agent.Turn) outcome {
	t.Helper()
	var o outcome
	for e, err := range b.loop.Run(ctx, turn, b.journal) {
		if err != nil {
			o.err = err
			continue
		}
		o.events = append(o.events, e)
		if f, ok := e.(agent.Final); ok {
			o.final = f
		}
	}
	if o.err == nil && o.final.State == "" {
		t.Fatal("the turn ended without an error and without a Final")
	}
	if o.err != nil && o.final.State != "" {
		t.Fatalf("the turn ended with both %v and %+v", o.err, o.final)
	}
	return o
}

func eventsOf[E agent.Event](o outcome) []E {
	var all []E
	for _, e := range o.events {
		if e, ok := e.(E); ok {
			all = append(all, e)
		}
	}
	return all
}

func says(text string) agent.Reply {
	return agent.Reply{Text: text, Finish: "stop", Usage: agent.Usage{In: 10, Out: 5}}
}

// calls makes a reply of one call for each command; ids are a, b, c, ... with the step's letter before.
func calls(prefix string, commands ...string) agent.Reply {
	r := agent.Reply{Finish: "tool_calls", Usage: agent.Usage{In: 10, Out: 5}}
	for i, c := range commands {
		r.Calls = append(r.Calls, call(fmt.Sprintf("%s%c", prefix, 'a'+i), c))
	}
	return r
}

func call(id, command string) agent.Call {
	raw, _ := json.Marshal(map[string]any{"provider": "aws", "command": command})
	return agent.Call{ID: id, Name: agent.ToolName, Arguments: raw}
}

// listModel answers from a list, in order, and keeps what it was asked.
type listModel struct {
	mu       sync.Mutex
	replies  []agent.Reply
	failures map[int]error         // by the number of the asking, from 0
	pieces   map[int][]agent.Piece // what comes before the reply, by the number of the asking
	before   func(n int)
	requests []agent.Request
}

func (m *listModel) Reply(ctx context.Context, r agent.Request) iter.Seq2[agent.Piece, error] {
	return func(yield func(agent.Piece, error) bool) {
		n := m.asked()
		reply, err := m.reply(ctx, r)
		for _, p := range m.pieces[n] {
			if !yield(p, nil) {
				return
			}
		}
		agent.AtOnce(reply, err)(yield)
	}
}

func (m *listModel) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.requests)
}

func (m *listModel) reply(ctx context.Context, r agent.Request) (agent.Reply, error) {
	m.mu.Lock()
	n := len(m.requests)
	r.Messages = append([]agent.Message(nil), r.Messages...)
	m.requests = append(m.requests, r)
	m.mu.Unlock()
	if m.before != nil {
		m.before(n)
	}
	if err := m.failures[n]; err != nil {
		return agent.Reply{}, err
	}
	if err := ctx.Err(); err != nil {
		return agent.Reply{}, err
	}
	steps := 0 // the reply depends on the conversation alone, as a model's does: a takeover gets the same
	for _, msg := range r.Messages {
		if msg.Role == agent.RoleAssistant {
			steps++
		}
	}
	if steps >= len(m.replies) {
		return agent.Reply{}, fmt.Errorf("the test has no reply %d", steps+1)
	}
	return m.replies[steps], nil
}

// fakeRunner judges by the command's words: "read", "write", "touch" or "delete" come first.
type fakeRunner struct {
	mu      sync.Mutex
	results map[string]providers.Result // by line; what is not there is ok with the line as output
	before  func(ctx context.Context, a providers.Ask)
	asks    []providers.Ask
	now     int
	most    int
}

func (f *fakeRunner) Judge(_ context.Context, a providers.Ask) providers.Prepared {
	p := judgedLine(a)
	p.Shown = strings.Fields(line(a))
	return p
}

func judgedLine(a providers.Ask) providers.Prepared {
	switch word, _, _ := strings.Cut(line(a), " "); word {
	case "read":
		return judged(policy.Read, policy.Allow)
	case "write":
		if a.Tainted {
			return judged(policy.Write, policy.Confirm)
		}
		return judged(policy.Write, policy.Allow)
	case "touch": // a write that taint does not hold back, as one an admin allowed for a while
		return judged(policy.Write, policy.Allow)
	case "delete":
		return judged(policy.Delete, policy.Confirm)
	}
	return providers.Prepared{Verdict: policy.Verdict{Effect: policy.Forbidden}, Ruling: policy.Ruling{Decision: policy.Refuse}, Code: providers.CodeUnknown}
}

func judged(e policy.Effect, d policy.Decision) providers.Prepared {
	return providers.Prepared{Verdict: policy.Verdict{Effect: e}, Ruling: policy.Ruling{Decision: d}}
}

func line(a providers.Ask) string {
	if a.Line != "" {
		return a.Line
	}
	return strings.Join(a.Argv, " ")
}

func (f *fakeRunner) Run(ctx context.Context, a providers.Ask) providers.Result {
	f.mu.Lock()
	f.asks = append(f.asks, a)
	f.now++
	f.most = max(f.most, f.now)
	f.mu.Unlock()
	if f.before != nil {
		f.before(ctx, a)
	}
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	if ctx.Err() != nil {
		return providers.Result{Code: providers.CodeCancelled, Error: "It was ended.", Argv: strings.Fields(line(a))}
	}
	f.mu.Lock()
	res, ok := f.results[line(a)]
	f.mu.Unlock()
	if ok {
		return res
	}
	return f.usual(ctx, a)
}

func (f *fakeRunner) usual(ctx context.Context, a providers.Ask) providers.Result {
	p := f.Judge(ctx, a)
	switch {
	case p.Ruling.Decision == policy.Confirm:
		return proposal(a, "con_1")
	case p.Code != "":
		return providers.Result{Code: p.Code, Error: "No such command."}
	}
	return providers.Result{Status: providers.StatusOK, Output: "out of " + line(a), Cloud: store.AWS, Argv: strings.Fields(line(a))}
}

func proposal(a providers.Ask, connection string) providers.Result {
	return providers.Result{Cloud: store.AWS, Argv: strings.Fields(line(a)), Proposal: &store.Confirmation{
		ID: providers.ConfirmationID(a), Turn: a.Turn, Step: a.Step, Call: a.Call, ConnectionID: connection, Tainted: a.Tainted,
		Commands: []store.Planned{{Argv: strings.Fields(line(a)), Effect: "delete"}},
	}}
}

func (f *fakeRunner) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, a := range f.asks {
		all = append(all, line(a))
	}
	return all
}

var errCrash = errors.New("the process is gone")

// memJournal keeps steps in memory, as a store would: as JSON. It can crash before or after write number crash.
type memJournal struct {
	mu      sync.Mutex
	steps   []store.Step
	pending map[int][]store.Received // joins with step n
	stopped bool
	fail    error
	writes  int
	crash   int // 0 for never
	after   bool
}

func (j *memJournal) Steps(context.Context) ([]store.Step, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	raw, err := json.Marshal(j.steps)
	if err != nil {
		return nil, err
	}
	var copied []store.Step
	return copied, json.Unmarshal(raw, &copied)
}

func (j *memJournal) SaveReply(ctx context.Context, n int, reply json.RawMessage) ([]store.Received, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	joined := j.pending[n]
	return joined, j.write(ctx, func() error {
		if n != len(j.steps)+1 {
			return fmt.Errorf("reply %d after %d steps", n, len(j.steps))
		}
		j.steps = append(j.steps, store.Step{N: n, Reply: reply, Results: map[string]json.RawMessage{}, Joined: joined})
		return nil
	})
}

func (j *memJournal) SaveResult(ctx context.Context, n int, call string, result json.RawMessage) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.write(ctx, func() error {
		if n != len(j.steps) {
			return fmt.Errorf("result of step %d while step %d is the last", n, len(j.steps))
		}
		if _, twice := j.steps[n-1].Results[call]; twice {
			return fmt.Errorf("call %s was answered twice", call)
		}
		j.steps[n-1].Results[call] = result
		return nil
	})
}

func (j *memJournal) write(ctx context.Context, do func() error) error {
	j.writes++
	if j.fail != nil {
		return j.fail
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.crash > 0 && j.writes >= j.crash {
		if j.writes == j.crash && j.after {
			_ = do()
		}
		return errCrash
	}
	return do()
}

func (j *memJournal) Stopped(context.Context) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stopped, nil
}

func (j *memJournal) stop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stopped = true
}

// memRecaller is thread memory in memory.
type memRecaller struct {
	mu     sync.Mutex
	layers map[string][]json.RawMessage
	fail   error
}

func (m *memRecaller) Remember(_ context.Context, thread, layer string, entry json.RawMessage) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.layers == nil {
		m.layers = map[string][]json.RawMessage{}
	}
	m.layers[thread+"|"+layer] = append(m.layers[thread+"|"+layer], entry)
	return m.fail
}

func (m *memRecaller) Recall(_ context.Context, thread, layer string) ([]json.RawMessage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.layers[thread+"|"+layer], m.fail
}
