package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aurora/providers/policy"
	"aurora/store"

	"github.com/google/go-cmp/cmp"
)

func readLines(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

func TestAReadRunsAndItsResultKeepsTheContract(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo "$* in $ACCOUNT"; /bin/cat $TOKEN_FILE`)
	b.connect(store.AWS, "c1", "111122223333")
	r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
	wantCode(t, r, "")
	if r.Status != StatusOK || r.Output != "ec2 describe-instances in 111122223333\n[redacted]" {
		t.Errorf("status %q, output %q", r.Status, r.Output)
	}
	var got map[string]any
	if err := json.Unmarshal(r.ModelJSON(), &got); err != nil {
		t.Fatal(err)
	}
	meta, _ := got["metadata"].(map[string]any)
	delete(meta, "duration_ms")
	want := map[string]any{"status": "ok", "output": r.Output, "metadata": map[string]any{
		"provider": "aws", "account": "111122223333", "exit_code": 0.0, "truncated": false,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(b.ledger.intents) != 1 || b.ledger.outcomes != 1 {
		t.Errorf("%d intents, %d outcomes", len(b.ledger.intents), b.ledger.outcomes)
	}
	if !b.driver.asks[0].ReadOnly {
		t.Error("a run in Ask mode got a session that may change things")
	}
	for _, i := range b.ledger.intents {
		if strings.Contains(string(i.Outcome), runToken) || strings.Contains(fmt.Sprint(i), runToken) {
			t.Error("the intent holds the credential")
		}
	}
}

func TestNothingRunsWhatIsRefused(t *testing.T) {
	t.Parallel()
	agent := func(line string) Ask { return ask(line, store.Agent) }
	for name, c := range map[string]struct {
		ask    Ask
		change func(*bench)
		code   Code
		says   string
	}{
		"shell operators":       {ask("aws ec2 describe-instances | sh", store.Ask), nil, CodeUnparsed, "one plain command"},
		"nothing":               {ask("", store.Ask), nil, CodeUnparsed, "one command"},
		"unknown command":       {ask("aws ec2 frobnicate", store.Ask), nil, CodeUnknown, "Did you mean"},
		"mode":                  {ask("aws ec2 stop-instances", store.Ask), nil, CodeRefused, "Agent mode"},
		"wrong provider":        {func() Ask { a := agent("aws ec2 describe-instances"); a.Cloud = store.GCP; return a }(), nil, CodeRefused, "name the provider"},
		"not ours":              {agent("kubectl get pods"), func(b *bench) { b.policy.verdicts["kubectl get"] = policy.Verdict{Effect: policy.Read} }, CodeRefused, "cannot run"},
		"inactive user":         {func() Ask { a := agent("aws ec2 describe-instances"); a.Caller.User.Active = false; return a }(), nil, CodeRefused, "not active"},
		"not connected":         {agent("gcloud compute instances list"), nil, CodeNotConnected, "/aurora connect gcp"},
		"mode before connect":   {ask("gcloud compute instances stop x", store.Ask), nil, CodeRefused, "Agent mode"},
		"frozen":                {agent("aws ec2 start-instances"), func(b *bench) { b.ledger.frozen = true }, CodeFrozen, "froze"},
		"frozen before a click": {agent("aws ec2 terminate-instances"), func(b *bench) { b.ledger.frozen = true }, CodeFrozen, "froze"},
		"stopped":               {agent("aws ec2 describe-instances"), func(b *bench) { b.ledger.stopped = true }, CodeStopped, "stopped"},
		"store away":            {agent("aws ec2 describe-instances"), func(b *bench) { b.ledger.down = true }, CodeUnavailable, "nothing ran"},
		"broken connection":     {agent("aws ec2 describe-instances"), func(b *bench) { b.ledger.connections[0].Status = store.ConnectionBroken }, CodeExpired, "connect again"},
		"credential gone":       {agent("aws ec2 describe-instances"), func(b *bench) { clear(b.ledger.credentials) }, CodeExpired, "gone"},
		"read-only connection":  {agent("aws ec2 start-instances"), func(b *bench) { b.ledger.connections[0].ReadOnly = true }, CodeRefused, "only read"},
		"foreign account":       {agent("aws ec2 describe-instances --account-id=999"), nil, CodeRefused, "111122223333"},
		"foreign selected":      {func() Ask { a := agent("aws ec2 describe-instances"); a.Project = "999"; return a }(), nil, CodeRefused, "not part of any"},
		"two accounts at once": {func() Ask {
			a := agent("aws ec2 describe-instances --account-id=111122223333")
			a.Project = "999"
			return a
		}(), nil, CodeRefused, "two places"},
		"region outside":        {agent("aws ec2 describe-instances --region=us-west-2"), func(b *bench) { b.ledger.connections[0].Settings = map[string]string{"regions": "eu-west-1"} }, CodeRefused, "us-west-2"},
		"somebody else's":       {agent("aws ec2 describe-instances"), func(b *bench) { b.ledger.connections[0].UserID = "other" }, CodeRefused, "no grant"},
		"no grant":              {agent("aws ec2 describe-instances"), func(b *bench) { b.ledger.connections[0].UserID = "" }, CodeRefused, "no grant"},
		"grant too small":       {agent("aws ec2 start-instances"), grantOnly("read"), CodeRefused, "grant"},
		"grant without meaning": {agent("aws ec2 describe-instances"), grantOnly("everything"), CodeRefused, "no grant"},
		"not the incident's":    {func() Ask { a := agent("aws ec2 describe-instances"); a.Caller.Only = []string{"c9"}; return a }(), nil, CodeNotConnected, "connect"},
		"CLI missing":           {agent("aws ec2 describe-instances"), func(b *bench) { b.Programs = Programs{"aws": {Err: errNotInstalled}} }, CodeNotInstalled, "Install"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "echo ran")
			b.connect(store.AWS, "c1", "111122223333")
			if c.change != nil {
				c.change(b)
			}
			r := b.Run(context.Background(), c.ask)
			wantCode(t, r, c.code, c.says)
			b.nothingRan(t)
			if len(b.ledger.audit) != 1 || b.ledger.audit[0].Kind != store.AuditRefused {
				t.Errorf("audit is %v", b.ledger.audit)
			}
			var got map[string]string
			if err := json.Unmarshal(r.ModelJSON(), &got); err != nil || got["code"] != string(c.code) || got["error"] == "" || len(got) != 2 {
				t.Errorf("model hears %s", r.ModelJSON())
			}
		})
	}
}

func grantOnly(effect string) func(*bench) {
	return func(b *bench) {
		b.ledger.connections[0].UserID = ""
		b.ledger.grants = []store.Grant{{ConnectionID: "c1", Role: store.Operator, MaxEffect: effect}, {ConnectionID: "c1", UserID: "other", MaxEffect: "delete"}}
	}
}

func TestRefusalsAreAudited(t *testing.T) {
	t.Parallel()
	b := newBench(t, "echo ran")
	b.connect(store.AWS, "c1", "111122223333")
	b.Run(context.Background(), ask("aws ec2 stop-instances --password hunter2x", store.Ask))
	if len(b.ledger.audit) != 1 || b.ledger.audit[0].Kind != store.AuditRefused {
		t.Fatalf("audit is %v", b.ledger.audit)
	}
	detail := string(b.ledger.audit[0].Detail)
	if !strings.Contains(detail, "stop-instances") || strings.Contains(detail, "hunter2x") {
		t.Errorf("detail is %s", detail)
	}
}

func TestReadsFanOutAndOneFailingHidesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, `[ "$ACCOUNT" = 222 ] && { echo "denied by policy" >&2; exit 254; }; echo "hello from $ACCOUNT"`)
	for i, account := range []string{"111", "222", "333", "444", "555"} {
		b.connect(store.AWS, fmt.Sprintf("c%d", i+1), account)
	}
	b.driver.fail["c4"] = &Problem{Code: CodeExpired, Broken: true, Sentence: "The role is gone."}
	r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
	wantCode(t, r, "")
	if r.Status != StatusOK || len(r.Sections) != 5 {
		t.Fatalf("status %q, %d sections", r.Status, len(r.Sections))
	}
	for _, want := range []string{"== 111 ==\nhello from 111", "== 222 ==\n[stderr]\ndenied by policy", "hello from 333", "== 444 ==\nThe role is gone.", "hello from 555"} {
		if !strings.Contains(r.Output, want) {
			t.Errorf("output lacks %q:\n%s", want, r.Output)
		}
	}
	if s := r.Sections[1]; s.Status != StatusFailed || s.ExitCode != 254 {
		t.Errorf("second section is %+v", s)
	}
	if s := r.Sections[3]; s.Code != CodeExpired || !s.Broken || s.Status != "" {
		t.Errorf("fourth section is %+v", s)
	}
	if len(b.ledger.intents) != 4 {
		t.Errorf("%d intents, want one for each that was started", len(b.ledger.intents))
	}
}

func TestFanOutIsSideBySideAndBounded(t *testing.T) {
	t.Parallel()
	gate := t.TempDir()
	b := newBench(t, fmt.Sprintf(`echo >%s/in.$ACCOUNT; while [ ! -e %s/open ]; do /bin/sleep 0.01; done`, gate, gate))
	for i := range 6 {
		b.connect(store.AWS, fmt.Sprintf("c%d", i), fmt.Sprint(i))
	}
	done := make(chan Result)
	go func() { done <- b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask)) }()
	inside := func() int { found, _ := filepath.Glob(gate + "/in.*"); return len(found) }
	await(t, "four to run side by side", func() bool { return inside() == sideBySide })
	if err := os.WriteFile(gate+"/open", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := <-done; r.Status != StatusOK || inside() != 6 {
		t.Errorf("status %q, %d ran", r.Status, inside())
	}
}

func TestChangesNeedExactlyOnePlace(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo "in $ACCOUNT"`)
	b.connect(store.AWS, "c1", "111")
	b.connect(store.AWS, "c2", "222")
	b.connect(store.GCP, "g1", "ada@example.com", "acme-prod", "acme-test")
	a := ask("aws ec2 start-instances", store.Agent)
	wantCode(t, b.Run(context.Background(), a), CodeAmbiguous, "111", "222", "/aurora use aws")
	wantCode(t, b.Run(context.Background(), ask("gcloud compute instances stop x", store.Agent)), CodeAmbiguous, "acme-prod", "acme-test")
	b.nothingRan(t)
	a.Project = "222"
	if r := b.Run(context.Background(), a); r.Output != "in 222" {
		t.Errorf("selected: %+v", r)
	}
	b.ledger.selections = []store.Selection{{Cloud: store.AWS, Project: "111"}}
	a = ask("aws ec2 start-instances", store.Agent)
	a.Call = "call_2"
	if r := b.Run(context.Background(), a); r.Output != "in 111" {
		t.Errorf("/aurora use: %+v", r)
	}
}

// TestAChangeGoesNowhereElseWhenItsAccountIsAway holds that only reads pass over a choice that cannot be had.
func TestAChangeGoesNowhereElseWhenItsAccountIsAway(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo "in $ACCOUNT"`)
	b.connect(store.AWS, "c1", "111")
	b.connect(store.AWS, "c2", "222")
	b.ledger.selections = []store.Selection{{Cloud: store.AWS, Project: "111"}}
	b.ledger.connections[0].Status = store.ConnectionBroken
	wantCode(t, b.Run(context.Background(), ask("aws ec2 start-instances", store.Agent)), CodeExpired, "111", "connect again")
	b.ledger.selections[0].Project = "333"
	wantCode(t, b.Run(context.Background(), ask("aws ec2 start-instances", store.Agent)), CodeRefused, "You chose", "111", "222")
	b.nothingRan(t)
	a := ask("aws ec2 start-instances", store.Agent)
	a.Project, a.Call = "222", "call_2"
	if r := b.Run(context.Background(), a); r.Output != "in 222" {
		t.Errorf("the other one, named: %+v", r)
	}
	b.ledger.selections[0].Project = "111"
	r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
	if len(r.Sections) != 2 || r.Sections[0].Code != CodeExpired || r.Sections[1].Output != "in 222" {
		t.Errorf("a read: %+v", r)
	}
}

// TestABrokenConnectionSendsNoChangeElsewhere holds that what was ambiguous stays so: which was meant is not known better.
func TestABrokenConnectionSendsNoChangeElsewhere(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo "in $ACCOUNT"`)
	b.connect(store.AWS, "c1", "111")
	b.connect(store.AWS, "c2", "222")
	b.ledger.connections[0].Status = store.ConnectionBroken
	wantCode(t, b.Run(context.Background(), ask("aws ec2 start-instances", store.Agent)), CodeAmbiguous, "111 (needs a new sign-in)", "222")
	b.nothingRan(t)
	r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
	if len(r.Sections) != 2 || !strings.Contains(r.Sections[0].Error, "connect again") || r.Sections[1].Output != "in 222" {
		t.Errorf("the account that is left out is not named: %+v", r)
	}
}

// waiting is a keeper during whose answer something changes.
type waiting struct {
	Credentials
	meanwhile func()
}

func (w waiting) Get(ctx context.Context, path string) (store.Credential, int64, error) {
	w.meanwhile()
	return w.Credentials.Get(ctx, path)
}

// TestWhatChangedWhileItWaitedRunsNothing holds that what was judged is looked at again right before it runs.
func TestWhatChangedWhileItWaitedRunsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*ledger)
		code   Code
		says   string
	}{
		"connected anew": {func(l *ledger) { l.connections[0].Generation++ }, CodeExpired, "changed or ended"},
		"disconnected":   {func(l *ledger) { l.connections = nil }, CodeExpired, "changed or ended"},
		"broken":         {func(l *ledger) { l.connections[0].Status = store.ConnectionBroken }, CodeExpired, "changed or ended"},
		"grant gone":     {func(l *ledger) { l.grants = nil }, CodeRefused, "taken back"},
		"grant smaller":  {func(l *ledger) { l.grants[0].MaxEffect = "read" }, CodeRefused, "taken back"},
		"store away":     {func(l *ledger) { l.down = true }, CodeUnavailable, "nothing ran"},
	} {
		b := newBench(t, `echo ran`)
		b.connect(store.AWS, "c1", "111")
		b.ledger.connections[0].UserID = ""
		b.ledger.grants = []store.Grant{{ConnectionID: "c1", MaxEffect: "write"}}
		b.Credentials = waiting{b.ledger, func() { c.change(b.ledger) }}
		t.Run(name, func(t *testing.T) {
			wantCode(t, b.Run(context.Background(), ask("aws ec2 start-instances", store.Agent)), c.code, c.says)
			b.nothingRan(t)
		})
	}
}

// TestACardRunsWhereItSaysWhateverWasChosenSince holds that a choice made after the card does not stop its click.
func TestACardRunsWhereItSaysWhateverWasChosenSince(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo "in $ACCOUNT"`)
	b.connect(store.AWS, "c1", "111")
	b.connect(store.AWS, "c2", "222")
	b.ledger.selections = []store.Selection{{Cloud: store.AWS, Project: "111"}}
	a := ask("aws ec2 terminate-instances", store.Agent)
	card := b.Run(context.Background(), a).Proposal
	if card == nil {
		t.Fatal("no card")
	}
	b.ledger.selections[0].Project = "222"
	if r := b.RunConfirmed(context.Background(), a.Caller, *card, 0); r.Output != "in 111" {
		t.Errorf("%+v", r)
	}
}

func TestProjectsBelongToTheConnection(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"gcloud compute instances list --project=acme-prod":                              "in acme-prod",
		"gcloud compute instances list --project=victim":                                 "",
		"gcloud compute instances describe projects/victim/zones/a/instances/x":          "",
		"gcloud compute instances describe projects/acme-test/zones/a/instances/x":       "in acme-test",
		"gcloud compute instances list --filter=network:projects/victim/networks/x":      "fan",
		"gcloud compute instances list --image=projects/debian-cloud/global/images/deb1": "fan",
		"gcloud compute instances list":                                                  "fan",
	} {
		b := newBench(t, `echo "in $PROJECT"`)
		b.connect(store.GCP, "g1", "ada@example.com", "acme-prod", "acme-test")
		r := b.Run(context.Background(), ask(line, store.Ask))
		switch want {
		case "":
			wantCode(t, r, CodeRefused, "victim", "acme-prod", "acme-test")
			b.nothingRan(t)
		case "fan":
			if len(r.Sections) != 2 {
				t.Errorf("%s: %+v", line, r)
			}
		default:
			if r.Output != want {
				t.Errorf("%s: %+v", line, r)
			}
		}
	}
}

// TestWhereAReadRuns holds what narrows it, from the strongest to the weakest.
func TestWhereAReadRuns(t *testing.T) {
	t.Parallel()
	const line = "gcloud compute instances list"
	for name, c := range map[string]struct {
		change func(*bench, *Ask)
		want   string // account/project of each section, in order
	}{
		"everywhere":         {func(*bench, *Ask) {}, "ada/one ada/two bob/three"},
		"/aurora use":        {func(b *bench, _ *Ask) { b.use("two") }, "ada/two"},
		"use what is gone":   {func(b *bench, _ *Ask) { b.use("sold") }, "ada/one ada/two bob/three"},
		"use, another cloud": {func(b *bench, _ *Ask) { b.ledger.selections = []store.Selection{{Cloud: store.AWS, Project: "two"}} }, "ada/one ada/two bob/three"},
		"selected_project_id": {func(b *bench, a *Ask) {
			b.use("two")
			a.Project = "three"
		}, "bob/three"},
		"a flag":          {func(b *bench, a *Ask) { b.use("two"); a.Line += " --project=one" }, "ada/one"},
		"a flag agreeing": {func(_ *bench, a *Ask) { a.Line += " --project=one"; a.Project = "one" }, "ada/one"},
		"a flag against":  {func(_ *bench, a *Ask) { a.Line += " --project=one"; a.Project = "two" }, ""},
		"not his":         {func(_ *bench, a *Ask) { a.Project = "victim" }, ""},
		"an incident's":   {func(_ *bench, a *Ask) { a.Caller.Only = []string{"g2"} }, "bob/three"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, `echo "$ACCOUNT"`)
			b.connect(store.GCP, "g2", "bob", "three")
			b.connect(store.GCP, "g1", "ada", "one", "two")
			a := ask(line, store.Ask)
			c.change(b, &a)
			r := b.Run(context.Background(), a)
			if c.want == "" {
				wantCode(t, r, CodeRefused)
				b.nothingRan(t)
				return
			}
			var got []string
			for _, s := range r.Sections {
				got = append(got, s.Account+"/"+s.Project)
			}
			if r.Status != StatusOK || strings.Join(got, " ") != c.want {
				t.Errorf("ran in %v (%s %s), want %s", got, r.Code, r.Error, c.want)
			}
		})
	}
}

func (b *bench) use(project string) {
	b.ledger.selections = []store.Selection{{Cloud: store.GCP, Project: project}}
}

// TestOnePlaceThatIsCutDoesNotCutTheOthers holds that each place says of itself whether all of it is there.
func TestOnePlaceThatIsCutDoesNotCutTheOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, `[ "$ACCOUNT" = 111 ] && /usr/bin/head -c 9000 /dev/zero | /usr/bin/tr '\0' x; echo; echo "end of $ACCOUNT"`)
	b.MaxView = 4 << 10
	b.connect(store.AWS, "c1", "111")
	b.connect(store.AWS, "c2", "222")
	r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
	if r.Status != StatusOK || !r.Truncated || !r.Sections[0].Truncated || r.Sections[1].Truncated || !strings.Contains(r.Output, "end of 222") {
		t.Errorf("%+v", r)
	}
	var said modelResult
	if err := json.Unmarshal(r.ModelJSON(), &said); err != nil || !said.Metadata.Accounts[0].Truncated || said.Metadata.Accounts[1].Truncated {
		t.Errorf("the model is told %s, %v", r.ModelJSON(), err)
	}
}

func TestTimeoutsAndStopsAreTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo started; exec /bin/sleep 300`)
	b.connect(store.AWS, "c1", "111")
	b.WriteTimeout = 300 * time.Millisecond
	r := b.Run(context.Background(), ask("aws ec2 start-instances", store.Agent))
	wantCode(t, r, CodeTimeout, "300ms", "may have taken effect")
	if r.Status != StatusFailed || r.Output != "started" {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan Result)
	a := ask("aws ec2 describe-instances", store.Ask)
	a.Call = "call_2"
	go func() { done <- b.Run(ctx, a) }()
	await(t, "second run to start", func() bool { return len(readLines(t, b.ran)) == 2 })
	cancel()
	r = <-done
	wantCode(t, r, CodeCancelled)
	if strings.Contains(r.Error, "taken effect") {
		t.Error("a read that was stopped is said to have had an effect")
	}
	if b.ledger.outcomes != 2 {
		t.Errorf("%d outcomes recorded: a stopped run needs one too", b.ledger.outcomes)
	}
}

func TestARunIsNotRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo once`)
	b.connect(store.AWS, "c1", "111")
	a := ask("aws ec2 start-instances", store.Agent)
	first := b.Run(context.Background(), a)
	second := b.Run(context.Background(), a)
	if first.Output != "once" || second.Output != "once" || len(b.runs(t)) != 1 {
		t.Errorf("first %q, second %q, runs %v", first.Output, second.Output, b.runs(t))
	}
	for k, i := range b.ledger.intents {
		i.Outcome = json.RawMessage(`{"status":"unknown"}`)
		b.ledger.intents[k] = i
	}
	wantCode(t, b.Run(context.Background(), a), CodeLost, "Look")
	if len(b.runs(t)) != 1 {
		t.Error("a lost run was repeated")
	}
}

func TestSecretMembersAreMasked(t *testing.T) {
	t.Parallel()
	doc := `{"Functions":[{"FunctionName":"f","Environment":{"Variables":{"DB":"hunter2x"}}}]}`
	b := newBench(t, `[ "$5$6" = --outputtext ] && { echo plain; exit 0; }; [ "$3" = --bad ] && { echo "DB hunter2x"; exit 0; }; echo '`+doc+`'`)
	b.connect(store.AWS, "c1", "111")
	a := ask("aws lambda list-functions --query Functions[].Environment --output text", store.Ask)
	r := b.Run(context.Background(), a)
	if strings.Contains(r.Output, "hunter2x") || !strings.Contains(r.Output, "[masked]") || strings.Contains(r.Output, "FunctionName") {
		t.Errorf("output %s", r.Output)
	}
	if got := b.runs(t); len(got) != 1 || got[0] != "lambda list-functions --output json" {
		t.Errorf("ran %v", got)
	}
	a = ask("aws lambda list-functions --bad", store.Ask)
	a.Call = "2"
	if r = b.Run(context.Background(), a); strings.Contains(r.Output, "hunter2x") || !strings.Contains(r.Output, "withheld") {
		t.Errorf("output %s", r.Output)
	}
}

func TestASecretIsShownOnceAndKeptNowhere(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo '{"SecretString":"hunter2x"}'; /bin/cat $TOKEN_FILE`)
	b.connect(store.AWS, "c1", "111")
	r := b.Run(context.Background(), ask("aws secretsmanager get", store.Agent))
	if !strings.Contains(r.Private, "hunter2x") || strings.Contains(r.Private, runToken) {
		t.Errorf("private is %q", r.Private)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{string(raw), string(r.ModelJSON()), fmt.Sprint(b.ledger.intents), r.Output} {
		if strings.Contains(where, "hunter2x") {
			t.Errorf("the secret is in %s", where)
		}
	}
}

func TestDataIsForTheAskerAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo rows`)
	b.connect(store.AWS, "c1", "111")
	if r := b.Run(context.Background(), ask("aws s3api get-object", store.Ask)); !r.AskerOnly {
		t.Error("data may be seen by everybody")
	}
	a := ask("aws ec2 describe-instances", store.Ask)
	if r := b.Run(context.Background(), a); r.AskerOnly {
		t.Error("an ordinary read is hidden")
	}
}

func TestResultSurvivesTheJournal(t *testing.T) {
	t.Parallel()
	b := newBench(t, `echo hello`)
	b.connect(store.AWS, "c1", "111")
	r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(r.ModelJSON()[:40]), string(back.ModelJSON()[:40])); diff != "" {
		t.Error(diff)
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("an executor without policy was made")
	}
}

func TestPeopleSeeAllOfWhatIsCutForTheModel(t *testing.T) {
	t.Parallel()
	b := newBench(t, `i=0; while [ $i -lt 3000 ]; do echo "row $i of many"; i=$((i+1)); done; /bin/cat $TOKEN_FILE`)
	b.connect(store.AWS, "c1", "111")
	r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
	full := r.Sections[0].Full
	if !r.Truncated || len(r.Output) > b.MaxView+100 || !strings.Contains(full, "row 1500 of many") || strings.Contains(full, runToken) {
		t.Errorf("%d bytes for the model, %d for people", len(r.Output), len(full))
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "row 1500 of many") || strings.Contains(string(r.ModelJSON()), "row 1500 of many") {
		t.Error("all of it is journaled")
	}
}
