package slack

import (
	"fmt"
	"strings"

	"aurora/bot"
)

const (
	longOutput = 5000 // characters from which an output is shown by its head and tail
	outputHead = 3000
	outputTail = 1500
)

// shapes remembers the forms of outputs while one message is made of them: finding a form means reading all of it.
type shapes map[string]bot.Shape

func (s shapes) of(o bot.Output) bot.Shape {
	shape, ok := s[o.Text]
	if !ok {
		shape = o.Shape()
		s[o.Text] = shape
	}
	return shape
}

// abridged tells whether an output is shown without some of its parts, so that a file of it is of use.
func (r renderer) abridged(o bot.Output) bool {
	r.shapes = shapes{}
	d := drawing{tables: !r.bare}
	return r.output(&d, o, false)
}

// output shows what a command printed: a table where it has the form of one, a long text by its head and tail. It tells
// whether something was left out; file says that all of it comes as a file as well.
func (r renderer) output(d *drawing, o bot.Output, file bool) (cut bool) {
	if title := strings.TrimSpace(plain(o.Title)); title != "" {
		d.section(strong(clip(title, 300)))
	}
	shape := r.shapes.of(o)
	var said []string
	if t := shape.Table; t != nil {
		shown := d.firstRows(*t)
		said = append(said, rowsSaid(shown, t.Total))
		cut = shown < t.Total || clipped(bot.Table{Rows: t.Rows[:shown]})
	}
	if shape.Left != "" {
		said = append(said, shape.Left+" not shown")
		cut = true
	}
	text := plain(shape.Text)
	switch {
	case strings.TrimSpace(text) == "" && shape.Table == nil:
		d.section(span{text: "(no output)", style: style{italic: true}})
	case runes(text) <= longOutput:
		d.preformatted(text)
	default:
		headAndTail(d, text, file)
		cut = true
	}
	if file && len(said) > 0 {
		said = append(said, "the file below has all of it")
	}
	d.section(span{text: strings.Join(said, " · "), style: style{italic: true}})
	return cut
}

func headAndTail(d *drawing, text string, file bool) {
	head, tail := pieces(text, outputHead)[0], tailOf(text, outputTail)
	left := text[len(head) : len(text)-len(tail)]
	d.preformatted(head)
	note := fmt.Sprintf("… %d characters on %d lines are left out here", runes(left), strings.Count(left, "\n")+1)
	if file {
		note += "; the file below has all of them"
	}
	d.section(span{text: note + " …", style: style{italic: true}})
	d.preformatted(tail)
}

// tailOf gives the last n characters, from the beginning of a line where there is one in the first half of them.
func tailOf(text string, n int) string {
	all := []rune(text)
	tail := string(all[len(all)-n:])
	if line := strings.IndexByte(tail, '\n'); line >= 0 && runes(tail[:line]) < n/2 {
		return tail[line+1:]
	}
	return tail
}
