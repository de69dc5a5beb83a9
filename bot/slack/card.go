package slack

import (
	"fmt"
	"strings"

	"aurora/bot"
)

const (
	mostCard    = 9000 // characters of a card as JSON, which leaves room for its buttons
	mostShown   = 2500 // characters of one command on a card; the whole of a longer one is posted before the card
	mostLine    = 300
	mostLines   = 15
	mostTouched = 2000
)

// drawCard shows everything a person needs to decide.
func drawCard(d *drawing, c bot.Card) { drawCardIn(d, c, shownRoom(c)) }

// shownRoom is how many characters of each command a card has room for.
func shownRoom(c bot.Card) int {
	for room := mostShown; room > 100; room /= 2 {
		var d drawing
		drawCardIn(&d, c, room)
		d.close()
		if sum(d.sizes) <= mostCard {
			return room
		}
	}
	return 100
}

func drawCardIn(d *drawing, c bot.Card, room int) {
	d.section(strong(clip(visibleLine(c.Title), mostLine)))
	for _, shown := range c.Commands {
		if mark := strings.TrimSuffix(strings.TrimSpace(ranMarks[shown.State]), ":"); mark != "" {
			d.section(say(mark))
		}
		text := spelled(shown.Argv)
		if runes(text) > room {
			text = clip(text, room) + "\n(the whole command stands above)"
		}
		d.preformatted(text)
	}
	drawFacts(d, c.Facts)
	for _, warning := range c.Warnings[:min(len(c.Warnings), mostLines)] {
		d.section(say("⚠ "), strong(clip(visibleLine(warning), mostLine)))
	}
	drawTouches(d, c.Touches, min(mostTouched, room*2))
	if c.Outcome != "" {
		d.section(strong(clip(visibleLine(c.Outcome), mostLine)))
	}
	if ref := strings.TrimSpace(clip(visibleLine(c.ID), 60) + " " + shortDigest(c.Digest)); ref != "" {
		d.section(span{text: ref, style: style{italic: true}})
	}
}

func shortDigest(digest string) string {
	if digest == "" {
		return ""
	}
	return "· digest " + visible(clip(digest, 20))
}

func drawFacts(d *drawing, facts []bot.Fact) {
	var spans []span
	for i, fact := range facts[:min(len(facts), mostLines)] {
		if i > 0 {
			spans = append(spans, say("\n"))
		}
		spans = append(spans, strong(clip(visibleLine(fact.Label), 60)+": "), say(clip(visible(fact.Value), mostLine)))
	}
	d.section(spans...)
}

// drawTouches shows names and tags as the cloud has them, set apart: anybody may have written them.
func drawTouches(d *drawing, touches []string, room int) {
	if len(touches) == 0 {
		return
	}
	var lines []string
	for i, touch := range touches {
		line := clip(visible(touch), mostLine)
		if room -= runes(line) + 1; room < 0 {
			lines = append(lines, fmt.Sprintf("… and %d more", len(touches)-i))
			break
		}
		lines = append(lines, line)
	}
	d.section(span{text: "What it touches, by the names it has there (text anybody may have written):", style: style{italic: true}})
	d.preformatted(strings.Join(lines, "\n"))
}

// spelled gives an argv element by element: each flag begins a line of its own, each element is quoted unless it is
// harmless.
func spelled(argv []string) string {
	var out strings.Builder
	for i, arg := range argv {
		switch {
		case i == 0:
		case strings.HasPrefix(arg, "-"):
			out.WriteString("\n  ")
		default:
			out.WriteString(" ")
		}
		out.WriteString(quoted(arg))
	}
	return out.String()
}
