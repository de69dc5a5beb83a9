package agent

import (
	"encoding/json"
	"slices"

	"aurora/providers"
	"aurora/store"
)

// maxPlan is how many commands one card may show and still be read.
const maxPlan = 10

// plan is what waits for one click: the commands of one step that need it, on one connection, in call order.
type plan struct {
	conf   store.Confirmation
	step   int
	calls  []string
	closed bool // a change was held after it: nothing may join any more, or the order would change
	told   bool // the model was asked for its last word
}

// adopt puts a result that needs a click into the turn's plan, or holds it when it cannot share the card. The model hears
// the plan's id; the id is in the record before anybody is shown anything.
func (r *run) adopt(j *job) {
	p := j.record.Result.Proposal
	if p == nil {
		return
	}
	if r.plan == nil {
		r.plan = &plan{conf: *p, step: j.ask.Step, calls: []string{j.call.ID}}
		r.plan.conf.Commands = slices.Clone(p.Commands)
		j.record.Plan = p.ID
		return
	}
	if !r.plan.takes(*p, j.ask.Step) {
		r.plan.closed = true
		j.refuse(codeHeld, "Not run: it waits for the confirmation before it.")
		return
	}
	r.plan.add(*p, j.call.ID)
	j.record.Plan = r.plan.conf.ID
	j.record.Answer = waiting(r.plan.conf.ID)
}

// takes tells whether one more command may share the card: same step, same connection, same rules.
func (p *plan) takes(c store.Confirmation, step int) bool {
	have := p.conf
	return !p.closed && step == p.step && len(have.Commands)+len(c.Commands) <= maxPlan &&
		have.ConnectionID == c.ConnectionID && have.Generation == c.Generation && have.Cloud == c.Cloud &&
		have.Account == c.Account && have.Project == c.Project && have.Region == c.Region &&
		have.Mode == c.Mode && have.Policy == c.Policy
}

func (p *plan) add(c store.Confirmation, call string) {
	p.conf.Commands = append(p.conf.Commands, c.Commands...)
	p.conf.FourEyes = p.conf.FourEyes || c.FourEyes
	p.conf.Tainted = p.conf.Tainted || c.Tainted
	p.calls = append(p.calls, call)
}

// readopt rebuilds the plan from journaled records, in call order.
func (r *run) readopt(j *job) {
	if !j.old {
		return
	}
	if r.plan != nil && j.changes && j.record.Result == nil {
		r.plan.closed = true
	}
	if j.record.Plan == "" || j.record.Result == nil || j.record.Result.Proposal == nil {
		return
	}
	p := j.record.Result.Proposal
	if r.plan == nil {
		r.plan = &plan{conf: *p, step: j.ask.Step, calls: []string{j.call.ID}}
		r.plan.conf.Commands = slices.Clone(p.Commands)
		return
	}
	r.plan.add(*p, j.call.ID)
}

// propose tells that a plan waits, once everything it holds is journaled.
func (r *run) propose(n int, jobs []*job) error {
	if r.plan == nil || r.plan.step != n {
		return nil
	}
	old := true
	for _, j := range jobs {
		old = old && j.old
	}
	return r.emit(Proposed{Step: n, ID: r.plan.conf.ID, Confirmation: r.plan.conf, Calls: r.plan.calls, Replayed: old})
}

func waiting(id string) json.RawMessage {
	return providers.Result{Proposal: &store.Confirmation{ID: id}}.ModelJSON()
}
