package storetest

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a server started by a test. It is killed when the test ends, or when the test's process dies.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

var errExited = errors.New("the server ended at once")

// start runs cmd, whose context must outlive the test: the servers are still needed by the test's cleanups.
func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := OnLastingThread(cmd.Start); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // it is killed at the end: its status says nothing
		close(p.exited)
	}()
	t.Cleanup(func() { p.kill(t) })
	return p
}

// OnLastingThread runs something, such as the start of a child with a Pdeathsig, on a thread that lives as long as the
// test's process: the signal is about the thread that started the child, and whoever confines a thread ends it afterwards.
func OnLastingThread(task func() error) error { return lasting()(task) }

var lasting = sync.OnceValue(func() func(func() error) error {
	tasks, done := make(chan func() error), make(chan error)
	go func() {
		runtime.LockOSThread()
		for task := range tasks {
			done <- task()
		}
	}()
	var one sync.Mutex
	return func(task func() error) error {
		one.Lock()
		defer one.Unlock()
		tasks <- task
		return <-done
	}
})

func (p *process) kill(t testing.TB) {
	t.Helper()
	select {
	case <-p.exited:
		return
	default:
	}
	p.signal(t, syscall.SIGKILL)
	<-p.exited
}

func (p *process) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("signal %s: %v", p.cmd.Path, err)
	}
}

// until polls, for a server has no other way to tell that it is ready.
func (p *process) until(ready func() bool) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if ready() {
			return nil
		}
		select {
		case <-p.exited:
			return errExited
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New("the server did not become ready")
}

// retryPorts tries free ports: another process may take one between our looking and the server's binding it.
func retryPorts(t testing.TB, try func(port int) error) {
	t.Helper()
	var err error
	for range 5 {
		if err = try(freePort(t)); err == nil {
			return
		}
	}
	t.Fatalf("start a server on a free port: %v", err)
}

func freePort(t testing.TB) int {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// waitFor polls a real server's state until it is as wanted.
func waitFor(t testing.TB, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if ready() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("waited %s for %s", patience, what)
}

// serverBinary finds a program. Without it the test is skipped by name, or fails in CI.
func serverBinary(t testing.TB, name, advice string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, advice)
	}
	return path
}

func missing(t testing.TB, name, advice string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing; %s", name, advice)
	}
	t.Skipf("%s is missing; %s", name, advice)
}
