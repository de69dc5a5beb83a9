package modelsim

import (
	"fmt"
	"slices"
	"strings"
)

// listing gives the command that lists a kind of thing on a cloud.
var listing = map[string]map[string]string{
	"aws": {
		"instances": "aws ec2 describe-instances", "buckets": "aws s3api list-buckets", "disks": "aws ec2 describe-volumes",
		"functions": "aws lambda list-functions", "databases": "aws rds describe-db-instances",
		"firewall": "aws ec2 describe-security-groups", "identity": "aws sts get-caller-identity", "clusters": "aws eks list-clusters",
	},
	"gcp": {
		"instances": "gcloud compute instances list --format=json", "buckets": "gcloud storage buckets list --format=json",
		"disks": "gcloud compute disks list --format=json", "databases": "gcloud sql instances list --format=json",
		"firewall": "gcloud compute firewall-rules list --format=json", "projects": "gcloud projects list --format=json",
		"clusters": "gcloud container clusters list --format=json", "functions": "gcloud functions list --format=json",
	},
	"tailscale": {"devices": "tailscale device list", "instances": "tailscale device list"},
	"azure":     {"instances": "az vm list -o json", "clusters": "az aks list -o json"},
	"scaleway":  {"instances": "scw instance server list -o json"},
	"ovh":       {"projects": "ovhcloud cloud project list", "instances": "ovhcloud cloud instance list"},
}

// awsVerbs are the EC2 commands that act on instances.
var awsVerbs = map[string]string{
	"stop": "stop-instances", "start": "start-instances", "restart": "reboot-instances", "delete": "terminate-instances",
}

// gcpVerbs are the Compute Engine words that act on an instance.
var gcpVerbs = map[string]string{"stop": "stop", "start": "start", "restart": "reset", "delete": "delete"}

// calls gives the first round of commands: what was asked for, or the look that must come before it.
func (w wish) calls() []Call {
	if w.verb == "" && w.thing == "" {
		return nil
	}
	if !w.changes() || w.lookup() {
		return w.lists()
	}
	if len(w.ids) > 0 {
		return w.onAWS(w.ids)
	}
	var calls []Call
	for _, name := range w.names {
		calls = append(calls, w.onGCP(name, w.zone)...)
	}
	return calls
}

func (w wish) changes() bool { return w.verb != "" && w.verb != "list" }

// lookup tells whether names must be turned into ids or zones first.
func (w wish) lookup() bool {
	if !w.changes() || len(w.ids) > 0 || len(w.literal) > 0 {
		return false
	}
	return !(slices.Equal(w.clouds, []string{"gcp"}) && w.zone != "" && len(w.names) > 0)
}

func (w wish) lists() []Call {
	var calls []Call
	for _, cloud := range w.clouds {
		if command := listing[cloud][w.thing]; command != "" {
			calls = append(calls, Call{Provider: cloud, Command: command})
		}
	}
	return calls
}

// act is the second round: the commands on whatever the look found by name.
func (w wish) act(answers []told) Reply {
	var calls []Call
	var aws []string
	for _, a := range answers {
		for _, r := range a.records() {
			if !w.means(r) {
				continue
			}
			switch a.provider {
			case "aws":
				aws = append(aws, r.id)
			case "gcp":
				calls = append(calls, w.onGCP(r.name, r.place)...)
			case "tailscale":
				calls = append(calls, w.onTailscale(r.id)...)
			}
		}
	}
	if len(aws) > 0 {
		calls = append(w.onAWS(aws), calls...)
	}
	if len(calls) == 0 {
		return Reply{Text: fmt.Sprintf("I found nothing to %s by that name. %s", w.verb, summarise(answers, filter{}))}
	}
	return Reply{Calls: calls}
}

// means tells whether a record is what the person named.
func (w wish) means(r record) bool {
	if r.id == "" && r.name == "" || w.state != "" && !sameState(r.state, w.state) {
		return false
	}
	if len(w.names) == 0 {
		return w.all
	}
	return slices.ContainsFunc(w.names, func(name string) bool {
		return strings.EqualFold(r.name, name) || r.id == name || !strings.Contains(name, "-") && strings.Contains(strings.ToLower(r.name), name)
	})
}

func (w wish) onAWS(ids []string) []Call {
	if w.verb == "tag" && w.label[0] != "" {
		return []Call{{Provider: "aws", Command: fmt.Sprintf("aws ec2 create-tags --resources %s --tags Key=%s,Value=%s", strings.Join(ids, " "), w.label[0], w.label[1])}}
	}
	if verb := awsVerbs[w.verb]; verb != "" {
		return []Call{{Provider: "aws", Command: "aws ec2 " + verb + " --instance-ids " + strings.Join(ids, " ")}}
	}
	return nil
}

func (w wish) onGCP(name, zone string) []Call {
	if w.verb == "tag" && w.label[0] != "" {
		return []Call{{Provider: "gcp", Command: fmt.Sprintf("gcloud compute instances add-labels %s --zone=%s --labels=%s=%s", name, zone, w.label[0], w.label[1])}}
	}
	if verb := gcpVerbs[w.verb]; verb != "" {
		return []Call{{Provider: "gcp", Command: fmt.Sprintf("gcloud compute instances %s %s --zone=%s", verb, name, zone)}}
	}
	return nil
}

func (w wish) onTailscale(id string) []Call {
	if w.verb != "delete" {
		return nil
	}
	return []Call{{Provider: "tailscale", Command: "tailscale device delete " + id}}
}

func (w wish) filter() filter {
	if w.changes() {
		return filter{}
	}
	f := filter{state: w.state}
	for _, name := range w.names {
		switch name {
		case "production", "prod":
			f.name = "prod"
		case "staging", "stage":
			f.name = "staging"
		}
	}
	return f
}
