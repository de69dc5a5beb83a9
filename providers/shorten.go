package providers

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// shorten keeps the head and the tail of a text that is longer than limit bytes, cut at line ends where there are any
// near, and says how much is left out. The second result tells whether something was.
func shorten(text string, limit int) (string, bool) {
	if len(text) <= limit {
		return text, false
	}
	head, tail := limit*3/4, limit/4
	front := text[:head]
	if i := strings.LastIndexByte(front, '\n'); i > head/2 {
		front = front[:i]
	}
	back := text[len(text)-tail:]
	if i := strings.IndexByte(back, '\n'); i >= 0 && i < tail/2 {
		back = back[i+1:]
	}
	front, back = wholeRunes(front, back)
	left := len(text) - len(front) - len(back)
	return fmt.Sprintf("%s\n... %d bytes left out ...\n%s", front, left, back), true
}

func wholeRunes(front, back string) (string, string) {
	for len(front) > 0 && !utf8.ValidString(front[max(0, len(front)-utf8.UTFMax):]) && !utf8.RuneStart(front[len(front)-1]) {
		front = front[:len(front)-1]
	}
	if r, size := utf8.DecodeLastRuneInString(front); r == utf8.RuneError && size == 1 {
		front = front[:len(front)-1]
	}
	for len(back) > 0 && !utf8.RuneStart(back[0]) {
		back = back[1:]
	}
	return front, back
}
