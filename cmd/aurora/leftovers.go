package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// runsPrefix names the directories below which commands run, each with the process that made it.
const runsPrefix = "aurora-runs-"

// newRunsDir makes the directory below which this process's commands run, and takes away what dead processes left: a
// killed one cannot remove the private directories, and session credentials, of what it was running.
func newRunsDir(base string) (string, error) {
	if err := sweepRuns(base); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(base, fmt.Sprintf("%s%d-%s-", runsPrefix, os.Getpid(), startOf(os.Getpid())))
	if err != nil {
		return "", fmt.Errorf("make a place for commands to run in: %w", err)
	}
	return dir, nil
}

func sweepRuns(base string) error {
	found, err := filepath.Glob(filepath.Join(base, runsPrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for leftovers of commands: %w", err)
	}
	for _, dir := range found {
		if !left(filepath.Base(dir)) {
			continue
		}
		// What belongs to another account cannot be removed, and is not ours to remove.
		if err := os.RemoveAll(dir); err != nil && !errors.Is(err, os.ErrPermission) {
			return fmt.Errorf("remove leftovers of commands: %w", err)
		}
	}
	return nil
}

// left tells whether the process that made a directory is gone. Its number alone does not tell: in a container the
// next process gets the same one.
func left(name string) bool {
	parts := strings.SplitN(strings.TrimPrefix(name, runsPrefix), "-", 3)
	if len(parts) != 3 {
		return false
	}
	pid, err := strconv.Atoi(parts[0])
	if err != nil || pid <= 0 {
		return false
	}
	return startOf(pid) != parts[1]
}

// startOf is when a process was started, in ticks since boot as /proc tells it; "none" when there is no such process.
func startOf(pid int) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "none"
	}
	// The second field is the program's name in brackets and may hold blanks; the start is the 22nd field.
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return "none"
	}
	return fields[19]
}
