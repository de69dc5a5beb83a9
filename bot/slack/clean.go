package slack

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ansi finds terminal control sequences.
var ansi = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[ -/]*[0-~])")

// plain makes any string fit to be shown: valid UTF-8 without terminal sequences, control characters or anything that
// turns the direction of the text.
func plain(s string) string {
	s = ansi.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == 0x2028 || r == 0x2029: // line and paragraph separators
			return '\n'
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}

// blanks are letters and marks that show nothing although Unicode does not count them among the format characters.
var blanks = map[rune]bool{0x034F: true, 0x115F: true, 0x1160: true, 0x17B4: true, 0x17B5: true, 0x2800: true, 0x3164: true, 0xFFA0: true}

// visible spells out every character one cannot see as \u{...}, so that what is approved is what runs.
func visible(s string) string {
	var out strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if r != ' ' && hidden(r) {
			fmt.Fprintf(&out, `\u{%x}`, r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func hidden(r rune) bool {
	return !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) || blanks[r] ||
		unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape is all the escaping Slack's text needs.
func escape(s string) string { return escaper.Replace(s) }

// escapeWithin escapes s and cuts it so that n characters are enough, never inside an escape.
func escapeWithin(s string, n int) string {
	if escaped := escape(s); runes(escaped) <= n {
		return escaped
	}
	var out strings.Builder
	size := 0
	for _, r := range s {
		word := escape(string(r))
		if size += runes(word); size > n-1 {
			break
		}
		out.WriteString(word)
	}
	return out.String() + "…"
}

func runes(s string) int { return utf8.RuneCountInString(s) }

// clip shortens s to n characters, the last of which then is an ellipsis.
func clip(s string, n int) string {
	if runes(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// pieces cuts s into parts of at most n characters, behind a line end or a space where there is one in the second half.
// Joined they are s again.
func pieces(s string, n int) []string {
	var out []string
	rest := []rune(s)
	for len(rest) > n {
		cut := n
		for _, mark := range []rune{'\n', ' '} {
			if at := lastRune(rest[:n], mark); at >= n/2 {
				cut = at + 1
				break
			}
		}
		out = append(out, string(rest[:cut]))
		rest = rest[cut:]
	}
	if len(rest) > 0 {
		out = append(out, string(rest))
	}
	return out
}

func lastRune(in []rune, r rune) int {
	for i := len(in) - 1; i >= 0; i-- {
		if in[i] == r {
			return i
		}
	}
	return -1
}

// quoted gives an argument as a person can read it and no other argument would look: bare when it is harmless.
func quoted(arg string) string {
	if arg != "" && bare.MatchString(arg) {
		return arg
	}
	return "'" + strings.ReplaceAll(visible(arg), "'", `'\''`) + "'"
}

var bare = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// commandLine gives an argv in one line.
func commandLine(argv []string) string {
	words := make([]string, len(argv))
	for i, arg := range argv {
		words[i] = quoted(arg)
	}
	return strings.Join(words, " ")
}
