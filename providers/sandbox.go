package providers

import (
	"net/netip"
	"os/exec"
)

// Sandbox confines a process before it starts: it may rewrite its path, arguments, environment and attributes. An error
// means that the process must not start.
type Sandbox func(cmd *exec.Cmd, b Bounds) error

// Bounds are what a process may touch.
type Bounds struct {
	Dir   string           // the run's private directory, to write into
	Read  []string         // files and directories of the program itself, to read and to run
	Reach []netip.AddrPort // the only addresses it may connect to
}
