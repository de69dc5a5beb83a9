package slack

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
)

// renderer turns messages into what Slack shows. Every string that leaves goes through it.
type renderer struct {
	hosts  []string // of Aurora's own pages
	files  attached // which outputs come as a file as well
	bare   bool     // without the blocks that not every workspace takes
	shapes shapes
}

// with is the renderer for a message some of whose outputs come as files.
func (r renderer) with(files attached) renderer {
	r.files = files
	return r
}

const (
	linkAction  = "link" // action ids of buttons that only lead somewhere
	mostMessage = 60_000 // characters of a Text that are parsed at all
	mostRan     = 400    // characters of a command in the line about it
)

// message draws m.
func (r renderer) message(m bot.Message) rendered {
	r.shapes = shapes{}
	d := drawing{tables: !r.bare}
	r.draw(&d, m)
	r.rating(&d, m.Rating)
	out := rendered{text: r.fallback(m), blocks: d.fitted()}
	if len(out.blocks) == 0 {
		d.section(say(out.text))
		out.blocks = d.fitted()
	}
	return out
}

func (r renderer) draw(d *drawing, m bot.Message) {
	if m.Draft != "" {
		r.markdown(d, clip(m.Draft, mostMessage))
	}
	if m.Status != "" {
		d.section(span{text: clip(plain(m.Status), mostPiece), style: style{italic: true}})
	}
	drawLines(d, m.Running, runningSpans)
	if m.Notice != "" {
		d.section(sentence(m.Notice)...)
	}
	if m.Secret != "" {
		d.preformatted(m.Secret)
	}
	if m.Text != "" {
		r.markdown(d, clip(m.Text, mostMessage))
	}
	if m.Card != nil {
		drawCard(d, *m.Card)
	}
	for i, out := range m.Outputs {
		r.output(d, out, r.files[i])
	}
	drawLines(d, m.Ran, ranSpans)
	r.drawButtons(d, m)
}

// fallback is the text of notifications and screen readers.
func (r renderer) fallback(m bot.Message) string {
	var d drawing
	switch {
	case m.Notice != "":
		d.section(sentence(m.Notice)...)
	case m.Secret != "":
		d.section(say("For your eyes alone."))
	case m.Text != "":
		r.markdown(&d, clip(m.Text, mostMessage))
	case m.Card != nil:
		d.section(say(m.Card.Title), say("\n"), say(m.Card.Outcome))
	case m.Status != "":
		d.section(say(m.Status))
	case len(m.Outputs) > 0:
		d.section(say(m.Outputs[0].Title), say("\n"), say(clip(m.Outputs[0].Text, mostPiece/2)))
	case len(m.Ran) > 0:
		d.section(ranSpans(m.Ran[0])...)
	}
	d.close()
	if text := strings.TrimSpace(read(d.blocks)); text != "" {
		return text
	}
	return "Aurora has nothing to show here."
}

// read gives the text of blocks as one would read it aloud.
func read(blocks []slackgo.Block) string {
	var out strings.Builder
	for _, b := range blocks {
		switch b := b.(type) {
		case *slackgo.RichTextBlock:
			for _, e := range b.Elements {
				readElement(&out, e)
			}
		case *slackgo.TableBlock:
			readTable(&out, b)
		}
	}
	return out.String()
}

func readElement(out *strings.Builder, e slackgo.RichTextElement) {
	var spans []slackgo.RichTextSectionElement
	switch e := e.(type) {
	case *slackgo.RichTextSection:
		spans = e.Elements
	case *slackgo.RichTextPreformatted:
		spans = e.Elements
	case *slackgo.RichTextQuote:
		spans = e.Elements
	case *slackgo.RichTextList:
		for _, item := range e.Elements {
			out.WriteString("• ")
			readElement(out, item)
		}
	}
	for _, s := range spans {
		switch s := s.(type) {
		case *slackgo.RichTextSectionTextElement:
			out.WriteString(s.Text)
		case *slackgo.RichTextSectionLinkElement:
			out.WriteString(s.Text)
		}
	}
	if spans != nil {
		out.WriteString("\n")
	}
}

// drawLines shows commands, a line for each.
func drawLines[T any](d *drawing, all []T, spansOf func(T) []span) {
	var spans []span
	for i, one := range all {
		if i > 0 {
			spans = append(spans, say("\n"))
		}
		spans = append(spans, spansOf(one)...)
	}
	d.section(spans...)
}

// runningSpans says what runs, where, and for how long.
func runningSpans(r bot.Running) []span {
	spans := []span{say("⏳ ")}
	if len(r.Argv) > 0 {
		spans = append(spans, code(clip(commandLine(r.Argv), mostRan)))
	} else {
		spans = append(spans, say("a command that is for the person who asked alone"))
	}
	facts := ""
	for _, fact := range []struct{ label, value string }{{"", string(r.Cloud)}, {"account ", strings.Join(r.Accounts, ", ")}, {"", lasting(r.For)}} {
		if value := visibleLine(fact.value); value != "" {
			facts += " · " + fact.label + clip(value, 200)
		}
	}
	return append(spans, say(facts))
}

// lasting says for how long, "" for no time at all.
func lasting(d time.Duration) string {
	switch {
	case d < time.Second:
		return ""
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
}

var ranMarks = map[bot.RanState]string{bot.RanOK: "✓ ", bot.RanFailed: "✗ failed: ", bot.RanRefused: "✗ refused: ",
	bot.RanWaiting: "⏳ waits for a click: ", bot.RanUnknown: "? outcome unknown: "}

func ranSpans(r bot.Ran) []span {
	spans := []span{say(ranMarks[r.State])}
	if len(r.Argv) > 0 {
		spans = append(spans, code(clip(commandLine(r.Argv), mostRan)))
	}
	facts := ""
	for _, fact := range []struct{ label, value string }{{"account ", r.Account}, {"project ", r.Project}, {"", r.Region}, {"", r.Detail}} {
		if value := strings.TrimSpace(visibleLine(fact.value)); value != "" {
			facts += " · " + fact.label + clip(value, 500)
		}
	}
	return append(spans, sentence(facts)...)
}

// visibleLine makes a text fit for one line.
func visibleLine(s string) string {
	return strings.Join(strings.Fields(plain(s)), " ")
}

// drawButtons shows links to Aurora's own pages and the buttons.
func (r renderer) drawButtons(d *drawing, m bot.Message) {
	var elements []slackgo.BlockElement
	for i, link := range m.Links {
		u, err := url.Parse(link.URL)
		if err != nil || !ownPage(u, r.hosts) {
			d.section(say(clip(visibleLine(link.Label), mostLine)))
			continue
		}
		b := slackgo.NewButtonBlockElement(fmt.Sprintf("%s:%d", linkAction, i+1), "", label(link.Label, mostButtonText))
		b.URL = u.String()
		elements = append(elements, b)
	}
	seen := map[string]int{}
	for _, button := range m.Buttons {
		if button.Value == "" || runes(button.Value) > mostValue || len(elements) == mostButtons {
			continue // nothing a click could be recognised by
		}
		seen[button.Action]++
		b := pressable(button, seen[button.Action])
		elements = append(elements, b)
	}
	if len(elements) > 0 {
		d.block(slackgo.NewActionBlock("", elements[:min(len(elements), mostButtons)]...))
	}
}

// pressable draws a button. Its action id is unique in the message; what stands behind the colon is cut off again when
// it is pressed.
func pressable(button bot.Button, nth int) *slackgo.ButtonBlockElement {
	id := clip(strings.ReplaceAll(button.Action, ":", "_"), 200)
	if nth > 1 {
		id = fmt.Sprintf("%s:%d", id, nth)
	}
	b := slackgo.NewButtonBlockElement(id, button.Value, label(button.Label, mostButtonText))
	if button.Style == "primary" || button.Style == "danger" {
		b.Style = slackgo.Style(button.Style)
	}
	if q := button.Dialog; q != nil {
		b.Confirm = slackgo.NewConfirmationBlockObject(label(q.Title, 100), label(q.Text, 300), label(q.Yes, 30), label(q.No, 30))
		b.Confirm.Style = b.Style
	}
	return b
}

// label is a plain text object: nothing in it is parsed, not even emoji.
func label(text string, most int) *slackgo.TextBlockObject {
	text = visibleLine(text)
	if text == "" {
		text = "…"
	}
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, clip(text, most), false, false)
}
