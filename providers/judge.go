package providers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aurora/providers/policy"
	"aurora/store"
)

// refusal is a reason not to run, as a value.
type refusal struct {
	code     Code
	sentence string
}

// Judge parses, classifies, resolves the connections and decides. It never runs anything.
func (e *Executor) Judge(ctx context.Context, ask Ask) Prepared {
	command, bad := e.parse(ask)
	if bad != nil {
		return Prepared{Command: command, Code: bad.code, Error: bad.sentence}
	}
	p := e.judgeCommand(ctx, ask, command)
	p.Shown = e.Redact.Argv(p.Command.Argv)
	return p
}

func (e *Executor) judgeCommand(ctx context.Context, ask Ask, command policy.Command) Prepared {
	p := Prepared{Command: command, Verdict: e.Policy.Classify(command)}
	if p.Verdict.Rule == policy.RuleUnknown || p.Verdict.Rule == policy.RuleUnparsed {
		return p.refuse(refusal{Code(p.Verdict.Rule), withNearest(p.Verdict.Reason, p.Verdict.Nearest)})
	}
	if bad := checkCloud(ask.Cloud, command); bad != nil {
		return p.refuse(*bad)
	}
	targets, bad := e.resolve(ctx, ask, p)
	if bad != nil {
		// What the mode or the role refuses anyway is the better answer than how to connect.
		if ruling := e.decide(ask, p.Verdict, Target{}, 0); ruling.Decision == policy.Refuse || ruling.Decision == 0 {
			p.Ruling = ruling
			return p.refuse(refusal{CodeRefused, ruling.Reason})
		}
		return p.refuse(*bad)
	}
	return e.forceJSON(p.settle(targets))
}

// parse gives the command. What a person typed in chat is cleaned of what chat programs do to text; what a model
// proposed is taken as it is.
func (e *Executor) parse(ask Ask) (policy.Command, *refusal) {
	var command policy.Command
	var bad *policy.Refusal
	switch {
	case (ask.Line == "") == (len(ask.Argv) == 0):
		return command, &refusal{CodeUnparsed, "Give one command, either as a line or as a list of words."}
	case len(ask.Argv) > 0:
		command, bad = e.Policy.ParseArgv(ask.Argv)
	case ask.Typed:
		command, bad = e.Policy.Parse(policy.CleanHuman(ask.Line))
	default:
		command, bad = e.Policy.Parse(ask.Line)
	}
	if bad != nil {
		return command, &refusal{Code(bad.Rule), withNearest(bad.Reason, bad.Nearest)}
	}
	if len(command.Argv) == 0 || slices.Contains(command.Argv, "\x00") {
		return command, &refusal{CodeUnparsed, "There is no command in that."}
	}
	return command, nil
}

func withNearest(reason, nearest string) string {
	if nearest == "" || strings.Contains(reason, nearest) {
		return reason
	}
	return fmt.Sprintf("%s Did you mean %q?", reason, nearest)
}

// checkCloud makes sure that the cloud named, the program and the judged provider are the same.
func checkCloud(named store.Cloud, command policy.Command) *refusal {
	program := command.Argv[0]
	cloud, ok := CloudOf(program)
	if !ok {
		return &refusal{CodeRefused, fmt.Sprintf("Aurora cannot run %q from chat yet.", program)}
	}
	if named != "" && named != cloud {
		return &refusal{CodeRefused, fmt.Sprintf("The provider is %q but %q belongs to %q: name the provider of the command.", named, program, cloud)}
	}
	if store.Cloud(command.Provider) != cloud {
		return &refusal{CodeRefused, fmt.Sprintf("The command is judged as one of %q but %q belongs to %q.", command.Provider, program, cloud)}
	}
	return nil
}

// decide asks policy about one target; its zero value stands for "no connection known".
func (e *Executor) decide(ask Ask, v policy.Verdict, t Target, maxGrant policy.Effect) policy.Ruling {
	c := ask.Caller
	prefer := make([]string, 0, len(c.User.Prefer))
	for _, cloud := range c.User.Prefer {
		prefer = append(prefer, string(cloud))
	}
	ruling := e.Policy.Decide(v, policy.Context{
		Mode: policy.Mode(c.Mode), Role: string(c.User.Role), Tainted: ask.Tainted, Typed: ask.Typed,
		Channel: c.Place.Channel, ChannelName: c.ChannelName,
		Account: t.account(), Project: t.Project, ProjectName: ProjectNames(t.Connection)[t.Project], Region: t.Region,
		Providers: prefer, Now: e.Now(), ChannelRule: c.ChannelRule, MaxGrant: maxGrant,
	})
	if !c.User.Active {
		return policy.Ruling{Decision: policy.Refuse, Rule: "inactive", Reason: "Your account in Aurora is not active: ask an admin."}
	}
	if t.Connection.ReadOnly && v.Effect > policy.Read && ruling.Decision != policy.Refuse {
		return policy.Ruling{Decision: policy.Refuse, Rule: "read_only_connection", Reason: fmt.Sprintf(
			"The connection %s can only read: connect one that may change things.", label(t.Connection))}
	}
	return ruling
}

// settle decides over all targets. Those that are refused stay out unless all are.
func (p Prepared) settle(targets []Target) Prepared {
	var open []Target
	for _, t := range targets {
		if d := t.Ruling.Decision; d == policy.Allow || d == policy.Confirm {
			open = append(open, t)
		}
	}
	if len(open) == 0 {
		p.Ruling = targets[0].Ruling
		return p.refuse(refusal{CodeRefused, p.Ruling.Reason})
	}
	p.Targets = targets
	p.Ruling = strictest(open)
	if p.Ruling.Decision == policy.Confirm && len(targets) > 1 {
		p.Targets = nil
		return p.refuse(ambiguous(p.Verdict, targets))
	}
	return p
}

func strictest(targets []Target) policy.Ruling {
	all := targets[0].Ruling
	for _, t := range targets[1:] {
		r := t.Ruling
		if r.Decision > all.Decision {
			all.Decision, all.Rule, all.Reason = r.Decision, r.Rule, r.Reason
		}
		all.FourEyes = all.FourEyes || r.FourEyes
		all.AskerOnly = all.AskerOnly || r.AskerOnly
		all.Mask = all.Mask || r.Mask
		all.ShowOnce = all.ShowOnce || r.ShowOnce
	}
	return all
}

func (p Prepared) refuse(r refusal) Prepared {
	p.Code, p.Error = r.code, r.sentence
	if p.Ruling.Decision != policy.Refuse {
		p.Ruling = policy.Ruling{Decision: policy.Refuse, Rule: string(r.code), Reason: r.sentence}
	}
	return p
}
