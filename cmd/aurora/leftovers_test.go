package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// A killed process leaves the directory of what it ran; the next start takes it away, and nobody else's.
func TestLeftoversOfDeadProcessesGo(t *testing.T) {
	base := t.TempDir()
	dead := exec.CommandContext(t.Context(), "true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	gone := []string{
		filepath.Join(base, fmt.Sprintf("%s%d-1-x", runsPrefix, dead.Process.Pid)),
		filepath.Join(base, fmt.Sprintf("%s%d-1-x", runsPrefix, os.Getpid())), // another process once had our number
	}
	kept := []string{filepath.Join(base, fmt.Sprintf("%s%d-%s-x", runsPrefix, os.Getppid(), startOf(os.Getppid()))), filepath.Join(base, runsPrefix+"notes"), filepath.Join(base, "other")}
	for _, dir := range slices.Concat(kept, gone) {
		if err := os.MkdirAll(filepath.Join(dir, "run-1"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	mine, err := newRunsDir(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range gone {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("the directory of a dead process is still there: %v", err)
		}
	}
	for _, dir := range append(kept, mine) {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("a directory in use went: %v", err)
		}
	}
}
