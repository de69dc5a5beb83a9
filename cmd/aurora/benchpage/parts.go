package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// part is some benchmarks of one package that are run together.
type part struct {
	name  string
	dir   string // of the package, seen from the root of the module
	bench string // which of its benchmarks, as -bench takes it
	time  string // as -benchtime takes it
	once  bool   // too long to be run in every round
}

// parts are in the order of the page. All rounds of all parts are run in turn, so that a disturbance of the machine
// falls on one run of each and not on all runs of one.
var parts = []part{
	{name: "policy", dir: "providers/policy", bench: "^Benchmark(Decide|SeedRegexes|Load|Unknown)$", time: "300ms"},
	{name: "cedar", dir: "providers/policy/bench", bench: ".", time: "300ms"},
	{name: "executor", dir: "providers", bench: "^BenchmarkExecutorBesideRawCLI$", time: "3x"},
	{name: "redact", dir: "providers", bench: "^BenchmarkRedact1MiB$", time: "10x"},
	{name: "mentions", dir: "cmd/aurora", bench: "^BenchmarkMentions$", time: "1x"},
	{name: "turns", dir: "cmd/aurora", bench: "^BenchmarkTurn$", time: "1x"},
	{name: "clicks", dir: "cmd/aurora", bench: "^BenchmarkClick$", time: "1x"},
	{name: "ready", dir: "cmd/aurora", bench: "^BenchmarkReady$", time: "3x"},
	{name: "memory", dir: "cmd/aurora", bench: "^BenchmarkMemory$", time: "1x", once: true},
	{name: "socket", dir: "bot/slack", bench: "^BenchmarkAck$", time: "1x"},
	{name: "simulator", dir: "bot/slack/slacksim", bench: ".", time: "300ms"},
	{name: "store", dir: "store/sql", bench: ".", time: "2000x"},
	{name: "refresh", dir: "providers", bench: "^BenchmarkRefreshRace$", time: "1x", once: true},
}

func partNames() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// measure builds every package's benchmarks once and runs the parts, round after round; what there is after a round is given
// to keep. A part that fails is left out and told at the end.
func measure(ctx context.Context, chosen []part, rounds int, progress io.Writer, keep func([]record) error) error {
	built, err := os.MkdirTemp("", "benchpage-")
	if err != nil {
		return fmt.Errorf("make a directory for the benchmarks: %w", err)
	}
	defer func() { _ = os.RemoveAll(built) }()
	binaries := map[string]string{}
	for _, p := range chosen {
		if binaries[p.dir] != "" {
			continue
		}
		binaries[p.dir] = filepath.Join(built, strings.ReplaceAll(p.dir, "/", "-")+".test")
		build := exec.CommandContext(ctx, "go", "test", "-mod=readonly", "-c", "-o", binaries[p.dir], ".")
		build.Dir, build.Stderr = filepath.FromSlash(p.dir), progress
		if err := build.Run(); err != nil {
			return fmt.Errorf("build the benchmarks of %s: %w", p.dir, err)
		}
	}
	found := make([]record, len(chosen))
	failed := make([]error, len(chosen))
	on := machine()
	for i, p := range chosen {
		found[i] = record{part: p.name, machine: on}
	}
	for round := range rounds {
		for i, p := range chosen {
			if round > 0 && p.once || failed[i] != nil {
				continue
			}
			began := time.Now()
			lines, err := p.run(ctx, binaries[p.dir])
			if ctx.Err() != nil {
				return fmt.Errorf("round %d: %w", round+1, ctx.Err())
			}
			found[i].lines, failed[i] = append(found[i].lines, lines...), err
			how := "done"
			if err != nil {
				how = "FAILED"
			}
			_, _ = fmt.Fprintf(progress, "round %d of %d: %s %s in %s\n", round+1, rounds, p.name, how, time.Since(began).Round(time.Second))
		}
		if err := keep(whole(found, failed)); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// whole leaves out the parts that failed: the figures of one that broke in the middle say nothing.
func whole(found []record, failed []error) (good []record) {
	for i, r := range found {
		if failed[i] == nil {
			good = append(good, r)
		}
	}
	return good
}

// run gives the lines with figures of one run.
func (p part) run(ctx context.Context, binary string) ([]string, error) {
	cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench="+p.bench, "-test.benchtime="+p.time, "-test.timeout=10m")
	cmd.Dir = filepath.FromSlash(p.dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("part %s: %w\n%s", p.name, err, out)
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		if _, ok := parseLine(s.Text()); ok {
			lines = append(lines, s.Text())
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("part %s printed no figures: is something missing that it needs?\n%s", p.name, out)
	}
	return lines, nil
}

// machine describes where the benchmarks run, and how busy it was before they began.
func machine() string {
	load := "unknown"
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(raw), " ")
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s, load %s before", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), load)
}

func processor() string {
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(raw)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
