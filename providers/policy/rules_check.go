package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

var (
	ruleProviders = []string{"aws", "gcp", "azure", "scaleway", "tailscale", "ovh", "kubernetes", "terraform", "helm"}
	ruleActions   = []string{"deny", "four_eyes", "confirm", "allow"}
	ruleRoles     = []string{"viewer", "operator", "approver", "admin"}
	ruleDays      = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
)

// check finds what is wrong with a rule: unknown words, a match that catches everything, examples that do not hold.
func (r *rule) check(e *Engine) []error {
	var faults []error
	if !slices.Contains(ruleActions, r.Then) {
		faults = append(faults, fmt.Errorf("then is %q; write one of %s", r.Then, strings.Join(ruleActions, ", ")))
	}
	if strings.TrimSpace(r.Reason) == "" {
		faults = append(faults, errors.New("give a reason: people see it"))
	}
	if len(r.Examples) == 0 {
		faults = append(faults, errors.New("give at least one example, a command that the rule is about"))
	}
	faults = append(faults, r.Match.check()...)
	if r.Then == "allow" {
		faults = append(faults, r.checkAllow(e)...)
	}
	if len(faults) > 0 {
		return faults
	}
	for _, x := range r.Examples {
		faults = append(faults, r.checkExample(e, x, true))
	}
	for _, x := range r.Counter {
		faults = append(faults, r.checkExample(e, x, false))
	}
	return slices.DeleteFunc(faults, func(err error) bool { return err == nil })
}

func (m *match) check() []error {
	faults := []error{
		known("provider", m.Provider, ruleProviders), known("role", m.Role, ruleRoles),
		known("effect", m.Effect, []string{"read", "write", "disrupt", "delete"}), known("facet", m.Facet, facetNames),
	}
	if len(m.Provider)+len(m.Command)+len(m.Effect)+len(m.Facet)+len(m.Flag)+len(m.Account)+len(m.Channel)+len(m.Role) == 0 && m.Hours == nil {
		faults = append(faults, errors.New("match is empty, so it would catch everything; name at least one condition"))
	}
	for _, f := range m.Flag {
		if strings.Trim(f, "-*=") == "" {
			faults = append(faults, fmt.Errorf("flag %q names no flag", f))
		}
	}
	if m.Hours != nil {
		faults = append(faults, m.Hours.check())
	}
	return slices.DeleteFunc(faults, func(err error) bool { return err == nil })
}

func known(what string, have, want []string) error {
	for _, h := range have {
		if !slices.Contains(want, h) {
			return fmt.Errorf("unknown %s %q; write one of %s", what, h, strings.Join(want, ", "))
		}
	}
	return nil
}

func (h *hours) check() error {
	var err error
	if h.from, err = minutes(h.From); err != nil {
		return err
	}
	if h.to, err = minutes(h.To); err != nil {
		return err
	}
	if h.Zone == "" {
		return errors.New("hours need a zone, such as Europe/Paris")
	}
	if h.zone, err = time.LoadLocation(h.Zone); err != nil {
		return fmt.Errorf("hours: %w", err)
	}
	return known("day", h.Days, ruleDays)
}

func minutes(clock string) (int, error) {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		return 0, fmt.Errorf("hours: write times as 15:04, not %q", clock)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// checkAllow makes sure that an allowing rule names secret reads and nothing else: full command paths without wildcards.
func (r *rule) checkAllow(e *Engine) []error {
	if len(r.Match.Command) == 0 {
		return []error{errors.New("allow needs the full command of a secret read, such as aws secretsmanager get-secret-value")}
	}
	var faults []error
	for _, path := range r.Match.Command {
		c, refusal := e.ParseArgv(strings.Fields(path))
		v := e.Classify(c)
		switch {
		case strings.ContainsAny(path, "*?["):
			faults = append(faults, fmt.Errorf("allow takes no wildcards in command %q", path))
		case refusal != nil || v.Effect == Forbidden && v.Rule == RuleUnknown:
			faults = append(faults, fmt.Errorf("allow: %q is no command", path))
		case v.Effect != Read:
			faults = append(faults, fmt.Errorf("allow: %q is not a read (it is %s); only secret reads can be allowed", path, v.Effect))
		}
	}
	return faults
}

// checkExample classifies an example and says how it differs from what the rule promises.
func (r *rule) checkExample(e *Engine, x example, want bool) error {
	c, refusal := e.Parse(x.Command)
	if refusal != nil {
		return fmt.Errorf("example %q: %s", x.Command, refusal.Reason)
	}
	v := e.Classify(c)
	if v.Rule == RuleUnknown || v.Rule == RuleUnparsed {
		return fmt.Errorf("example %q: %s", x.Command, v.Reason)
	}
	ctx := Context{Account: x.Account, ChannelName: x.Channel, Role: x.Role}
	if x.At != "" {
		at, err := time.Parse(time.RFC3339, x.At)
		if err != nil {
			return fmt.Errorf("example %q: at: %w", x.Command, err)
		}
		ctx.Now = at
	}
	why := allows
	if x.alone {
		why = alone
	}
	got := r.Match.holds(v, ctx, why)
	if got && r.Then == "allow" && want && !v.Facets.Has(Secret) {
		return fmt.Errorf("example %q is not a secret read, so there is nothing to allow", x.Command)
	}
	if got != want {
		verb := map[bool]string{true: "must match and does not", false: "must not match and does"}[want]
		return fmt.Errorf("example %q %s (it is %s of %s with facets %q)", x.Command, verb, v.Effect, v.Provider, v.Facets)
	}
	return nil
}
