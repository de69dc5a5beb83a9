package cloudsim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// ruling is what one policy, or all of them, say about a question.
type ruling int

const (
	silent ruling = iota // no statement applies
	allowed
	denied // a Deny statement applies: nothing outweighs it
)

// question is one action on one resource with what is known about the request. Keys are lower case.
type question struct {
	action, resource string
	principals       []string // every name the caller goes by, for trust policies
	keys             map[string][]string
}

func (p policy) answer(q question) ruling {
	answer := silent
	for _, s := range p.statements {
		if !s.applies(q) {
			continue
		}
		if !s.allow {
			return denied
		}
		answer = allowed
	}
	return answer
}

// anyOf gives what a set of policies says together: one Deny is enough, then one Allow.
func anyOf(policies []policy, q question) ruling {
	answer := silent
	for _, p := range policies {
		answer = max(answer, p.answer(q))
	}
	return answer
}

func (s statement) applies(q question) bool {
	if !s.names(q.principals) || !s.covers(q.action) || !s.reaches(q) {
		return false
	}
	return !slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(q) })
}

func (s statement) names(principals []string) bool {
	if s.principals == nil {
		return true // not a trust policy
	}
	return slices.ContainsFunc(s.principals, func(want string) bool {
		return want == "*" || slices.Contains(principals, want)
	})
}

func (s statement) covers(action string) bool {
	match := func(pattern string) bool { return glob(strings.ToLower(pattern), strings.ToLower(action)) }
	if len(s.notActions) > 0 {
		return !slices.ContainsFunc(s.notActions, match)
	}
	return slices.ContainsFunc(s.actions, match)
}

func (s statement) reaches(q question) bool {
	match := func(pattern string) bool { return glob(q.fill(pattern), q.resource) }
	switch {
	case len(s.notResrcs) > 0:
		return !slices.ContainsFunc(s.notResrcs, match)
	case len(s.resources) > 0:
		return slices.ContainsFunc(s.resources, match)
	}
	return true // trust policy
}

// fill puts the values of policy variables such as ${aws:username} in. A value is never read for variables again.
func (q question) fill(text string) string {
	var filled strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		filled.WriteString(before)
		if !found || !closed {
			filled.WriteString(text[len(before):])
			return filled.String()
		}
		value := "\x00" // an unknown variable matches nothing
		if values := q.keys[strings.ToLower(name)]; len(values) == 1 {
			value = values[0]
		}
		filled.WriteString(value)
		text = after
	}
}

func (c condition) holds(q question) bool {
	got, present := q.keys[c.key]
	if c.operator == "Null" {
		return slices.Contains(c.values, strconv.FormatBool(!present))
	}
	if !present {
		negated := strings.Contains(c.operator, "Not")
		return c.ifExists || negated || c.each == "ForAllValues"
	}
	test := func(value string) bool { return c.meets(value, q) }
	if c.each == "ForAllValues" {
		return !slices.ContainsFunc(got, func(v string) bool { return !test(v) })
	}
	return slices.ContainsFunc(got, test)
}

// meets tells whether one value satisfies the condition: any of its values for a positive operator, all of them for a
// negated one.
func (c condition) meets(value string, q question) bool {
	if positive, negated := strings.CutPrefix(c.operator, "StringNot"); negated {
		return !condition{operator: "String" + positive, values: c.values}.meets(value, q)
	}
	if positive, negated := strings.CutPrefix(c.operator, "ArnNot"); negated {
		return !condition{operator: "Arn" + positive, values: c.values}.meets(value, q)
	}
	compare := operators[c.operator]
	return slices.ContainsFunc(c.values, func(want string) bool { return compare(value, q.fill(want)) })
}

// operators compare a request's value with a policy's one. Negated ones are only listed: meets turns them around.
var operators = map[string]func(value, want string) bool{
	"StringEquals":              func(v, w string) bool { return v == w },
	"StringNotEquals":           func(v, w string) bool { return v != w },
	"StringEqualsIgnoreCase":    strings.EqualFold,
	"StringNotEqualsIgnoreCase": func(v, w string) bool { return !strings.EqualFold(v, w) },
	"StringLike":                func(v, w string) bool { return glob(w, v) },
	"StringNotLike":             func(v, w string) bool { return !glob(w, v) },
	"ArnEquals":                 func(v, w string) bool { return glob(w, v) },
	"ArnNotEquals":              func(v, w string) bool { return !glob(w, v) },
	"ArnLike":                   func(v, w string) bool { return glob(w, v) },
	"ArnNotLike":                func(v, w string) bool { return !glob(w, v) },
	"Bool":                      strings.EqualFold,
	"NumericEquals":             numeric(func(v, w float64) bool { return v == w }),
	"NumericLessThan":           numeric(func(v, w float64) bool { return v < w }),
	"NumericLessThanEquals":     numeric(func(v, w float64) bool { return v <= w }),
	"NumericGreaterThan":        numeric(func(v, w float64) bool { return v > w }),
	"NumericGreaterThanEquals":  numeric(func(v, w float64) bool { return v >= w }),
	"DateLessThan":              date(time.Time.Before),
	"DateGreaterThan":           date(time.Time.After),
}

func numeric(compare func(v, w float64) bool) func(string, string) bool {
	return func(value, want string) bool {
		v, err := strconv.ParseFloat(value, 64)
		w, wrong := strconv.ParseFloat(want, 64)
		return err == nil && wrong == nil && compare(v, w)
	}
}

func date(compare func(v, w time.Time) bool) func(string, string) bool {
	return func(value, want string) bool {
		v, err := time.Parse(time.RFC3339, value)
		w, wrong := time.Parse(time.RFC3339, want)
		return err == nil && wrong == nil && compare(v, w)
	}
}

// glob matches * (anything, slashes and colons too) and ? (one character), as IAM and EC2 filters do.
func glob(pattern, text string) bool {
	star, mark, i, j := -1, 0, 0, 0
	for j < len(text) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == text[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
