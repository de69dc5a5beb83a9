package policy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// awsPython finds the interpreter that the installed aws CLI runs under.
func awsPython(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("the aws CLI is not installed")
	}
	if real, err := exec.Command("pyenv", "which", "aws").Output(); err == nil {
		path = strings.TrimSpace(string(real))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skip("the aws CLI's entry cannot be read: " + err.Error())
	}
	line, _, _ := strings.Cut(string(text), "\n")
	interpreter := strings.TrimSpace(strings.TrimPrefix(line, "#!"))
	if err := exec.Command(interpreter, "-c", "import awscli").Run(); err != nil {
		t.Skip("the aws CLI's Python cannot be used: " + err.Error())
	}
	return interpreter
}

// TestAWSParserAgrees compares our reading of real command lines with the aws CLI's own: the same command, the same flags,
// nothing left over.
func TestAWSParserAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the aws CLI's parsers: left out with -short")
	}
	t.Parallel()
	var calls []*call
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for n, l := range invocations(t) {
		if l.tool != "aws" || n%7 != 0 {
			continue
		}
		c, refusal := engine().Parse(l.command)
		if refusal != nil {
			continue
		}
		if read := engine().dialects["aws"].resolve(c.Argv); read.fault == nil {
			calls = append(calls, read)
			if err := enc.Encode(c.Argv); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.CommandContext(context.Background(), awsPython(t), "testdata/aws_parse.py")
	cmd.Stdin = &in
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	compared := 0
	for _, ours := range calls {
		var theirs struct {
			Path  string
			Left  []string
			Flags []string
		}
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &theirs) != nil {
			t.Fatal("the parser said too little")
		}
		if theirs.Path == "" || theirs.Flags == nil {
			continue // the CLI itself refuses the line, or a command of its own parses it later
		}
		compared++
		if theirs.Path != ours.path || len(theirs.Left) > 0 {
			t.Errorf("%q: we read %q, the CLI %q with %q left", ours.argv, ours.path, theirs.Path, theirs.Left)
		}
		for _, f := range ours.flags {
			name := strings.Replace(f.name, "--no-", "--", 1)
			if f.own != nil && !slices.Contains(theirs.Flags, f.name) && !slices.Contains(theirs.Flags, name) {
				t.Errorf("%q: the CLI does not see %s among %q", ours.argv, f.name, theirs.Flags)
			}
		}
	}
	if compared < len(calls)/2 {
		t.Errorf("only %d of %d lines were compared", compared, len(calls))
	}
	t.Logf("%d of %d lines compared", compared, len(calls))
}

// TestKubectlKnowsOurFlags asks kubectl itself about every flag of the shared invocations that we accept: help after the
// command parses the flags in front of it.
func TestKubectlKnowsOurFlags(t *testing.T) {
	if testing.Short() {
		t.Skip("runs kubectl: left out with -short")
	}
	t.Parallel()
	program, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not installed")
	}
	asked := 0
	for n, l := range invocations(t) {
		if l.tool != "kubectl" || n%3 != 0 {
			continue
		}
		c, refusal := engine().Parse(l.command)
		if refusal != nil {
			continue
		}
		read := engine().dialects["kubectl"].resolve(c.Argv)
		if read.fault != nil || read.dash {
			continue
		}
		asked++
		cmd := exec.CommandContext(context.Background(), program, append(slices.Clone(c.Argv[1:]), "--help")...)
		cmd.Env = []string{"HOME=" + t.TempDir(), "KUBECONFIG=/dev/null"}
		out, err := cmd.CombinedOutput()
		usage := "kubectl " + strings.Join(strings.Fields(read.path)[1:], " ")
		if err != nil || !strings.Contains(string(out), usage) {
			t.Errorf("%q: kubectl says %.200s (%v), we read %q", c.Argv, out, err, read.path)
		}
	}
	t.Logf("%d lines asked", asked)
}
