package confine

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confineThread confines the thread it runs on, for good. It gives where attempts to connect are told, or -1 when the
// kernel decides on them alone.
func (k keeperOf) confineThread() (listener int, err error) {
	dropCapabilities()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, fmt.Errorf("give up new privileges: %w", err)
	}
	if err := k.restrict(); err != nil {
		return -1, err
	}
	return filterCalls(k.Strength)
}

// dropCapabilities gives up what root has beyond other users, such as looking into other processes. Who has none of it
// cannot give it up either, so errors say nothing.
func dropCapabilities() {
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	for c := range unix.CAP_LAST_CAP + 1 {
		_ = unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
	}
	const noRoot = 1<<0 | 1<<1 // SECBIT_NOROOT and its lock: being root brings no capability at exec
	_ = unix.Prctl(unix.PR_SET_SECUREBITS, noRoot, 0, 0, 0)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_ = unix.Capset(&header, &none[0])
}

// filterCalls installs the filter of system calls.
func filterCalls(s Strength) (int, error) {
	if !s.Calls {
		return -1, nil
	}
	program := filter(s.Connect)
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if !s.Connect {
		return -1, seccomp(0, &prog, nil)
	}
	var fd int
	err := seccomp(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog, &fd)
	if errors.Is(err, unix.EINVAL) { // before Linux 5.19
		err = seccomp(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog, &fd)
	}
	return fd, err
}

func seccomp(flags uintptr, prog *unix.SockFprog, fd *int) error {
	r, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(prog))) //nolint:gosec // as the kernel wants it
	if errno != 0 {
		return fmt.Errorf("filter system calls: %w", errno)
	}
	if fd != nil {
		*fd = int(r)
	}
	return nil
}
