// Command startclock stands in for a cloud CLI where it is measured how soon one is started: it notes the time beside
// itself, in nanoseconds, and prints an empty answer.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	now := time.Now().UnixNano()
	self, err := os.Executable()
	if err != nil {
		os.Exit(1)
	}
	f, err := os.OpenFile(filepath.Join(filepath.Dir(self), "started"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		os.Exit(1)
	}
	if _, err := fmt.Fprintln(f, now); err != nil || f.Close() != nil {
		os.Exit(1)
	}
	fmt.Println("{}")
}
