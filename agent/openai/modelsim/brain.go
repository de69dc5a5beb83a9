package modelsim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// think is the simulator's own brain: it knows a few dozen words and looks the rest up. It answers in three moves: the
// commands a request calls for, where names must be looked up first a second round, and a summary of what came back.
func think(c Conversation) Reply {
	asked := c.Asked()
	if strings.HasPrefix(asked, "(Aurora)") && c.Results() == "" {
		return thinkNote(c, asked)
	}
	want := understand(asked, connected(c.System()))
	answers := answersOf(c)
	switch {
	case len(answers) > 0 && want.lookup() && !acted(answers) && !c.NoCalls():
		return want.act(answers)
	case len(answers) > 0:
		return Reply{Text: summarise(answers, want.filter())}
	case len(want.literal) > 0:
		return Reply{Calls: want.literal}
	case c.NoCalls():
		return Reply{Text: "I have nothing to look at."}
	}
	if calls := want.calls(); len(calls) > 0 {
		return Reply{Calls: calls}
	}
	return Reply{Text: want.help()}
}

// thinkNote answers Aurora's own notes: a click that was made, an alert that came in.
func thinkNote(c Conversation, note string) Reply {
	if strings.Contains(note, `"settled"`) {
		return Reply{Text: settled(c)}
	}
	want := wish{verb: "list", thing: "instances", clouds: connected(c.System())}
	if calls := want.calls(); len(calls) > 0 && !c.NoCalls() {
		return Reply{Text: "Looking at what runs first.", Calls: calls}
	}
	return Reply{Text: "There is an alert, and no cloud is connected that I could look at."}
}

// settled tells what a click ran, out of the data block.
func settled(c Conversation) string {
	var data struct {
		Settled []struct {
			State  string
			Argv   []string
			Result json.RawMessage
		}
	}
	for _, m := range c.Messages {
		_, inside, ok := strings.Cut(string(m.Content), "<data>")
		if inside, _, whole := strings.Cut(inside, "</data>"); ok && whole {
			_ = json.Unmarshal([]byte(inside), &data) // what cannot be read is not told
		}
	}
	var lines []string
	for _, s := range data.Settled {
		command := "`" + strings.Join(s.Argv, " ") + "`"
		if len(s.Result) == 0 {
			lines = append(lines, command+" was not run: "+s.State+".")
			continue
		}
		lines = append(lines, summarise([]told{{command: command, raw: string(s.Result)}}, filter{}))
	}
	if lines == nil {
		return "That is settled."
	}
	return strings.Join(lines, "\n\n")
}

// wish is what a person wants, as far as it was understood.
type wish struct {
	text    string
	verb    string // list, stop, start, restart, delete, tag
	thing   string // instances, buckets, ...
	clouds  []string
	ids     []string // AWS ids
	names   []string // words that may be names
	zone    string
	label   [2]string // of tag: key and value
	state   string
	all     bool
	literal []Call
}

var (
	reID      = regexp.MustCompile(`\b(?:i|vol|sg|snap|vpc|subnet)-[0-9a-f]{4,17}\b`)
	reZone    = regexp.MustCompile(`\b[a-z]+-[a-z]+[0-9]-[a-f]\b`)
	reLabel   = regexp.MustCompile(`\b([A-Za-z][\w-]*)=([\w.-]+)`)
	reLiteral = regexp.MustCompile("`([^`]+)`")
	reWord    = regexp.MustCompile(`[A-Za-z0-9][\w.-]*`)
)

var programs = map[string]string{
	"aws": "aws", "gcloud": "gcp", "gsutil": "gcp", "bq": "gcp", "az": "azure", "scw": "scaleway",
	"tailscale": "tailscale", "ovhcloud": "ovh",
}

// words lists, for each meaning, the words that carry it.
var (
	cloudWords = map[string]string{
		"aws": "aws", "amazon": "aws", "ec2": "aws", "s3": "aws", "ebs": "aws", "lambda": "aws", "lambdas": "aws", "rds": "aws",
		"gcp": "gcp", "gce": "gcp", "google": "gcp", "gcloud": "gcp", "tailscale": "tailscale", "tailnet": "tailscale",
		"azure": "azure", "scaleway": "scaleway", "ovh": "ovh",
	}
	thingWords = map[string]string{
		"instance": "instances", "instances": "instances", "vm": "instances", "vms": "instances", "machine": "instances",
		"machines": "instances", "server": "instances", "servers": "instances", "ec2": "instances", "gce": "instances", "box": "instances", "boxes": "instances",
		"bucket": "buckets", "buckets": "buckets", "s3": "buckets", "disk": "disks", "disks": "disks", "volume": "disks",
		"volumes": "disks", "ebs": "disks", "function": "functions", "functions": "functions", "lambda": "functions", "lambdas": "functions",
		"database": "databases", "databases": "databases", "rds": "databases", "project": "projects", "projects": "projects",
		"device": "devices", "devices": "devices", "tailnet": "devices", "firewall": "firewall", "firewalls": "firewall",
		"group": "firewall", "groups": "firewall", "cluster": "clusters", "clusters": "clusters", "identity": "identity", "account": "identity",
	}
	verbWords = map[string]string{
		"list": "list", "show": "list", "which": "list", "what": "list", "describe": "list", "how": "list", "get": "list", "find": "list",
		"stop": "stop", "halt": "stop", "shutdown": "stop", "start": "start", "boot": "start", "restart": "restart", "reboot": "restart",
		"reset": "restart", "delete": "delete", "terminate": "delete", "destroy": "delete", "remove": "delete", "kill": "delete",
		"tag": "tag", "label": "tag",
	}
	stateWords = map[string]string{"running": "running", "stopped": "stopped", "terminated": "terminated", "online": "online", "offline": "offline"}
	emptyWords = []string{"a", "all", "an", "and", "are", "aurora", "can", "called", "do", "every", "everything", "for", "have", "i", "in", "is", "it", "many", "me",
		"mine", "my", "named", "now", "of", "on", "our", "please", "run", "security", "the", "them", "there", "they", "this", "to", "up", "us", "we", "with", "you", "zone"}
)

// understand reads a request word by word.
func understand(text string, connected []string) wish {
	w := wish{text: text, ids: reID.FindAllString(text, -1), zone: reZone.FindString(text), literal: literals(text)}
	if m := reLabel.FindStringSubmatch(text); m != nil {
		w.label = [2]string{m[1], m[2]}
	}
	for _, word := range reWord.FindAllString(text, -1) {
		w.hear(strings.ToLower(strings.TrimRight(word, ".-")))
	}
	if w.thing == "" && len(w.ids) > 0 || w.thing == "" && w.verb != "" && w.verb != "list" {
		w.thing = "instances"
	}
	if slices.Equal(w.clouds, []string{"tailscale"}) {
		w.thing = "devices"
	}
	switch {
	case len(w.ids) > 0:
		w.clouds = []string{"aws"}
	case len(w.clouds) > 0:
	case w.thing == "devices" && slices.Contains(connected, "tailscale"):
		w.clouds = []string{"tailscale"}
	default:
		w.clouds = connected
	}
	return w
}

// hear takes one word. The first verb and thing count; what means nothing may be a name.
func (w *wish) hear(word string) {
	known := false
	if v := verbWords[word]; v != "" {
		known = true
		if w.verb == "" {
			w.verb = v
		}
	}
	if c := cloudWords[word]; c != "" {
		known = true
		if !slices.Contains(w.clouds, c) {
			w.clouds = append(w.clouds, c)
		}
	}
	if t := thingWords[word]; t != "" {
		known = true
		if w.thing == "" || w.thing == "buckets" && word != "s3" {
			w.thing = t
		}
	}
	if s := stateWords[word]; s != "" {
		known, w.state = true, s
	}
	if word == "all" || word == "every" || word == "everything" {
		w.all = true
	}
	if !known && !slices.Contains(emptyWords, word) && word != strings.ToLower(w.zone) && !reID.MatchString(word) && !strings.HasPrefix(w.label[0]+"="+w.label[1], word) {
		w.names = append(w.names, word)
	}
}

// literals finds commands written out: between backquotes, or as the whole message.
func literals(text string) []Call {
	candidates := []string{strings.TrimSpace(text)}
	for _, m := range reLiteral.FindAllStringSubmatch(text, -1) {
		candidates = append(candidates, m[1])
	}
	var calls []Call
	for _, line := range candidates {
		first, _, more := strings.Cut(line, " ")
		if cloud := programs[first]; cloud != "" && more && !strings.HasSuffix(line, "?") {
			calls = append(calls, Call{Provider: cloud, Command: line})
		}
	}
	return calls
}

// connected reads which clouds are connected from the facts in the system message.
func connected(system string) []string {
	_, rest, _ := strings.Cut(system, "Connected clouds:")
	line, _, _ := strings.Cut(rest, ".")
	var clouds []string
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ',' || r == ' ' }) {
		if word != "none" {
			clouds = append(clouds, word)
		}
	}
	return clouds
}

func (w wish) help() string {
	if len(w.clouds) == 0 && w.verb != "" {
		return "No cloud is connected yet. `/aurora connect <cloud>` connects one."
	}
	if len(w.clouds) > 0 && w.verb != "" && w.thing != "" {
		return fmt.Sprintf("I do not know how to %s %s on %s. I am a simulated model and know little.", w.verb, w.thing, strings.Join(w.clouds, " and "))
	}
	return "I am a simulated model and understand simple requests alone. Try \"list my EC2 instances\", \"show the production vms on gcp\", \"which devices are in my tailnet?\", \"stop i-0123456789abcdef0\", or a command between backquotes."
}
