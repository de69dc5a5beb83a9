package policy

import (
	"fmt"
	"io"
	"strings"
)

// Explain writes what the engine thinks of a command for a person: effect, facets, rule, reason and what each
// mode would do. Give it what Parse returned. The error is w's.
func (e *Engine) Explain(w io.Writer, c Command, refusal *Refusal) error {
	v := e.judge(c, refusal)
	var out strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&out, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	if len(c.Argv) > 0 {
		line("command", "%s", Quote(c.Argv))
	}
	if v.Path != "" {
		line("known as", "%s (%s)", v.Path, v.Provider)
	}
	line("effect", "%s", v.Effect)
	if v.Facets != 0 {
		line("facets", "%s", strings.Join(v.Facets.Names(), ", "))
	}
	if len(v.Masked) > 0 {
		line("masked", "%s", strings.Join(v.Masked, ", "))
	}
	for _, s := range v.Scope {
		line("scope", "%s %s (%s)", s.Kind, s.Value, s.Flag)
	}
	line("rule", "%s", v.Rule)
	line("why", "%s", v.Reason)
	for _, m := range explained {
		r := e.Decide(v, m.context)
		line(m.name, "%s%s", r.Decision, explainTail(r, v))
	}
	if v.DryRun != nil {
		line("dry run", "%s", Quote(v.DryRun))
	}
	line("tables", "%s", e.version)
	_, err := io.WriteString(w, out.String())
	return err
}

// explained are the columns of explain and check, for somebody who has the operator role.
var explained = []struct {
	name    string
	context Context
}{
	{"Ask", Context{Mode: Ask, Role: "operator"}},
	{"Agent", Context{Mode: Agent, Role: "operator", Typed: true}},
	{"tainted", Context{Mode: Agent, Role: "operator", Tainted: true}},
	{"incident", Context{Mode: Incident, Role: "operator"}},
}

func explainTail(r Ruling, v Verdict) string {
	var tail []string
	if r.AskerOnly {
		tail = append(tail, "shown to the asker alone")
	}
	if r.Mask && r.Decision != Refuse {
		tail = append(tail, "secret members masked")
	}
	if r.FourEyes {
		tail = append(tail, "an approver must click")
	}
	if r.Reason != v.Reason {
		tail = append(tail, r.Reason)
	}
	if len(tail) == 0 {
		return ""
	}
	return ": " + strings.Join(tail, "; ")
}

// judge is the verdict on what Parse returned.
func (e *Engine) judge(c Command, refusal *Refusal) Verdict {
	if refusal != nil {
		return Refused(refusal)
	}
	return e.Classify(c)
}
