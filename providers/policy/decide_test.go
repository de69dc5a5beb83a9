package policy

import (
	"strings"
	"testing"
	"time"
)

func ruling(t *testing.T, line string, c Context) Ruling {
	t.Helper()
	e := engine()
	return e.Decide(e.judge(e.Parse(line)), c)
}

// TestDecisionTable is the table of the design, cell by cell: Ask, Agent typed, Agent proposed after untrusted text, incident.
func TestDecisionTable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, command, want string }{
		{"read", "aws ec2 describe-instances", "allow allow allow allow"},
		{"log", "gcloud logging read severity>=ERROR --limit=5", "refuse refuse refuse refuse"}, // > outside quotes
		{"log quoted", "gcloud logging read 'severity>=ERROR' --limit=5", "allow allow allow allow"},
		{"masked", "aws lambda get-function-configuration --function-name f", "allow allow allow allow"},
		{"data", "aws dynamodb scan --table-name t", "allow allow allow refuse"},
		{"secret", "aws secretsmanager get-secret-value --secret-id s", "refuse refuse refuse refuse"},
		{"write", "aws ec2 create-tags --resources i-1 --tags Key=a,Value=b", "refuse allow confirm refuse"},
		{"disrupt", "aws ec2 stop-instances --instance-ids i-1", "refuse confirm confirm refuse"},
		{"delete", "aws ec2 terminate-instances --instance-ids i-1", "refuse confirm confirm refuse"},
		{"permission", "gcloud projects add-iam-policy-binding p --member=user:a@b.c --role=roles/viewer", "refuse confirm confirm refuse"},
		{"exposure", "aws ec2 authorize-security-group-ingress --group-id g", "refuse confirm confirm refuse"},
		{"egress", "gcloud sql export sql i gs://b/f", "refuse confirm confirm refuse"},
		{"payload", "aws ssm send-command --document-name d", "refuse confirm confirm refuse"},
		{"spend", "gcloud compute commitments create c --plan=12-month", "refuse confirm confirm refuse"},
		{"forbidden", "gcloud compute ssh vm", "refuse refuse refuse refuse"},
		{"unknown", "aws ec2 describe-everything", "refuse refuse refuse refuse"},
		{"own delete", "tailscale device delete n1", "refuse confirm confirm refuse"},
		{"own secret", "tailscale key create --reusable", "refuse refuse refuse refuse"},
		{"own read", "ovhcloud cloud instance list", "allow allow allow allow"},
	} {
		var got []string
		for _, m := range explained {
			got = append(got, ruling(t, row.command, m.context).Decision.String())
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s (%s): %v, want %s", row.name, row.command, got, row.want)
		}
	}
}

func TestRulingsCarryWhatTheExecutorMustDo(t *testing.T) {
	t.Parallel()
	ask := Context{Mode: Ask, Role: "viewer"}
	if r := ruling(t, "aws lambda get-function --function-name f", ask); !r.Mask {
		t.Errorf("a masked read does not say so: %+v", r)
	}
	if r := ruling(t, "aws dynamodb scan --table-name t", ask); !r.AskerOnly {
		t.Errorf("a data read is not for the asker alone: %+v", r)
	}
}

func TestRoleLimitsMode(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]Decision{"": Refuse, "viewer": Refuse, "admin": Refuse, "operator": Allow, "approver": Allow, "king": Refuse} {
		r := ruling(t, "aws ec2 create-tags --resources i-1 --tags Key=a", Context{Mode: Agent, Role: role, Typed: true})
		if r.Decision != want {
			t.Errorf("role %q: %s, want %s (%s)", role, r.Decision, want, r.Reason)
		}
	}
	if r := ruling(t, "aws ec2 describe-instances", Context{Mode: "agnet", Role: "operator"}); r.Decision != Refuse {
		t.Errorf("an unknown mode runs: %+v", r)
	}
	if r := engine().Decide(Verdict{}, Context{Mode: Agent, Role: "operator"}); r.Decision != Refuse {
		t.Errorf("an empty verdict runs: %+v", r)
	}
}

func TestOtherPlacesAreRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		command string
		c       Context
		want    Decision
	}{
		{"gcloud compute instances list --project=other-project", Context{Project: "mine"}, Refuse},
		{"gcloud compute instances list --project=mine", Context{Project: "mine"}, Allow},
		{"az vm list --subscription other", Context{Account: "s-1"}, Refuse},
		{"az vm show --ids /subscriptions/S-1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v", Context{Account: "s-1"}, Allow},
		{"az vm show --ids /subscriptions/other/resourceGroups/g", Context{Account: "s-1"}, Refuse},
		{"aws ec2 describe-instances --region us-east-1", Context{Region: "eu-west-1"}, Refuse},
		{"aws ec2 describe-instances", Context{Providers: []string{"gcp"}}, Refuse},
		{"aws ec2 describe-instances", Context{ChannelRule: &ChannelRule{Providers: []string{"gcp"}}}, Refuse},
		{"aws dynamodb scan --table-name t", Context{ChannelRule: &ChannelRule{Deny: Data}}, Refuse},
		{"tailscale devices --tailnet other", Context{Account: "mine"}, Refuse},
	} {
		row.c.Mode, row.c.Role = Agent, "operator"
		if r := ruling(t, row.command, row.c); r.Decision != row.want {
			t.Errorf("%s: %s, want %s (%s)", row.command, r.Decision, row.want, r.Reason)
		}
	}
	top := Context{Mode: Agent, Role: "operator", Typed: true, ChannelRule: &ChannelRule{MaxEffect: Write}}
	if r := ruling(t, "aws ec2 stop-instances --instance-ids i", top); r.Decision != Refuse {
		t.Errorf("a channel for writes stops a machine: %+v", r)
	}
	grant := Context{Mode: Agent, Role: "operator", Typed: true, MaxGrant: Read}
	if r := ruling(t, "aws ec2 create-tags --resources i", grant); r.Decision != Refuse {
		t.Errorf("a grant for reads writes: %+v", r)
	}
	// A grant speaks of effects: a change of permissions is a write, which somebody has to click whatever the grant.
	grant.MaxGrant = Write
	if r := ruling(t, "aws iam attach-user-policy --user-name u --policy-arn p", grant); r.Decision != Confirm || r.Rule != "confirm.permission" {
		t.Errorf("a grant for writes and a change of permissions: %+v", r)
	}
	for _, line := range []string{"aws ec2 stop-instances --instance-ids i", "aws ec2 terminate-instances --instance-ids i"} {
		if r := ruling(t, line, grant); r.Decision != Refuse || r.Rule != "grant" {
			t.Errorf("a grant for writes and %s: %+v", line, r)
		}
	}
}

const orgRules = `
rules:
  - name: no-prod-deletes
    match: {effect: [delete], account: ["prod-*"]}
    then: deny
    reason: Production is deleted by the release process only.
    examples: ["aws ec2 terminate-instances --instance-ids i-1", {command: "gcloud compute instances delete i", account: prod-1}]
    counter_examples: ["aws ec2 stop-instances --instance-ids i-1", {command: "gcloud compute instances delete i", account: test-1}]
  - name: two-for-iam
    match: {facet: [permission]}
    then: four_eyes
    reason: Rights are changed by two people.
    examples: ["aws iam attach-role-policy --role-name r --policy-arn p"]
  - name: nights
    match: {effect: [write], hours: {days: [mon, tue, wed, thu, fri], from: "22:00", to: "06:00", zone: Europe/Paris}}
    then: confirm
    reason: At night every change waits for a click.
    examples: [{command: "aws ec2 create-tags --resources i", at: "2026-03-03T23:30:00+01:00"}]
    counter_examples: [{command: "aws ec2 create-tags --resources i", at: "2026-03-03T12:00:00+01:00"}]
  - name: canary-key
    match: {command: ["aws secretsmanager get-secret-value"], flag: ["--secret-id=canary"], role: [operator]}
    then: allow
    reason: The canary's key is harmless.
    examples: ["aws secretsmanager get-secret-value --secret-id canary"]
    counter_examples: ["aws secretsmanager get-secret-value --secret-id prod"]
`

func TestOrgRules(t *testing.T) {
	t.Parallel()
	rules, err := LoadRules([]byte(orgRules))
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(rules)
	if err != nil {
		t.Fatal(err)
	}
	if e.Version() == engine().Version() {
		t.Error("the version does not tell the rules")
	}
	noon := time.Date(2026, 3, 3, 11, 0, 0, 0, time.UTC)
	night := time.Date(2026, 3, 3, 22, 30, 0, 0, time.UTC)
	for _, row := range []struct {
		command, want string
		c             Context
	}{
		{"aws ec2 terminate-instances --instance-ids i", "refuse org.no-prod-deletes", Context{Account: "prod-1"}},
		{"aws ec2 terminate-instances --instance-ids i", "confirm confirm.delete", Context{Account: "test-1"}},
		{"aws ec2 terminate-instances --instance-ids i", "refuse org.no-prod-deletes", Context{}}, // unknown account: strict
		{"aws iam attach-role-policy --role-name r --policy-arn p", "confirm org.two-for-iam", Context{Account: "test-1"}},
		{"aws ec2 create-tags --resources i", "confirm org.nights", Context{Now: night}},
		{"aws ec2 create-tags --resources i", "allow allow.write", Context{Now: noon}},
		{"aws secretsmanager get-secret-value --secret-id canary", "allow org.canary-key", Context{}},
		{"aws secretsmanager get-secret-value --secret-id prod", "refuse secret", Context{}},
	} {
		row.c.Mode, row.c.Role, row.c.Typed = Agent, "operator", true
		r := e.Decide(e.judge(e.Parse(row.command)), row.c)
		if got := r.Decision.String() + " " + r.Rule; got != row.want {
			t.Errorf("%s: %s, want %s", row.command, got, row.want)
		}
		if r.Rule == "org.two-for-iam" && !r.FourEyes || r.Rule == "org.canary-key" && !(r.ShowOnce && r.AskerOnly) {
			t.Errorf("%s: %+v", row.command, r)
		}
	}
	asked := Context{Mode: Ask, Role: "operator"}
	if r := e.Decide(e.judge(e.Parse("aws secretsmanager get-secret-value --secret-id canary")), asked); r.Decision != Refuse {
		t.Errorf("an allowed secret is shown in Ask: %+v", r)
	}
}

func TestBadRulesDoNotLoad(t *testing.T) {
	t.Parallel()
	const tail = "\n    reason: r\n    examples: ['aws ec2 describe-instances']\n"
	for name, text := range map[string]string{
		"unknown field":        "rules:\n  - name: a\n    mach: {}\n    then: deny" + tail,
		"unknown action":       "rules:\n  - name: a\n    match: {provider: [aws]}\n    then: stop" + tail,
		"unknown provider":     "rules:\n  - name: a\n    match: {provider: [amazon]}\n    then: deny" + tail,
		"catches everything":   "rules:\n  - name: a\n    match: {}\n    then: deny" + tail,
		"no example":           "rules:\n  - name: a\n    match: {provider: [aws]}\n    then: deny\n    reason: r\n",
		"no reason":            "rules:\n  - name: a\n    match: {provider: [aws]}\n    then: deny\n    examples: ['aws ec2 describe-instances']\n",
		"example does not fit": "rules:\n  - name: a\n    match: {provider: [gcp]}\n    then: deny" + tail,
		"example unknown":      "rules:\n  - name: a\n    match: {provider: [aws]}\n    then: deny\n    reason: r\n    examples: ['aws ec2 describe-nothing']\n",
		"allow a write":        "rules:\n  - name: a\n    match: {command: [aws ec2 run-instances]}\n    then: allow\n    reason: r\n    examples: ['aws ec2 run-instances']\n",
		"allow by wildcard":    "rules:\n  - name: a\n    match: {command: ['aws secretsmanager *']}\n    then: allow\n    reason: r\n    examples: ['aws secretsmanager get-secret-value']\n",
		"allow without path":   "rules:\n  - name: a\n    match: {facet: [secret]}\n    then: allow\n    reason: r\n    examples: ['aws secretsmanager get-secret-value']\n",
		"bad hours":            "rules:\n  - name: a\n    match: {hours: {from: '25:00', to: '06:00', zone: Europe/Paris}}\n    then: deny" + tail,
		"bad zone":             "rules:\n  - name: a\n    match: {hours: {from: '22:00', to: '06:00', zone: Mars}}\n    then: deny" + tail,
		"same name twice":      "rules:\n  - name: a\n    match: {provider: [aws]}\n    then: deny" + tail + "  - name: a\n    match: {provider: [aws]}\n    then: deny" + tail,
		"not yaml":             "rules: [",
	} {
		if _, err := LoadRules([]byte(text)); err == nil {
			t.Errorf("%s: it loads", name)
		}
	}
	if _, err := LoadRules(nil); err != nil {
		t.Errorf("an empty file does not load: %v", err)
	}
}
