package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Decide applies the decision table, role, channel, preference, grant, connection and org rules; the strictest wins.
// Any doubt refuses.
func (e *Engine) Decide(v Verdict, c Context) Ruling {
	if v.Effect < Read || v.Effect > Delete {
		return refuse(v.Rule, v.Reason)
	}
	mode, refusal := effectiveMode(c)
	if refusal != nil {
		return *refusal
	}
	if limit := limits(v, c); limit != nil {
		return *limit
	}
	r := e.table(v, c, mode)
	r.Mask = v.Facets.Has(Masked)
	if v.Facets.Has(Data) {
		r.AskerOnly = true
	}
	return e.rules.tighten(v, c, r)
}

func refuse(rule, reason string) Ruling {
	return Ruling{Decision: Refuse, Rule: rule, Reason: reason}
}

// effectiveMode is the mode a person's role permits: a viewer, and an admin, who has no cloud right of his own, may
// only ask.
func effectiveMode(c Context) (Mode, *Ruling) {
	switch c.Mode {
	case Ask, Agent, Incident:
	default:
		r := refuse("mode.unknown", fmt.Sprintf("The mode %q is none of ask, agent and incident, so nothing runs.", string(c.Mode)))
		return "", &r
	}
	switch c.Role {
	case "operator", "approver":
		return c.Mode, nil
	case "", "viewer", "admin":
		if c.Mode == Agent {
			return Ask, nil
		}
		return c.Mode, nil
	}
	r := refuse("role.unknown", fmt.Sprintf("The role %q is none of viewer, operator, approver and admin, so nothing runs.", c.Role))
	return "", &r
}

// table is the decision table of the design.
func (e *Engine) table(v Verdict, c Context, mode Mode) Ruling {
	if v.Facets.Has(Secret) {
		return e.secret(v, c, mode)
	}
	heavy := v.Effect > Write || v.Facets.Any(refusing)
	switch {
	case mode == Incident && v.Facets.Has(Data):
		return refuse("incident.data", "Unattended diagnostics do not read the content of objects, rows or messages.")
	case v.Effect == Read && !heavy:
		return Ruling{Decision: Allow, Rule: "allow.read", Reason: v.Reason}
	case mode == Incident:
		return refuse("incident.write", "Unattended diagnostics only read. "+v.Reason)
	case mode == Ask:
		return askRefusal(v, c)
	case heavy:
		return Ruling{Decision: Confirm, Rule: "confirm." + heaviest(v), Reason: v.Reason + " It waits for a click."}
	case c.Tainted && !c.Typed:
		return Ruling{Decision: Confirm, Rule: "confirm.tainted", Reason: "It was proposed after text that is not yours was read, so it waits for a click."}
	}
	return Ruling{Decision: Allow, Rule: "allow.write", Reason: v.Reason}
}

func askRefusal(v Verdict, c Context) Ruling {
	if c.Mode == Agent {
		role := c.Role
		if role == "" {
			role = "viewer"
		}
		return refuse("role."+role, fmt.Sprintf("Your role is %s, which may only read. %s Ask an admin for the operator role.", role, v.Reason))
	}
	return refuse("mode.ask", "Switch to Agent mode: Ask mode only reads. "+v.Reason)
}

// heaviest names what a command waits for: its effect, or the first facet that asks for a click.
func heaviest(v Verdict) string {
	if v.Effect > Write {
		return v.Effect.String()
	}
	return (v.Facets & refusing).Names()[0]
}

// secret refuses unless an org rule allows this very read.
func (e *Engine) secret(v Verdict, c Context, mode Mode) Ruling {
	if mode != Agent {
		return refuse("secret", v.Reason+" Read it in the cloud's own console.")
	}
	allowed := e.rules.allowsSecret(v, c)
	if allowed == "" || v.Effect != Read || v.Facets.Any(refusing&^Secret) {
		return refuse("secret", v.Reason+" Read it in the cloud's own console, or ask an admin for a rule that allows this one read.")
	}
	r := Ruling{Decision: Allow, AskerOnly: true, ShowOnce: true, Rule: "org." + allowed, Reason: "Your organisation allows this read. It is shown once, to you alone."}
	if c.Tainted && !c.Typed {
		r.Decision, r.Reason = Confirm, "It was proposed after text that is not yours was read, so it waits for a click. "+r.Reason
	}
	return r
}

// Reach is the effect that a limit must go up to for the command: a read that opens, copies out or spends something counts
// as a write.
func (v Verdict) Reach() Effect {
	if v.Facets.Any(refusing &^ Secret) {
		return max(v.Effect, Write)
	}
	return v.Effect
}

// limits applies what narrows everything: preference, channel, grant and the connection's own place.
func limits(v Verdict, c Context) *Ruling {
	var r Ruling
	reach := v.Reach()
	switch rule := c.ChannelRule; {
	case len(c.Providers) > 0 && !slices.Contains(c.Providers, v.Provider):
		r = refuse("preference", fmt.Sprintf("You prefer %s. Say: prefer all, to use %s too.", strings.Join(c.Providers, ", "), v.Provider))
	case rule != nil && len(rule.Providers) > 0 && !slices.Contains(rule.Providers, v.Provider):
		r = refuse("channel.provider", fmt.Sprintf("This channel is for %s only.", strings.Join(rule.Providers, ", ")))
	case rule != nil && rule.MaxEffect != 0 && reach > rule.MaxEffect:
		r = refuse("channel.effect", fmt.Sprintf("This channel allows %s at most. Ask in another channel.", rule.MaxEffect))
	case rule != nil && v.Facets.Any(rule.Deny):
		r = refuse("channel.facet", fmt.Sprintf("This channel does not allow commands that touch %s.", v.Facets&rule.Deny))
	case c.MaxGrant != 0 && reach > c.MaxGrant:
		r = refuse("grant", fmt.Sprintf("The connection is granted to you for %s at most.", c.MaxGrant))
	default:
		return outside(v, c)
	}
	return &r
}

// outside refuses a command that names another project, account or region than the connection's.
func outside(v Verdict, c Context) *Ruling {
	for _, s := range v.Scope {
		var want []string
		switch s.Kind {
		case "project":
			want = []string{c.Project}
		case "account", "tailnet":
			want = []string{c.Account, c.Project}
		case "subscription":
			want = []string{c.Project, c.ProjectName, c.Account}
		case "region":
			want = []string{c.Region}
		}
		if want = slices.DeleteFunc(want, func(w string) bool { return w == "" }); len(want) == 0 {
			continue
		}
		if !slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(w, s.Value) }) {
			r := refuse("scope."+s.Kind, fmt.Sprintf("%s names %q, but the connection is for %s. Choose another connection with: use.", s.Flag, clip(s.Value), want[0]))
			return &r
		}
	}
	return nil
}
