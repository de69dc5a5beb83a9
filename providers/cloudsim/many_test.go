package cloudsim_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"

	"aurora/providers"
)

// manyRuns is a command line tool written in Python that is started once for all the commands of a test: most of what a
// command takes is the start. Each runs the tool's own entry file in a process of its own. Not for az, which settles where
// it keeps its configuration while it is imported.
type manyRuns struct {
	env  map[string]string
	asks *json.Encoder
	told *json.Decoder
}

// startMany starts the tool of that name, or skips the test where it is missing.
func startMany(t *testing.T, name, modules string, inCI bool) *manyRuns {
	t.Helper()
	needCLI(t, name, inCI)
	p := providers.Locate(os.Getenv("PATH"))[name]
	if p.Err != nil || p.Interpreter == "" {
		t.Skipf("%s is no Python program here: %v", name, p.Err)
	}
	m := &manyRuns{env: map[string]string{"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME")}}
	maps.Copy(m.env, p.Env)
	command := exec.CommandContext(t.Context(), p.Interpreter, append(append([]string(nil), p.Flags...), "testdata/many.py", p.Entry, modules)...)
	for name, value := range m.env {
		command.Env = append(command.Env, name+"="+value)
	}
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // its input ends, and so does it
		_ = command.Wait()
	})
	m.asks, m.told = json.NewEncoder(in), json.NewDecoder(out)
	return m
}

// run runs one command with this environment, as tool does.
func (m *manyRuns) run(t *testing.T, env []string, args ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	ask := struct {
		Args []string          `json:"args"`
		Env  map[string]string `json:"env"`
	}{args, maps.Clone(m.env)}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		ask.Env[name] = value
	}
	if err := m.asks.Encode(ask); err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	var told struct {
		Status   int
		Out, Err []byte
	}
	if err := m.told.Decode(&told); err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	return string(told.Out), string(told.Err), told.Status == 0
}
