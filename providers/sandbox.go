package providers

import "os/exec"

// Sandbox confines a process before it starts: it may rewrite its path, arguments, environment and attributes. dir is
// the run's private directory. An error means that the process must not start.
type Sandbox func(cmd *exec.Cmd, dir string) error
