package policy

import (
	"fmt"
	"strings"
)

// Classify says what a command does, whoever asks. A command that did not come from Parse or ParseArgv is parsed again.
func (e *Engine) Classify(c Command) Verdict {
	if len(c.Argv) == 0 {
		return faultVerdict("", "", unparsed("There is no command."))
	}
	for _, word := range c.Argv {
		if r := badRune(word); r != nil {
			return faultVerdict("", "", r)
		}
	}
	d, ok := e.dialects[c.Argv[0]]
	if !ok {
		return faultVerdict("", "", e.unknownProgram(c.Argv[0]))
	}
	if d.table == nil {
		return classifyOwn(d, c.Argv)
	}
	call := d.resolve(c.Argv)
	if call.fault != nil {
		v := faultVerdict(d.provider, call.path, call.fault)
		v.hardFlags(call)
		return v
	}
	return d.verdict(call)
}

// Refused is the verdict that stands for a line that could not be parsed.
func Refused(r *Refusal) Verdict { return faultVerdict("", "", r) }

func faultVerdict(provider, path string, r *Refusal) Verdict {
	return Verdict{Provider: provider, Path: path, Effect: Forbidden, Rule: r.Rule, Reason: r.Reason, Nearest: r.Nearest}
}

// verdict starts from the table's class and lets flags, values and the program's own code raise it.
func (d *dialect) verdict(c *call) Verdict {
	cl := &d.table.classes[c.leaf.class]
	rule := d.table.rules[cl.rule]
	v := Verdict{Provider: d.provider, Path: c.path, Effect: cl.effect, Facets: cl.facets, Rule: rule.name, Masked: cl.masked, Position: c.args}
	if rule.name == "table" {
		v.Reason = tableReason(cl.effect)
	} else {
		v.Reason = rule.sentence
	}
	v.hardFlags(c)
	v.Flags = make([]Flag, 0, len(c.flags))
	for i := range c.flags {
		v.applyFlag(d, &c.flags[i])
		v.Flags = append(v.Flags, c.flags[i].plain())
	}
	v.values(c)
	if d.judge != nil {
		d.judge(c, &v)
	}
	v.tidy()
	return v
}

func (f *givenFlag) plain() Flag {
	name := f.name
	switch {
	case f.own != nil && f.own.kind&kindArity != kindKey:
		name = f.own.names[0]
	case f.global != nil:
		name = f.global.name
	}
	return Flag{Name: name, Written: f.name, Value: f.value}
}

func tableReason(e Effect) string {
	switch e {
	case Read:
		return "It only reads."
	case Write:
		return "It creates or changes something."
	case Disrupt:
		return "It stops, cuts off, resets or replaces something that may be in use."
	case Delete:
		return "It deletes something."
	}
	return "It never runs from chat."
}

// tidy keeps facets consistent: what is secret is not also masked.
func (v *Verdict) tidy() {
	if v.Facets.Has(Secret) {
		v.Facets &^= Masked
	}
	if !v.Facets.Has(Masked) {
		v.Masked = nil
	}
}

// raise makes the verdict at least as bad as given; the rule that raised it is named.
func (v *Verdict) raise(effect Effect, facets Facets, rule, reason string) {
	worse := effect > v.Effect || v.Effect != Forbidden && facets&^v.Facets&refusing != 0
	v.Effect = max(v.Effect, effect)
	v.Facets |= facets
	if worse {
		v.Rule, v.Reason = rule, reason
	}
}

// refusing are the facets that turn an allowed command into one that asks or is refused.
const refusing = Secret | Permission | Exposure | Egress | Payload | Spend

func (v *Verdict) forbid(rule, format string, args ...any) {
	v.raise(Forbidden, 0, rule, fmt.Sprintf(format, args...))
}

// hardFlags applies the program-wide flags, also to calls that are otherwise unreadable: their names decide.
func (v *Verdict) hardFlags(c *call) {
	for i := range c.flags {
		f := &c.flags[i]
		if f.global == nil {
			continue
		}
		switch kind, arg, _ := strings.Cut(f.global.action, ":"); kind {
		case "scope":
			v.Scope = append(v.Scope, Scope{Kind: arg, Flag: f.name, Value: f.value})
		case "format":
			v.Output.Format = f.value
		case "query":
			v.Output.Query = f.value
		case "shape":
			v.Output.Reshaped = true
		case "":
		default:
			if rule, ok := strings.CutPrefix(kind, "!"); ok {
				v.forbid(rule, "%s %s", f.name, forbiddenFlags[rule])
			}
		}
	}
}

// forbiddenFlags finishes the sentence "<flag> ..." for program-wide flags that never run.
var forbiddenFlags = map[string]string{
	"identity-switch": "switches to another identity, credential or endpoint than your connection's. Leave it out.",
	"debug-output":    "prints requests and their credentials. Leave it out.",
	"local-file":      "names a file of the machine Aurora runs on. Leave it out.",
	"interactive":     "waits for somebody at a keyboard. Leave it out.",
	"help":            "opens a manual page. Ask: aurora explain, with the command.",
}

// applyFlag lets one of the command's own flags raise the verdict.
func (v *Verdict) applyFlag(d *dialect, f *givenFlag) {
	if f.own == nil {
		return
	}
	for _, a := range f.own.rules {
		if a.value != "" && !glob(a.value, f.value) {
			continue
		}
		rule := d.table.rules[a.rule]
		if rule.name == "local-file" && v.Effect == Read && (d.name == "gcloud" || d.name == "az") && inRunDirectory(f.value) {
			continue
		}
		v.raise(a.effect, a.facets, rule.name, f.name+": "+rule.sentence)
	}
	switch name := f.own.names[0]; {
	case v.noteScope(d, name, f):
	case d.name == "gcloud" && (name == "--uri" || name == "--flatten"):
		v.Output.Reshaped = true
	case (name == "--output" || name == "-o") && v.Output.Format == "":
		v.Output.Format = f.value
	}
}

// inRunDirectory reports values that cannot name a file of the machine: a relative name in the empty private directory the
// command runs in, which is removed afterwards; standard output; an object in a bucket.
func inRunDirectory(value string) bool {
	if value == "-" || value == "/dev/stdout" || strings.HasPrefix(value, "gs://") {
		return true
	}
	if value == "" || strings.ContainsAny(value[:1], "/~-@") || strings.ContainsAny(value, "\\:") {
		return false
	}
	for part := range strings.SplitSeq(value, "/") {
		if part == ".." {
			return false
		}
	}
	return true
}

// namesFile reports whether a value that the CLI may open as a file can name one of the machine: not an object in a bucket, not
// for az the content itself, and in a read nothing in the empty directory the command runs in.
func (v *Verdict) namesFile(value string) bool {
	switch {
	case value == "", strings.HasPrefix(value, "gs://"), v.Effect == Read && inRunDirectory(value):
		return false
	case v.Provider == "azure":
		return !strings.ContainsAny(value[:1], "{[\"'") && !strings.HasPrefix(value, "-----BEGIN ") && !strings.HasPrefix(value, "ssh-")
	}
	return true
}

// noteScope remembers a command's own flags that say where it acts.
func (v *Verdict) noteScope(d *dialect, name string, f *givenFlag) bool {
	kind, ok := ownScopes[name]
	if d.name == "gcloud" && name == "--project" { // some commands have one of their own in front of the program's
		kind, ok = "project", true
	}
	if !ok || d.style == keyvalue && strings.HasPrefix(name, "-") {
		return false
	}
	v.Scope = append(v.Scope, Scope{Kind: kind, Flag: f.name, Value: f.value})
	return true
}

var ownScopes = map[string]string{
	"--region": "region", "--zone": "zone", "--zones": "zone", "--regions": "region", "--location": "location",
	"--organization": "organization", "--folder": "folder", "--subscription": "subscription", "--subscriptions": "subscription",
	"region": "region", "zone": "zone", "project-id": "project", "organization-id": "organization", "--tenant": "tenant",
	"--management-group": "management-group", "--management-group-id": "management-group", "--management-groups": "management-group",
}

// values looks at every value for files and addresses that the program itself would open.
func (v *Verdict) values(c *call) {
	for i := range c.flags {
		f := &c.flags[i]
		if f.own != nil && f.own.kind&kindReads != 0 && v.namesFile(f.value) {
			v.forbid("local-file", "%s %s", f.name, forbiddenFlags["local-file"])
		}
		v.value(c.d, f, f.value)
	}
	for _, arg := range c.args {
		v.value(c.d, nil, arg)
	}
}

func (v *Verdict) value(d *dialect, f *givenFlag, value string) {
	switch d.name {
	case "aws":
		v.awsValue(f, value)
	case "az":
		if opensFile(value) {
			v.forbid("local-file", "The value %q is read from a file of the machine Aurora runs on. Give the value itself.", clip(value))
		}
	case "scw":
		if strings.HasPrefix(value, "@") {
			v.forbid("local-file", "The value %q is read from a file of the machine Aurora runs on. Give the value itself.", clip(value))
		}
	}
}

// opensFile reports values that az replaces by a file's content: @path, and key=@path.
func opensFile(value string) bool {
	return len(value) > 1 && value[0] == '@' || strings.Contains(value, "=@") || strings.Contains(value, ":@") && !strings.Contains(value, "?contains(@") && strings.HasPrefix(strings.TrimSpace(value), "{")
}

// glob matches * (any text) and [ab] classes; it is enough for the value patterns of the tables.
func glob(pattern, text string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			pattern = pattern[1:]
			if pattern == "" {
				return true
			}
			for i := 0; i <= len(text); i++ {
				if glob(pattern, text[i:]) {
					return true
				}
			}
			return false
		case '?':
			if text == "" {
				return false
			}
			pattern, text = pattern[1:], text[1:]
		case '[':
			end := strings.IndexByte(pattern, ']')
			if end < 0 || text == "" || strings.IndexByte(pattern[1:end], text[0]) < 0 {
				return false
			}
			pattern, text = pattern[end+1:], text[1:]
		default:
			if text == "" || text[0] != pattern[0] {
				return false
			}
			pattern, text = pattern[1:], text[1:]
		}
	}
	return text == ""
}
