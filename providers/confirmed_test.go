package providers

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"aurora/providers/policy"
	"aurora/store"

	"github.com/google/go-cmp/cmp"
)

const describeDoc = `{"Reservations":[{"Instances":[{"InstanceId":"i-1","InstanceType":"t3.micro","State":{"Name":"running"},` +
	`"Tags":[{"Key":"Name","Value":"web"},{"Key":"env","Value":"prod"}]}]}]}`

func confirming(t *testing.T) (*bench, Ask, store.Confirmation) {
	t.Helper()
	b := newBench(t, `[ "$2" = describe-instances ] && { echo '`+describeDoc+`'; exit 0; }; echo "did $*"`)
	b.connect(store.AWS, "c1", "111")
	b.ledger.connections[0].Region = "eu-west-1"
	a := ask("aws ec2 terminate-instances --instance-ids i-1", store.Agent)
	r := b.Run(context.Background(), a)
	if r.Proposal == nil {
		t.Fatalf("no proposal: %+v", r)
	}
	return b, a, *r.Proposal
}

func TestADeleteWaitsForAClick(t *testing.T) {
	t.Parallel()
	b, a, got := confirming(t)
	want := store.Confirmation{
		ID: ConfirmationID(a), OrgID: "org", UserID: "user", Asker: a.Caller.Person, Thread: "T1:C1:1", Turn: "turn_1", Step: 1,
		Call: "call_1", Mode: store.Agent, Cloud: store.AWS, ConnectionID: "c1", Generation: 1, Account: "111", Region: "eu-west-1",
		Commands: []store.Planned{{
			Argv: []string{"aws", "ec2", "terminate-instances", "--instance-ids", "i-1"}, Effect: "delete", Facets: []string{}, Rule: "row",
			Touches: []string{`i-1 "web" (running, t3.micro) env=prod`},
		}},
		Policy: "v1", State: store.ConfirmationPending, AskedAt: got.AskedAt, Expires: got.AskedAt.Add(10 * time.Minute),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if runs := b.runs(t); len(runs) != 1 || runs[0] != "ec2 describe-instances --instance-ids i-1 --output json" {
		t.Errorf("ran %v, want the look-up alone", runs)
	}
	var model map[string]any
	r := Result{Proposal: &got}
	if err := json.Unmarshal(r.ModelJSON(), &model); err != nil || model["requires_confirmation"] != true || model["confirmation_id"] != got.ID || len(model) != 2 {
		t.Errorf("model hears %s", r.ModelJSON())
	}
}

func TestAConfirmedCommandRunsOnce(t *testing.T) {
	t.Parallel()
	b, a, conf := confirming(t)
	raw, err := json.Marshal(conf) // it comes back from Redis
	if err != nil {
		t.Fatal(err)
	}
	conf = store.Confirmation{}
	if err := json.Unmarshal(raw, &conf); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r := b.RunConfirmed(context.Background(), a.Caller, conf, 0)
		wantCode(t, r, "")
		if r.Output != "did ec2 terminate-instances --instance-ids i-1" {
			t.Errorf("output %q", r.Output)
		}
	}
	if runs := b.runs(t); len(runs) != 2 { // the look-up and the run
		t.Errorf("ran %v", runs)
	}
	if _, ok := b.ledger.intents[conf.ID+"/0"]; !ok {
		t.Error("the intent is not keyed by the confirmation")
	}
}

// A click that came in time waits while stores are away, but not for ever; what it had begun is told at any time.
func TestAClickThatCountsTooLateRunsNothing(t *testing.T) {
	t.Parallel()
	b, a, conf := confirming(t)
	now := conf.Expires.Add(lateAfter / 2)
	b.Now = func() time.Time { return now }
	wantCode(t, b.RunConfirmed(context.Background(), a.Caller, conf, 0), "")
	now = conf.Expires.Add(2 * lateAfter)
	if r := b.Recall(b.ledger.intents[conf.ID+"/0"]); r.Status != StatusOK || r.Output != "did ec2 terminate-instances --instance-ids i-1" {
		t.Errorf("recalled %+v", r)
	}
	conf.ID = "conf_other"
	wantCode(t, b.RunConfirmed(context.Background(), a.Caller, conf, 0), CodeRefused, "before the card's time was over", "ask again")
	if runs := b.runs(t); len(runs) != 2 { // the look-up and the first
		t.Errorf("ran %v", runs)
	}
}

func TestALostCommandIsRecalledAsUnknown(t *testing.T) {
	t.Parallel()
	b, _, conf := confirming(t)
	r := b.Recall(store.Intent{ID: "int_1", Cloud: store.AWS, Account: "111", Argv: conf.Commands[0].Argv, Effect: "delete", Outcome: []byte(`{"status":"unknown"}`)})
	wantCode(t, r, CodeLost, "nobody knows how it ended")
	if r.Ran() || len(r.Sections) != 1 || r.Sections[0].Account != "111" || r.Cloud != store.AWS {
		t.Errorf("recalled %+v", r)
	}
	wantCode(t, b.Recall(store.Intent{Argv: []string{"aws", "--password", "[redacted]"}}), CodeLost)
}

func TestWhatChangedSinceTheCardDoesNotRun(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bench, *Caller, *store.Confirmation){
		"mode back to Ask":     func(_ *bench, c *Caller, _ *store.Confirmation) { c.Mode = store.Ask },
		"another asker":        func(_ *bench, c *Caller, _ *store.Confirmation) { c.User.ID = "other" },
		"asker deactivated":    func(_ *bench, c *Caller, _ *store.Confirmation) { c.User.Active = false },
		"another organisation": func(_ *bench, c *Caller, _ *store.Confirmation) { c.Org.ID = "other" },
		"new credential":       func(b *bench, _ *Caller, _ *store.Confirmation) { b.ledger.connections[0].Generation = 2 },
		"disconnected":         func(b *bench, _ *Caller, _ *store.Confirmation) { b.ledger.connections = nil },
		"another region":       func(b *bench, _ *Caller, _ *store.Confirmation) { b.ledger.connections[0].Region = "us-east-1" },
		"policy says worse": func(b *bench, _ *Caller, _ *store.Confirmation) {
			b.policy.verdicts["aws ec2 terminate-instances"] = policy.Verdict{Effect: policy.Delete, Facets: policy.Spend}
		},
		"policy forbids": func(b *bench, _ *Caller, _ *store.Confirmation) {
			delete(b.policy.verdicts, "aws ec2 terminate-instances")
		},
		"four eyes now": func(b *bench, _ *Caller, _ *store.Confirmation) { b.policy.four = true },
		"frozen":        func(b *bench, _ *Caller, _ *store.Confirmation) { b.ledger.frozen = true },
		"argv swapped": func(_ *bench, _ *Caller, c *store.Confirmation) {
			c.Commands[0].Argv = []string{"aws", "ec2", "stop-instances"}
		},
		"account swapped":    func(_ *bench, _ *Caller, c *store.Confirmation) { c.Account = "222" },
		"connection swapped": func(_ *bench, _ *Caller, c *store.Confirmation) { c.ConnectionID = "c2" },
		"no connection":      func(_ *bench, _ *Caller, c *store.Confirmation) { c.ConnectionID = "" },
		"cloud swapped":      func(_ *bench, _ *Caller, c *store.Confirmation) { c.Cloud = store.GCP },
		"no commands":        func(_ *bench, _ *Caller, c *store.Confirmation) { c.Commands = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, a, conf := confirming(t)
			change(b, &a.Caller, &conf)
			r := b.RunConfirmed(context.Background(), a.Caller, conf, 0)
			if r.Code == "" || r.Error == "" || len(b.runs(t)) != 1 {
				t.Errorf("result %+v, runs %v", r, b.runs(t))
			}
		})
	}
}

func TestFourEyesWaitLonger(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.policy.four = true
	b.connect(store.AWS, "c1", "111")
	r := b.Run(context.Background(), ask("aws ec2 stop-instances", store.Agent))
	if r.Proposal == nil || !r.Proposal.FourEyes || r.Proposal.Expires.Sub(r.Proposal.AskedAt) != time.Hour {
		t.Errorf("%+v", r.Proposal)
	}
}

func TestATaintedWriteWaitsAndATypedOneRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t, "echo did")
	b.connect(store.AWS, "c1", "111")
	a := ask("aws ec2 start-instances", store.Agent)
	a.Tainted = true
	if r := b.Run(context.Background(), a); r.Proposal == nil || !r.Proposal.Tainted {
		t.Errorf("%+v", r)
	}
	a.Typed, a.Call = true, "2"
	if r := b.Run(context.Background(), a); r.Output != "did" {
		t.Errorf("%+v", r)
	}
}
