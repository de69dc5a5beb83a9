package providers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"aurora/providers/policy"
	"aurora/store"
)

// touchWait bounds what is read before a card is drawn: the card must not wait for a slow cloud.
const touchWait = 20 * time.Second

// touches reads what the command would touch, so that the card can name it, and makes the CLI's own dry run where there
// is a safe one. Each goes through the same gate as any read; what fails leaves its line out or says so.
func (e *Executor) touches(ctx context.Context, ask Ask, p Prepared) []string {
	ctx, cancel := context.WithTimeout(ctx, touchWait)
	defer cancel()
	var lines []string
	if argv, read := lookup(p.Command.Argv); argv != nil {
		if out, ok := e.sideRead(ctx, ask, p.Targets[0], argv, "/touches"); ok {
			lines = append(lines, read(out)...)
		}
	}
	if len(p.Verdict.DryRun) > 0 {
		if out, ok := e.sideRead(ctx, ask, p.Targets[0], p.Verdict.DryRun, "/dry-run"); ok || out != "" {
			first, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(out, "[stderr]")), "\n")
			lines = append(lines, "dry run: "+first)
		}
	}
	return lines
}

// sideRead runs a read on the same target; false when it may not run or fails.
func (e *Executor) sideRead(ctx context.Context, ask Ask, t Target, argv []string, suffix string) (string, bool) {
	side := ask
	side.Line, side.Argv, side.Project = "", argv, t.Project
	side.Caller.Only = []string{t.Connection.ID}
	side.Caller.Mode = store.Ask // a session that can only read is enough
	p := e.Judge(ctx, side)
	if p.Code != "" || p.Ruling.Decision != policy.Allow || p.Verdict.Effect != policy.Read || len(p.Targets) != 1 {
		return "", false
	}
	if p.Ruling.AskerOnly || p.Ruling.ShowOnce {
		return "", false // the card stands in the thread
	}
	s, _ := e.runJob(ctx, job{ask: side, prepared: p, target: p.Targets[0], suffix: suffix, view: e.MaxOutput})
	return s.Output, s.Status == StatusOK
}

// lookup gives the read that names what a command touches, and how to read its answer; nil when there is no easy one.
func lookup(argv []string) ([]string, func(string) []string) {
	switch {
	case hasWords(argv, "aws", "ec2") && slices.Contains([]string{"terminate-instances", "stop-instances", "reboot-instances", "start-instances"}, argv[2]):
		ids := flagValues(argv, "--instance-ids")
		if len(ids) == 0 {
			return nil, nil
		}
		read := slices.Concat([]string{"aws", "ec2", "describe-instances", "--instance-ids"}, ids)
		return append(read, append(regionOf(argv), "--output", "json")...), ec2Touches
	case hasWords(argv, "gcloud", "compute", "instances") && slices.Contains([]string{"delete", "stop", "reset", "suspend"}, argv[3]):
		zone := flagValues(argv, "--zone")
		if len(argv) < 5 || strings.HasPrefix(argv[4], "-") || len(zone) != 1 {
			return nil, nil
		}
		read := []string{"gcloud", "compute", "instances", "describe", argv[4], "--zone=" + zone[0]}
		if project := flagValues(argv, "--project"); len(project) == 1 {
			read = append(read, "--project="+project[0])
		}
		return append(read, "--format=json"), gceTouches
	case hasWords(argv, "tailscale", "device") && argv[2] != "get" && argv[2] != "list" && len(argv) > 3:
		return []string{"tailscale", "device", "get", argv[3]}, deviceTouches
	}
	return nil, nil
}

func hasWords(argv []string, words ...string) bool {
	return len(argv) > len(words) && slices.Equal(argv[:len(words)], words)
}

func regionOf(argv []string) []string {
	if region := flagValues(argv, "--region"); len(region) == 1 {
		return []string{"--region", region[0]}
	}
	return nil
}

// flagValues gives the words that belong to a flag, as --name=value or as the words up to the next flag.
func flagValues(argv []string, flag string) []string {
	var values []string
	for i, word := range argv {
		if value, ok := strings.CutPrefix(word, flag+"="); ok {
			values = append(values, value)
		}
		if word != flag {
			continue
		}
		for _, next := range argv[i+1:] {
			if strings.HasPrefix(next, "-") {
				break
			}
			values = append(values, next)
		}
	}
	return values
}

// jsonPart gives the JSON document at the head of an output that may go on with notes.
func jsonPart(out string, into any) bool {
	return json.NewDecoder(strings.NewReader(out)).Decode(into) == nil
}

func ec2Touches(out string) []string {
	var doc struct {
		Reservations []struct {
			Instances []struct {
				InstanceID   string `json:"InstanceId"`
				InstanceType string
				State        struct{ Name string }
				Tags         []struct{ Key, Value string }
			}
		}
	}
	if !jsonPart(out, &doc) {
		return nil
	}
	var lines []string
	for _, r := range doc.Reservations {
		for _, i := range r.Instances {
			name, tags := "", []string{}
			for _, t := range i.Tags {
				if t.Key == "Name" {
					name = t.Value
					continue
				}
				tags = append(tags, t.Key+"="+t.Value)
			}
			lines = append(lines, touched(i.InstanceID, name, []string{i.State.Name, i.InstanceType}, tags))
		}
	}
	return lines
}

func gceTouches(out string) []string {
	var doc struct {
		ID, Name, Status, MachineType string
		Labels                        map[string]string
	}
	if !jsonPart(out, &doc) {
		return nil
	}
	var tags []string
	for k, v := range doc.Labels {
		tags = append(tags, k+"="+v)
	}
	slices.Sort(tags)
	return []string{touched(doc.ID, doc.Name, []string{doc.Status, doc.MachineType[strings.LastIndexByte(doc.MachineType, '/')+1:]}, tags)}
}

func deviceTouches(out string) []string {
	var doc struct {
		ID, Name, Hostname, OS, User string
		Tags                         []string
	}
	if !jsonPart(out, &doc) {
		return nil
	}
	return []string{touched(doc.ID, doc.Name, []string{doc.Hostname, doc.OS, doc.User}, doc.Tags)}
}

// touched is one line of a card: id, name, facts, tags. It is untrusted text and says so by being quoted.
func touched(id, name string, facts, tags []string) string {
	line := id
	if name != "" {
		line = strings.TrimSpace(fmt.Sprintf("%s %q", id, name))
	}
	facts = slices.DeleteFunc(facts, func(s string) bool { return s == "" })
	if len(facts) > 0 {
		line += " (" + strings.Join(facts, ", ") + ")"
	}
	if len(tags) > 0 {
		line += " " + strings.Join(tags, " ")
	}
	return line
}
