package policy

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scwReading is what gen/scw -parse says about one argv.
type scwReading struct{ Path, Error string }

// scwReads builds the small program that holds scaleway-cli as a library and lets it read every argv.
func scwReads(t *testing.T, argvs [][]string) []scwReading {
	t.Helper()
	program := filepath.Join(t.TempDir(), "scw")
	build := exec.CommandContext(t.Context(), "go", "build", "-mod=readonly", "-o", program, ".")
	build.Dir = filepath.Join("gen", "scw")
	if out, err := build.CombinedOutput(); err != nil {
		for _, away := range []string{"dial tcp", "no such host", "module lookup disabled", "i/o timeout", "executable file not found"} {
			if strings.Contains(string(out)+err.Error(), away) {
				t.Skipf("scaleway-cli cannot be had: %.300s", out)
			}
		}
		t.Fatalf("build scaleway-cli: %v\n%.2000s", err, out)
	}
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, argv := range argvs {
		if err := enc.Encode(argv); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "-parse")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	cmd.Env = []string{"HOME=" + t.TempDir(), "SCW_CONFIG_PATH=/dev/null"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	readings := make([]scwReading, len(argvs))
	dec := json.NewDecoder(bytes.NewReader(out))
	for i := range readings {
		if err := dec.Decode(&readings[i]); err != nil {
			t.Fatalf("after %d of %d lines: %v", i, len(argvs), err)
		}
	}
	return readings
}

// scwLines are the shared command lines, and every command alone, with each argument our table gives it, and with one
// that nobody knows.
func scwLines(t *testing.T) [][]string {
	t.Helper()
	var argvs [][]string
	for _, l := range invocations(t) {
		if c, refusal := engine().Parse(l.command); l.tool == "scw" && refusal == nil {
			argvs = append(argvs, c.Argv)
		}
	}
	d := engine().dialects["scw"]
	for _, l := range labels(t, "scw") {
		words := strings.Fields(l.command)
		if l.command == "scw shell" {
			continue // opens a prompt before it parses anything
		}
		argvs = append(argvs, words, append(words[:len(words):len(words)], "not-an-argument=x"), append(words[:len(words):len(words)], "--not-a-flag"))
		leaf := d.resolve(words).leaf
		if leaf == nil {
			t.Errorf("%s is in no table", l.command)
			continue
		}
		for f := range d.table.flagsOf(leaf) {
			argvs = append(argvs, append(words[:len(words):len(words)], spelled(f.names[0], f.kind)))
		}
	}
	return argvs
}

// Arguments that scaleway-cli 2.40 takes and does not declare, and that it declares and does not take.
var (
	scwUndeclared  = map[string]bool{"key=my-qcow2-file-name": true} // volume-type of snapshots
	scwMisdeclared = map[string]bool{"option-ids.0=x": true, "additional-volumes.0.project-id=x": true, "additional-volumes.0.organization-id=x": true, "name=x": true}
)

// TestScwParserAgrees compares our reading with scaleway-cli's own: what it would run has the same path here, what it does
// not know is not known here either, and an argument we know is one it takes.
func TestScwParserAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("builds scaleway-cli: left out with -short")
	}
	t.Parallel()
	argvs := scwLines(t)
	ran, unknown := 0, 0
	for i, theirs := range scwReads(t, argvs) {
		ours := engine().dialects["scw"].resolve(argvs[i])
		strange := strings.HasPrefix(theirs.Error, "unknown ")
		if last := argvs[i][len(argvs[i])-1]; scwUndeclared[last] || scwMisdeclared[last] || ours.leaf != nil && ours.d.table.classes[ours.leaf.class].effect == Forbidden {
			continue
		}
		switch {
		case theirs.Path != "":
			ran++
			if ours.fault != nil || ours.path != theirs.Path {
				t.Errorf("%q: scw would run %q, we read %q (%v)", argvs[i], theirs.Path, ours.path, ours.fault)
			}
		case strange:
			unknown++
			if ours.fault == nil {
				t.Errorf("%q: scw says %q, we read %q", argvs[i], theirs.Error, ours.path)
			}
		}
	}
	if ran < 1000 || unknown < 1000 {
		t.Errorf("scw would run %d of %d lines and does not know %d, want at least 1,000 of each", ran, len(argvs), unknown)
	}
	t.Logf("%d lines: scw would run %d, does not know %d, and wants more of the rest", len(argvs), ran, unknown)
}
