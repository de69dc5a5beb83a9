package sql

import (
	"net"
	"os"
	"syscall"
	"time"
)

// What bounds a server that neither answers nor hangs up: its host has died, the network is cut. Without it a statement
// waits a quarter of an hour, which is how long the kernel sends it again, while the standby has long taken over.
const (
	statementPatience = 35 * time.Second // above statement_timeout, by which the server itself gives up
	unanswered        = 15 * time.Second // a segment that nobody acknowledges
	quietAfter        = 10 * time.Second // until an idle connection is asked whether it lives
	quietEvery        = 5 * time.Second
)

// tcpUserTimeout is TCP_USER_TIMEOUT of Linux, in milliseconds, which package syscall does not name.
const tcpUserTimeout = 18

var dialer = &net.Dialer{
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: quietAfter, Interval: quietEvery, Count: 3},
	Control: func(network, _ string, raw syscall.RawConn) error {
		if network == "unix" {
			return nil
		}
		var err error
		control := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(unanswered.Milliseconds()))
		})
		if control != nil {
			return control
		}
		return os.NewSyscallError("setsockopt", err)
	},
}
