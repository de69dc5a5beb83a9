package providers

import (
	"regexp"
	"strings"
)

const (
	longestQuery = 2 << 10   // bytes of a query that are parsed; people write some hundred
	mostWork     = 256 << 20 // bytes that a query may go through, or make: some seconds at worst
	mostWritten  = 16 << 20  // bytes of a document that is written out
	mostMembers  = 64        // that a format picks
)

// quoted are a query's strings, its JSON literals and its quoted names, as the query language's own lexer ends them.
var quoted = regexp.MustCompile("(?s)'(?:\\\\'|[^'])*'|`(?:\\\\.|[^`\\\\])*`|\"(?:\\\\.|[^\"\\\\])*\"")

var (
	joins  = regexp.MustCompile(`\bjoin\s*\(`)
	joined = regexp.MustCompile(`\bjoin\s*\(\s*'\s*,`) // by a separator that stands in the query, not in the document
)

// light tells a query that may be applied to a document of this size in our own process. The language shares what it
// selects twice, so that thirty times [@,@] is a small graph and a gigabyte when it is flattened, joined or written: how
// much a query can make of a document is bounded from its text, too high rather than too low.
func light(query string, size int) bool {
	if len(query) > longestQuery {
		return false
	}
	code, factor := outline(query)
	work := float64(size) * factor * spread(code) *
		float64(1+strings.Count(code, "'")+countAny(code, "[{(*|.&,=<>!@"))
	if strings.Contains(code, "join") {
		if len(joins.FindAllString(code, -1)) != len(joined.FindAllString(code, -1)) {
			return false
		}
		work *= float64(1 + len(query) - len(code))
	}
	if strings.Contains(code, "to_string") || strings.Contains(code, "keys") {
		const escaped = 8 // times the length, where every character needs it
		work *= float64(1 + len(query))
		for range strings.Count(code, "to_string") {
			work *= escaped
		}
	}
	return work <= mostWork
}

// outline gives a query with ' for each literal and " for each quoted name, and how many values its literals can put in
// the place of one.
func outline(query string) (code string, factor float64) {
	factor = 1
	code = quoted.ReplaceAllStringFunc(query, func(text string) string {
		if text[0] == '"' {
			return `"`
		}
		if text[0] == '`' {
			factor *= float64(1 + strings.Count(text, ","))
		}
		return "'"
	})
	return code, factor
}

// spread is how many times a query can select the same part of a document: each list or object of n expressions selects
// what it is applied to n times, and they follow on one another.
func spread(code string) float64 {
	times := 1.0
	var open []float64 // how many expressions each open bracket has so far
	merging := strings.Contains(code, "merge")
	for i, r := range code {
		switch r {
		case '[', '{', '(':
			open = append(open, 1)
		case ',':
			if len(open) > 0 {
				open[len(open)-1]++
			}
		case ']', '}', ')':
			if len(open) == 0 {
				continue // no query: it will not be applied
			}
			if r != ')' || merging { // a function gives no more than one argument holds
				times *= open[len(open)-1]
			}
			open = open[:len(open)-1]
		case '*':
			if i == 0 || code[i-1] != '[' {
				times *= 2 // an object's values come with as many nulls
			}
		}
	}
	return times
}

func countAny(text, chars string) (n int) {
	for _, r := range text {
		if strings.ContainsRune(chars, r) {
			n++
		}
	}
	return n
}

// writable tells whether a document stays within mostWritten when it is written out, indented.
func writable(doc any) bool {
	left := mostWritten
	return fits(doc, 1, &left)
}

func fits(node any, depth int, left *int) bool {
	const plain = 8 // bytes of a number or a literal, and of what stands around a value
	*left -= 2*depth + plain
	switch node := node.(type) {
	case string:
		*left -= len(node)
	case map[string]any:
		for name, value := range node {
			if *left -= len(name); !fits(value, depth+1, left) {
				return false
			}
		}
	case []any:
		for _, value := range node {
			if !fits(value, depth+1, left) {
				return false
			}
		}
	}
	return *left >= 0
}
