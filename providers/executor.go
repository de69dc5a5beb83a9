// Package providers runs cloud commands for people and models. Its Executor is the only door: nothing starts that
// policy has not judged, that the intents table has not noted, and that the caller's connection does not allow; the argv
// judged is the argv executed. The agent and the bot call it; each cloud's own package (aws, gcp, tailscale, ...) signs
// in and gives it the environment of a run. It never asks a person, never posts, never keeps state between runs, and
// never gives a secret to a caller in anything but Result.Private.
package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"time"

	"aurora/providers/policy"
	"aurora/store"
)

// Policy judges commands; *policy.Engine is one.
type Policy interface {
	Parse(text string) (policy.Command, *policy.Refusal)
	ParseArgv(argv []string) (policy.Command, *policy.Refusal)
	Classify(c policy.Command) policy.Verdict
	Decide(v policy.Verdict, c policy.Context) policy.Ruling
	Version() string
}

// Connections knows which connections a user may use.
type Connections interface {
	// Connections lists the user's own and the organisation's that he is granted.
	Connections(ctx context.Context, orgID, userID string) ([]store.Connection, error)
	Connection(ctx context.Context, orgID, userID, id string) (store.Connection, error)
	Grants(ctx context.Context, orgID, connectionID string) ([]store.Grant, error)
	Selections(ctx context.Context, userID string) ([]store.Selection, error)
}

// Credentials reads the secret part of a connection.
type Credentials interface {
	Get(ctx context.Context, path string) (store.Credential, int64, error)
}

// Intents notes a command before it runs and its outcome after. BeginIntent checks stop and freeze in the same
// statement; an intent of the same key is returned instead of noted again. Frozen is asked before a click is asked for.
type Intents interface {
	BeginIntent(ctx context.Context, i store.Intent) (existing *store.Intent, err error)
	FinishIntent(ctx context.Context, id string, outcome json.RawMessage) error
	Frozen(ctx context.Context, orgID string) (store.Freeze, bool, error)
}

// Auditor notes what was refused.
type Auditor interface {
	Audit(ctx context.Context, e store.AuditEntry) error
}

// Admins knows whom a person can ask for a grant.
type Admins interface {
	Admins(ctx context.Context, orgID string) ([]store.Person, error)
}

// Config is all that an Executor needs. Policy, Connections, Credentials, Intents, Auditor and Runner must be set.
type Config struct {
	Policy      Policy
	Connections Connections
	Credentials Credentials
	Intents     Intents
	Auditor     Auditor

	Drivers  map[store.Cloud]Driver // clouds with a CLI
	Direct   map[store.Cloud]Direct // clouds without one
	Programs Programs               // the CLIs found by Locate
	Refresh  *Refresher             // keeps access tokens good; nil: credentials are used as they are kept

	Admins  Admins   // whom a refusal names; nil for nobody by name
	Runner  string   // name of this process in intents
	Dir     string   // where private directories of runs are made; the system's default when empty
	Redact  Redactor // values no output may show, besides the run's own credential
	Network Network  // the programs' way out of the machine; nil for all of the network
	Sandbox Sandbox  // confines each process; nil for none

	ConfirmWait time.Duration // how long a click is waited for; 10 min when 0, six times that for a second person's

	ReadTimeout  time.Duration // 60 s when 0
	WriteTimeout time.Duration // 5 min when 0
	MaxOutput    int           // bytes kept of what a command prints; 1 MiB when 0
	MaxView      int           // bytes of it that model and chat see; 16 KiB when 0

	MaxProcesses int // CLIs that run side by side; four for each processor when 0, at least eight

	Patience time.Duration // before a read is made again that the cloud throttled, doubled each time; 2 s when 0

	Now func() time.Time // time.Now when nil

	lanes *lanes        // places for calls to one account's service; no bound when nil
	room  chan struct{} // a place for each of MaxProcesses; no bound when nil
}

// Executor is the gate and what stands behind it. It is safe for concurrent use.
type Executor struct{ Config }

// New checks the configuration and fills in the defaults.
func New(c Config) (*Executor, error) {
	if c.Policy == nil || c.Connections == nil || c.Credentials == nil || c.Intents == nil || c.Auditor == nil || c.Runner == "" {
		return nil, errors.New("executor needs policy, connections, credentials, intents, auditor and runner")
	}
	if c.ConfirmWait == 0 {
		c.ConfirmWait = 10 * time.Minute
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = time.Minute
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 5 * time.Minute
	}
	if c.MaxOutput == 0 {
		c.MaxOutput = 1 << 20
	}
	if c.MaxView == 0 {
		c.MaxView = 16 << 10
	}
	if c.MaxProcesses == 0 {
		c.MaxProcesses = max(8, 4*runtime.NumCPU())
	}
	if c.Patience == 0 {
		c.Patience = 2 * time.Second
	}
	c.lanes = &lanes{}
	c.room = make(chan struct{}, c.MaxProcesses)
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Executor{c}, nil
}

// Prepared is a command that was judged and not run.
type Prepared struct {
	Command policy.Command
	Shown   []string // the command's words as people may see them, secrets redacted
	Verdict policy.Verdict
	Ruling  policy.Ruling // over all targets: the strictest that any of them needs, Refuse when none may run
	Targets []Target      // where it would run; more than one only for reads
	Code    Code          // why it cannot run; empty when Ruling allows it or asks for a click
	Error   string        // the sentence that goes with Code
}

// Labels names the targets as people call them.
func (p Prepared) Labels() []string {
	labels := make([]string, len(p.Targets))
	for i, t := range p.Targets {
		labels[i] = t.label()
	}
	return labels
}

// Run judges the ask and runs it when it may run at once. What needs a click comes back with a Proposal, not run. A
// refusal is noted in the audit.
func (e *Executor) Run(ctx context.Context, ask Ask) Result {
	p := e.Judge(ctx, ask)
	switch {
	case p.Code != "":
		return e.refused(ctx, ask, p)
	case p.Ruling.Decision == policy.Confirm:
		if s := e.thaw(ctx, ask, p); s.Code != "" {
			return e.refused(ctx, ask, p.refuse(refusal{s.Code, s.Error}))
		}
		return e.proposed(ctx, ask, p)
	case p.Ruling.Decision != policy.Allow: // unreachable: anything else has a code
		return e.refused(ctx, ask, p.refuse(refusal{CodeRefused, "Policy gave no decision, so nothing ran."}))
	}
	return e.noted(ctx, ask, e.runAll(ctx, ask, p))
}

// RunConfirmed runs command index of a confirmation that the caller of this method has taken and whose digest it has
// checked. asker is the asker as he stands now: mode, role, channel rule, grants, connection generation and policy are
// judged again by today's values. The intent is keyed "<confirmation>/<index>", so a second call gives the first outcome
// where the command may still run; Recall gives it in any case.
func (e *Executor) RunConfirmed(ctx context.Context, asker Caller, conf store.Confirmation, index int) Result {
	ask, p := e.judgeConfirmed(ctx, asker, conf, index)
	if p.Code != "" {
		return e.refused(ctx, ask, p)
	}
	j := job{ask: ask, prepared: p, target: p.Targets[0], confirmation: fmt.Sprintf("%s/%d", conf.ID, index), view: e.MaxView}
	s, private := e.runJob(ctx, j)
	r := e.noted(ctx, ask, e.combine(ask, p, []Section{s}))
	r.Private = private
	return r
}

// Recall gives what became of a command that was begun before, as its intent knows it: its result, or, where nobody knows
// how it ended, a sentence with a command to look with. It runs nothing.
func (e *Executor) Recall(i store.Intent) Result {
	var recorded Result
	if json.Unmarshal(i.Outcome, &recorded) == nil && len(recorded.Sections) == 1 {
		return recorded
	}
	var p Prepared
	if command, bad := e.Policy.ParseArgv(i.Argv); bad == nil { // what was redacted may be no command any more
		p.Command, p.Verdict = command, e.Policy.Classify(command)
	}
	s := Section{Intent: i.ID, ConnectionID: i.ConnectionID, Account: i.Account, Label: i.Account}
	r := e.combine(Ask{}, p, []Section{s.fail(CodeLost, e.lost(p))})
	r.Cloud, r.Argv, r.Effect, r.Rule = i.Cloud, i.Argv, i.Effect, i.PolicyRule
	return r
}

// describe fills in what a result says about the command itself.
func (e *Executor) describe(p Prepared) Result {
	return Result{
		Cloud: store.Cloud(p.Command.Provider), Argv: e.Redact.Argv(p.Command.Argv),
		Effect: p.Verdict.Effect.String(), Facets: p.Verdict.Facets.Names(), Rule: p.Ruling.Rule,
		Verdict: p.Verdict, Ruling: p.Ruling,
	}
}

// refused makes the result of a refusal and notes it.
func (e *Executor) refused(ctx context.Context, ask Ask, p Prepared) Result {
	r := e.describe(p)
	r.Code, r.Error = p.Code, e.Redact.Redact(Clean(p.Error))
	return e.noted(ctx, ask, r)
}

// noted writes into the audit that something did not run. When that fails the refusal stands all the same.
func (e *Executor) noted(ctx context.Context, ask Ask, r Result) Result {
	if r.Code == "" || r.Ran() {
		return r
	}
	words := r.Argv
	if len(words) == 0 {
		words = e.Redact.Argv(append([]string{ask.Line}, ask.Argv...))
	}
	err := e.Auditor.Audit(context.WithoutCancel(ctx), store.AuditEntry{
		Kind: store.AuditRefused, OrgID: ask.Caller.Org.ID, UserID: ask.Caller.User.ID,
		Person: ask.Caller.Person.String(), Turn: ask.Turn, Subject: ask.Call,
		Detail: mustJSON(map[string]any{
			"command": words, "code": r.Code, "rule": r.Rule, "reason": r.Error, "effect": r.Effect,
			"mode": ask.Caller.Mode, "tainted": ask.Tainted, "policy": e.Policy.Version(),
		}),
	})
	if err != nil {
		r.AuditErr = fmt.Errorf("audit refusal: %w", err)
	}
	return r
}
