package slacksim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// liveSequence is what Slack acts on in message text: mentions, dates, links.
var liveSequence = regexp.MustCompile(`<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>`)

// livePings lists what in a message would notify somebody, in the top-level text and in every block.
func livePings(text string, blocks []any) []string {
	var out []string
	add := func(t string) {
		for _, m := range liveSequence.FindAllStringSubmatch(t, -1) {
			if m[1] == "@" || m[1] == "!" && !strings.HasPrefix(m[2], "date^") {
				out = append(out, m[0])
			}
		}
	}
	if len(blocks) == 0 {
		add(text)
	}
	walk(blocks, func(o object) {
		switch o["type"] {
		case "mrkdwn", "markdown":
			add(str(o["text"]))
		case "user":
			out = append(out, "<@"+str(o["user_id"])+">")
		case "broadcast":
			out = append(out, "<!"+str(o["range"])+">")
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// webAddress finds addresses a link preview would be fetched for.
var webAddress = regexp.MustCompile(`https?://[^\s<>|"()\]]+`)

// unfurls lists the addresses Slack would fetch for a message whose sender left previews on.
func unfurls(text string, blocks []any) []string {
	out := webAddress.FindAllString(text, -1)
	walk(blocks, func(o object) {
		switch o["type"] {
		case "mrkdwn", "markdown":
			out = append(out, webAddress.FindAllString(str(o["text"]), -1)...)
		case "link":
			out = append(out, str(o["url"]))
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// walk visits every object in a JSON value, outer ones first.
func walk(v any, visit func(object)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walk(e, visit)
		}
	case object:
		visit(v)
		for _, key := range sortedKeys(v) {
			walk(v[key], visit)
		}
	}
}

func sortedKeys(o object) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// buttonsOf lists the buttons in blocks, in reading order.
func buttonsOf(blocks []any) []Button {
	var out []Button
	for _, b := range blocks {
		blockID := str(asObject(b)["block_id"])
		walk(b, func(o object) {
			if o["type"] != "button" {
				return
			}
			_, confirm := o["confirm"].(object)
			button := Button{
				ActionID: str(o["action_id"]), BlockID: blockID, Text: str(asObject(o["text"])["text"]), Value: str(o["value"]),
				Style: str(o["style"]), URL: str(o["url"]), Confirm: confirm,
			}
			for _, id := range asList(o["visible_to_user_ids"]) {
				button.VisibleTo = append(button.VisibleTo, str(id))
			}
			out = append(out, button)
		})
	}
	return out
}

// plain is what a person reads in a message.
func (s *Server) plain(ch *channel, m *message) string {
	var parts []string
	if len(m.blocks) == 0 {
		parts = append(parts, s.mrkdwn(m.text, ch.Team))
	}
	for _, b := range m.blocks {
		parts = append(parts, s.plainBlock(asObject(b), ch.Team))
	}
	for _, f := range m.files {
		parts = append(parts, "[file "+f.name+"]")
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "\n")
}

func (s *Server) plainBlock(b object, home string) string {
	switch b["type"] {
	case "section":
		return s.plainSection(b, home)
	case "header":
		return s.plainText(b["text"], home)
	case "context", "actions", "context_actions":
		return s.plainElements(b, home)
	case "divider":
		return "---"
	case "markdown":
		return str(b["text"])
	case "rich_text":
		return s.plainRich(asList(b["elements"]), home)
	case "table", "data_table":
		return s.plainTable(b, home)
	case "task_card":
		return s.plainTask(b, home)
	case "plan":
		lines := []string{str(b["title"])}
		for _, task := range asList(b["tasks"]) {
			lines = append(lines, s.plainTask(asObject(task), home))
		}
		return strings.Join(lines, "\n")
	case "alert":
		return s.plainText(b["text"], home)
	case "image":
		return "[image " + str(b["alt_text"]) + "]"
	case "input":
		return s.plainText(b["label"], home)
	}
	return ""
}

// plainTask is a task as a line, with what it says below.
func (s *Server) plainTask(b object, home string) string {
	lines := []string{"(" + firstOf(str(b["status"]), "pending") + ") " + str(b["title"])}
	for _, name := range []string{"details", "output"} {
		if o := asObject(b[name]); o != nil {
			lines = append(lines, s.plainRich(asList(o["elements"]), home))
		}
	}
	return strings.Join(lines, "\n")
}

func (s *Server) plainSection(b object, home string) string {
	lines := []string{s.plainText(b["text"], home)}
	for _, f := range asList(b["fields"]) {
		lines = append(lines, s.plainText(f, home))
	}
	if a := asObject(b["accessory"]); a != nil {
		lines = append(lines, s.plainElement(a, home))
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}

func (s *Server) plainElements(b object, home string) string {
	var parts []string
	for _, e := range asList(b["elements"]) {
		parts = append(parts, s.plainElement(asObject(e), home))
	}
	return strings.Join(parts, " ")
}

func (s *Server) plainElement(e object, home string) string {
	switch e["type"] {
	case "button":
		return "[" + s.plainText(e["text"], home) + "]"
	case "mrkdwn", "plain_text":
		return s.plainText(e, home)
	case "image":
		return "[image " + str(e["alt_text"]) + "]"
	case "feedback_buttons":
		return "[" + s.plainText(asObject(e["positive_button"])["text"], home) + "] [" + s.plainText(asObject(e["negative_button"])["text"], home) + "]"
	}
	return "[" + str(e["type"]) + "]"
}

// plainText renders a text object.
func (s *Server) plainText(v any, home string) string {
	o := asObject(v)
	if o["type"] == "mrkdwn" {
		return s.mrkdwn(str(o["text"]), home)
	}
	return str(o["text"])
}

// mrkdwn renders live sequences as a person reads them and undoes the escapes; marks such as *bold* stay.
func (s *Server) mrkdwn(text, home string) string {
	out := liveSequence.ReplaceAllStringFunc(text, func(found string) string {
		m := liveSequence.FindStringSubmatch(found)
		switch m[1] {
		case "@":
			return "@" + s.nameOf(m[2], home)
		case "#":
			return "#" + s.channelName(m[2])
		case "!":
			if m[3] != "" {
				return m[3]
			}
			return "@" + m[2]
		}
		if m[3] != "" {
			return m[3]
		}
		return m[2]
	})
	return unescape(out)
}

func (s *Server) nameOf(id, home string) string {
	if p, err := s.person(id, home); err == nil {
		return p.Name
	}
	return id
}

func (s *Server) channelName(id string) string {
	if c := s.channels[id]; c != nil {
		return c.Name
	}
	return id
}

func (s *Server) plainRich(elements []any, home string) string {
	var parts []string
	for _, e := range elements {
		o := asObject(e)
		inner := asList(o["elements"])
		if o["type"] != "rich_text_list" {
			parts = append(parts, s.plainRun(inner, home))
			continue
		}
		for i, item := range inner {
			mark := "• "
			if o["style"] == "ordered" {
				mark = fmt.Sprintf("%d. ", i+1)
			}
			parts = append(parts, mark+s.plainRun(asList(asObject(item)["elements"]), home))
		}
	}
	return strings.Join(parts, "\n")
}

func (s *Server) plainRun(elements []any, home string) string {
	var b strings.Builder
	for _, e := range elements {
		o := asObject(e)
		switch o["type"] {
		case "text":
			b.WriteString(str(o["text"]))
		case "user":
			b.WriteString("@" + s.nameOf(str(o["user_id"]), home))
		case "channel":
			b.WriteString("#" + s.channelName(str(o["channel_id"])))
		case "broadcast":
			b.WriteString("@" + str(o["range"]))
		case "emoji":
			b.WriteString(":" + str(o["name"]) + ":")
		case "link":
			b.WriteString(firstOf(str(o["text"]), str(o["url"])))
		case "date":
			b.WriteString(firstOf(str(o["fallback"]), str(o["format"])))
		}
	}
	return b.String()
}

func (s *Server) plainTable(b object, home string) string {
	var lines []string
	for _, row := range asList(b["rows"]) {
		var cells []string
		for _, cell := range asList(row) {
			o := asObject(cell)
			if o["type"] == "rich_text" {
				cells = append(cells, s.plainRich(asList(o["elements"]), home))
				continue
			}
			if text := str(o["text"]); text != "" || o["type"] != "raw_number" {
				cells = append(cells, text)
				continue
			}
			cells = append(cells, fmt.Sprint(o["value"]))
		}
		lines = append(lines, strings.Join(cells, " | "))
	}
	return strings.Join(lines, "\n")
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// str is a JSON string, or empty.
func str(v any) string {
	t, _ := v.(string)
	return t
}

// asObject is a JSON object, or nil.
func asObject(v any) object {
	o, _ := v.(object)
	return o
}

// asList is a JSON array, or nil.
func asList(v any) []any {
	l, _ := v.([]any)
	return l
}
