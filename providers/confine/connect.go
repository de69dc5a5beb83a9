package confine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the kernel and a keeper say to each other about one system call: struct seccomp_notif, seccomp_notif_addfd and
// seccomp_notif_resp.
type (
	attempt struct {
		ID    uint64
		PID   uint32
		Flags uint32
		Call  int32
		Arch  uint32
		IP    uint64
		Args  [6]uint64
	}
	gift struct {
		ID       uint64
		Flags    uint32
		From, To uint32
		ToFlags  uint32
	}
	reply struct {
		ID    uint64
		Value int64
		Error int32
		Flags uint32
	}
)

const addFD = 0x40182103 // SECCOMP_IOCTL_NOTIF_ADDFD

// mediate answers every connect of the program. The program's own call is never let through: what it would connect to
// could be changed after it was looked at. Instead its socket is exchanged for one that the keeper has connected.
func mediate(listener int, reach []netip.AddrPort) {
	for {
		var a attempt
		if err := control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&a)); err != nil { //nolint:gosec // as the kernel wants it
			if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENOENT) { // the caller was interrupted, or is gone
				continue
			}
			return
		}
		r := reply{ID: a.ID}
		if errno := exchange(listener, a, reach); errno != 0 {
			r.Error = -int32(errno)
		}
		_ = control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r)) //nolint:gosec // as the kernel wants it; the caller may be gone
	}
}

func control(fd int, request uintptr, with unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(with)); errno != 0 {
		return errno
	}
	return nil
}

func exchange(listener int, a attempt, reach []netip.AddrPort) unix.Errno {
	to, errno := destination(a, reach)
	if errno != 0 {
		return errno
	}
	fd, err := dial(to)
	if err != nil {
		return unix.ECONNREFUSED
	}
	defer func() { _ = unix.Close(fd) }()
	number := uint32(a.Args[0])
	flags := fileFlags(a.PID, number)
	if err := unix.SetNonblock(fd, flags&unix.O_NONBLOCK != 0); err != nil {
		return unix.EBADF
	}
	g := gift{ID: a.ID, Flags: unix.SECCOMP_ADDFD_FLAG_SETFD, From: uint32(fd), To: number, ToFlags: flags & unix.O_CLOEXEC}
	if err := control(listener, addFD, unsafe.Pointer(&g)); err != nil { //nolint:gosec // as the kernel wants it
		return unix.EBADF
	}
	return 0
}

// destination is where the program wants to go, when it may. Where its memory cannot be read it gets the first address,
// which is its proxy: nothing depends on what was read.
func destination(a attempt, reach []netip.AddrPort) (netip.AddrPort, unix.Errno) {
	if len(reach) == 0 {
		return netip.AddrPort{}, unix.EACCES
	}
	raw := make([]byte, min(a.Args[2], unix.SizeofSockaddrAny))
	if len(raw) < unix.SizeofSockaddrInet4 {
		return netip.AddrPort{}, unix.EINVAL
	}
	local := []unix.Iovec{{Base: &raw[0], Len: uint64(len(raw))}}
	remote := []unix.RemoteIovec{{Base: uintptr(a.Args[1]), Len: len(raw)}}
	n, err := unix.ProcessVMReadv(int(a.PID), local, remote, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		return reach[0], 0
	}
	if err != nil || n != len(raw) {
		return netip.AddrPort{}, unix.EFAULT
	}
	to := address(raw)
	if !slices.Contains(reach, to) {
		return netip.AddrPort{}, unix.EACCES
	}
	return to, 0
}

// address reads a struct sockaddr; the zero value for what is neither IPv4 nor IPv6.
func address(raw []byte) netip.AddrPort {
	family, port := binary.NativeEndian.Uint16(raw), binary.BigEndian.Uint16(raw[2:])
	switch {
	case family == unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), port)
	case family == unix.AF_INET6 && len(raw) >= unix.SizeofSockaddrInet6-4: // the scope may be left out
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(raw[8:24])).Unmap(), port)
	}
	return netip.AddrPort{}
}

// dialPatience bounds the wait for a place in a listener's queue on loopback, in milliseconds.
const dialPatience = 5000

func dial(to netip.AddrPort) (int, error) {
	family, at := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
	if to.Addr().Is4() {
		family, at = unix.AF_INET, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	if err != nil {
		return -1, fmt.Errorf("make a socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := connected(fd, unix.Connect(fd, at)); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect to %s: %w", to, err)
	}
	return fd, nil
}

// connected waits for a connect that was begun. A signal to this process (the Go runtime sends itself many) only
// interrupts the wait: the kernel goes on connecting, and a second connect would be told so.
func connected(fd int, begun error) error {
	if !errors.Is(begun, unix.EINPROGRESS) && !errors.Is(begun, unix.EINTR) {
		return begun
	}
	for until := time.Now().Add(dialPatience * time.Millisecond); ; {
		left := time.Until(until).Milliseconds()
		if left <= 0 {
			return unix.ETIMEDOUT
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, int(left))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err //nolint:wrapcheck // dial says what was being done
		}
		if n > 0 {
			return pendingError(fd)
		}
	}
}

func pendingError(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err //nolint:wrapcheck // dial says what was being done
	}
	if code != 0 {
		return unix.Errno(code)
	}
	return nil
}

// fileFlags are the flags of a file that the program has open; those of a plain socket when they cannot be read.
func fileFlags(pid, fd uint32) uint32 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		return unix.O_CLOEXEC
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(value), 8, 32)
			if err == nil {
				return uint32(flags)
			}
		}
	}
	return unix.O_CLOEXEC
}
