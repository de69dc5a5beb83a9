package policy

import "strings"

// nearest is the known word closest to what was written; empty when none is close. A known word that merely continues
// what was written counts as close: that is how people abbreviate.
func nearest(word string, known []string) string {
	best, bestCost := "", len(word)/3+2
	for _, k := range known {
		cost := distance(word, k, bestCost)
		if len(word) > 2 && strings.HasPrefix(k, word) {
			cost = 1
		}
		if cost < bestCost || cost == bestCost && best != "" && k < best {
			best, bestCost = k, cost
		}
	}
	return best
}

// distance counts edits (insert, drop, change, swap neighbours) and gives up at limit.
func distance(a, b string, limit int) int {
	if len(a) > 64 || len(b) > 64 || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var rows [3][66]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, prev, before := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return min(rows[len(a)%3][len(b)], limit)
}
