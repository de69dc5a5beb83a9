package bot

import "unicode"

// plain tells whether a character shows itself and nothing else: no control, no format character (zero-width, bidi,
// soft hyphen), no odd space, no private or unassigned code point, no filler that draws nothing.
func plain(r rune) bool {
	if r == ' ' || r == '\n' {
		return true
	}
	switch r {
	case '\u115F', '\u1160', '\u3164', '\uFFA0', '\u2800', '\u034F', '\u17B4', '\u17B5', unicode.ReplacementChar:
		return false
	}
	return unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Zs, r) &&
		!unicode.Is(unicode.Variation_Selector, r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}
