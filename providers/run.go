package providers

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"strings"
	"time"

	"aurora/providers/policy"
	"aurora/store"
)

// recordWait bounds how long the outcome of a run may take to be written when the caller is already gone.
const recordWait = 10 * time.Second

// lastRecord is how long it is tried after that.
const lastRecord = 24 * time.Hour

// job is one command about to run on one target.
type job struct {
	ask          Ask
	prepared     Prepared
	target       Target
	confirmation string // "<id>/<index>" when a click stands behind it
	suffix       string // further part of the intent's key, for reads made on the way
	view         int    // bytes of output to show
}

// runJob runs one command on one target: credential, session, intent, process, outcome. The second result is the secret
// to be shown once, if any.
func (e *Executor) runJob(ctx context.Context, j job) (Section, string) {
	s := Section{
		ConnectionID: j.target.Connection.ID, Generation: j.target.Connection.Generation, Account: j.target.account(), Label: j.target.label(),
		Project: j.target.Project, Region: j.target.Region,
	}
	if j.target.Ruling.Decision == policy.Refuse {
		return s.fail(CodeRefused, j.target.Ruling.Reason), ""
	}
	if !works(j.target.Connection) {
		return s.fail(CodeExpired, signInOver(j.target.Connection)), ""
	}
	leave, err := e.enter(ctx, j)
	if err != nil {
		return s.problem(err, e.Redact), ""
	}
	defer leave()
	start, err := e.starter(ctx, j)
	if err != nil {
		return s.problem(err, e.Redact), ""
	}
	if err := e.again(ctx, j); err != nil {
		return s.problem(err, e.Redact), ""
	}
	// Everything that can fail without running anything is behind us: an intent without an outcome means that the
	// command may have run.
	intent := e.intent(j)
	existing, err := e.Intents.BeginIntent(ctx, intent)
	if existing != nil {
		return s.replay(*existing, e.lost(j.prepared)), ""
	}
	if err != nil {
		return s.problem(err, e.Redact), ""
	}
	s.Intent = intent.ID
	if e.Direct[j.target.Connection.Cloud] == nil {
		s.Program = e.Programs[j.prepared.Command.Argv[0]].identity()
	}
	s, private := e.perform(ctx, j, s, start)
	e.record(ctx, intent.ID, j, &s)
	return s, private
}

// starter gets all that the command needs and gives the function that runs it.
func (e *Executor) starter(ctx context.Context, j job) (func(context.Context) (Output, error), error) {
	conn := j.target.Connection
	program, direct := e.Programs[j.prepared.Command.Argv[0]], e.Direct[conn.Cloud]
	driver := e.Drivers[conn.Cloud]
	if direct == nil && (driver == nil || program.Entry == "" || program.Err != nil) {
		return nil, &Problem{Code: CodeNotInstalled, Sentence: e.missing(j.prepared.Command.Argv[0]), Err: program.Err}
	}
	if err := program.Unchanged(); direct == nil && err != nil {
		return nil, changed(program, err)
	}
	readOnly := j.ask.Caller.Mode != store.Agent
	cred, err := e.credential(ctx, conn, readOnly)
	if err != nil {
		return nil, err
	}
	ask := SessionAsk{
		Connection: conn, Credential: cred, Project: j.target.Project, Region: j.target.Region,
		UserID: j.ask.Caller.User.ID, Turn: j.ask.Turn, Argv: j.prepared.Command.Argv, ReadOnly: readOnly,
	}
	if direct != nil {
		return e.callDirect(direct, ask, j.prepared.Command.Argv), nil
	}
	session, err := driver.Session(ctx, ask)
	if err != nil {
		return nil, err
	}
	return e.runProcess(j, program, session, cred), nil
}

// credential gives what this run may hold of the connection's credential.
func (e *Executor) credential(ctx context.Context, conn store.Connection, readOnly bool) (store.Credential, error) {
	if e.Refresh != nil {
		return e.Refresh.Fresh(ctx, conn, readOnly)
	}
	cred, _, err := e.Credentials.Get(ctx, strings.TrimPrefix(conn.Token, "vault:"))
	if errors.Is(err, store.ErrNotFound) {
		return cred, credentialGone(conn, err)
	}
	if err != nil {
		return cred, keeperAway(err)
	}
	return cred, nil
}

func (e *Executor) missing(program string) string {
	if e.Programs[program].Err != nil && !errors.Is(e.Programs[program].Err, errNotInstalled) {
		return "The " + program + " CLI on Aurora's machine cannot be used: run aurora doctor there to see why."
	}
	return "The " + program + " CLI is not on Aurora's machine. " + Install(program)
}

func (e *Executor) runProcess(j job, program Program, s Session, cred store.Credential) func(context.Context) (Output, error) {
	argv := j.prepared.Command.Argv
	env := maps.Clone(program.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, s.Env)
	run := process{argv: program.Command(argv), env: env, files: s.Files, within: s.FilesEnv, dir: e.Dir, limit: e.MaxOutput, sandbox: e.Sandbox, read: program.Installed}
	return func(ctx context.Context) (Output, error) {
		// Getting a session, or waiting before another try, may have taken a minute since starter looked.
		if err := program.Unchanged(); err != nil {
			return Output{}, changed(program, err)
		}
		way, err := e.openWay(j.route())
		if err != nil {
			return Output{}, err
		}
		maps.Copy(run.env, way.Env)
		run.reach = way.Reach
		out, err := run.run(ctx)
		out.Refused = way.Close()
		out.Secrets = append(credentialValues(cred), s.Secrets...)
		if way.Secret != "" {
			out.Secrets = append(out.Secrets, way.Secret)
		}
		if out.ExitCode != 0 && complained(argv[0], out.Stdout) {
			out.Stdout, out.Stderr = nil, out.Stdout
		}
		if out.ExitCode == 0 && halfRefused(argv[0], out.Stderr) {
			out.ExitCode = 1
		}
		if out.ExitCode != 0 && s.Rejected != nil {
			out.Problem = s.Rejected(out)
		}
		return out, err
	}
}

// openWay opens the run's way out of the machine.
func (e *Executor) openWay(r Route) (Way, error) {
	if e.Network == nil {
		return Way{Close: func() []string { return nil }}, nil
	}
	way, err := e.Network.Open(r)
	if err != nil {
		return Way{}, fmt.Errorf("open the network of a run: %w", err)
	}
	return way, nil
}

// halfRefused tells a list that was refused in part or in whole from one that is short: gcloud exits 0 either way and
// only warns, so that "Listed 0 items" would be taken for an answer.
func halfRefused(program string, stderr []byte) bool {
	return program == "gcloud" && bytes.Contains(stderr, []byte("Some requests did not succeed"))
}

// complained tells that what stands in a program's output is why it failed: bq says that there. As output it would be
// withheld where members are to be masked.
func complained(program string, stdout []byte) bool {
	return program == "bq" && bytes.HasPrefix(stdout, []byte("BigQuery error in "))
}

func (e *Executor) callDirect(direct Direct, ask SessionAsk, argv []string) func(context.Context) (Output, error) {
	return func(ctx context.Context) (Output, error) {
		out, err := direct.Call(ctx, ask, argv)
		out.Secrets = append(out.Secrets, credentialValues(ask.Credential)...)
		if len(out.Stdout) > e.MaxOutput {
			out.Stdout, out.Truncated = out.Stdout[:e.MaxOutput], true
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out, err
	}
}

// publicMembers are the members of a credential that people may see and that output is full of.
var publicMembers = map[string]bool{
	"email": true, "projects": true, "expiry": true, "role_arn": true, "region": true, "tailnet": true, "client_id": true,
	"access_key": true, "tenant_id": true, "reader_account": true, "operator_account": true, "read_role": true, "operate_role": true, "partition": true, "project_id": true, "organization_id": true, "zone": true, "endpoint": true,
	"account": true, "scopes": true, "token_type": true, "kind": true, "subject": true,
	"read_expiry": true, "read_scopes": true, "wide_expiry": true, "wide_scopes": true,
	"federated": true, "reader_client_id": true, "reader_federated": true, "reader_access_key": true, "made_for_aurora": true,
}

func credentialValues(cred store.Credential) []string {
	var values []string
	for name, value := range cred.Reveal() {
		if !publicMembers[name] {
			values = append(values, value)
		}
	}
	return values
}

func (e *Executor) intent(j job) store.Intent {
	a, t := j.ask, j.target
	call := a.Call + "/" + t.Connection.ID
	if len(j.prepared.Targets) > 1 && t.Project != "" {
		call += "/" + t.Project
	}
	return store.Intent{
		ID: "int_" + strings.ToLower(rand.Text()), OrgID: a.Caller.Org.ID, UserID: a.Caller.User.ID,
		Turn: a.Turn, Step: a.Step, Call: call + j.suffix, Confirmation: j.confirmation,
		Effect: j.prepared.Verdict.Effect.String(), Cloud: t.Connection.Cloud, ConnectionID: t.Connection.ID,
		Account: t.account(), Argv: e.Redact.Argv(j.prepared.Command.Argv),
		PolicyRule: t.Ruling.Rule, Policy: e.Policy.Version(), Runner: e.Runner, StartedAt: e.Now().UTC(),
	}
}

// perform runs the command within its time and renders what it printed. A panic of ours ends neither the process nor the
// intent: nobody knows then how the command ended, and that is its outcome.
func (e *Executor) perform(ctx context.Context, j job, in Section, start func(context.Context) (Output, error)) (s Section, private string) {
	defer func() {
		if p := recover(); p != nil {
			s, private = in.fail(CodeLost, "Something broke on Aurora's side while this ran. "+e.lost(j.prepared)), ""
			s.Status, s.Fault = StatusFailed, fmt.Errorf("%s\n%s", store.PanicText(p), debug.Stack())
		}
	}()
	s = in
	limit := e.WriteTimeout
	if j.prepared.Verdict.Effect == policy.Read {
		limit = e.ReadTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTimeout)
	defer cancel()
	began := time.Now()
	out, err := e.patiently(ctx, j, start)
	s.Duration, s.ExitCode = Millis(time.Since(began)), out.ExitCode
	shown := e.render(j, out)
	s.Output, s.Full, s.Truncated = shown.output, shown.full, shown.truncated
	s.Status = StatusOK
	if out.ExitCode != 0 || err != nil {
		s.Status = StatusFailed
	}
	if p := out.Problem; p != nil {
		s.Broken = p.Broken
		s = s.fail(p.Code, e.Redact.Redact(Clean(p.Sentence)))
	}
	if err != nil {
		s = s.ended(err, limit, e.doubt(j.prepared), e.Redact)
	}
	return s, shown.private
}

// record writes the outcome, also when the caller is gone: a missing one would be told to people as unknown.
func (e *Executor) record(ctx context.Context, id string, j job, s *Section) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWait)
	defer cancel()
	raw := mustJSON(e.combine(j.ask, j.prepared, []Section{*s}))
	wait := 100 * time.Millisecond
	for {
		err := e.Intents.FinishIntent(ctx, id, raw)
		if err == nil || errors.Is(err, store.ErrConflict) { // a conflict: it has its outcome
			return
		}
		select {
		case <-ctx.Done():
			s.Error = strings.TrimSpace(s.Error + " It ran, but its outcome could not be written down yet: it may be reported as unknown.")
			go e.recordLater(context.WithoutCancel(ctx), id, raw)
			return
		case <-time.After(wait):
			wait *= 2
		}
	}
}

// recordLater goes on trying while this process lives: its intents are renewed, so nobody else would take them for lost.
func (e *Executor) recordLater(ctx context.Context, id string, raw json.RawMessage) {
	ctx, cancel := context.WithTimeout(ctx, lastRecord)
	defer cancel()
	tick := time.NewTicker(recordWait / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.Intents.FinishIntent(ctx, id, raw); err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
			return
		}
	}
}

// lost is what is said of a command whose outcome nobody knows, with the means to find out.
func (e *Executor) lost(p Prepared) string {
	sentence := "This was started before and nobody knows how it ended. Look at what is there now before you ask for it again"
	if look := e.lookAfter(p); look != "" {
		return e.Redact.Redact(sentence + ", for example with `" + look + "`.")
	}
	return sentence + "."
}

// replay gives the recorded outcome of a command that was started before; lost is said where there is none.
func (s Section) replay(i store.Intent, lost string) Section {
	s.Intent = i.ID
	var r Result
	if len(i.Outcome) == 0 || json.Unmarshal(i.Outcome, &r) != nil || len(r.Sections) != 1 {
		return s.fail(CodeLost, lost)
	}
	recorded := r.Sections[0]
	if recorded.Output == "" {
		recorded.Output = r.Output
	}
	recorded.Intent = i.ID
	return recorded
}
