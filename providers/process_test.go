package providers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PlayParent makes the test binary the parent that TestChildDiesWithParent kills; false when it is not asked to be one.
func PlayParent() bool {
	script := os.Getenv("AURORA_TEST_PARENT")
	if script == "" {
		return false
	}
	_, err := process{argv: []string{"/bin/sh", script}, limit: 1024}.run(context.Background())
	fmt.Fprintln(os.Stderr, err)
	return true
}

func script(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script.sh")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// await polls a condition against a real process.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting: %s", what)
		}
		<-tick.C
	}
}

func alive(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(raw), ") ")
	return !strings.HasPrefix(after, "Z")
}

func pidIn(t *testing.T, file string) int {
	t.Helper()
	var pid int
	await(t, "pid file "+file, func() bool {
		raw, err := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(raw)))
		return err == nil && pid > 0
	})
	return pid
}

func TestProcessSeesOnlyWhatItIsGiven(t *testing.T) {
	t.Setenv("AURORA_SECRET_OF_THE_HOST", "hunter2-host")
	parent := t.TempDir()
	p := process{
		argv: []string{"/bin/sh", script(t, `/usr/bin/env; echo "cwd $(pwd)"; read x && echo "stdin $x"; for f in *; do echo "file $f"; done; /bin/cat "$TOKEN_FILE"`)},
		env:  map[string]string{"GIVEN": "1"}, files: []File{{Name: "token", Content: "t0ken", Env: "TOKEN_FILE"}},
		dir: parent, limit: 1 << 16,
	}
	out, err := p.run(context.Background())
	if err != nil || out.ExitCode != 0 {
		t.Fatalf("run: %v, exit %d, stderr %s", err, out.ExitCode, out.Stderr)
	}
	var names []string
	for line := range strings.Lines(string(out.Stdout)) {
		if name, _, ok := strings.Cut(line, "="); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	want := []string{"GIVEN", "HOME", "LANG", "LC_ALL", "NO_COLOR", "PATH", "PWD", "PYTHONDONTWRITEBYTECODE", "TERM", "TMPDIR", "TOKEN_FILE", "_"}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "OLDPWD" })
	if !slices.Equal(names, want) && !slices.Equal(names, want[:len(want)-1]) {
		t.Errorf("environment is %v, want %v", names, want)
	}
	text := string(out.Stdout)
	if strings.Contains(text, "hunter2-host") || strings.Contains(text, "stdin ") || !strings.Contains(text, "t0ken") || !strings.Contains(text, "file *") {
		t.Errorf("process saw too much or too little:\n%s", text)
	}
	left, _ := filepath.Glob(filepath.Join(parent, "*"))
	if len(left) > 0 {
		t.Errorf("private directory stayed: %v", left)
	}
}

func TestPrivateFilesAreForTheOwnerAlone(t *testing.T) {
	t.Parallel()
	p := process{argv: []string{"/bin/sh", script(t, `/usr/bin/stat -c %a "$F" "$HOME" "${F%/*}"`)}, files: []File{{Name: "../../f", Content: "x", Env: "F"}}, limit: 1024}
	out, err := p.run(context.Background())
	if err != nil || string(out.Stdout) != "600\n700\n700\n" {
		t.Fatalf("modes %q, %v, %s", out.Stdout, err, out.Stderr)
	}
}

func TestEndingTakesTheWholeGroup(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]struct {
		text        string
		least, most time.Duration
	}{
		"gives in to TERM": {`trap 'echo >"$1/term"; exit 0' TERM; echo $$ >"$1/leader"; /bin/sleep 300 & echo $! >"$1/child"; wait`, 0, termGrace + 5*time.Second},
		"ignores TERM":     {`trap '' TERM; echo $$ >"$1/leader"; /bin/sleep 300 & echo $! >"$1/child"; while :; do wait; /bin/sleep 300; done`, termGrace, termGrace + 5*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ctx, cancel := context.WithCancelCause(context.Background())
			stop := errors.New("stopped by a person")
			done := make(chan error, 1)
			go func() {
				_, err := process{argv: []string{"/bin/sh", script(t, body.text), dir}, limit: 1024}.run(ctx)
				done <- err
			}()
			leader, child := pidIn(t, filepath.Join(dir, "leader")), pidIn(t, filepath.Join(dir, "child"))
			began := time.Now()
			cancel(stop)
			if err := <-done; !errors.Is(err, stop) {
				t.Errorf("error is %v, want the cause", err)
			}
			if took := time.Since(began); took < body.least || took > body.most {
				t.Errorf("took %s, want between %s and %s", took, body.least, body.most)
			}
			if _, err := os.Stat(filepath.Join(dir, "term")); (err == nil) != (body.least == 0) {
				t.Error("the group did not get TERM before KILL")
			}
			await(t, "group to be gone", func() bool { return !alive(leader) && !alive(child) })
		})
	}
}

func TestWhatTheChildLeavesBehindIsEnded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	began := time.Now()
	p := process{argv: []string{"/bin/sh", script(t, `/bin/sleep 300 & echo $! >"$1/child"; echo done`), dir}, limit: 1024}
	out, err := p.run(context.Background())
	if err != nil || string(out.Stdout) != "done\n" {
		t.Fatalf("%q, %v", out.Stdout, err)
	}
	if time.Since(began) > 10*time.Second {
		t.Error("the run waited for what the child left behind")
	}
	pid := pidIn(t, filepath.Join(dir, "child"))
	await(t, "grandchild to be gone", func() bool { return !alive(pid) })
}

func TestChildDiesWithParent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	body := script(t, fmt.Sprintf(`trap '' TERM INT HUP; echo $$ >%s/child; while :; do /bin/sleep 1; done`, dir))
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "AURORA_TEST_PARENT="+body, "TMPDIR="+dir)
	pipe, err := parent.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	child := pidIn(t, filepath.Join(dir, "child"))
	if err := parent.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_, _ = bufio.NewReader(pipe).ReadString(0)
	if err := parent.Wait(); err == nil {
		t.Error("parent ended by itself")
	}
	await(t, "child to die with its parent", func() bool { return !alive(child) })
}

func TestOutputIsLimitedAndTheProcessGoesOn(t *testing.T) {
	t.Parallel()
	p := process{argv: []string{"/bin/sh", script(t, `/usr/bin/head -c 5000000 /dev/zero; /usr/bin/head -c 5000000 /dev/zero >&2; exit 3`)}, limit: 1 << 20}
	out, err := p.run(context.Background())
	if err != nil || out.ExitCode != 3 || !out.Truncated {
		t.Fatalf("exit %d, truncated %t, %v", out.ExitCode, out.Truncated, err)
	}
	if len(out.Stdout) != 1<<20 || len(out.Stderr) != 1<<18 {
		t.Errorf("kept %d and %d bytes", len(out.Stdout), len(out.Stderr))
	}
}

func TestProcessThatCannotStart(t *testing.T) {
	t.Parallel()
	_, err := process{argv: []string{"/nonexistent/aws"}, limit: 1}.run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "start aws") {
		t.Errorf("error is %v", err)
	}
	boom := errors.New("no Landlock")
	p := process{argv: []string{"/bin/true"}, limit: 1, sandbox: func(*exec.Cmd, Bounds) error { return boom }}
	if _, err := p.run(context.Background()); !errors.Is(err, boom) {
		t.Errorf("error is %v: a process that cannot be confined must not start", err)
	}
}

func TestKilledProcessHasAnExitCode(t *testing.T) {
	t.Parallel()
	out, err := process{argv: []string{"/bin/sh", script(t, `kill -SEGV $$`)}, limit: 1}.run(context.Background())
	if err != nil || out.ExitCode != 139 {
		t.Errorf("exit %d, %v", out.ExitCode, err)
	}
}
