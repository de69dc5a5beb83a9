package policy

import "strings"

// nearest is the known word closest to what was written; empty when none is close. A known word that merely continues
// what was written counts as close: that is how people abbreviate.
func nearest(word string, known []string) string {
	best, bestCost := "", len(word)/3+2
	letters := lettersOf(word)
	for _, k := range known {
		if !alike(word, k) {
			continue
		}
		continues := len(word) > 2 && strings.HasPrefix(k, word)
		if !continues && max(len(word), len(k))-letters.shared(k) > bestCost {
			continue
		}
		cost := 1
		if !continues {
			cost = distance(word, k, bestCost+1)
		}
		if cost < bestCost || cost == bestCost && best != "" && (len(k) < len(best) || len(k) == len(best) && k < best) {
			best, bestCost = k, cost
		}
	}
	return best
}

// alike is a cheap first look: the first letters or the last ones agree.
func alike(a, b string) bool {
	x, y := strings.TrimLeft(a, "-"), strings.TrimLeft(b, "-")
	if x == "" || y == "" {
		return false
	}
	return x[0] == y[0] || len(x) > 2 && len(y) > 2 && (x[1] == y[1] && x[2] == y[2] || strings.HasSuffix(x, y[len(y)-3:]))
}

// letters count how often a word has each byte.
type letters [256]uint16

func lettersOf(word string) (l letters) {
	for i := range len(word) {
		l[word[i]]++
	}
	return l
}

// shared is how many bytes another word has in common, wherever they stand. At least as many edits as the longer word
// has others lie between the two, which is far quicker to find than how many there are.
func (l letters) shared(other string) (n int) {
	for i := range len(other) {
		if c := other[i]; l[c] > 0 {
			l[c]--
			n++
		}
	}
	return n
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
		least := i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit
		}
	}
	return min(rows[len(a)%3][len(b)], limit)
}
