package cloudsim

import (
	"fmt"
	"strings"
)

// bootSteps are what a machine starts, in order; each waits for its disk a while.
var bootSteps = []string{"system clock", "entropy", "kernel modules", "root file system", "swap", "local file systems", "journal", "network", "name resolution", "time", "users", "secure shell"}

// console is what a machine wrote on its serial port: a boot of some hundred lines, among them the one that explains why
// the checkout is slow.
func console(name string) string {
	var b strings.Builder
	at := 0
	line := func(text string) {
		_, _ = fmt.Fprintf(&b, "[%5d.%06d] %s: %s\n", at/1000, at%1000*1000, name, text)
		at += 37
	}
	line("kernel 6.1 starts, 2 processors, 4096 MB")
	for i, step := range bootSteps {
		line("starting " + step)
		for part := range 12 {
			line(fmt.Sprintf("%s: unit %d of 12 is up", step, part+1))
		}
		line(fmt.Sprintf("started %s, %d of %d", step, i+1, len(bootSteps)))
	}
	line("app: connections to the database: 100 of 100 in use, requests wait")
	return b.String() + name + " login: "
}
