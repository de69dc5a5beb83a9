// Command benchpage runs the benchmarks of this module, keeps what `go test -bench` printed in
// cmd/aurora/testdata/bench.txt, and writes from that file alone cmd/aurora/BENCHMARKS.md and the table of README. It
// belongs to `make bench`; the product never runs it. The kept file is in the format of Go's benchmarks, so benchstat
// reads it too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

// Where things are, seen from the root of the module.
const (
	keptFile   = "cmd/aurora/testdata/bench.txt"
	pageFile   = "cmd/aurora/BENCHMARKS.md"
	readmeFile = "README.md"
)

// asked is what the command line says.
type asked struct {
	only   []string // names of parts; all when empty
	rounds int
	render bool // write the pages from what is kept, and run nothing
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	a, err := parseArgs(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = a.run(ctx, os.Stderr)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "benchpage:", err)
		os.Exit(1)
	}
}

func parseArgs(args []string, errs io.Writer) (asked, error) {
	var a asked
	flags := flag.NewFlagSet("benchpage", flag.ContinueOnError)
	flags.SetOutput(errs)
	only := flags.String("only", "", "parts to run, separated by commas; the others' figures stay: "+strings.Join(partNames(), ", "))
	flags.IntVar(&a.rounds, "rounds", 5, "how often each part is run; the page gives medians and the spread")
	flags.BoolVar(&a.render, "render", false, "run nothing; write the pages from what is kept")
	if err := flags.Parse(args); err != nil {
		return a, err
	}
	if a.rounds < 1 || flags.NArg() > 0 {
		return a, errors.New("-rounds is at least 1, and there are no arguments besides the flags")
	}
	a.only = strings.FieldsFunc(*only, func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range a.only {
		if !slices.Contains(partNames(), name) {
			return a, fmt.Errorf("there is no part %q; there are %s", name, strings.Join(partNames(), ", "))
		}
	}
	return a, nil
}

// run measures and writes, from the root of the module.
func (a asked) run(ctx context.Context, progress io.Writer) error {
	if _, err := os.Stat(filepath.FromSlash(readmeFile)); err != nil {
		return fmt.Errorf("run this in the root of the module: %w", err)
	}
	kept, err := readKept(keptFile)
	if err != nil {
		return err
	}
	var failed error
	if !a.render {
		failed = measure(ctx, a.chosen(), a.rounds, progress, func(fresh []record) error {
			kept = merge(kept, fresh)
			return os.WriteFile(keptFile, []byte(format(kept)), 0o644) //nolint:gosec // a page of the tree, for everybody
		})
	}
	return errors.Join(failed, writePages(kept))
}

func (a asked) chosen() []part {
	if len(a.only) == 0 {
		return parts
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return !slices.Contains(a.only, p.name) })
}

func writePages(kept []record) error {
	readme, err := os.ReadFile(readmeFile)
	if err != nil {
		return fmt.Errorf("read README: %w", err)
	}
	renewed, err := renewReadme(string(readme), kept)
	if err != nil {
		return err
	}
	for file, text := range map[string]string{pageFile: renderPage(kept), readmeFile: renewed} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // a page of the tree, for everybody
			return fmt.Errorf("write the figures: %w", err)
		}
	}
	return nil
}
