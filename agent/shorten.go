package agent

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"aurora/providers"
)

// minAnswer is what an answer gets even when the turn's bytes are used up: enough for its status and an exit code.
const minAnswer = 512

// shorten keeps the head and the tail of text within limit bytes, and says what is left out. Invalid UTF-8 becomes U+FFFD.
func shorten(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	room := max(limit-48, 0) // for the sentence in the middle
	head := wholeHead(text, room*3/4)
	tail := wholeTail(text, room/4)
	return fmt.Sprintf("%s\n... %d bytes left out ...\n%s", head, len(text)-len(head)-len(tail), tail)
}

func wholeHead(text string, n int) string {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

func wholeTail(text string, n int) string {
	from := len(text) - n
	for from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	return text[from:]
}

// fit writes a result for the model within limit bytes of JSON: the output loses its middle, the facts stay.
func fit(res providers.Result, limit int) json.RawMessage {
	if !res.Ran() {
		res.Error = shorten(res.Error, limit/2)
	}
	raw, full := res.ModelJSON(), res.Output
	for budget := limit; len(raw) > limit && budget > 64; budget = budget * 2 / 3 {
		res.Output, res.Truncated = shorten(full, budget), true
		if len(res.Sections) == 1 { // a single section's facts stand for the whole
			one := res.Sections[0]
			one.Truncated = true
			res.Sections = []providers.Section{one}
		}
		raw = res.ModelJSON()
	}
	if len(raw) <= limit {
		return raw
	}
	return providers.Result{
		Code: codeLimit, Error: "It ran (" + stateOf(res) + "), but its result is too large to show. Ask for less: a filter, fewer fields, one account.",
	}.ModelJSON()
}
