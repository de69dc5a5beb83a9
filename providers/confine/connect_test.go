package confine

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// A signal that comes while the keeper connects for a program must not look like a refusal to it.
func TestAnInterruptedConnectGoesOn(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	to := netip.MustParseAddrPort(listener.Addr().String())
	for _, begun := range []error{unix.EINTR, unix.EINPROGRESS} {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Close(fd) }()
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil && !errors.Is(err, unix.EINPROGRESS) {
			t.Fatal(err)
		}
		if err := connected(fd, begun); err != nil {
			t.Errorf("after %v: %v", begun, err)
		}
		if _, err := unix.Getpeername(fd); err != nil {
			t.Errorf("after %v nobody is at the other end: %v", begun, err)
		}
	}
}

func TestARefusalStaysOne(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := netip.MustParseAddrPort(listener.Addr().String())
	_ = listener.Close()
	if fd, err := dial(to); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("socket %d, %v", fd, err)
	}
}
