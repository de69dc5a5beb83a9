package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // hours of org rules must not depend on the machine's zone files

	"gopkg.in/yaml.v3"
)

// Rules are an organisation's own rules, loaded from YAML. They only tighten, except that a rule may allow a
// named secret read. A nil *Rules has no rules.
type Rules struct {
	list   []rule
	digest string
}

// Names lists the rules in their order.
func (r *Rules) Names() []string {
	if r == nil {
		return nil
	}
	names := make([]string, len(r.list))
	for i := range r.list {
		names[i] = r.list[i].Name
	}
	return names
}

// rule is one rule of the file. All conditions of Match must hold; within one condition any value does.
type rule struct {
	Name     string    `yaml:"name"`
	Match    match     `yaml:"match"`
	Then     string    `yaml:"then"` // deny, four_eyes, confirm, allow
	Reason   string    `yaml:"reason"`
	Examples []example `yaml:"examples"`
	Counter  []example `yaml:"counter_examples"`
}

// match is what a rule looks at. An empty condition holds always; a rule without any condition is not taken.
type match struct {
	Provider []string `yaml:"provider"`
	Command  []string `yaml:"command"` // words; * inside a word, ** any words
	Effect   []string `yaml:"effect"`  // read, write, disrupt, delete
	Facet    []string `yaml:"facet"`
	Flag     []string `yaml:"flag"`    // --flag, or --flag=value; * in both
	Account  []string `yaml:"account"` // account, subscription or project; *
	Channel  []string `yaml:"channel"` // id or name; *
	Role     []string `yaml:"role"`
	Hours    *hours   `yaml:"hours"`
}

// hours is a span of the day; From after To runs over midnight and belongs to the day it starts on.
type hours struct {
	Days []string `yaml:"days"` // mon ... sun; empty means every day
	From string   `yaml:"from"` // 15:04
	To   string   `yaml:"to"`
	Zone string   `yaml:"zone"` // such as Europe/Paris

	from, to int // minutes of the day
	zone     *time.Location
}

// example is a command a rule must match, alone or with what surrounds it. For an example without surroundings the
// conditions on account, channel, role and hours count as met.
type example struct {
	Command string `yaml:"command"`
	Account string `yaml:"account"`
	Channel string `yaml:"channel"`
	Role    string `yaml:"role"`
	At      string `yaml:"at"` // RFC 3339
	alone   bool
}

// UnmarshalYAML takes a bare command too.
func (x *example) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		x.Command, x.alone = n.Value, true
		return nil
	}
	type plain example // without the method, or this would never end
	return n.Decode((*plain)(x))
}

// LoadRules reads and checks a rules file; every example in it must decide as it says. All faults are told at once.
func LoadRules(text []byte) (*Rules, error) {
	var file struct {
		Rules []rule `yaml:"rules"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read policy rules: %w", err)
	}
	e, err := New(nil)
	if err != nil {
		return nil, err
	}
	var faults []error
	seen := map[string]bool{}
	for i := range file.Rules {
		r := &file.Rules[i]
		if r.Name == "" {
			r.Name = fmt.Sprintf("rule %d", i+1)
			faults = append(faults, fmt.Errorf("%s: give it a name", r.Name))
		}
		if seen[r.Name] {
			faults = append(faults, fmt.Errorf("rule %q: the name is taken twice", r.Name))
		}
		seen[r.Name] = true
		for _, fault := range r.check(e) {
			faults = append(faults, fmt.Errorf("rule %q: %w", r.Name, fault))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("policy rules: %w", err)
	}
	sum := sha256.Sum256(text)
	return &Rules{list: file.Rules, digest: hex.EncodeToString(sum[:])[:16]}, nil
}

// tighten applies every matching rule; the strictest decision stays.
func (r *Rules) tighten(v Verdict, c Context, ruling Ruling) Ruling {
	if r == nil || ruling.Decision == Refuse {
		return ruling
	}
	for i := range r.list {
		rule := &r.list[i]
		if rule.Then == "allow" || !rule.Match.holds(v, c, tightens) {
			continue
		}
		switch rule.Then {
		case "deny":
			return refuse("org."+rule.Name, rule.Reason)
		case "four_eyes":
			ruling.Decision, ruling.FourEyes, ruling.Rule, ruling.Reason = Confirm, true, "org."+rule.Name, rule.Reason
		case "confirm":
			if ruling.Decision == Allow {
				ruling.Decision, ruling.Rule, ruling.Reason = Confirm, "org."+rule.Name, rule.Reason
			}
		}
	}
	return ruling
}

// allowsSecret is the name of the rule that allows this very secret read, or empty.
func (r *Rules) allowsSecret(v Verdict, c Context) string {
	if r == nil {
		return ""
	}
	for i := range r.list {
		if r.list[i].Then == "allow" && r.list[i].Match.holds(v, c, allows) {
			return r.list[i].Name
		}
	}
	return ""
}

// asking says why a match is looked at: what is unknown about the surroundings counts against the command.
type asking uint8

const (
	tightens asking = iota // an unknown account, channel or time meets the condition
	allows                 // an unknown account, channel or time does not
	alone                  // an example without surroundings: only the command counts
)

// holds reports whether all conditions hold.
func (m *match) holds(v Verdict, c Context, why asking) bool {
	if !oneOf(m.Provider, v.Provider) || !oneOf(m.Effect, v.Effect.String()) || !m.facets(v) || !m.command(v) || !m.flags(v) {
		return false
	}
	if why == alone {
		return true
	}
	return m.place(v, c, why) && oneOf(m.Role, c.role()) && m.time(c.Now, why)
}

// role is the context's role; nobody's role is a viewer's.
func (c *Context) role() string {
	if c.Role == "" {
		return "viewer"
	}
	return c.Role
}

func (m *match) time(now time.Time, why asking) bool {
	if m.Hours == nil {
		return true
	}
	if now.IsZero() {
		return why == tightens
	}
	return m.Hours.holds(now)
}

func (m *match) facets(v Verdict) bool {
	return len(m.Facet) == 0 || slices.ContainsFunc(m.Facet, func(name string) bool {
		f, _ := ParseFacet(name)
		return v.Facets.Has(f)
	})
}

func (m *match) command(v Verdict) bool {
	words := strings.Fields(v.Path)
	return len(m.Command) == 0 || slices.ContainsFunc(m.Command, func(p string) bool { return matchPath(strings.Fields(p), words) })
}

// matchPath matches command words; a pattern that ends early means everything below it.
func matchPath(pattern, words []string) bool {
	for i, p := range pattern {
		if p == "**" {
			for j := i; j <= len(words); j++ {
				if matchPath(pattern[i+1:], words[j:]) {
					return true
				}
			}
			return false
		}
		if i >= len(words) || !glob(p, words[i]) {
			return false
		}
	}
	return true
}

func (m *match) flags(v Verdict) bool {
	return len(m.Flag) == 0 || slices.ContainsFunc(m.Flag, func(want string) bool {
		name, value, valued := strings.Cut(want, "=")
		return slices.ContainsFunc(v.Flags, func(f Flag) bool {
			return (glob(name, f.Name) || glob(name, f.Written)) && (!valued || glob(value, f.Value))
		})
	})
}

// place looks at where the command acts and where it was asked.
func (m *match) place(v Verdict, c Context, why asking) bool {
	here := []string{c.Account, c.Project}
	for _, s := range v.Scope {
		here = append(here, s.Value)
	}
	return anyGlob(m.Account, why, here...) && anyGlob(m.Channel, why, c.Channel, c.ChannelName)
}

func oneOf(want []string, have string) bool {
	return len(want) == 0 || slices.Contains(want, have)
}

func anyGlob(patterns []string, why asking, values ...string) bool {
	values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
	if len(patterns) == 0 || len(values) == 0 {
		return len(patterns) == 0 || why == tightens
	}
	return slices.ContainsFunc(patterns, func(p string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return glob(p, v) })
	})
}

func (h *hours) holds(now time.Time) bool {
	now = now.In(h.zone)
	minute, day := now.Hour()*60+now.Minute(), now.Weekday()
	if h.from > h.to && minute < h.to { // the small hours belong to the evening before
		day = (day + 6) % 7
	}
	if len(h.Days) > 0 && !slices.Contains(h.Days, strings.ToLower(day.String()[:3])) {
		return false
	}
	if h.from <= h.to {
		return minute >= h.from && minute < h.to
	}
	return minute >= h.from || minute < h.to
}
