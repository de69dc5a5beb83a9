package slacksim

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// typedToken finds what a Slack client turns into a link or mention while somebody types.
var typedToken = regexp.MustCompile(`<@[UW][A-Z0-9]+>|@[a-zA-Z0-9][a-zA-Z0-9._-]*|#[a-z0-9][a-z0-9_-]*|https?://[^\s<>|"]+` +
	`|[a-zA-Z0-9._%+-]+@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*\.[a-z]{2,}|(?:[a-zA-Z0-9-]+\.)+(?:com|net|org|io|dev|example)\b(?:/[^\s<>|"]*)?`)

// spoken is one run of typed text: plain, or something live.
type spoken struct {
	kind  string // text, user, channel, link, broadcast
	value string // user or channel id, url, broadcast range; the text itself for text
	label string // what was typed
}

// listenTo splits typed text the way a Slack client does.
func (s *Server) listenTo(typed string, home string) []spoken {
	var out []spoken
	text := func(t string) {
		if t == "" {
			return
		}
		if n := len(out); n > 0 && out[n-1].kind == "text" {
			out[n-1].value += t
			return
		}
		out = append(out, spoken{kind: "text", value: t})
	}
	at := 0
	for _, span := range typedToken.FindAllStringIndex(typed, -1) {
		if span[0] > 0 && joined(typed[:span[0]]) {
			continue
		}
		word := typed[span[0]:span[1]]
		live, ok := s.live(word, home)
		if !ok {
			continue
		}
		text(typed[at:span[0]])
		out = append(out, live)
		at = span[0] + len(live.label)
	}
	text(typed[at:])
	return out
}

// joined tells whether the text before a word is glued to it, so that "a@b" mentions nobody.
func joined(before string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	return r == '@' || r == '#' || r == '/' || r == '.' || r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// live resolves one word to what a client would make of it.
func (s *Server) live(word, home string) (spoken, bool) {
	switch {
	case strings.HasPrefix(word, "<@"):
		p, err := s.person(word[2:len(word)-1], home)
		return spoken{kind: "user", value: word[2 : len(word)-1], label: word}, err == nil && p != nil
	case word == "@here", word == "@channel", word == "@everyone":
		return spoken{kind: "broadcast", value: word[1:], label: word}, true
	case word[0] == '@':
		return s.liveName(word, home)
	case word[0] == '#':
		for _, id := range s.channelOrder {
			if c := s.channels[id]; c.dm == "" && c.Name == word[1:] && c.in(home) {
				return spoken{kind: "channel", value: id, label: word}, true
			}
		}
		return spoken{}, false
	}
	word = strings.TrimRight(word, ".,;:!?)'")
	switch {
	case strings.Contains(word, "://"):
		return spoken{kind: "link", value: word, label: word}, true
	case strings.Contains(word, "@"):
		return spoken{kind: "link", value: "mailto:" + word, label: word}, true
	}
	return spoken{kind: "link", value: "http://" + word, label: word}, true
}

// liveName resolves @name; trailing punctuation is not part of a handle.
func (s *Server) liveName(word, home string) (spoken, bool) {
	for name := word[1:]; name != ""; name = name[:len(name)-1] {
		for _, key := range s.peopleOrder {
			if p := s.people[key]; p.Name == name && (p.Team == home || s.teams[p.Team].Foreign) {
				return spoken{kind: "user", value: p.ID, label: "@" + name}, true
			}
		}
		if last := name[len(name)-1]; last != '.' && last != '-' && last != '_' {
			break
		}
	}
	return spoken{}, false
}

// wireText is the text of a message event for what was typed.
func wireText(parts []spoken) string {
	var b strings.Builder
	for _, p := range parts {
		switch p.kind {
		case "text":
			b.WriteString(escape(p.value))
		case "user":
			b.WriteString("<@" + p.value + ">")
		case "channel":
			b.WriteString("<#" + p.value + "|" + p.label[1:] + ">")
		case "broadcast":
			b.WriteString("<!" + p.value + ">")
		case "link":
			b.WriteString(wireLink(p))
		}
	}
	return b.String()
}

func wireLink(p spoken) string {
	if p.value == p.label {
		return "<" + escape(p.value) + ">"
	}
	return "<" + escape(p.value) + "|" + escape(p.label) + ">"
}

// commandText is the text of a slash command with should_escape: names carry their label.
func (s *Server) commandText(parts []spoken, home string) string {
	var b strings.Builder
	for _, p := range parts {
		switch p.kind {
		case "user":
			name := strings.TrimPrefix(p.label, "@")
			if who, err := s.person(p.value, home); err == nil {
				name = who.Name
			}
			b.WriteString("<@" + p.value + "|" + name + ">")
		default:
			b.WriteString(wireText([]spoken{p}))
		}
	}
	return b.String()
}

// richText is the block every message typed by a person carries.
func richText(parts []spoken) []any {
	var elements []any
	for _, p := range parts {
		switch p.kind {
		case "text":
			elements = append(elements, object{"type": "text", "text": p.value})
		case "user":
			elements = append(elements, object{"type": "user", "user_id": p.value})
		case "channel":
			elements = append(elements, object{"type": "channel", "channel_id": p.value})
		case "broadcast":
			elements = append(elements, object{"type": "broadcast", "range": p.value})
		case "link":
			link := object{"type": "link", "url": p.value}
			if p.label != p.value {
				link["text"] = p.label
			}
			elements = append(elements, link)
		}
	}
	section := object{"type": "rich_text_section", "elements": elements}
	return []any{object{"type": "rich_text", "block_id": newID(5), "elements": []any{section}}}
}

// escape escapes the three characters that mean something to Slack.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func unescape(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}
