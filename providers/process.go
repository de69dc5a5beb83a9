package providers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	termGrace = 2 * time.Second // between TERM and KILL
	pipeGrace = time.Second     // how long output may still come when the process is gone
)

// process is one run of a program: no shell, no stdin, an environment of its own, a private directory as HOME and
// working directory, a process group of its own.
type process struct {
	argv    []string // argv[0] is an absolute path
	env     map[string]string
	files   []File
	within  string // the variable that is set to the directory of files; may be empty
	dir     string // parent of the private directory
	limit   int    // bytes of stdout that are kept; stderr keeps a quarter
	sandbox Sandbox
	read    []string         // what the sandbox lets it read and run
	reach   []netip.AddrPort // where the sandbox lets it connect to
}

// run starts the process and waits for it and its whole group. When ctx ends, the group gets TERM, and KILL two seconds
// later. The error tells that the process could not be started or was ended by ctx (then it wraps context.Cause).
func (p process) run(ctx context.Context) (Output, error) {
	if err := ctx.Err(); err != nil {
		return Output{}, context.Cause(ctx)
	}
	dir, err := os.MkdirTemp(p.dir, "run-")
	if err != nil {
		return Output{}, fmt.Errorf("make private directory: %w", err)
	}
	out, err := p.runIn(ctx, dir)
	if rmErr := os.RemoveAll(dir); rmErr != nil {
		err = errors.Join(err, fmt.Errorf("remove private directory: %w", rmErr))
	}
	return out, err
}

func (p process) runIn(ctx context.Context, dir string) (Output, error) {
	env, err := p.prepare(dir)
	if err != nil {
		return Output{}, err
	}
	stdout, stderr := &capture{limit: p.limit}, &capture{limit: p.limit / 4}
	cmd := exec.Command(p.argv[0], p.argv[1:]...) //nolint:noctx // the whole group is ended below, not the process alone
	cmd.Dir, cmd.Env = filepath.Join(dir, "work"), env
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = pipeGrace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if p.sandbox != nil {
		if err := p.sandbox(cmd, Bounds{Dir: dir, Read: p.read, Reach: p.reach}); err != nil {
			return Output{}, fmt.Errorf("confine process: %w", err)
		}
	}
	err = runGroup(ctx, cmd)
	out := Output{Stdout: stdout.bytes(), Stderr: stderr.bytes(), Truncated: stdout.cut() || stderr.cut()}
	if cmd.ProcessState != nil {
		out.ExitCode = exitCode(cmd.ProcessState)
	}
	return out, err
}

// prepare makes the private directory's content and gives the environment. PATH names a directory that stays empty: an
// empty PATH would mean the working directory, and none at all the system's default.
func (p process) prepare(dir string) ([]string, error) {
	home, work, none := filepath.Join(dir, "home"), filepath.Join(dir, "work"), filepath.Join(dir, "none")
	for _, d := range []string{home, work, none, filepath.Join(dir, "tmp"), filepath.Join(dir, "files")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, fmt.Errorf("make private directory: %w", err)
		}
	}
	env := []string{
		"HOME=" + home, "PATH=" + none, "TMPDIR=" + filepath.Join(dir, "tmp"),
		"LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TERM=dumb", "NO_COLOR=1", "PYTHONDONTWRITEBYTECODE=1",
	}
	for name, value := range p.env {
		env = append(env, name+"="+value)
	}
	if p.within != "" {
		env = append(env, p.within+"="+filepath.Join(dir, "files"))
	}
	for _, f := range p.files {
		path := filepath.Join(dir, "files", filepath.Base(f.Name))
		if err := os.WriteFile(path, []byte(f.Content), 0o600); err != nil {
			return nil, fmt.Errorf("write private file: %w", err)
		}
		if f.Env != "" {
			env = append(env, f.Env+"="+path)
		}
	}
	slices.Sort(env)
	return env, nil
}

// runGroup runs cmd to its end on a thread of its own: Pdeathsig is sent when the thread that started the child ends,
// and the runtime ends idle threads.
func runGroup(ctx context.Context, cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- waitGroup(ctx, cmd)
	}()
	return <-done
}

func waitGroup(ctx context.Context, cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	group := &group{pid: cmd.Process.Pid}
	stop := context.AfterFunc(ctx, group.end)
	awaitExit(group.pid)
	ended := !stop()
	group.close() // what the child left behind in its group goes with it
	err := cmd.Wait()
	var exit *exec.ExitError
	if ended && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil || errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return fmt.Errorf("wait for %s: %w", filepath.Base(cmd.Path), err)
}

// awaitExit returns when the process has ended but is not yet reaped, so that its group's number cannot be given to
// another process before the group is killed.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// group signals a process group as long as its leader is not reaped.
type group struct {
	pid   int
	mu    sync.Mutex
	over  bool
	timer *time.Timer
}

func (g *group) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return
	}
	_ = syscall.Kill(-g.pid, syscall.SIGTERM) // the group may be gone already
	g.timer = time.AfterFunc(termGrace, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !g.over {
			_ = syscall.Kill(-g.pid, syscall.SIGKILL)
		}
	})
}

func (g *group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	if g.timer != nil {
		g.timer.Stop()
	}
	_ = syscall.Kill(-g.pid, syscall.SIGKILL) // the leader is a zombie; this is for the rest
}

// exitCode is the exit status, or 128 plus the signal as shells have it.
func exitCode(s *os.ProcessState) int {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

// capture keeps the first limit bytes and swallows the rest, so that the process never blocks on a full pipe.
type capture struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	limit int
	over  bool
}

func (c *capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := c.limit - c.buf.Len()
	if len(b) > room {
		c.over = true
		c.buf.Write(b[:max(room, 0)])
		return len(b), nil
	}
	return c.buf.Write(b)
}

func (c *capture) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.buf.Bytes())
}

func (c *capture) cut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}
