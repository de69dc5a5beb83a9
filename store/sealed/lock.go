package sealed

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// takeLock locks a file until it is closed or the process ends, however it ends. The file stays: removing it would let
// two processes hold locks on two files of the same name.
func takeLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := os.ReadFile(path)
		_ = file.Close()
		return nil, fmt.Errorf("another process (%s) uses this data directory: stop it, or set another AURORA_DATA_DIR", who(holder))
	}
	if err == nil {
		err = note(file)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}

// note writes who holds the lock, for the message of the next one.
func note(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(file, "pid %d\n", os.Getpid())
	return err
}

func who(holder []byte) string {
	name := strings.TrimSpace(string(holder))
	if name == "" {
		return "pid unknown"
	}
	return name
}
