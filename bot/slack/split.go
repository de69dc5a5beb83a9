package slack

import (
	"fmt"
	"slices"
	"strings"

	"aurora/bot"
)

const mostChunk = 2500 // characters of Markdown in one piece of a text

// Split cuts a message into as many as Slack's limits demand. Nothing is lost but the middle of long outputs. Buttons
// stay with the card they belong to, or with the end.
func (a *Adapter) Split(m bot.Message) []bot.Message { return a.render.split(m) }

func (r renderer) split(m bot.Message) []bot.Message {
	out := []bot.Message{{}}
	for i, part := range r.fitting(partsOf(m)) {
		last := &out[len(out)-1]
		if whole := joined(*last, part); i == 0 || r.fits(whole) {
			*last = whole
			continue
		}
		out = append(out, part)
	}
	return out
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
	var d drawing
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
// fence that is cut is closed and opened again.
func markdownPieces(text string, most int) []string {
	var out []string
	var piece strings.Builder
	fence := ""
	end := func() {
		body := strings.Trim(piece.String(), "\n")
		piece.Reset()
		if strings.TrimSpace(body) == "" {
			return
		}
		if fence != "" {
			body += "\n" + fenceMark(fence)
			piece.WriteString(fence + "\n")
		}
		out = append(out, body)
	}
	for _, line := range strings.SplitAfter(text, "\n") {
		for _, part := range pieces(line, most/2) {
			blank := fence == "" && strings.TrimSpace(part) == ""
			if n := runes(piece.String()); n+runes(part) > most || (blank && n > most/2) {
				end()
			}
			piece.WriteString(part)
		}
		fence = fenceAfter(fence, line)
	}
	fence = ""
	end()
	return out
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
