package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// record is what the runs of one part printed.
type record struct {
	part    string
	machine string
	lines   []string
}

// figures are the values of one benchmark and unit, one for each run.
type figures map[string][]float64

// sample names figures: the benchmark without "Benchmark" and the number of processors, and the unit.
func sample(benchmark, unit string) string { return benchmark + " " + unit }

// line is one run of one benchmark.
type line struct {
	benchmark string
	values    map[string]float64 // by unit
}

// reProcessors is what Go appends to a name where it runs on more than one processor.
var reProcessors = regexp.MustCompile(`-\d+$`)

// parseLine reads "BenchmarkName-2  10  123 ns/op  4 unit".
func parseLine(text string) (line, bool) {
	words := strings.Fields(text)
	if len(words) < 4 || len(words)%2 != 0 {
		return line{}, false
	}
	name, ok := strings.CutPrefix(words[0], "Benchmark")
	if _, err := strconv.Atoi(words[1]); !ok || err != nil {
		return line{}, false
	}
	l := line{reProcessors.ReplaceAllString(name, ""), map[string]float64{}}
	for pair := range slices.Chunk(words[2:], 2) {
		value, err := strconv.ParseFloat(pair[0], 64)
		if err != nil {
			return line{}, false
		}
		l.values[pair[1]] = value
	}
	return l, true
}

// collect sorts all values under their samples.
func collect(kept []record) figures {
	found := figures{}
	for _, r := range kept {
		for _, text := range r.lines {
			l, _ := parseLine(text)
			for unit, value := range l.values {
				at := sample(l.benchmark, unit)
				found[at] = append(found[at], value)
			}
		}
	}
	return found
}

// merge puts fresh records in the place of kept ones, in the order of the parts. What is no part any more goes.
func merge(kept, fresh []record) []record {
	var all []record
	for _, name := range partNames() {
		named := func(r record) bool { return r.part == name }
		if i := slices.IndexFunc(fresh, named); i >= 0 {
			all = append(all, fresh[i])
			continue
		}
		if i := slices.IndexFunc(kept, named); i >= 0 {
			all = append(all, kept[i])
		}
	}
	return all
}

// format writes records as Go's benchmark format has it: configuration lines, then results.
func format(kept []record) string {
	var b strings.Builder
	for _, r := range kept {
		_, _ = fmt.Fprintf(&b, "part: %s\nmachine: %s\n%s\n\n", r.part, r.machine, strings.Join(r.lines, "\n"))
	}
	return b.String()
}

func readKept(file string) ([]record, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is kept: %w", err)
	}
	var kept []record
	for text := range strings.Lines(string(raw)) {
		text = strings.TrimRight(text, "\n")
		if name, ok := strings.CutPrefix(text, "part: "); ok {
			kept = append(kept, record{part: name})
			continue
		}
		if text == "" {
			continue
		}
		if len(kept) == 0 {
			return nil, fmt.Errorf("%s begins with %q: a line with a part comes first", file, text)
		}
		r := &kept[len(kept)-1]
		if on, ok := strings.CutPrefix(text, "machine: "); ok {
			r.machine = on
			continue
		}
		if _, ok := parseLine(text); !ok {
			return nil, fmt.Errorf("%s: %q is no result of a benchmark", file, text)
		}
		r.lines = append(r.lines, text)
	}
	return kept, nil
}
