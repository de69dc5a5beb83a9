package policy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// seedRules are the regular expressions this engine replaced, in Go, for comparison.
var seedRules = struct{ read, danger []*regexp.Regexp }{
	read:   compile(`^gcloud .*(list|describe|get|show)`, `^aws .*(list|describe|get|show)`, `^az .*(list|show|get)`, `^kubectl (get|describe|logs|top|explain|version)`, `^terraform (plan|show|output|state list|validate)`),
	danger: compile(`\b(delete|remove|destroy|terminate|drop|truncate)\b`, `--force`),
}

func compile(patterns ...string) []*regexp.Regexp {
	list := make([]*regexp.Regexp, len(patterns))
	for i, p := range patterns {
		list[i] = regexp.MustCompile(p)
	}
	return list
}

func seedDecides(line string) (read, asks bool) {
	for _, re := range seedRules.read {
		read = read || re.MatchString(line)
	}
	for _, re := range seedRules.danger {
		asks = asks || re.MatchString(line)
	}
	return read, asks
}

// BenchmarkDecide times a full decision, parse included, over real command lines, and reports its 99th percentile.
func BenchmarkDecide(b *testing.B) {
	lines := invocations(b)
	e := engine()
	took := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		start := time.Now()
		v := e.judge(e.Parse(lines[i%len(lines)].command))
		e.Decide(v, explained[1].context)
		took = append(took, time.Since(start))
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
}

// BenchmarkSeedRegexes times the regular expressions on the same lines.
func BenchmarkSeedRegexes(b *testing.B) {
	lines := invocations(b)
	for i := range b.N {
		seedDecides(lines[i%len(lines)].command)
	}
}

// BenchmarkLoad times loading all tables.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		if _, err := New(nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnknown times what a mistyped command costs: the nearest name is looked for.
func BenchmarkUnknown(b *testing.B) {
	for name, line := range map[string]string{
		"flag":    "aws ec2 describe-instances --instnce-ids i-1",
		"command": "aws ec2 descibe-instances " + strings.Repeat("x", 40),
	} {
		b.Run(name, func(b *testing.B) {
			e := engine()
			for b.Loop() {
				e.judge(e.Parse(line))
			}
		})
	}
}
