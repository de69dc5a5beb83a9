// Package confine runs a program where it can do little: it reads its own installation, writes into its run's private
// directory, connects to the addresses it was given, and ends, with all that it started, when the run or Aurora ends.
// The executor calls Sandbox before it starts a process; the process is then Aurora's own binary, which calls Reexec
// first of all, confines a thread of its own, starts the program from it, and stays as its keeper. It needs no
// privilege, and never lets a program start with less around it than Examine found at the start.
package confine

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"aurora/providers"
)

// word is the argument by which Aurora's binary knows that it is to be a keeper.
const word = "__confine"

// Confiner confines processes. Examine makes one.
type Confiner struct {
	Strength Strength
	self     string // the binary that calls Reexec
}

// Examine looks at what this kernel offers. The binary of this process must call Reexec first of all in main.
func Examine() *Confiner {
	return &Confiner{Strength: examine(), self: "/proc/self/exe"}
}

// Hide keeps this process's memory and environment, with Aurora's own secrets in them, from other processes of the same
// user, confined or not.
func Hide() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide this process's memory: %w", err)
	}
	return nil
}

// order is what a keeper is told, as JSON in its arguments: everyone on the machine may read it, so it holds no secret.
type order struct {
	Parent   int              `json:"parent"`
	Program  string           `json:"program"`
	Dir      string           `json:"dir"`
	Read     []string         `json:"read"`
	Reach    []netip.AddrPort `json:"reach"`
	Strength Strength         `json:"strength"`
}

// Sandbox makes the command one that a keeper starts. It is a providers.Sandbox.
func (c *Confiner) Sandbox(cmd *exec.Cmd, bounds providers.Bounds) error {
	o := order{
		Parent: os.Getpid(), Program: cmd.Path, Dir: bounds.Dir, Read: bounds.Read, Reach: bounds.Reach,
		Strength: c.Strength,
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write a keeper's order: %w", err)
	}
	cmd.Path, cmd.Args = c.self, append([]string{"aurora", word, string(raw)}, cmd.Args...)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM // the keeper takes the program's children with it
	return nil
}
