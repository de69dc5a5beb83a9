package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// refusals counts the reads that Ask mode refuses, by the rule that refuses them.
type refusals struct {
	reads int
	rules map[string]int // "secret" stands for every rule about a secret that is printed
}

func refusedReads(rows []labelled) refusals {
	r := refusals{rules: map[string]int{}}
	for _, l := range rows {
		if l.truth != "read" {
			continue
		}
		r.reads++
		switch j := judge(l.command); {
		case j.ask.Decision == Allow:
		case j.v.Facets.Has(Secret):
			r.rules["secret"]++
		default:
			r.rules[j.v.Rule]++
		}
	}
	return r
}

func (r refusals) all() int {
	n := 0
	for _, k := range r.rules {
		n += k
	}
	return n
}

// meant counts the reads that other promises demand to refuse.
func (r refusals) meant() int {
	n := 0
	for rule := range demanded {
		n += r.rules[rule]
	}
	return n
}

func percent(n, of int) float64 { return float64(n) * 100 / float64(of) }

// demanded are the rules that refuse a read because another promise of the policy says so, with the promise.
var demanded = map[string]string{
	"secret":          "it prints a secret, which never goes to a channel or a model",
	RuleUnparsed:      "pipes, redirections, variables and placeholders such as <name>: there is no shell",
	"local-file":      "it opens or writes a file of the machine Aurora runs on",
	"identity-switch": "it brings its own identity, endpoint or key",
	"debug-output":    "it prints requests and their credentials",
	"endless":         "it follows without end",
}

// refusedBecause explains the other rules.
var refusedBecause = map[string]string{
	RuleUnknown:    "the command line is not one the CLI takes (typing errors of its documentation), or it abbreviates a flag",
	"local-config": "it shows or writes settings of the machine, opens a browser or works on a checkout",
	"runs-payload": "it runs SQL that starts a job, or sends data to a model, which is billed",
	"remote-shell": "it needs programs of the machine",
	"copies-out":   "it writes its answer to a bucket",
	"help":         "gcloud's search in its help makes an index of all its commands each time: 35 s of a processor, and no answer without gRPC",
}

// write explains the figures of command lines: in all, by rule, and without what other promises demand.
func (r refusals) write(out *strings.Builder) {
	rest := r.all() - r.meant()
	core := r.rules[RuleUnparsed] + r.rules["local-file"] + r.rules["identity-switch"]
	fmt.Fprintf(out, "Of %d reading command lines %d are refused (%.1f%%): %d (%.1f%%) because another promise demands it, %d (%.1f%%) besides.\n\n",
		r.reads, r.all(), percent(r.all(), r.reads), r.meant(), percent(r.meant(), r.reads), rest, percent(rest, r.reads))
	fmt.Fprintf(out, "The goal is 3%%, which is %d lines. The raw figure cannot reach it on these lines: shell syntax and placeholders (%d), local files (%d) and other identities or endpoints (%d) are %d lines (%.1f%%), and secrets are %d more (%.1f%%). "+
		"Each of them is to be refused, so the goal is held for what is left.\n\n", r.reads*3/100,
		r.rules[RuleUnparsed], r.rules["local-file"], r.rules["identity-switch"], core, percent(core, r.reads), r.rules["secret"], percent(r.rules["secret"], r.reads))
	out.WriteString("| rule | lines | demanded elsewhere | why |\n|---|---|---|---|\n")
	names := slices.SortedFunc(maps.Keys(r.rules), func(a, b string) int {
		if r.rules[a] != r.rules[b] {
			return r.rules[b] - r.rules[a]
		}
		return strings.Compare(a, b)
	})
	for _, rule := range names {
		why, yes := demanded[rule]
		if !yes {
			why = refusedBecause[rule]
		}
		fmt.Fprintf(out, "| %s | %d | %s | %s |\n", rule, r.rules[rule], map[bool]string{true: "yes", false: "no"}[yes], why)
	}
}

// The most that may be refused of the reading command lines, in percent: in all, and besides what other promises demand.
const (
	mostRefused = 8.4
	mostBesides = 2.3
)

func TestReadInvocationsRunInAsk(t *testing.T) {
	t.Parallel()
	r := refusedReads(invocations(t))
	if all := percent(r.all(), r.reads); all > mostRefused {
		t.Errorf("%.2f%% of %d read invocations are refused in Ask, want at most %.1f%%: %v", all, r.reads, mostRefused, r.rules)
	}
	if besides := percent(r.all()-r.meant(), r.reads); besides > mostBesides {
		t.Errorf("%.2f%% of %d read invocations are refused in Ask though no other promise demands it, want at most %.1f%%: %v", besides, r.reads, mostBesides, r.rules)
	}
	for rule := range r.rules {
		if demanded[rule] == "" && refusedBecause[rule] == "" {
			t.Errorf("reads are refused by the rule %s, which the page does not explain", rule)
		}
	}
}
