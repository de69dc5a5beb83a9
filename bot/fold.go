package bot

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	foldFree    = 40  // lines up to which nothing is folded
	foldItems   = 10  // items of a list that are shown
	foldDepth   = 5   // levels that are opened
	foldMembers = 60  // members of an object that are shown
	foldText    = 300 // characters of a text that are shown
	foldLine    = 100 // characters up to which plain values stay on one line
)

// folding writes a value with its long and deep parts cut, and counts the cuts.
type folding struct {
	out   strings.Builder
	whole bool // nothing is cut
	cuts  int
}

// fold writes a JSON value for people. left says what was cut.
func fold(v value) (text, left string) {
	if whole, short := unfolded(v); short {
		return whole, ""
	}
	var f folding
	f.write(v, 0)
	if f.cuts == 0 {
		return f.out.String(), ""
	}
	return f.out.String(), fmt.Sprintf("%d long or deep %s", f.cuts, plural(f.cuts, "part", "parts"))
}

// unfolded writes all of it where that is short enough to be read.
func unfolded(v value) (text string, short bool) {
	f := folding{whole: true}
	f.write(v, 0)
	text = f.out.String()
	return text, strings.Count(text, "\n") < foldFree && len(text) < foldFree*foldLine
}

func (f *folding) write(v value, depth int) {
	switch {
	case v.kind == 's':
		f.scalar(v)
	case len(v.parts) == 0:
		f.out.WriteString(string(v.kind) + closing(v))
	case !f.whole && depth >= foldDepth:
		f.cuts++
		fmt.Fprintf(&f.out, "%c… %d %s%s", v.kind, len(v.parts), plural(len(v.parts), "member", "members"), closing(v))
	case depth > 0 && f.line(v):
	default:
		f.parts(v, depth)
	}
}

func (f *folding) scalar(v value) {
	if f.whole || utf8.RuneCountInString(v.text) <= foldText {
		f.out.WriteString(v.quoted)
		return
	}
	f.cuts++
	shown := []rune(v.text)
	fmt.Fprintf(&f.out, "%s… %d characters more", quotedJSON(string(shown[:foldText])), len(shown)-foldText)
}

// line writes a few plain values on one line; false when they are too many or have parts.
func (f *folding) line(v value) bool {
	var words []string
	size := 0
	for i, p := range v.parts {
		word := p.quoted
		if v.kind == '{' {
			word = quotedJSON(v.keys[i]) + ": " + word
		}
		if size += len(word) + 2; p.kind != 's' || size > foldLine {
			return false
		}
		words = append(words, word)
	}
	f.out.WriteString(string(v.kind) + strings.Join(words, ", ") + closing(v))
	return true
}

func (f *folding) parts(v value, depth int) {
	most := foldMembers
	if v.kind == '[' {
		most = foldItems
	}
	if f.whole || len(v.parts) <= most+1 { // "1 more" takes the room of the one
		most = len(v.parts)
	}
	indent := "\n" + strings.Repeat("  ", depth+1)
	f.out.WriteByte(v.kind)
	for i, p := range v.parts[:most] {
		f.out.WriteString(indent)
		if v.kind == '{' {
			f.out.WriteString(quotedJSON(v.keys[i]) + ": ")
		}
		f.write(p, depth+1)
		if i < len(v.parts)-1 {
			f.out.WriteByte(',')
		}
	}
	if more := len(v.parts) - most; more > 0 {
		f.cuts++
		fmt.Fprintf(&f.out, "%s… %d more", indent, more)
	}
	f.out.WriteString("\n" + strings.Repeat("  ", depth) + closing(v))
}

func closing(v value) string {
	if v.kind == '[' {
		return "]"
	}
	return "}"
}
