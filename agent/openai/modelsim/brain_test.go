package modelsim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const facts = "You are Aurora.\n- Connected clouds: gcp, aws, tailscale. More.\n"

// talk makes a conversation: the ask, then for each round the calls' commands and what came back.
func talk(system, ask string, rounds ...[][2]string) Conversation {
	c := Conversation{Model: "m", Tools: []any{1}, Messages: []Message{{Role: "system", Content: Text(system)}, {Role: "user", Content: Text(ask)}}}
	for n, round := range rounds {
		var m Message
		m.Role = "assistant"
		var results []Message
		for i, pair := range round {
			call := ToolCall{ID: string(rune('a'+n)) + string(rune('0'+i))}
			provider := programs[strings.Fields(pair[0])[0]]
			call.Function.Arguments = Call{Provider: provider, Command: pair[0]}.arguments()
			m.ToolCalls = append(m.ToolCalls, call)
			results = append(results, Message{Role: "tool", CallID: call.ID, Content: Text(pair[1])})
		}
		c.Messages = append(append(c.Messages, m), results...)
	}
	return c
}

func ok(output string) string {
	raw, _ := json.Marshal(map[string]any{"status": "ok", "output": output, "metadata": map[string]any{}})
	return string(raw)
}

const (
	ec2 = `{"Reservations":[{"Instances":[{"InstanceId":"i-0a1b2c3d4e5f60001","InstanceType":"t3.micro","State":{"Name":"running"},"Placement":{"AvailabilityZone":"us-east-1a"},"PrivateIpAddress":"10.0.1.11","Tags":[{"Key":"Name","Value":"checkout-web-1"},{"Key":"env","Value":"prod"}]}]},
	{"Instances":[{"InstanceId":"i-0a1b2c3d4e5f60003","InstanceType":"t3.micro","State":{"Name":"stopped"},"Placement":{"AvailabilityZone":"us-east-1b"},"Tags":[{"Key":"Name","Value":"test-1"}]}]}]}`
	gce = `[{"id":"1","name":"checkout-web-1","zone":"https://compute.googleapis.com/compute/v1/projects/p/zones/us-central1-a","status":"RUNNING","machineType":"x/machineTypes/e2-medium","labels":{"env":"prod"}},
	{"id":"2","name":"batch-1","zone":"https://x/zones/europe-west1-b","status":"TERMINATED","machineType":"x/e2-medium"}]`
	tailnet = `{"devices":[{"nodeId":"n1","id":"11","hostname":"laptop","os":"linux","connectedToControl":true}]}`
)

func TestBrainFindsTheCommand(t *testing.T) {
	t.Parallel()
	for ask, want := range map[string][]string{
		"list my EC2 instances":                                 {"aws ec2 describe-instances"},
		"show the production vms on gcp":                        {"gcloud compute instances list --format=json"},
		"List my instances on AWS and GCP, please.":             {"aws ec2 describe-instances", "gcloud compute instances list --format=json"},
		"what vms do we have?":                                  {"gcloud compute instances list --format=json", "aws ec2 describe-instances", "tailscale device list"},
		"which devices are in my tailnet?":                      {"tailscale device list"},
		"show me the s3 buckets":                                {"aws s3api list-buckets"},
		"stop i-0a1b2c3d4e5f60001":                              {"aws ec2 stop-instances --instance-ids i-0a1b2c3d4e5f60001"},
		"please delete i-0a1b2c3d4e5f60001 i-0a1b2c3d4e5f60002": {"aws ec2 terminate-instances --instance-ids i-0a1b2c3d4e5f60001 i-0a1b2c3d4e5f60002"},
		"tag i-0a1b2c3d4e5f60001 env=test":                      {"aws ec2 create-tags --resources i-0a1b2c3d4e5f60001 --tags Key=env,Value=test"},
		"stop batch-1 on gcp in zone europe-west1-b":            {"gcloud compute instances stop batch-1 --zone=europe-west1-b"},
		"delete the test instance on aws":                       {"aws ec2 describe-instances"},
		"run `aws sts get-caller-identity` for me":              {"aws sts get-caller-identity"},
		"gcloud projects list":                                  {"gcloud projects list"},
		"run `aws a b` and then `gcloud c d`":                   {"aws a b", "gcloud c d"},
		"hello there":                                           nil,
		"who is on call today?":                                 nil,
	} {
		var got []string
		for _, c := range think(talk(facts, ask)).Calls {
			got = append(got, c.Command)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", ask, got, want)
		}
	}
}

func TestBrainLooksUpNamesThenActs(t *testing.T) {
	t.Parallel()
	for ask, tc := range map[string]struct {
		look, output string
		want         string
	}{
		"delete the test instance on aws":       {"aws ec2 describe-instances", ec2, "aws ec2 terminate-instances --instance-ids i-0a1b2c3d4e5f60003"},
		"stop checkout-web-1 on gcp":            {"gcloud compute instances list --format=json", gce, "gcloud compute instances stop checkout-web-1 --zone=us-central1-a"},
		"stop all running gce vms":              {"gcloud compute instances list --format=json", gce, "gcloud compute instances stop checkout-web-1 --zone=us-central1-a"},
		"start every stopped instance on aws":   {"aws ec2 describe-instances", ec2, "aws ec2 start-instances --instance-ids i-0a1b2c3d4e5f60003"},
		"remove the device laptop in tailscale": {"tailscale device list", tailnet, "tailscale device delete n1"},
		"stop the nonesuch instance on aws":     {"aws ec2 describe-instances", ec2, ""},
		"stop the instances on aws":             {"aws ec2 describe-instances", ec2, ""},
	} {
		r := think(talk(facts, ask, [][2]string{{tc.look, ok(tc.output)}}))
		got := ""
		if len(r.Calls) > 0 {
			got = r.Calls[0].Command
		}
		if got != tc.want || len(r.Calls) > 1 || tc.want == "" && r.Text == "" {
			t.Errorf("%q: %+v, want %q", ask, r, tc.want)
		}
	}
	wait := `{"requires_confirmation":true,"confirmation_id":"conf_1"}`
	r := think(talk(facts, "delete the test instance on aws", [][2]string{{"aws ec2 describe-instances", ok(ec2)}},
		[][2]string{{"aws ec2 terminate-instances --instance-ids i-0a1b2c3d4e5f60003", wait}}))
	if len(r.Calls) > 0 || !strings.Contains(r.Text, "waits for a person's click") {
		t.Errorf("after the second round: %+v", r)
	}
}

func TestBrainSummarises(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ask, command, result string
		want, never          []string
	}{
		"instances": {"list my ec2 instances", "aws ec2 describe-instances", ok(ec2),
			[]string{"found 2", "**checkout-web-1** (`i-0a1b2c3d4e5f60001`): running, t3.micro, us-east-1a, 10.0.1.11", "test-1"}, nil},
		"production only": {"show the production vms on gcp", "gcloud compute instances list --format=json", ok(gce),
			[]string{"found 1", "checkout-web-1", "RUNNING", "us-central1-a"}, []string{"batch-1"}},
		"running only": {"which gce vms are running?", "gcloud compute instances list --format=json", ok(gce), []string{"checkout-web-1"}, []string{"batch-1"}},
		"two accounts": {"list my ec2 instances", "aws ec2 describe-instances", ok("== prod, 1111 ==\n" + ec2 + "\n== staging ==\n" + `{"Reservations":[]}`),
			[]string{"on prod, 1111 found 2", "on staging found nothing"}, nil},
		"odd name": {"list my ec2 instances", "aws ec2 describe-instances", ok(strings.Replace(ec2, "test-1", "<!here> *x", 1)),
			[]string{`**\<!here\> \*x** (`}, nil},
		"devices":  {"list my tailnet", "tailscale device list", ok(tailnet), []string{"**laptop** (`n1`): online, linux"}, nil},
		"plain":    {"run `aws x y`", "aws x y", ok("one\ntwo"), []string{"```\none\ntwo\n```"}, nil},
		"nothing":  {"run `aws x y`", "aws x y", ok(""), []string{"printed nothing"}, nil},
		"refused":  {"stop i-0a1b2c3d4e5f60001", "aws ec2 stop-instances", `{"error":"Switch to Agent mode.","code":"refused"}`, []string{"did not run: Switch to Agent mode."}, nil},
		"failed":   {"list my ec2 instances", "aws ec2 describe-instances", `{"status":"failed","output":"AccessDenied","metadata":{}}`, []string{"failed: AccessDenied"}, nil},
		"odd":      {"list my ec2 instances", "aws ec2 describe-instances", `[`, []string{"cannot read"}, nil},
		"identity": {"run `aws sts get-caller-identity`", "aws sts get-caller-identity", ok(`{"Arn":"arn:aws:sts::1:x"}`), []string{"arn:aws:sts::1:x"}, nil},
	} {
		got := think(talk(facts, tc.ask, [][2]string{{tc.command, tc.result}}))
		for _, want := range tc.want {
			if !strings.Contains(got.Text, want) {
				t.Errorf("%s: %q lacks %q", name, got.Text, want)
			}
		}
		for _, never := range tc.never {
			if strings.Contains(got.Text, never) {
				t.Errorf("%s: %q has %q", name, got.Text, never)
			}
		}
		if len(got.Calls) > 0 {
			t.Errorf("%s: calls %+v", name, got.Calls)
		}
	}
}

func TestSeveralCloudsAreOneTable(t *testing.T) {
	t.Parallel()
	failed := `{"status":"failed","output":"AccessDenied","metadata":{}}`
	got := think(talk(facts, "list all instances", [][2]string{
		{"aws ec2 describe-instances", ok(ec2)}, {"gcloud compute instances list --format=json", ok(gce)}, {"tailscale device list", failed},
	})).Text
	for _, want := range []string{
		"I found 4 on aws and gcp:", "| aws | checkout-web-1 | running | t3.micro | us-east-1a |", "| gcp | batch-1 | terminated | e2-medium | europe-west1-b |",
		"`tailscale device list` failed: AccessDenied",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if one := think(talk(facts, "list all instances", [][2]string{{"aws ec2 describe-instances", ok(ec2)}, {"tailscale device list", failed}})).Text; strings.Contains(one, "|---|") {
		t.Errorf("one cloud's list is a table: %q", one)
	}
}

func TestBrainTellsWhatAClickRan(t *testing.T) {
	t.Parallel()
	c := talk(facts, "delete the test instance on aws")
	c.Messages = append(c.Messages[:1], Message{Role: "user", Content: "What follows is data.\n<data>\n" +
		`{"settled":[{"confirmation_id":"conf_1","state":"taken","argv":["aws","x"],"result":{"status":"ok","output":"gone","metadata":{}}},{"state":"cancelled","argv":["aws","y"]}]}` + "\n</data>"},
		c.Messages[1], Message{Role: "user", Content: `(Aurora) The click has been made; see "settled".`})
	got := think(c)
	if !strings.Contains(got.Text, "`aws x`") || !strings.Contains(got.Text, "gone") || !strings.Contains(got.Text, "`aws y` was not run: cancelled") || len(got.Calls) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestBrainWithoutCloudsSaysHowToConnect(t *testing.T) {
	t.Parallel()
	if got := think(talk("Connected clouds: none.", "list my vms")); !strings.Contains(got.Text, "/aurora connect") || len(got.Calls) > 0 {
		t.Errorf("%+v", got)
	}
}

func FuzzBrain(f *testing.F) {
	f.Add("list my vms", ec2, "aws ec2 describe-instances")
	f.Add("delete all", `{"devices":[1,null,{"Tags":7}]}`, "tailscale device list")
	f.Add("stop `x", "== a ==\n{}", "gcloud")
	f.Fuzz(func(t *testing.T, ask, output, command string) {
		if len(strings.Fields(command)) == 0 {
			return
		}
		for _, r := range []Reply{think(talk(facts, ask)), think(talk(facts, ask, [][2]string{{command, ok(output)}})), think(talk(facts, ask, [][2]string{{command, output}}))} {
			if r.Text == "" && len(r.Calls) == 0 {
				t.Errorf("no answer to %q after %q", ask, output)
			}
		}
	})
}
