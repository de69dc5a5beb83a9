package slack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"aurora/bot"
)

const mostChunk = 2500 // characters of Markdown in one piece of a text

// Split cuts a message into as many as Slack's limits demand. Nothing is lost but the middle of long outputs. Buttons
// stay with the card they belong to, or with the end.
func (a *Adapter) Split(m bot.Message) []bot.Message { return a.render.split(m) }

func (r renderer) split(m bot.Message) []bot.Message {
	r.shapes = shapes{}
	if m.Card == nil && r.fits(m) {
		return []bot.Message{m}
	}
	var out []bot.Message
	for parts := r.fitting(partsOf(m)); len(parts) > 0; {
		whole, n := r.most(parts)
		out, parts = append(out, whole), parts[n:]
	}
	return out
}

// most joins as many of the first parts as fit into one message, at least one. It tries twice as many each time and then
// closes in: drawing is dear, and trying one more part each time would draw a long message as often as it has parts.
func (r renderer) most(parts []bot.Message) (whole bot.Message, n int) {
	whole, n = parts[0], 1
	over := len(parts) + 1 // so many do not fit
	for n+1 < over {
		try := min(2*n, (n+over)/2)
		longer := whole
		for _, part := range parts[n:try] {
			longer = joined(longer, part)
		}
		if r.fits(longer) {
			whole, n = longer, try
			continue
		}
		over = try
	}
	return whole, n
}

// fitting halves texts that take much more room than they have letters, such as one full of changes of style.
func (r renderer) fitting(parts []bot.Message) (out []bot.Message) {
	for _, part := range parts {
		n := runes(part.Text)
		if n < 100 || r.fits(part) {
			out = append(out, part)
			continue
		}
		var halves []bot.Message
		for _, half := range markdownPieces(part.Text, n/2+1) {
			halves = append(halves, bot.Message{Text: half})
		}
		out = append(out, r.fitting(halves)...)
	}
	return out
}

// valueToCome stands for a button's value, which is made when the message is sent.
const valueToCome = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// fits tells whether Slack takes a message in one.
func (r renderer) fits(m bot.Message) bool {
	all := attached{}
	for i := range m.Outputs {
		all[i] = true // the longer form counts
	}
	m.Buttons = slices.Clone(m.Buttons)
	for i := range m.Buttons {
		if m.Buttons[i].Value == "" {
			m.Buttons[i].Value = valueToCome
		}
	}
	d := drawing{tables: !r.bare}
	r.with(all).draw(&d, m)
	d.close()
	return sum(d.sizes) <= mostJSON && len(d.blocks) <= mostBlocks
}

// partsOf gives the smallest messages m can be cut into, in the order they are shown.
func partsOf(m bot.Message) (parts []bot.Message) {
	if m.Status != "" {
		parts = append(parts, bot.Message{Status: clip(m.Status, mostChunk)})
	}
	for _, piece := range pieces(m.Notice, mostChunk) {
		parts = append(parts, bot.Message{Notice: piece})
	}
	for _, piece := range pieces(m.Secret, mostChunk) {
		parts = append(parts, bot.Message{Secret: piece})
	}
	for _, piece := range markdownPieces(m.Text, mostChunk) {
		parts = append(parts, bot.Message{Text: piece})
	}
	last := bot.Message{Links: m.Links, Buttons: m.Buttons}
	if m.Card != nil {
		parts = append(parts, wholeCommands(*m.Card)...)
		parts = append(parts, bot.Message{Card: m.Card, Links: m.Links, Buttons: m.Buttons})
		last = bot.Message{}
	}
	for _, o := range m.Outputs {
		parts = append(parts, bot.Message{Outputs: []bot.Output{o}})
	}
	for _, ran := range m.Ran {
		parts = append(parts, bot.Message{Ran: []bot.Ran{ran}})
	}
	if len(last.Links)+len(last.Buttons) > 0 {
		parts = append(parts, last)
	}
	return parts
}

// wholeCommands gives the commands that are too long for a card in full, to stand above it.
func wholeCommands(c bot.Card) (parts []bot.Message) {
	room := shownRoom(c)
	for i, shown := range c.Commands {
		text := spelled(shown.Argv)
		if runes(text) <= room {
			continue
		}
		for j, piece := range pieces(text, longOutput-500) {
			title := fmt.Sprintf("Command %d of %s, part %d", i+1, clip(c.ID, 60), j+1)
			parts = append(parts, bot.Message{Outputs: []bot.Output{{Title: title, Text: piece}}})
		}
	}
	return parts
}

// joined is m with part behind it. Parts come in the order they are shown, so every field only grows.
func joined(m, part bot.Message) bot.Message {
	if m.Status == "" {
		m.Status = part.Status
	}
	m.Notice += part.Notice
	m.Secret += part.Secret
	if m.Text != "" && part.Text != "" {
		m.Text += "\n\n"
	}
	m.Text += part.Text
	if part.Card != nil {
		m.Card = part.Card
	}
	m.Outputs = slices.Concat(m.Outputs, part.Outputs)
	m.Ran = slices.Concat(m.Ran, part.Ran)
	m.Links = slices.Concat(m.Links, part.Links)
	m.Buttons = slices.Concat(m.Buttons, part.Buttons)
	return m
}

// markdownPieces cuts a Markdown text into pieces of about most characters, between paragraphs, else between lines. A
// fence that is cut is closed and opened again, and a table goes on under the names of its columns.
func markdownPieces(text string, most int) []string {
	c := cutter{most: most}
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if c.fence == "" && i+1 < len(lines) && startsTable(line, lines[i+1]) {
			if c.size > most/2 {
				c.end() // the names and the dashes below them belong together
			}
			c.put(line)
			c.names = line
			continue
		}
		c.add(line)
		c.table(line)
		c.fence = fenceAfter(c.fence, line)
	}
	c.fence, c.head = "", ""
	c.end()
	return c.out
}

// cutter collects lines into pieces.
type cutter struct {
	most  int
	out   []string
	piece strings.Builder
	size  int    // characters of piece
	fence string // the line that opened the fence we are in
	head  string // names and dashes of the table we are in
	names string // the names of a table whose dashes come next
}

func (c *cutter) put(part string) {
	c.piece.WriteString(part)
	c.size += runes(part)
}

// add puts a line into the piece, or begins a new one.
func (c *cutter) add(line string) {
	for _, part := range pieces(line, c.most/2) {
		blank := c.fence == "" && strings.TrimSpace(part) == ""
		if blank {
			c.head = ""
		}
		if c.size+runes(part) > c.most || (blank && c.size > c.most/2) {
			c.end()
		}
		c.put(part)
	}
}

// end ends the piece and begins the next with what must be repeated there.
func (c *cutter) end() {
	body := strings.Trim(c.piece.String(), "\n")
	c.piece.Reset()
	c.size = 0
	if strings.TrimSpace(body) == "" {
		return
	}
	if c.fence != "" {
		body += "\n" + fenceMark(c.fence)
		c.put(c.fence + "\n")
	}
	if c.head != "" && runes(c.head) < c.most/4 {
		c.put(c.head)
	}
	c.out = append(c.out, body)
}

// table notes where a table begins and ends.
func (c *cutter) table(line string) {
	switch {
	case c.names != "":
		c.head, c.names = c.names+line, ""
	case c.fence != "" || strings.TrimSpace(line) == "" || !strings.Contains(line, "|"):
		c.head = ""
	}
}

var tableDashes = regexp.MustCompile(`^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$`)

// startsTable tells whether two lines are the names of a table's columns and the dashes below.
func startsTable(line, next string) bool {
	return strings.Contains(line, "|") && strings.Contains(next, "|") && tableDashes.MatchString(strings.TrimRight(next, "\r\n")) && runes(line)+runes(next) < 1000
}

// fenceAfter tells which fence is open behind a line: the line that opened it, or empty.
func fenceAfter(open, line string) string {
	line = strings.TrimSpace(line)
	mark := fenceMark(line)
	switch {
	case open == "" && len(mark) >= 3:
		return line
	case open != "" && mark == line && len(mark) >= len(fenceMark(open)) && mark[0] == open[0]:
		return ""
	}
	return open
}

// fenceMark is the run of backticks or tildes a line begins with.
func fenceMark(line string) string {
	if line == "" || (line[0] != '`' && line[0] != '~') {
		return ""
	}
	return line[:len(line)-len(strings.TrimLeft(line, line[:1]))]
}
