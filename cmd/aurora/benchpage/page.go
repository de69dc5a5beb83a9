package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const pageHead = `# What Aurora measures

Written by ` + "`make bench`" + ` from what ` + "`go test -bench`" + ` printed, which is kept in ` + "`testdata/bench.txt`" + `; ` + "`make bench ONLY=executor,policy`" + ` runs
parts of it anew. Each figure is the median of its runs, with the smallest and the largest beside it. Everything runs on one machine at
once: Aurora, the simulated Slack, model and clouds, PostgreSQL, Redis, Vault, and the peer. **missed** stands where a median is not within its aim.

`

// Where README's table stands.
const (
	readmeFrom = "<!-- measured: make bench writes this table -->\n"
	readmeTo   = "<!-- measured: end -->"
)

const readmeHead = `| what | median (smallest – largest) | aim | beside, in the same runs |
|---|---|---|---|
`

// renderPage writes the page from figures alone.
func renderPage(kept []record) string {
	found := collect(kept)
	var b strings.Builder
	b.WriteString(pageHead)
	for _, s := range sections {
		_, _ = fmt.Fprintf(&b, "## %s\n\n%s\n\n| what | median | smallest – largest | runs | aim | beside |\n|---|---|---|---|---|---|\n", s.title, s.text)
		for _, r := range s.rows {
			m := r.measured(found)
			_, _ = fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %s |\n", r.what, m.median, m.spread, m.runs, m.aim, m.beside)
		}
		b.WriteString("\n")
	}
	b.WriteString("## Machine\n\nThe load is the average of the minute before `make bench` began.\n\n")
	for _, on := range machines(kept) {
		_, _ = fmt.Fprintf(&b, "- %s\n", on)
	}
	return b.String()
}

// machines says where the parts were run: one line for all parts that were run together.
func machines(kept []record) (lines []string) {
	var order []string
	ran := map[string][]string{}
	for _, r := range kept {
		if ran[r.machine] == nil {
			order = append(order, r.machine)
		}
		ran[r.machine] = append(ran[r.machine], r.part)
	}
	for _, on := range order {
		if len(order) == 1 {
			return []string{on}
		}
		lines = append(lines, strings.Join(ran[on], ", ")+": "+on)
	}
	return lines
}

// renewReadme puts README's table in the place of the one that is there.
func renewReadme(readme string, kept []record) (string, error) {
	before, rest, ok := strings.Cut(readme, readmeFrom)
	_, after, ended := strings.Cut(rest, readmeTo)
	if !ok || !ended {
		return "", errors.New("README has no place for the table: the comments around it are gone")
	}
	found := collect(kept)
	var b strings.Builder
	b.WriteString(before + readmeFrom + readmeHead)
	for _, s := range sections {
		for _, r := range s.rows {
			if !r.readme {
				continue
			}
			m := r.measured(found)
			_, _ = fmt.Fprintf(&b, "| %s | %s (%s) | %s | %s |\n", r.what, m.median, m.spread, m.aim, m.beside)
		}
	}
	return b.String() + readmeTo + after, nil
}

// measured is a row's cells.
type measured struct {
	median, spread, aim, beside string
	runs                        int
}

// measured says so where a part was not run, or failed: the others' figures are none the worse for it.
func (r row) measured(found figures) measured {
	values, unit := found[r.of], unitOf(r.of)
	if len(values) == 0 {
		return measured{median: "not measured", spread: "make bench says why", aim: r.aim(r.atMost, unit)}
	}
	m := measured{
		median: show(median(values), unit), spread: show(slices.Min(values), unit) + " – " + show(slices.Max(values), unit),
		runs: len(values), aim: r.aim(median(values), unit),
	}
	if len(values) == 1 {
		m.spread = "one run"
	}
	if others := found[r.beside]; len(others) > 0 {
		m.beside = r.peer + ": " + show(median(others), unitOf(r.beside))
	}
	return m
}

// aim says what was aimed at, and when it is missed.
func (r row) aim(got float64, unit string) string {
	var text string
	var met bool
	switch {
	case r.exact:
		text, met = show(r.atMost, unit), got == r.atMost
	case r.atMost > 0:
		text, met = "≤ "+show(r.atMost, unit), got <= r.atMost
	default:
		return ""
	}
	if !met {
		return "**missed:** " + text
	}
	return text
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[mid-1] + sorted[mid]) / 2
	}
	return sorted[mid]
}
