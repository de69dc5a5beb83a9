package providers_test

import (
	"context"
	"strings"
	"testing"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/providers/policy"
	"aurora/providers/tailscale"
	"aurora/store"
)

// These tests put it all together: real policy, real CLIs, simulated clouds.

func realPolicy(t testing.TB) *policy.Engine {
	t.Helper()
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

const webInstance = "i-0a1b2c3d4e5f60001"

func TestADeleteNamesWhatItTouchesAndRunsAfterItsClick(t *testing.T) {
	t.Parallel()
	needCLI(t, "aws")
	b := newCloudBench(t, realPolicy(t), cloudsim.RoleAdmin)
	ask := wants("aws ec2 terminate-instances --instance-ids "+webInstance, store.Agent)
	r := b.Run(context.Background(), ask)
	if r.Proposal == nil {
		t.Fatalf("no proposal: %s %s", r.Code, r.Error)
	}
	card := strings.Join(r.Proposal.Commands[0].Touches, "\n")
	if !strings.Contains(card, webInstance) || !strings.Contains(card, "checkout-web-1") || !strings.Contains(card, "running") {
		t.Errorf("the card would say %q", card)
	}
	t.Log(card)
	if b.sim.Executed("ec2:TerminateInstances") != 0 {
		t.Fatal("terminated without a click")
	}
	done := b.RunConfirmed(context.Background(), ask.Caller, *r.Proposal, 0)
	if done.Status != providers.StatusOK || b.sim.Executed("ec2:TerminateInstances") != 1 {
		t.Errorf("%+v", done)
	}
	b.clean(t, done.Output, card)
}

func TestAGoogleStopNamesWhatItTouches(t *testing.T) {
	t.Parallel()
	needCLI(t, "gcloud")
	b := newCloudBench(t, realPolicy(t), cloudsim.RoleReadOnly)
	b.connectGCP(t)
	var name, zone string
	for _, p := range b.sim.World().GCP.Projects {
		if p.ID == cloudsim.GCPProject {
			name, zone = p.VMs[0].Name, p.VMs[0].Zone
		}
	}
	r := b.Run(context.Background(), wants("gcloud compute instances stop "+name+" --zone="+zone, store.Agent))
	if r.Proposal == nil {
		t.Fatalf("no proposal: %s %s", r.Code, r.Error)
	}
	card := strings.Join(r.Proposal.Commands[0].Touches, "\n")
	if !strings.Contains(card, name) || r.Proposal.Project != cloudsim.GCPProject || b.sim.Executed("compute.instances.stop") != 0 {
		t.Errorf("the card would say %q in %q", card, r.Proposal.Project)
	}
}

func TestRealPolicyRefusesAtTheDoor(t *testing.T) {
	t.Parallel()
	b := newCloudBench(t, realPolicy(t), cloudsim.RoleAdmin)
	b.connectGCP(t)
	for line, want := range map[string]providers.Code{
		"aws ec2 terminate-instances --instance-ids i-1":                      providers.CodeRefused,
		"aws ec2 describe-instances; id":                                      providers.CodeUnparsed,
		"aws ec2 describe-instances --endpoint-url http://127.0.0.1:1":        providers.CodeRefused,
		"aws ec2 describe-instances --profile host":                           providers.CodeRefused,
		"gcloud compute instances list --impersonate-service-account=x@y.iam": providers.CodeRefused,
		"gcloud compute instances list --project=victim-prod":                 providers.CodeRefused,
		"aws secretsmanager get-secret-value --secret-id prod/checkout/db":    providers.CodeRefused,
		"aws ec2 frobnicate":    providers.CodeUnknown,
		"tailscale device list": providers.CodeNotConnected,
	} {
		r := b.Run(context.Background(), wants(line, store.Ask))
		if r.Code != want || r.Error == "" {
			t.Errorf("%s: %s %q, want %s", line, r.Code, r.Error, want)
		}
	}
	if b.books.intents != 0 {
		t.Errorf("%d intents", b.books.intents)
	}
}

func TestSecretMembersOfARealAnswerAreMasked(t *testing.T) {
	t.Parallel()
	needCLI(t, "aws")
	b := newCloudBench(t, realPolicy(t), cloudsim.RoleReadOnly)
	for line, shown := range map[string]string{
		"aws lambda list-functions": "checkout-webhook",
		"aws lambda list-functions --query Functions[].Environment.Variables --output text": "STRIPE_API_KEY",
		"aws lambda list-functions --query Functions[].{n:FunctionName,v:Environment}":      "checkout-webhook",
		"aws lambda list-functions --query Functions[][":                                    "checkout-webhook",
	} {
		r := b.Run(context.Background(), wants(line, store.Ask))
		if r.Status != providers.StatusOK || strings.Contains(r.Output, "simulated_4242") || !strings.Contains(r.Output, "[masked]") || !strings.Contains(r.Output, shown) {
			t.Errorf("%s: %+v", line, r)
		}
	}
}

func TestTailscaleNeedsNoCLI(t *testing.T) {
	t.Parallel()
	engine := realPolicy(t)
	b := newCloudBench(t, engine, cloudsim.RoleReadOnly)
	direct, err := tailscale.New(tailscale.Config{Resolve: engine.ResolveCall, BaseURL: b.sim.Endpoints().Tailscale})
	if err != nil {
		t.Fatal(err)
	}
	b.Direct = map[store.Cloud]providers.Direct{store.Tailscale: direct}
	client := b.sim.TailscaleClient()
	b.secret = append(b.secret, client.Secret)
	b.books.credentials["kv/ts"] = store.NewCredential(map[string]string{"client_id": client.ID, "client_secret": client.Secret})
	b.books.connections = append(b.books.connections, store.Connection{
		ID: "c-ts", OrgID: "org", UserID: "user", Cloud: store.Tailscale, Account: cloudsim.Tailnet, Token: "vault:kv/ts", Generation: 1,
		Status: store.ConnectionActive, Settings: map[string]string{"scopes": strings.Join(client.Scopes, " ")},
	})
	r := b.Run(context.Background(), wants("tailscale devices", store.Ask))
	if r.Status != providers.StatusOK || !strings.Contains(r.Output, "\"devices\"") {
		t.Fatalf("%+v", r)
	}
	id := b.sim.World().Tailscale[0].Devices[0].ID
	r = b.Run(context.Background(), wants("tailscale device delete "+id, store.Agent))
	if r.Proposal == nil || len(r.Proposal.Commands[0].Touches) != 1 || !strings.Contains(r.Proposal.Commands[0].Touches[0], id) {
		t.Fatalf("%s %s %+v", r.Code, r.Error, r.Proposal)
	}
	done := b.RunConfirmed(context.Background(), wants("x", store.Agent).Caller, *r.Proposal, 0)
	if done.Status != providers.StatusOK || b.sim.Executed("devices.delete") != 1 {
		t.Errorf("%+v", done)
	}
	b.clean(t, r.Output, done.Output)
}
