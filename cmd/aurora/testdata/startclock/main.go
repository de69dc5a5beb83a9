// Command startclock stands in for a cloud CLI where it is measured how soon one is started: it answers with the time at
// which it was, in nanoseconds. It keeps no file, since a confined program has none that outlives its run.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	now := time.Now().UnixNano()
	if _, err := fmt.Printf("started at %d ns\n", now); err != nil {
		os.Exit(1)
	}
}
