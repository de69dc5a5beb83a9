// Package bench times the policy engine beside cedar-go deciding on the same facts. It is a module of its own so that
// Cedar stays out of the product.
package bench

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"slices"
	"testing"
	"time"

	"aurora/providers/policy"

	"github.com/cedar-policy/cedar-go"
)

// cedarPolicies say what the decision table says, over facts that the engine found: Cedar cannot read a command.
const cedarPolicies = `
permit (principal, action == Action::"run", resource) when { context.effect == "read" && !context.secret && !context.heavy };
permit (principal, action == Action::"run", resource) when { context.mode == "agent" && context.effect == "write" && !context.heavy && !context.secret };
permit (principal, action == Action::"confirm", resource) when { context.mode == "agent" && context.effect != "forbidden" && !context.secret };
forbid (principal, action, resource) when { context.effect == "forbidden" };
forbid (principal, action, resource) when { context.mode == "incident" && context.data };
`

func lines(b *testing.B) []string {
	b.Helper()
	f, err := os.Open("../testdata/invocations.csv.gz")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	list := make([]string, 0, len(rows))
	for _, r := range rows[1:] {
		list = append(list, r[1])
	}
	return list
}

// p99 reports the 99th percentile of what was measured.
func p99(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
}

func engine(b *testing.B) *policy.Engine {
	b.Helper()
	e, err := policy.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// BenchmarkAurora parses, classifies and decides.
func BenchmarkAurora(b *testing.B) {
	e, all := engine(b), lines(b)
	took := make([]time.Duration, 0, b.N)
	for i := range b.N {
		start := time.Now()
		c, refusal := e.Parse(all[i%len(all)])
		v := policy.Refused(&policy.Refusal{Rule: policy.RuleUnparsed})
		if refusal == nil {
			v = e.Classify(c)
		}
		e.Decide(v, policy.Context{Mode: policy.Agent, Role: "operator", Typed: true})
		took = append(took, time.Since(start))
	}
	p99(b, took)
}

// BenchmarkCedarDecisionOnly decides on facts that are already there: no parsing, no classifying.
func BenchmarkCedarDecisionOnly(b *testing.B) {
	set, err := cedar.NewPolicySetFromBytes("table.cedar", []byte(cedarPolicies))
	if err != nil {
		b.Fatal(err)
	}
	e := engine(b)
	var requests []cedar.Request
	for _, line := range lines(b) {
		c, refusal := e.Parse(line)
		if refusal != nil {
			continue
		}
		v := e.Classify(c)
		heavy := v.Effect > policy.Write || v.Facets.Any(policy.Permission|policy.Exposure|policy.Egress|policy.Payload|policy.Spend)
		requests = append(requests, cedar.Request{
			Principal: cedar.NewEntityUID("User", "u"), Action: cedar.NewEntityUID("Action", "run"), Resource: cedar.NewEntityUID("Command", cedar.String(v.Path)),
			Context: cedar.NewRecord(cedar.RecordMap{
				"mode": cedar.String("agent"), "effect": cedar.String(v.Effect.String()), "secret": cedar.Boolean(v.Facets.Has(policy.Secret)),
				"data": cedar.Boolean(v.Facets.Has(policy.Data)), "heavy": cedar.Boolean(heavy),
			}),
		})
	}
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		start := time.Now()
		cedar.Authorize(set, cedar.EntityMap{}, requests[i%len(requests)])
		took = append(took, time.Since(start))
	}
	p99(b, took)
}
