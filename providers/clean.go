package providers

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Terminal sequences: CSI, OSC and the other string sequences (ended by BEL or ST, or cut off), and two-byte escapes.
var terminalSequences = regexp.MustCompile(
	"\x1b\\[[0-?]*[ -/]*[@-~]" +
		"|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?" +
		"|\x1b[ -/]*[0-~]?" +
		"|\u009b[0-?]*[ -/]*[@-~]")

// Clean takes out of text what could deceive a reader or a terminal: escape sequences, control characters, characters
// that reorder or hide text, and bytes that are not UTF-8. Line ends become \n. It is run before redaction, so that a
// secret cannot hide behind an invisible character.
func Clean(text string) string {
	if plain(text) {
		return text
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	text = terminalSequences.ReplaceAllString(text, "")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && hidden(r) {
			return -1
		}
		return r
	}, text)
}

func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < ' ' && c != '\n' && c != '\t') || c >= 0x7f {
			return false
		}
	}
	return true
}

// hidden covers control (Cc) and format (Cf: bidi overrides, zero width, tags, soft hyphen) characters, private use,
// and the fillers and variation selectors that show nothing.
func hidden(r rune) bool {
	if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) {
		return true
	}
	return r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\u034f' ||
		(r >= 0xfe00 && r <= 0xfe0f) || (r >= 0xe0100 && r <= 0xe01ef)
}
