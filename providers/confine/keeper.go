package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Reexec is to be called first of all in main: when this process was started to keep a program, it does, and false never
// comes back. What it returns besides is the exit status.
func Reexec(args, environ []string) (status int, keeper bool) {
	if len(args) < 4 || args[1] != word {
		return 0, false
	}
	var o order
	if err := json.Unmarshal([]byte(args[2]), &o); err != nil {
		return complain(fmt.Errorf("read the order: %w", err)), true
	}
	k := keeperOf{order: o, argv: args[3:], environ: environ}
	status, err := k.run()
	if err != nil {
		return complain(err), true
	}
	return status, true
}

// cannotStart is the exit status of a program that was not started, as shells have it.
const cannotStart = 126

func complain(err error) int {
	_, _ = fmt.Fprintf(os.Stderr, "aurora: the program was not started, since it could not be confined: %v\n", err)
	return cannotStart
}

// termGrace is how long a program may take to end by itself. It is less than the executor gives before it kills the
// keeper, who must have killed the rest by then.
const termGrace = 1700 * time.Millisecond

// keeperOf stays beside a program until all that it started has ended.
type keeperOf struct {
	order
	argv    []string
	environ []string // the program's: what the keeper itself was given
}

func (k keeperOf) run() (int, error) {
	terms := make(chan os.Signal, 1)
	signal.Notify(terms, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("become the parent of orphans: %w", err)
	}
	if err := limits(); err != nil {
		return 0, err
	}
	if os.Getppid() != k.Parent { // it died before we could be told
		return 0, errors.New("aurora is gone")
	}
	pid, err := k.start()
	if err != nil {
		return 0, err
	}
	go func() {
		<-terms // the program, in the same group, was told as well
		if os.Getppid() == k.Parent {
			time.Sleep(termGrace)
		}
		killAll()
	}()
	status := reapUntil(pid)
	killAll()
	for reapUntil(-1) >= 0 {
		killAll() // what was started while the others died
	}
	return status, nil
}

// start starts the program from a thread that was confined for it. The thread stays: the program dies with it.
func (k keeperOf) start() (int, error) {
	type started struct {
		pid int
		err error
	}
	done := make(chan started)
	onThread(func() {
		listener, err := k.confineThread()
		if err != nil {
			done <- started{err: err}
			return
		}
		if listener >= 0 {
			go mediate(listener, k.Reach)
		}
		pid, err := syscall.ForkExec(k.Program, k.argv, &syscall.ProcAttr{
			Env: k.environ, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
		})
		done <- started{pid, err}
		select {}
	})
	s := <-done
	if s.err != nil {
		return 0, fmt.Errorf("start %s: %w", filepath.Base(k.Program), s.err)
	}
	return s.pid, nil
}

// onThread runs task on a thread of its own that is not the process's first one. A signal to a process is judged by the
// domain of its first thread: were that one confined like the program, the program could end its keeper.
func onThread(task func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != os.Getpid() {
			task()
			return
		}
		elsewhere := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(elsewhere)
			task()
		}()
		<-elsewhere // until then this thread is taken
		runtime.UnlockOSThread()
	}()
}

// reapUntil waits for children until the one with this number has ended and gives its exit status; -1 when there are
// none left.
func reapUntil(pid int) int {
	for {
		var ws syscall.WaitStatus
		got, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return -1
		case got != pid && pid > 0:
		case ws.Signaled():
			return 128 + int(ws.Signal())
		default:
			return ws.ExitStatus()
		}
	}
}

// killAll kills our children. Theirs become ours when they die.
func killAll() {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil { // unreachable: the pattern is right
		return
	}
	self := strconv.Itoa(os.Getpid())
	for _, file := range stats {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// The name is in brackets and may hold anything; behind it come the state and the parent.
		text := string(raw)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(fields) < 2 || fields[1] != self {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone already
		}
	}
}

const (
	mostFiles    = 1024      // open at once
	mostFileSize = 512 << 20 // bytes of one file
)

// limits keeps a program from filling the disk and from leaving its memory, with the credential, in a core file. The
// number of processes is not limited: the kernel counts all of a user's, Aurora's own among them.
func limits() error {
	for what, most := range map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: mostFiles, unix.RLIMIT_FSIZE: mostFileSize} {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(what, &now); err != nil {
			return fmt.Errorf("read a limit: %w", err)
		}
		most = min(most, now.Max)
		if err := syscall.Setrlimit(what, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("set a limit: %w", err)
		}
	}
	return nil
}
