package modelsim

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// told is one tool result together with the command it answers.
type told struct {
	provider string
	command  string // as it is shown: `aws ...`
	acted    bool   // the command was no listing
	raw      string
}

// answersOf gives the results after the last user message, with their commands.
func answersOf(c Conversation) []told {
	commands := map[string]told{}
	var all []told
	for _, m := range c.Messages[c.last()+1:] {
		for _, call := range m.ToolCalls {
			commands[call.ID] = readCall(call.Function.Arguments)
		}
		if m.Role == "tool" {
			t := commands[m.CallID]
			t.raw = string(m.Content)
			all = append(all, t)
		}
	}
	return all
}

func readCall(arguments string) told {
	var args struct {
		Provider string
		Command  any
	}
	_ = json.Unmarshal([]byte(arguments), &args) // an odd call is shown as it can be
	line, ok := args.Command.(string)
	if words, list := args.Command.([]any); list {
		line, ok = strings.Trim(fmt.Sprint(words), "[]"), true
	}
	if !ok {
		line = "?"
	}
	listed := false
	for _, command := range listing[args.Provider] {
		listed = listed || command == line
	}
	return told{provider: args.Provider, command: "`" + line + "`", acted: !listed}
}

// acted tells whether the second round is over.
func acted(answers []told) bool {
	for _, a := range answers {
		if a.acted {
			return true
		}
	}
	return false
}

// result is the tool contract, as a model sees it.
type result struct {
	Status   string `json:"status"`
	Output   string `json:"output"`
	Error    string `json:"error"`
	Code     string `json:"code"`
	Confirm  bool   `json:"requires_confirmation"`
	Metadata struct {
		Account string `json:"account"`
		Project string `json:"project"`
	} `json:"metadata"`
}

// filter leaves out what was not asked for.
type filter struct{ name, state string }

func (f filter) takes(r record) bool {
	return (f.name == "" || strings.Contains(strings.ToLower(r.name+" "+r.labels), f.name)) && (f.state == "" || sameState(r.state, f.state))
}

func sameState(have, want string) bool {
	have = strings.ToLower(have)
	return have == want || want == "stopped" && have == "terminated" || want == "running" && have == "active"
}

// summarise says in words and lists what came back; what several clouds listed comes in one table.
func summarise(answers []told, f filter) string {
	var parts []string
	if table, rest := overview(answers, f); table != "" {
		parts, answers = []string{table}, rest
	}
	for _, a := range answers {
		parts = append(parts, a.summary(f))
	}
	return strings.Join(parts, "\n\n")
}

// overview is a table over all clouds that listed something, when they are several, and the answers it leaves to be told.
func overview(answers []told, f filter) (table string, rest []told) {
	var rows, clouds []string
	for _, a := range answers {
		before := len(rows)
		for _, r := range a.records() {
			if f.takes(r) {
				rows = append(rows, r.row(a.provider))
			}
		}
		if len(rows) == before {
			rest = append(rest, a)
		} else if !slices.Contains(clouds, a.provider) {
			clouds = append(clouds, a.provider)
		}
	}
	if len(clouds) < 2 {
		return "", answers
	}
	head := "| cloud | name | state | type | place |\n|---|---|---|---|---|\n"
	return fmt.Sprintf("I found %d on %s:\n\n", len(rows), listed(clouds)) + head + strings.Join(rows, "\n"), rest
}

// listed joins words as people do: a, b and c.
func listed(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// row is a record in a table of several clouds.
func (r record) row(cloud string) string {
	name := r.name
	if name == "" {
		name = r.id
	}
	cells := []string{cloud, name, strings.ToLower(r.state), r.kind, r.place}
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(reMark.ReplaceAllString(c, `\$0`), "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

func (a told) summary(f filter) string {
	var r result
	if err := json.Unmarshal([]byte(a.raw), &r); err != nil {
		return a.command + ": I cannot read the result."
	}
	switch {
	case r.Confirm:
		return a.command + " waits for a person's click. It has not run."
	case r.Status == "":
		return a.command + " did not run: " + r.Error
	case r.Status == "failed":
		return a.command + " failed: " + firstLines(r.Error+r.Output, 5)
	}
	var parts []string
	for _, s := range sections(r.Output) {
		parts = append(parts, s.summary(a.command, f))
	}
	return strings.Join(parts, "\n")
}

// section is the output of one account.
type section struct{ heading, text string }

var reHeading = regexp.MustCompile(`(?m)^== (.+) ==$`)

// sections parts an output that has headings for several accounts.
func sections(output string) []section {
	marks := reHeading.FindAllStringSubmatchIndex(output, -1)
	if len(marks) == 0 {
		return []section{{text: output}}
	}
	var all []section
	for i, m := range marks {
		end := len(output)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		all = append(all, section{heading: output[m[2]:m[3]], text: output[m[1]:end]})
	}
	return all
}

func (s section) summary(command string, f filter) string {
	title := command
	if s.heading != "" {
		title += " on " + s.heading
	}
	var doc any
	if err := json.Unmarshal([]byte(s.text), &doc); err != nil {
		if strings.TrimSpace(s.text) == "" {
			return title + " ran and printed nothing."
		}
		return title + ":\n```\n" + firstLines(s.text, 20) + "\n```"
	}
	var lines []string
	all := recordsIn(doc)
	for _, r := range all {
		if f.takes(r) {
			lines = append(lines, "- "+r.String())
		}
	}
	switch {
	case len(lines) > 0:
		return fmt.Sprintf("%s found %d:\n%s", title, len(lines), strings.Join(lines, "\n"))
	case len(all) > 0:
		return fmt.Sprintf("%s found %d, none of them fits.", title, len(all))
	}
	return title + " found nothing."
}

func firstLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > n {
		lines = append(lines[:n], "...")
	}
	return strings.Join(lines, "\n")
}

// records gives everything one result lists.
func (a told) records() []record {
	var r result
	if json.Unmarshal([]byte(a.raw), &r) != nil {
		return nil
	}
	var all []record
	for _, s := range sections(r.Output) {
		var doc any
		if json.Unmarshal([]byte(s.text), &doc) == nil {
			all = append(all, recordsIn(doc)...)
		}
	}
	return all
}

// record is one thing of a cloud, as far as its JSON is understood.
type record struct{ id, name, state, place, kind, address, labels string }

// reMark finds what Markdown would read as more than text.
var reMark = regexp.MustCompile("[\\\\`*_~<>\\[\\]]")

func (r record) String() string {
	text := "**" + reMark.ReplaceAllString(r.name, `\$0`) + "**"
	switch {
	case r.name == "":
		text = "`" + r.id + "`"
	case r.id != "" && r.id != r.name:
		text += " (`" + r.id + "`)"
	}
	var facts []string
	for _, fact := range []string{r.state, r.kind, r.place, r.address} {
		if fact != "" {
			facts = append(facts, fact)
		}
	}
	if facts != nil {
		text += ": " + strings.Join(facts, ", ")
	}
	return text
}

// recordsIn finds the records in a document: the objects of the first list that has objects with an id or a name.
func recordsIn(doc any) []record {
	switch v := doc.(type) {
	case []any:
		var all []record
		for _, item := range v {
			object, _ := item.(map[string]any)
			if inner, ok := object["Instances"]; ok { // EC2 wraps instances in reservations
				all = append(all, recordsIn(inner)...)
			} else if r := recordOf(object); r.id != "" || r.name != "" {
				all = append(all, r)
			}
		}
		return all
	case map[string]any:
		for _, key := range []string{"Reservations", "Buckets", "Volumes", "Functions", "DBInstances", "SecurityGroups", "devices", "servers",
			"StoppingInstances", "StartingInstances", "TerminatingInstances", "items", "clusters"} {
			if list, ok := v[key].([]any); ok {
				return recordsIn(list)
			}
		}
		if r := recordOf(v); r.id != "" || r.name != "" {
			return []record{r}
		}
	}
	return nil
}

func recordOf(o map[string]any) record {
	r := record{
		id:      first(o, "InstanceId", "VolumeId", "GroupId", "nodeId", "id", "projectId", "Arn"),
		name:    first(o, "Name", "name", "hostname", "GroupName", "FunctionName", "DBInstanceIdentifier", "displayName"),
		state:   first(o, "State", "state", "status", "DBInstanceStatus", "lifecycleState", "CurrentState"),
		place:   first(o, "zone", "location", "AvailabilityZone", "Placement", "region"),
		kind:    first(o, "InstanceType", "machineType", "DBInstanceClass", "Runtime", "os"),
		address: first(o, "PublicIpAddress", "PrivateIpAddress"),
	}
	r.place, r.kind = path.Base("/"+r.place), path.Base("/"+r.kind)
	r.place, r.kind = strings.Trim(r.place, "/"), strings.Trim(r.kind, "/")
	if online, ok := o["connectedToControl"].(bool); ok {
		r.state = map[bool]string{true: "online", false: "offline"}[online]
	}
	r.readTags(o["Tags"])
	if labels, err := json.Marshal(o["labels"]); err == nil && o["labels"] != nil {
		r.labels += string(labels)
	}
	return r
}

// readTags reads AWS's list of keys and values: the Name among them is what people call it.
func (r *record) readTags(tags any) {
	list, _ := tags.([]any)
	for _, tag := range list {
		pair, _ := tag.(map[string]any)
		key, value := first(pair, "Key"), first(pair, "Value")
		if key == "Name" {
			r.name = value
		}
		r.labels += " " + key + "=" + value
	}
}

// first gives the first of the members that is text, or an object with a name or a zone in it.
func first(o map[string]any, keys ...string) string {
	for _, key := range keys {
		switch v := o[key].(type) {
		case string:
			return v
		case map[string]any:
			if inner := first(v, "Name", "AvailabilityZone", "name"); inner != "" {
				return inner
			}
		}
	}
	return ""
}
