package providers

import "strings"

// Says tells whether a program said one of these words of its own: those of its command line it only repeats, and whoever
// wrote that could make it say anything. A connection is marked as broken by what a program says.
func Says(said string, argv []string, words ...string) bool {
	line := strings.Join(argv, " ")
	for _, w := range words {
		if strings.Contains(said, w) && !strings.Contains(line, w) {
			return true
		}
	}
	return false
}
