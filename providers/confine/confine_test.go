package confine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"aurora/providers"
)

// TestMain makes the test binary a keeper, and the program that is kept: a CLI that does what nobody asked it to.
func TestMain(m *testing.M) {
	if status, keeper := Reexec(os.Args, os.Environ()); keeper {
		os.Exit(status)
	}
	if len(os.Args) > 2 && os.Args[1] == "villain" {
		os.Exit(villain(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// needs skips where the kernel lacks what a test is about, and fails there in CI.
func needs(t *testing.T, what func(Strength) bool) *Confiner {
	t.Helper()
	c := Examine()
	if what(c.Strength) {
		return c
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("this kernel has only: %s", c.Strength)
	}
	t.Skipf("this kernel has only: %s", c.Strength)
	return nil
}

func all(s Strength) bool { return s.Landlock >= 1 && s.Calls && s.Connect }

// ran is what became of a confined program.
type ran struct {
	out, err string
	status   int
}

// keep runs the test binary as the villain, confined.
func keep(t *testing.T, c *Confiner, reach []netip.AddrPort, argv ...string) ran {
	t.Helper()
	dir := t.TempDir()
	cmd := command(t, c, dir, reach, append([]string{os.Args[0], "villain"}, argv...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ran{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// command is to be started by the goroutine that makes it. Its thread is nobody else's from now on, as in the executor: a
// keeper ends with the thread that started it, and other tests here let threads end.
func command(t *testing.T, c *Confiner, dir string, reach []netip.AddrPort, argv ...string) *exec.Cmd {
	t.Helper()
	runtime.LockOSThread()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "TMPDIR=" + dir, "TOKEN=its-own"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Sandbox(cmd, providers.Bounds{Dir: dir, Read: []string{os.Args[0]}, Reach: reach}); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// canary counts who comes to it, by TCP and UDP, and by name in the file system and outside of it.
type canary struct {
	came           atomic.Int64
	tcp, udp       netip.AddrPort
	path, abstract string
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	c := &canary{path: filepath.Join(t.TempDir(), "s"), abstract: "@" + t.TempDir()}
	listen := func(network, at string) net.Listener {
		l, err := net.Listen(network, at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				c.came.Add(1)
				_ = conn.Close()
			}
		}()
		return l
	}
	c.tcp = listen("tcp", "127.0.0.1:0").Addr().(*net.TCPAddr).AddrPort()
	listen("unix", c.path)
	listen("unix", c.abstract)
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	c.udp = u.LocalAddr().(*net.UDPAddr).AddrPort()
	go func() {
		for {
			if _, _, err := u.ReadFrom(make([]byte, 10)); err != nil {
				return
			}
			c.came.Add(1)
		}
	}()
	return c
}

// proxy is what may be reached: it says hello. Its double listens on the same port of another address.
func proxy(t *testing.T, double *atomic.Int64) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	at := l.Addr().(*net.TCPAddr).AddrPort()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	}()
	other, err := net.Listen("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), at.Port()).String())
	if err != nil {
		t.Skipf("no second address on loopback: %v", err)
	}
	t.Cleanup(func() { _ = other.Close() })
	go func() {
		for {
			conn, err := other.Accept()
			if err != nil {
				return
			}
			double.Add(1)
			_ = conn.Close()
		}
	}()
	return at
}

func TestOnlyWhatMayBeReachedIsReached(t *testing.T) {
	t.Parallel()
	c := needs(t, all)
	bird := newCanary(t)
	var double atomic.Int64
	way := proxy(t, &double)
	got := keep(t, c, []netip.AddrPort{way}, "sockets", way.String(), bird.tcp.String(), bird.udp.String(), bird.path, bird.abstract)
	if got.status != 0 || !strings.Contains(got.out, "proxy: hello") {
		t.Fatalf("%+v", got)
	}
	for line := range strings.Lines(got.out) {
		if !strings.HasPrefix(line, "proxy: ") && !strings.Contains(line, ": refused") {
			t.Errorf("got through: %s", line)
		}
	}
	if n := strings.Count(got.out, ": refused"); n < 20 {
		t.Errorf("only %d ways were tried:\n%s", n, got.out)
	}
	if bird.came.Load() != 0 || double.Load() != 0 {
		t.Errorf("%d and %d connections at the canaries", bird.came.Load(), double.Load())
	}
	// The same program, not confined, does reach them: the canaries sing.
	free := exec.Command(os.Args[0], "villain", "sockets", way.String(), bird.tcp.String(), bird.udp.String(), bird.path, bird.abstract)
	if out, err := free.CombinedOutput(); err != nil || bird.came.Load() == 0 || double.Load() == 0 {
		t.Errorf("nothing comes to the canaries at all: %v\n%s", err, out)
	}
}

// TestTheAddressCannotBeChangedUnderTheKeeper lets one thread of the program change the address that another connects to.
func TestTheAddressCannotBeChangedUnderTheKeeper(t *testing.T) {
	t.Parallel()
	c := needs(t, all)
	bird := newCanary(t)
	var double atomic.Int64
	way := proxy(t, &double)
	got := keep(t, c, []netip.AddrPort{way}, "race", way.String(), bird.tcp.String())
	if got.status != 0 || bird.came.Load() != 0 {
		t.Errorf("%d connections at the canary: %+v", bird.came.Load(), got)
	}
	if !strings.Contains(got.out, "both") {
		t.Errorf("the race did not take place: %s", got.out)
	}
}

func TestNothingIsFoundByHunting(t *testing.T) {
	t.Parallel()
	c := needs(t, func(s Strength) bool { return s.Landlock >= 1 && s.Calls })
	secret := "canary-" + strconv.Itoa(os.Getpid())
	home := t.TempDir()
	for name, mode := range map[string]os.FileMode{"data/credentials.age": 0o600, "data/credentials.key": 0o600, "run-2/files/token": 0o644, "open": 0o644} {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(secret), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(home, 0o755); err != nil {
		t.Fatal(err)
	}
	neighbour := exec.Command("/bin/sleep", "60")
	neighbour.Env = []string{"NEIGHBOUR=" + secret}
	if err := neighbour.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = neighbour.Process.Kill(); _ = neighbour.Wait() }()
	got := keep(t, c, nil, "hunt", strconv.Itoa(os.Getpid()), strconv.Itoa(neighbour.Process.Pid), home)
	if got.status != 0 {
		t.Fatalf("%+v", got)
	}
	for line := range strings.Lines(got.out) {
		if !strings.HasPrefix(line, "refused ") && !strings.HasPrefix(line, "own ") {
			t.Errorf("found: %s", line)
		}
	}
	if strings.Contains(got.out, secret) || strings.Count(got.out, "refused ") < 15 || !strings.Contains(got.out, "own file: works") {
		t.Errorf("%s", got.out)
	}
}

// TestNothingAboutFilesIsChanged takes Landlock away, which sees none of it: the filter of system calls is what stays.
func TestNothingAboutFilesIsChanged(t *testing.T) {
	t.Parallel()
	c := needs(t, func(s Strength) bool { return s.Calls })
	path := filepath.Join(t.TempDir(), "credentials.age")
	if err := os.WriteFile(path, []byte("sealed"), 0o600); err != nil {
		t.Fatal(err)
	}
	neighbour := exec.Command("/bin/sleep", "60")
	if err := neighbour.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = neighbour.Process.Kill(); _ = neighbour.Wait() }()
	about := func() string {
		var at unix.Stat_t
		var files unix.Rlimit
		if err := errors.Join(unix.Stat(path, &at), unix.Prlimit(neighbour.Process.Pid, unix.RLIMIT_NOFILE, nil, &files)); err != nil {
			t.Fatal(err)
		}
		names, _ := unix.Listxattr(path, nil)
		return fmt.Sprint(at.Mode, at.Uid, at.Gid, at.Size, at.Mtim, at.Ctim, names, files)
	}
	before := about()
	for _, landlock := range []int{0, c.Strength.Landlock} {
		c.Strength.Landlock = landlock
		got := keep(t, c, nil, "meddle", path, strconv.Itoa(neighbour.Process.Pid))
		if after := about(); got.status != 0 || after != before {
			t.Errorf("Landlock %d: %s became %s: %+v", landlock, before, after, got)
		}
		for _, want := range []string{"chmod <nil>\n", "chown <nil>\n", "times <nil>\n", "attributes <nil>\n", "truncate: refused", "limit: refused", "own file: <nil>\n", "own file cut: <nil>\n"} {
			if !strings.Contains(got.out, want) {
				t.Errorf("Landlock %d: want %q in\n%s", landlock, want, got.out)
			}
		}
	}
	// The same program, not confined, does it all.
	free := exec.Command(os.Args[0], "villain", "meddle", path, strconv.Itoa(neighbour.Process.Pid))
	free.Env = []string{"HOME=" + t.TempDir()}
	if out, err := free.CombinedOutput(); err != nil || about() == before {
		t.Errorf("nothing is changed at all: %v\n%s", err, out)
	}
}

// TestTheParentsEnvironmentIsClosedByItself takes Landlock away: what stays is that Aurora's memory is not to be dumped
// and that the program has no right of root's.
func TestTheParentsEnvironmentIsClosedByItself(t *testing.T) {
	t.Parallel()
	c := needs(t, func(s Strength) bool { return s.Calls })
	c.Strength.Landlock = 0
	parent := exec.Command(os.Args[0], "villain", "secretive")
	parent.Env = []string{"SECRET=canary"}
	in, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	ready, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = parent.Wait() }()
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	got := keep(t, c, nil, "environ", strconv.Itoa(parent.Process.Pid))
	if got.status != 0 || !strings.HasPrefix(got.out, "refused ") {
		t.Errorf("%+v", got)
	}
}

func TestTheProgramsStatusComesThrough(t *testing.T) {
	t.Parallel()
	c := needs(t, all)
	for way, want := range map[string]int{"0": 0, "3": 3, "segv": 128 + int(syscall.SIGSEGV), "kill": 128 + int(syscall.SIGKILL)} {
		if got := keep(t, c, nil, "exit", way); got.status != want {
			t.Errorf("%s: %+v", way, got)
		}
	}
}

func TestLimitsAndPrivileges(t *testing.T) {
	t.Parallel()
	c := needs(t, all)
	got := keep(t, c, nil, "state")
	for _, want := range []string{"core 0 0\n", "files 1024 1024\n", "size 536870912 536870912\n", "new privileges: no\n", "capabilities: 0 0 0\n", "executes /bin/sh: refused"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("want %q in\n%s%s", want, got.out, got.err)
		}
	}
}

func TestLessThanWasFoundDoesNotStart(t *testing.T) {
	t.Parallel()
	c := needs(t, all)
	c.Strength.Landlock = 60
	got := keep(t, c, nil, "exit", "0")
	if got.status != cannotStart || !strings.Contains(got.err, "could not be confined") {
		t.Errorf("%+v", got)
	}
}

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
	return err == nil && !strings.Contains(string(raw), ") Z ")
}

// hidden runs a program whose grandchild leaves its group, session and parent, and gives the grandchild's number.
func hidden(t *testing.T, cmd *exec.Cmd, dir string) int {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	await(t, "the grandchild", func() bool {
		raw, err := os.ReadFile(filepath.Join(dir, "grandchild"))
		pid, _ = strconv.Atoi(string(raw))
		return err == nil && pid > 0
	})
	if !alive(pid) {
		t.Fatal("the grandchild is gone too early")
	}
	return pid
}

func TestGrandchildrenEndWithTheProgram(t *testing.T) {
	t.Parallel()
	c := needs(t, all)
	dir := t.TempDir()
	cmd := command(t, c, dir, nil, os.Args[0], "villain", "hide", "wait-for-file")
	pid := hidden(t, cmd, dir)
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("the grandchild outlived the program")
	}
}

func TestGrandchildrenEndWithAurora(t *testing.T) {
	t.Parallel()
	needs(t, all)
	dir := t.TempDir()
	aurora := exec.Command(os.Args[0], "villain", "aurora", dir)
	pid := hidden(t, aurora, dir)
	if err := aurora.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = aurora.Wait()
	await(t, "the grandchild to end with Aurora", func() bool { return !alive(pid) })
}

func TestGrandchildrenEndWhenTheRunIsStopped(t *testing.T) {
	t.Parallel()
	c := needs(t, all)
	dir := t.TempDir()
	cmd := command(t, c, dir, nil, os.Args[0], "villain", "hide", "stubborn")
	pid := hidden(t, cmd, dir)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_ = cmd.Wait()
	if alive(pid) || time.Since(began) < termGrace/2 {
		t.Errorf("alive %t after %s", alive(pid), time.Since(began))
	}
}

func TestStrengthIsSaid(t *testing.T) {
	t.Parallel()
	full := Strength{Landlock: 7, Calls: true, Connect: true}
	if len(full.Lacks()) != 0 || !strings.Contains(full.String(), "proxy") {
		t.Errorf("%v %s", full.Lacks(), full)
	}
	if len(Strength{}.Lacks()) != 2 || strings.Contains(Strength{}.String(), "Landlock") {
		t.Errorf("%v %s", Strength{}.Lacks(), Strength{})
	}
	for _, c := range []struct {
		s    Strength
		says string
	}{
		{Strength{Landlock: 5, Calls: true, Connect: true}, "signals"}, {Strength{Landlock: 2, Calls: true, Connect: true}, "signals"},
		{Strength{Landlock: 0, Calls: true, Connect: true}, "signals"}, {Strength{Landlock: 6}, "owner"}, {Strength{Landlock: 2}, "cut them"},
	} {
		if lacks := strings.Join(c.s.Lacks(), "\n"); !strings.Contains(lacks, c.says) {
			t.Errorf("%+v: %s", c.s, lacks)
		}
	}
	for release, want := range map[string]bool{"5.8.0": false, "5.9": true, "5.10.0-8-amd64": true, "6.18.44-fc": true, "4.19": false, "nonsense": false} {
		if newer(release, handsOver) != want {
			t.Errorf("%s: %t", release, !want)
		}
	}
}
