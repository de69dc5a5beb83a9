package providers

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"aurora/providers/policy"
	"aurora/store"
)

// tablePolicy judges by a short table of its own, so that these tests prove the executor and not the tables.
type tablePolicy struct {
	verdicts map[string]policy.Verdict // by the first words
	four     bool
	version  string
}

func newPolicy() *tablePolicy {
	return &tablePolicy{version: "v1", verdicts: map[string]policy.Verdict{
		"aws ec2 describe-instances":        {Effect: policy.Read},
		"aws ec2 start-instances":           {Effect: policy.Write},
		"aws ec2 stop-instances":            {Effect: policy.Disrupt},
		"aws ec2 terminate-instances":       {Effect: policy.Delete},
		"aws s3api get-object":              {Effect: policy.Read, Facets: policy.Data},
		"aws secretsmanager get":            {Effect: policy.Read, Facets: policy.Secret},
		"aws lambda list-functions":         {Effect: policy.Read, Facets: policy.Masked, Masked: []string{"Functions[].Environment.Variables"}},
		"gcloud compute instances list":     {Effect: policy.Read},
		"gcloud compute instances stop":     {Effect: policy.Disrupt},
		"gcloud compute instances describe": {Effect: policy.Read},
		"tailscale devices list":            {Effect: policy.Read},
		"tailscale devices rename":          {Effect: policy.Write},
	}}
}

func (p *tablePolicy) Parse(text string) (policy.Command, *policy.Refusal) {
	if strings.ContainsAny(text, "|;>&$`") {
		return policy.Command{}, &policy.Refusal{Rule: policy.RuleUnparsed, Reason: "Only one plain command runs."}
	}
	return p.ParseArgv(strings.Fields(text))
}

func (p *tablePolicy) ParseArgv(argv []string) (policy.Command, *policy.Refusal) {
	cloud, ok := CloudOf(argv[0])
	if !ok {
		cloud = store.Cloud("kubernetes")
	}
	return policy.Command{Argv: slices.Clone(argv), Provider: string(cloud), Path: strings.Join(argv[:min(3, len(argv))], " ")}, nil
}

func (p *tablePolicy) Classify(c policy.Command) policy.Verdict {
	line := strings.Join(c.Argv, " ")
	for words, v := range p.verdicts {
		if !strings.HasPrefix(line, words) {
			continue
		}
		v.Provider, v.Path, v.Rule = c.Provider, c.Path, "row"
		for i, word := range c.Argv {
			for flag, kind := range map[string]string{"--project": "project", "--region": "region", "--account-id": "account"} {
				if value, ok := strings.CutPrefix(word, flag+"="); ok {
					v.Scope = append(v.Scope, policy.Scope{Kind: kind, Flag: flag, Value: value})
				}
			}
			if word == "--query" {
				v.Output.Query = c.Argv[i+1]
			}
		}
		return v
	}
	return policy.Verdict{Effect: policy.Forbidden, Rule: policy.RuleUnknown, Reason: "There is no such command.", Nearest: "aws ec2 describe-instances"}
}

func (p *tablePolicy) Decide(v policy.Verdict, c policy.Context) policy.Ruling {
	r := policy.Ruling{Decision: policy.Allow, Rule: v.Rule, Mask: v.Facets.Has(policy.Masked), AskerOnly: v.Facets.Has(policy.Data)}
	switch {
	case v.Facets.Has(policy.Secret):
		r.ShowOnce = c.Mode == policy.Agent
		if !r.ShowOnce {
			r.Decision, r.Reason = policy.Refuse, "Secrets are not read in Ask mode."
		}
	case c.MaxGrant > 0 && v.Effect > c.MaxGrant:
		r.Decision, r.Reason = policy.Refuse, "Your grant does not reach that far."
	case v.Effect == policy.Read:
	case c.Mode != policy.Agent:
		r.Decision, r.Reason = policy.Refuse, "Switch to Agent mode"
	case v.Effect > policy.Write || c.Tainted && !c.Typed:
		r.Decision, r.FourEyes = policy.Confirm, p.four
	}
	return r
}

func (p *tablePolicy) Version() string { return p.version }

// ledger is intents, audit, connections and credentials in memory.
type ledger struct {
	mu          sync.Mutex
	connections []store.Connection
	grants      []store.Grant
	selections  []store.Selection
	credentials map[string]store.Credential
	intents     map[string]store.Intent // by key
	outcomes    int
	audit       []store.AuditEntry
	frozen      bool
	stopped     bool
	down        bool
}

func (l *ledger) Connections(context.Context, string, string) ([]store.Connection, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, store.ErrUnavailable
	}
	return slices.Clone(l.connections), nil
}

func (l *ledger) Connection(_ context.Context, _, _, id string) (store.Connection, error) {
	for _, c := range l.connections {
		if c.ID == id {
			return c, nil
		}
	}
	return store.Connection{}, store.ErrNotFound
}

func (l *ledger) Grants(context.Context, string, string) ([]store.Grant, error) { return l.grants, nil }

func (l *ledger) Selections(context.Context, string) ([]store.Selection, error) {
	return l.selections, nil
}

func (l *ledger) Get(_ context.Context, path string) (store.Credential, int64, error) {
	cred, ok := l.credentials[path]
	if !ok {
		return store.Credential{}, 0, store.ErrNotFound
	}
	return cred, 1, nil
}

func key(i store.Intent) string {
	if i.Confirmation != "" {
		return i.Confirmation
	}
	return i.Turn + " " + i.Call
}

func (l *ledger) BeginIntent(_ context.Context, i store.Intent) (*store.Intent, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.down:
		return nil, store.ErrUnavailable
	case l.frozen && i.Effect != "read":
		return nil, store.ErrFrozen
	case l.stopped:
		return nil, store.ErrStopped
	}
	if old, ok := l.intents[key(i)]; ok {
		return &old, nil
	}
	l.intents[key(i)] = i
	return nil, nil
}

func (l *ledger) Frozen(context.Context, string) (store.Freeze, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return store.Freeze{}, false, store.ErrUnavailable
	}
	return store.Freeze{}, l.frozen, nil
}

func (l *ledger) FinishIntent(ctx context.Context, id string, outcome json.RawMessage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for k, i := range l.intents {
		if i.ID == id {
			i.Outcome = outcome
			l.intents[k] = i
			l.outcomes++
			return nil
		}
	}
	return errors.New("no such intent")
}

func (l *ledger) Audit(_ context.Context, e store.AuditEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.audit = append(l.audit, e)
	return nil
}

// plainDriver hands the credential's token to the process.
type plainDriver struct {
	mu   sync.Mutex
	asks []SessionAsk
	fail map[string]error // by connection id
}

func (d *plainDriver) Session(_ context.Context, ask SessionAsk) (Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asks = append(d.asks, ask)
	if err := d.fail[ask.Connection.ID]; err != nil {
		return Session{}, err
	}
	return Session{
		Env:     map[string]string{"ACCOUNT": ask.Connection.Account, "PROJECT": ask.Project},
		Files:   []File{{Name: "token", Content: ask.Credential.Get("access_token"), Env: "TOKEN_FILE"}},
		Secrets: []string{ask.Credential.Get("access_token")},
	}, nil
}

type bench struct {
	*Executor
	ledger *ledger
	policy *tablePolicy
	driver *plainDriver
	ran    string // file the fake CLI adds a line to for each run
}

const runToken = "run-token-4711-abcdef"

// newBench makes an executor whose CLIs are one shell script. The first words of text are run by the script.
func newBench(t *testing.T, text string) *bench {
	t.Helper()
	ran := t.TempDir() + "/ran"
	file := script(t, `echo "$@" >>'`+ran+"'\n"+text)
	program := func(name string) Program { return Program{Name: name, Interpreter: "/bin/sh", Entry: file} }
	b := &bench{policy: newPolicy(), driver: &plainDriver{fail: map[string]error{}}, ran: ran, ledger: &ledger{
		intents: map[string]store.Intent{}, credentials: map[string]store.Credential{},
	}}
	e, err := New(Config{
		Policy: b.policy, Connections: b.ledger, Credentials: b.ledger, Intents: b.ledger, Auditor: b.ledger, Runner: "test",
		Drivers:  map[store.Cloud]Driver{store.AWS: b.driver, store.GCP: b.driver},
		Programs: Programs{"aws": program("aws"), "gcloud": program("gcloud"), "gsutil": {Name: "gsutil", Err: errNotInstalled}},
		Dir:      t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Executor = e
	return b
}

func (b *bench) connect(cloud store.Cloud, id, account string, projects ...string) {
	c := store.Connection{
		ID: id, OrgID: "org", UserID: "user", Cloud: cloud, Account: account, Projects: projects, Generation: 1,
		Status: store.ConnectionActive, Token: "vault:kv/" + id,
	}
	b.ledger.connections = append(b.ledger.connections, c)
	b.ledger.credentials["kv/"+id] = store.NewCredential(map[string]string{"access_token": runToken})
}

func ask(line string, mode store.Mode) Ask {
	return Ask{
		Turn: "turn_1", Step: 1, Call: "call_1", Line: line,
		Caller: Caller{
			Org: store.Organisation{ID: "org"}, User: store.User{ID: "user", Active: true, Role: store.Operator},
			Person: store.Person{Platform: store.Slack, Team: "T1", ID: "U1"}, Mode: mode, Thread: "T1:C1:1",
		},
	}
}

func (b *bench) runs(t *testing.T) []string {
	t.Helper()
	return readLines(t, b.ran)
}

func wantCode(t *testing.T, r Result, code Code, words ...string) {
	t.Helper()
	if r.Code != code || r.Error == "" && code != "" {
		t.Fatalf("code %q (%s), want %q; output %q", r.Code, r.Error, code, r.Output)
	}
	for _, w := range words {
		if !strings.Contains(r.Error, w) {
			t.Errorf("sentence %q does not say %q", r.Error, w)
		}
	}
}

func (b *bench) nothingRan(t *testing.T) {
	t.Helper()
	if runs := b.runs(t); len(runs) > 0 {
		t.Errorf("ran %v", runs)
	}
}
