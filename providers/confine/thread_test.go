package confine

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// What is confined is never the first thread, whichever the scheduler has free.
func TestProgramsAreNotStartedFromTheFirstThread(t *testing.T) {
	t.Parallel()
	threads := make(chan int)
	for range 500 {
		onThread(func() { threads <- unix.Gettid() })
		if <-threads == os.Getpid() {
			t.Fatal("it ran on the first thread")
		}
	}
}
