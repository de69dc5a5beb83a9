package policy

import (
	"encoding/csv"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestHeldOutCases judges lines that were written from knowledge of the CLIs, without a look at tables or labels: changes
// in every phrasing, secrets, switches, reads of people on call, and text that is not one command. A command that
// begins with go: is a quoted Go string.
func TestHeldOutCases(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/heldout.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 3800 {
		t.Errorf("%d held-out cases, want at least 3,800", len(rows))
	}
	for _, r := range rows[1:] {
		command := r[0]
		if quoted, ok := strings.CutPrefix(command, "go:"); ok {
			if command, err = strconv.Unquote(quoted); err != nil {
				t.Fatalf("%s: %v", r[0], err)
			}
		}
		j := judge(command)
		bad := heldOutFault(r[1], j)
		for _, facet := range strings.Fields(r[2]) {
			if want, ok := ParseFacet(facet); !ok || !j.v.Facets.Has(want) {
				bad = append(bad, "it lacks the facet "+facet)
			}
		}
		if bad != nil {
			t.Errorf("%s (%s): %s; it is %s, facets %q, ask %s, agent %s, tainted %s: %s", r[0], r[1], strings.Join(bad, ", "), j.v.Effect, j.v.Facets, j.ask.Decision, j.agent.Decision, j.tainted.Decision, j.v.Reason)
		}
	}
}

// heldOutFault says how a decision betrays an expectation: read, masked, log and data run in Ask; secret and refused run
// nowhere; write runs in Agent; click, disrupt and delete never run without one.
func heldOutFault(expected string, j judged) []string {
	var bad []string
	expect := func(ok bool, complaint string) {
		if !ok {
			bad = append(bad, complaint)
		}
	}
	switch expected {
	case "read", "masked", "log", "data":
		expect(j.v.Effect == Read && j.ask.Decision == Allow && j.agent.Decision == Allow, "a read is refused")
		facet := map[string]Facets{"masked": Masked, "log": Log, "data": Data}[expected]
		expect(expected == "read" || j.v.Facets.Has(facet), "what it shows is not marked")
		return bad
	case "secret", "refused":
		expect(j.ask.Decision == Refuse && j.agent.Decision == Refuse && j.tainted.Decision == Refuse, "it may run")
		return bad
	}
	expect(j.v.Effect > Read, "a change is called a read")
	expect(j.ask.Decision == Refuse, "a change runs in Ask")
	expect(j.tainted.Decision != Allow, "a tainted change runs without a click")
	switch expected {
	case "write":
		expect(j.agent.Decision == Allow, "a plain change does not run")
	case "click":
		expect(j.agent.Decision != Allow, "it runs without a click")
	case "disrupt":
		expect(j.v.Effect >= Disrupt && j.agent.Decision == Confirm, "it does not wait for a click")
	case "delete":
		expect(j.v.Effect == Delete && j.agent.Decision == Confirm, "it does not wait for a click as a deletion")
	default:
		expect(false, "unknown expectation")
	}
	return bad
}

// TestGrammarPatternsCompile looks at every pattern of our own grammars: one that does not compile would end the process at
// its first use.
func TestGrammarPatternsCompile(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"tailscale", "ovhcloud"} {
		for _, c := range Grammar(program) {
			for _, a := range c.Args {
				anchored(a.Pattern)
			}
			for _, f := range c.Flags {
				anchored(f.Pattern)
			}
		}
	}
}

func TestLongAndDeepLinesAreRefusedFast(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"aws ec2 describe-instances --filters Name=x,Values=" + strings.Repeat("x", 100_000),
		strings.Repeat("aws ", 30_000),
		"kubectl get -" + strings.Repeat("A", 100_000),
		"aws s3 ls " + strings.Repeat(`"`, 99_999),
	} {
		if j := judge(line); j.ask.Decision != Refuse || j.agent.Decision != Refuse || len(j.v.Reason) > 1000 {
			t.Errorf("%.40s… of %d bytes: %s in Ask: %.100s", line, len(line), j.ask.Decision, j.v.Reason)
		}
	}
}
