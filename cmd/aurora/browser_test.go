package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"aurora/store/storetest"
)

var update = flag.Bool("update", false, "write the pictures README shows")

// TestPlaygroundInABrowser starts the playground as a person would and plays it in Chromium. What is asked of the page
// stands in testdata/browser/play.mjs; with -update the same run takes the pictures of README.
func TestPlaygroundInABrowser(t *testing.T) {
	needs(t, []string{"node", "npm", "chromium", "aws"})
	dir := browserScripts(t)
	p := startPlayground(t)
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	play := exec.CommandContext(ctx, "node", "play.mjs")
	play.Dir = dir
	play.Env = append(os.Environ(), "ADDRESS="+p.address, "CHROMIUM="+chromium, "PICTURES="+pictures(t))
	play.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	play.Cancel = func() error { return syscall.Kill(-play.Process.Pid, syscall.SIGKILL) } // the browser as well
	if out, err := play.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\nthe playground's log:\n%s", err, out, p.log())
	}
	p.interrupt(t)
}

// browserScripts is the directory of the scripts, with what they need installed.
func browserScripts(t testing.TB) string {
	t.Helper()
	dir := filepath.Join("testdata", "browser")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "playwright-core", "package.json")); err == nil {
		return dir
	}
	install(t, dir)
	return dir
}

// install takes what a directory's package-lock.json names from the npm registry.
func install(t testing.TB, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("the npm packages of %s cannot be installed: %v", dir, err)
	}
}

// pictures is where the pictures go, when they are asked for.
func pictures(t testing.TB) string {
	t.Helper()
	if !*update {
		return ""
	}
	dir, err := filepath.Abs(filepath.Join("testdata", "screenshots"))
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// playground is a real `aurora playground`.
type playground struct {
	cmd     *exec.Cmd
	address string // of the page, as it was printed
	logFile string
	printed string
	ready   time.Duration // from its start to the address being printed
	ended   chan error
}

var (
	reAddress = regexp.MustCompile(`http://127\.0\.0\.1:\d+/\?token=\S+`)
	reLog     = regexp.MustCompile(`(?m)^Log:\s+(\S+)$`)
)

// startPlayground returns once the playground has said where its page is.
func startPlayground(t testing.TB, flags ...string) *playground {
	t.Helper()
	binary, err := auroraBinary()
	if err != nil {
		t.Fatal(err)
	}
	p := &playground{ended: make(chan error, 1)}
	p.cmd = exec.CommandContext(context.Background(), binary, append([]string{"playground"}, flags...)...)
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + t.TempDir()}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var problems safeBuffer
	p.cmd.Stderr = &problems
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := storetest.OnLastingThread(p.cmd.Start); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for p.logFile == "" && err == nil {
		var line string
		line, err = lines.ReadString('\n')
		p.hear(line, time.Since(began))
	}
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		p.ended <- p.cmd.Wait()
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	if err != nil || p.address == "" {
		t.Fatalf("the playground did not say where its page is: %v\n%s%s", err, p.printed, problems.String())
	}
	return p
}

// hear takes a line of what it prints.
func (p *playground) hear(line string, after time.Duration) {
	p.printed += line
	if found := reAddress.FindString(line); found != "" {
		p.address, p.ready = found, after
	}
	if found := reLog.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
		p.logFile = found[1]
	}
}

func (p *playground) log() string {
	raw, err := os.ReadFile(p.logFile)
	if err != nil {
		return fmt.Sprintf("(gone: %v)", err)
	}
	return string(raw)
}

// interrupt presses Ctrl-C: the playground must end well, soon, and leave nothing behind.
func (p *playground) interrupt(t testing.TB) {
	t.Helper()
	log := p.log()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("after Ctrl-C: %v", err)
		}
	case <-time.After(15 * time.Second):
		t.Error("Ctrl-C does not end the playground")
	}
	if _, err := os.Stat(filepath.Dir(p.logFile)); !os.IsNotExist(err) {
		t.Errorf("the playground left its data behind: %v", err)
	}
	if strings.Contains(log, "panic") {
		t.Errorf("something panicked:\n%s", log)
	}
}
