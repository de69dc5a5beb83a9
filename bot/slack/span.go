package slack

import (
	"strings"

	slackgo "github.com/slack-go/slack"
)

// span is a run of text in one style, and a link where url is set.
type span struct {
	text  string
	url   string
	style style
}

type style struct{ bold, italic, strike, code bool }

func (s style) slack() *slackgo.RichTextSectionTextStyle {
	if s == (style{}) {
		return nil
	}
	return &slackgo.RichTextSectionTextStyle{Bold: s.bold, Italic: s.italic, Strike: s.strike, Code: s.code}
}

func say(text string) span    { return span{text: text} }
func strong(text string) span { return span{text: text, style: style{bold: true}} }
func code(text string) span   { return span{text: text, style: style{code: true}} }

// sentence draws words between backquotes as code, as Aurora's own sentences write what one can say. A lone backquote
// stays what it is.
func sentence(text string) []span {
	var spans []span
	for {
		before, rest, opened := strings.Cut(text, "`")
		word, after, closed := strings.Cut(rest, "`")
		if !opened || !closed || word == "" || strings.Contains(word, "\n") {
			return append(spans, say(text))
		}
		spans, text = append(spans, say(before), code(word)), after
	}
}

// cutSpans cleans spans and divides them into parts of at most mostPiece characters, none of them empty.
func cutSpans(spans []span) [][]span {
	var parts [][]span
	var part []span
	size := 0
	for _, s := range merged(spans) {
		if s.url != "" { // a link is not cut: it would lead there twice
			s.text = clip(s.text, mostPiece/4)
		}
		for _, text := range fill(s, mostPiece-elementCost-size) {
			n := runes(text) + runes(s.url) + elementCost
			if size+n > mostPiece && len(part) > 0 {
				parts, part, size = append(parts, part), nil, 0
			}
			part = append(part, span{text: text, url: s.url, style: s.style})
			size += n
		}
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

// merged cleans spans, drops empty ones and makes one of neighbours that look the same.
func merged(spans []span) (out []span) {
	for _, s := range spans {
		if s.text = plain(s.text); s.text == "" {
			continue
		}
		if n := len(out); n > 0 && s.url == "" && out[n-1].url == "" && out[n-1].style == s.style {
			out[n-1].text += s.text
			continue
		}
		out = append(out, s)
	}
	return out
}

// fill cuts a span so that its first piece fits into room and no other is longer than a part.
func fill(s span, room int) []string {
	if s.url != "" || runes(s.text) <= room {
		return []string{s.text}
	}
	return pieces(s.text, mostPiece-elementCost)
}

// elements gives Slack's form of spans.
func elements(spans []span) []slackgo.RichTextSectionElement {
	out := make([]slackgo.RichTextSectionElement, 0, len(spans))
	for _, s := range spans {
		if s.url != "" {
			out = append(out, slackgo.NewRichTextSectionLinkElement(s.url, s.text, s.style.slack()))
			continue
		}
		out = append(out, slackgo.NewRichTextSectionTextElement(s.text, s.style.slack()))
	}
	return out
}

// words gives the text of spans alone.
func words(spans []span) (text string) {
	for _, s := range spans {
		text += s.text
	}
	return text
}
