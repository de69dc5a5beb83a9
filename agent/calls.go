package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
)

// job is one call of a step on its way to an answer.
type job struct {
	call    Call
	ask     providers.Ask
	ready   bool // ask is a command to run; without it, record is already the answer
	judged  bool
	changes bool // it is not a read that may run at once
	held    bool // it would change something, and something before it stands in the way
	where   providers.Prepared
	record  record
	done    bool // record is the answer
	old     bool // record was journaled before
	took    time.Duration
}

// record is what the journal keeps of a call.
type record struct {
	Answer  json.RawMessage   `json:"answer"`           // what the model hears
	Result  *providers.Result `json:"result,omitempty"` // nil when the executor was not asked
	Plan    string            `json:"plan,omitempty"`   // the confirmation it is part of
	Changes bool              `json:"changes,omitempty"`
	Taints  bool              `json:"taints,omitempty"` // the answer holds text that somebody else may have written
}

// execute answers every call of step n exactly once, in the journal and in the conversation. Neighbouring reads run side
// by side; whatever may change something runs alone and after all that stands before it.
func (r *run) execute(ctx context.Context, n int, reply Reply, closing string, old *store.Step) error {
	jobs, err := r.jobs(n, reply.Calls, closing, old)
	if err != nil {
		return err
	}
	broken := false
	for i := 0; i < len(jobs); {
		end := r.batch(ctx, jobs, i)
		if err := r.runBatch(ctx, n, jobs[i:end], broken); err != nil {
			return err
		}
		for _, j := range jobs[i:end] {
			broken = broken || j.brokeChange()
		}
		i = end
	}
	r.conclusions(jobs)
	return r.propose(n, jobs)
}

// jobs reads the calls of a reply: which are journaled, which are commands, which cannot run at all.
func (r *run) jobs(n int, calls []Call, closing string, old *store.Step) ([]*job, error) {
	jobs := make([]*job, len(calls))
	for i, c := range calls {
		j := &job{call: c}
		jobs[i] = j
		ask, problem := r.command(n, c)
		if problem == nil {
			j.ask, j.ready = ask, true
		}
		found, err := j.recall(old)
		if err != nil {
			return nil, err
		}
		switch {
		case found:
			continue
		case closing != "":
			problem = &toolError{Code: codeLimit, Error: "Not run: this had to be the last word of the turn."}
		case i >= r.Limits.CallsPerStep:
			problem = &toolError{Code: codeLimit, Error: fmt.Sprintf("Not run: at most %d calls in one reply. Ask for the rest in the next one.", r.Limits.CallsPerStep)}
		case problem == nil && r.calls+readyBefore(jobs[:i]) >= r.Limits.Calls:
			problem = &toolError{Code: codeLimit, Error: fmt.Sprintf("Not run: at most %d commands in one turn.", r.Limits.Calls)}
		}
		if problem != nil {
			j.ready, j.record = false, record{Answer: problem.json()}
		}
	}
	return jobs, nil
}

func readyBefore(jobs []*job) int {
	n := 0
	for _, j := range jobs {
		if j.ready {
			n++
		}
	}
	return n
}

// command makes an ask of a call, or says why it is none.
func (r *run) command(n int, c Call) (providers.Ask, *toolError) {
	args, problem := parseCall(c, r.Clouds)
	if problem != nil {
		return providers.Ask{}, problem
	}
	return providers.Ask{
		Turn: r.turn.ID, Step: n, Call: c.ID, Caller: r.turn.Caller,
		Cloud: args.Provider, Line: args.Line, Argv: args.Argv, Project: args.Project, Tainted: r.tainted,
	}, nil
}

// recall takes the answer from the journal where it is there.
func (j *job) recall(old *store.Step) (bool, error) {
	if old == nil {
		return false, nil
	}
	raw, ok := old.Results[j.call.ID]
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(raw, &j.record); err != nil {
		return false, fmt.Errorf("read journaled result of %s: %w", j.call.ID, err)
	}
	j.done, j.old, j.changes, j.ready = true, true, j.record.Changes, j.record.Result != nil
	return true, nil
}

// batch gives the end of the calls that may run together from i: one change, or the reads up to the next change.
func (r *run) batch(ctx context.Context, jobs []*job, i int) int {
	if r.judge(ctx, jobs[i]) {
		return i + 1
	}
	end := i + 1
	for end < len(jobs) && !r.judge(ctx, jobs[end]) {
		end++
	}
	return end
}

// judge tells whether the job may change something. What waits for a click counts, even when it only reads.
func (r *run) judge(ctx context.Context, j *job) bool {
	if j.done || !j.ready || j.judged {
		return j.changes
	}
	j.judged = true
	p := r.Runner.Judge(ctx, j.ask)
	j.where = p
	j.changes = p.Verdict.Effect != policy.Read || p.Ruling.Decision != policy.Allow
	// What is refused anyway is told so; only what could run, now or after a click, is held.
	j.held = j.changes && p.Code == "" && p.Ruling.Decision == policy.Allow
	return j.changes
}

// runBatch answers jobs and journals each answer as soon as it is there; the events come in call order.
func (r *run) runBatch(ctx context.Context, n int, jobs []*job, broken bool) error {
	for _, j := range jobs {
		r.readopt(j)
		r.hold(j, broken)
		if err := r.emit(r.started(n, j)); err != nil {
			return err
		}
	}
	if err := r.runReady(ctx, n, jobs); err != nil {
		return err
	}
	for _, j := range jobs {
		if err := r.emit(j.event(n)); err != nil {
			return err
		}
		if err := r.remember(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// started tells what is about to run and where.
func (r *run) started(n int, j *job) CallStarted {
	e := CallStarted{Step: n, Call: j.call, Ask: j.ask, Private: r.private, Replayed: j.old}
	if j.done || !j.ready || j.where.Code != "" || j.where.Ruling.Decision != policy.Allow {
		return e
	}
	e.Shown, e.Accounts = j.where.Shown, j.where.Labels()
	return e
}

// hold answers a change that must not run before something else: a click, or a look at what just failed.
func (r *run) hold(j *job, broken bool) {
	if j.done || !j.ready || !j.changes {
		return
	}
	switch {
	case broken:
		j.refuse(codeHeld, "Not run: the change before it in this reply did not succeed. Look at that first, then decide anew.")
	case r.plan != nil && (j.held || r.plan.closed):
		r.plan.closed = true
		j.refuse(codeHeld, "Not run: it waits for the confirmation before it.")
	}
}

func (j *job) refuse(code providers.Code, sentence string) {
	j.ready = false
	j.record = record{Answer: toolError{Code: code, Error: sentence}.json(), Changes: j.changes}
}

// runReady runs what is to be run, at most Limits.Readers side by side, and journals every answer.
func (r *run) runReady(ctx context.Context, n int, jobs []*job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	finished := make(chan *job, len(jobs))
	slots := make(chan struct{}, r.Limits.Readers)
	var group sync.WaitGroup
	for _, j := range jobs {
		switch {
		case j.done:
		case !j.ready:
			finished <- j
		default:
			group.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				j.run(ctx, r)
				finished <- j
			})
		}
	}
	go func() { group.Wait(); close(finished) }()
	var first error
	for j := range finished {
		if err := r.save(n, j); err != nil && first == nil {
			first = err
			cancel(err) // without a journal nothing more may start
		}
	}
	return first
}

// run asks the executor. Whatever ended the context meanwhile, the executor gives a result.
func (j *job) run(ctx context.Context, r *run) {
	start := time.Now()
	defer func() {
		j.took = time.Since(start)
		if p := recover(); p != nil {
			j.record.Result = &providers.Result{Code: providers.CodeLost, Fault: fmt.Errorf("%s\n%s", store.PanicText(p), debug.Stack()), Error: "Something broke on Aurora's side while this ran; it is not known how it ended. Check before trying again."}
		}
	}()
	if err := context.Cause(ctx); err != nil {
		j.record.Result = &providers.Result{Code: providers.CodeStopped, Error: notStarted(err)}
		return
	}
	result := r.Runner.Run(ctx, j.ask)
	j.record.Result = &result
}

func notStarted(cause error) string {
	if errors.Is(cause, errWall) {
		return "Not run: the turn's time was over."
	}
	return "Not run: the turn was stopped before it started."
}

// save makes the answer of a job and journals it. Only this goroutine touches the run's counters.
func (r *run) save(n int, j *job) error {
	if res := j.record.Result; res != nil {
		j.record.Changes = j.changes
		j.record.Taints = taints(*res)
		r.adopt(j)
		if j.record.Answer == nil {
			j.record.Answer = fit(*res, min(r.Limits.ResultBytes, max(r.Limits.TotalBytes-r.bytes, minAnswer)))
		}
	}
	r.bytes += len(j.record.Answer)
	raw, err := json.Marshal(j.record)
	if err != nil {
		return fmt.Errorf("encode result of %s: %w", j.call.ID, err)
	}
	ctx, cancel := r.saving()
	defer cancel()
	if err := r.journal.SaveResult(ctx, n, j.call.ID, raw); err != nil {
		return fmt.Errorf("journal result of %s: %w", j.call.ID, err)
	}
	j.done = true
	return nil
}

// taints tells whether a result may hold words that somebody else wrote. Parse errors are made from the model's own
// argv and our grammar alone; every other sentence may name accounts, projects or what a server said.
func taints(res providers.Result) bool {
	if res.Proposal != nil {
		return false
	}
	return res.Code != providers.CodeUnknown && res.Code != providers.CodeUnparsed && res.Code != providers.CodeStopped
}

// brokeChange tells whether the job changed something and failed, or may have.
func (j *job) brokeChange() bool {
	if !j.changes || j.record.Result == nil {
		return false
	}
	switch res := j.record.Result; res.Code {
	case providers.CodeLost, providers.CodeTimeout, providers.CodeCancelled:
		return true
	default:
		return res.Status == providers.StatusFailed
	}
}

// conclusions puts the answers of a whole step into the conversation, in call order.
func (r *run) conclusions(jobs []*job) {
	for _, j := range jobs {
		r.messages = append(r.messages, Message{Role: RoleTool, CallID: j.call.ID, Text: string(j.record.Answer)})
		r.tainted = r.tainted || j.record.Taints
		if j.old {
			r.bytes += len(j.record.Answer)
		}
		res := j.record.Result
		if res == nil {
			continue
		}
		r.calls++
		r.private = r.private || res.AskerOnly
		if state := stateOf(*res); state != "" {
			r.ran = append(r.ran, ranCommand{argv: argvOf(j.ask, *res), changes: j.changes, state: state})
		}
	}
}

func (j *job) event(n int) CallDone {
	e := CallDone{Step: n, Call: j.call, Ask: j.ask, Answer: j.record.Answer, Took: j.took, Replayed: j.old}
	if j.record.Result != nil {
		e.Result, e.Ran = *j.record.Result, true
	}
	return e
}
