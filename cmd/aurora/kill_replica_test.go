package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"aurora/providers/confine"
	"aurora/store/storetest"
)

// auroraBinary builds `aurora` once for this test process; TestMain removes it.
var auroraBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir(), "aurora")
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-o", path, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build aurora: %w\n%s", err, out)
	}
	return path, nil
})

// binaryDir belongs to this test process alone.
func binaryDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("aurora-binary-%d", os.Getpid()))
}

// TestMain lets the test binary keep programs as Aurora's own does.
func TestMain(m *testing.M) {
	if status, keeper := confine.Reexec(os.Args, os.Environ()); keeper {
		os.Exit(status)
	}
	code := m.Run()
	_ = os.RemoveAll(binaryDir())
	os.Exit(code)
}

// replica is one real `aurora serve`.
type replica struct {
	name string
	log  *safeBuffer
	cmd  *exec.Cmd

	ctx    context.Context // ends with the process
	end    context.CancelFunc
	exited chan struct{}
	gone   atomic.Bool
}

func newReplica(t testing.TB, name string) *replica {
	t.Helper()
	r := &replica{name: name, log: &safeBuffer{}, exited: make(chan struct{})}
	r.ctx, r.end = context.WithCancel(context.Background())
	return r
}

// start runs it with that environment and nothing of the test's own. It is killed when the test ends.
func (r *replica) start(t testing.TB, environ []string) {
	t.Helper()
	binary, err := auroraBinary()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.CommandContext(context.Background(), binary, "serve") // the test's own context would end before its cleanups
	r.cmd.Env, r.cmd.Dir, r.cmd.Stderr = environ, t.TempDir(), r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := storetest.OnLastingThread(r.cmd.Start); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait() // how it ended is the test's own doing
		r.gone.Store(true)
		r.end()
		close(r.exited)
	}()
	t.Cleanup(r.kill)
}

// kill ends it at once, as a crash would, and returns when it is gone.
func (r *replica) kill() {
	r.gone.Store(true)
	_ = r.cmd.Process.Kill()
	<-r.exited
}

// terminate asks it to end, as an orchestrator does.
func (r *replica) terminate(t testing.TB) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

func (r *replica) dead() bool { return r.gone.Load() }
