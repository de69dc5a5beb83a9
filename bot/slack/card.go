package slack

import (
	"strings"

	"aurora/bot"
)

const (
	mostShown   = 2500 // characters of one command on a card; the whole of a longer one is posted before the card
	mostTouches = 30
	mostValueOf = 300
)

// drawCard shows everything a person needs to decide.
func drawCard(d *drawing, c bot.Card) {
	d.section(strong(visibleLine(c.Title)))
	for _, shown := range c.Commands {
		if mark := strings.TrimSuffix(strings.TrimSpace(ranMarks[shown.State]), ":"); mark != "" {
			d.section(say(mark))
		}
		text := spelled(shown.Argv)
		if runes(text) > mostShown {
			text = clip(text, mostShown) + "\n(the whole command stands above)"
		}
		d.preformatted(text)
	}
	drawFacts(d, c.Facts)
	for _, warning := range c.Warnings {
		d.section(say("⚠ "), strong(visibleLine(warning)))
	}
	drawTouches(d, c.Touches)
	if c.Outcome != "" {
		d.section(strong(visibleLine(c.Outcome)))
	}
	if ref := strings.TrimSpace(c.ID + " " + shortDigest(c.Digest)); ref != "" {
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
	for i, fact := range facts {
		if i > 0 {
			spans = append(spans, say("\n"))
		}
		spans = append(spans, strong(visibleLine(fact.Label)+": "), say(clip(visible(fact.Value), mostValueOf)))
	}
	d.section(spans...)
}

// drawTouches shows names and tags as the cloud has them, set apart: anybody may have written them.
func drawTouches(d *drawing, touches []string) {
	if len(touches) == 0 {
		return
	}
	lines := make([]string, 0, mostTouches)
	for i, touch := range touches {
		if i == mostTouches {
			lines = append(lines, "… and more")
			break
		}
		lines = append(lines, clip(visible(touch), mostValueOf))
	}
	d.section(span{text: "What it touches, by the names it has there (text anybody may have written):", style: style{italic: true}})
	d.preformatted(clip(strings.Join(lines, "\n"), mostPiece))
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
