package slack

import (
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
)

// Slack's limits for a table block, of which a message may have one.
const (
	mostTableRows    = 100 // the names of the columns are one of them
	mostTableColumns = 20
	mostTable        = 8000 // characters of a table as JSON, which leaves room for what stands around it
	mostCell         = 150  // characters of a cell
	fewestRows       = 10   // rows a table that was cut must show to be worth it
	noCell           = "–"  // Slack takes no empty cell
)

// wholeTable draws a table of which nothing may be lost: as Slack's own where it fits, else as aligned text.
func (d *drawing) wholeTable(t bot.Table) {
	if b, shown := d.tableBlock(t); shown == len(t.Rows) && len(t.Rows) > 0 && !clipped(t) {
		d.putTable(b)
		return
	}
	d.preformatted(aligned(t, len(t.Rows)))
}

// firstRows draws as much of a table as fits and tells how many rows that are.
func (d *drawing) firstRows(t bot.Table) (shown int) {
	b, shown := d.tableBlock(t)
	if shown == len(t.Rows) && shown > 0 || shown >= fewestRows {
		d.putTable(b)
		return shown
	}
	text, size := "", outputHead+outputTail
	for shown = len(t.Rows); shown > 0; shown = min(shown-1, shown*size/runes(text)) {
		if text = aligned(t, shown); runes(text) <= size {
			break
		}
	}
	d.preformatted(text)
	return shown
}

func (d *drawing) putTable(b slackgo.Block) {
	d.block(b)
	d.tabled = true
}

// tableBlock makes Slack's own table of as many rows as it takes; none where it takes no table at all.
func (d *drawing) tableBlock(t bot.Table) (b *slackgo.TableBlock, shown int) {
	if !d.tables || d.tabled || len(t.Columns) == 0 || len(t.Columns) > mostTableColumns {
		return nil, 0
	}
	b = slackgo.NewTableBlock("")
	head := make([]slackgo.TableCell, len(t.Columns))
	for i, c := range t.Columns {
		name := span{text: cell(c.Name), style: style{bold: true}}
		head[i] = slackgo.NewTableRichTextCell(slackgo.NewRichTextSection(elements([]span{name})...))
		setting := slackgo.ColumnSetting{Align: slackgo.ColumnAlignmentLeft}
		if c.Number {
			setting.Align = slackgo.ColumnAlignmentRight
		}
		b.ColumnSettings = append(b.ColumnSettings, setting)
	}
	b.AddRow(head...)
	size := jsonSize(b)
	for _, row := range t.Rows {
		cells := make([]slackgo.TableCell, len(row))
		for i, text := range row {
			cells[i] = slackgo.NewTableRawTextCell(cell(text))
		}
		if size += jsonLength(cells); size > mostTable || len(b.Rows) == mostTableRows {
			return b, shown
		}
		b.AddRow(cells...)
		shown++
	}
	return b, shown
}

// cell makes a text fit for a cell: one line, never empty.
func cell(text string) string {
	if text = clip(visibleLine(text), mostCell); text == "" {
		return noCell
	}
	return text
}

// clipped tells whether a cell loses something in a table block.
func clipped(t bot.Table) bool {
	for _, row := range t.Rows {
		for _, text := range row {
			if runes(visibleLine(text)) > mostCell {
				return true
			}
		}
	}
	return false
}

// mostColumn is the width up to which the columns of a table are aligned.
const mostColumn = 40

// aligned writes the first rows of a table in a fixed width, figures on the right. A table without names has none.
func aligned(t bot.Table, rows int) string {
	lines := make([][]string, 0, rows+1)
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = visibleLine(c.Name)
	}
	lines = append(lines, names)
	for _, row := range t.Rows[:rows] {
		cells := make([]string, len(row))
		for i, text := range row {
			cells[i] = visibleLine(text)
		}
		lines = append(lines, cells)
	}
	widths := make([]int, len(t.Columns))
	for _, cells := range lines {
		for i, text := range cells {
			widths[i] = max(widths[i], min(runes(text), mostColumn))
		}
	}
	var out strings.Builder
	for _, cells := range lines {
		line := ""
		for i, text := range cells {
			gap := strings.Repeat(" ", max(0, widths[i]-runes(text)))
			if t.Columns[i].Number {
				line += gap + text + "  "
				continue
			}
			line += text + gap + "  "
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return out.String()
}

// readTable gives the text of a table as one would read it aloud.
func readTable(out *strings.Builder, b *slackgo.TableBlock) {
	for _, row := range b.Rows {
		var words []string
		for _, c := range row {
			switch c := c.(type) {
			case *slackgo.TableRawTextCell:
				words = append(words, c.Text)
			case *slackgo.TableRichTextCell:
				var name strings.Builder
				for _, e := range c.Elements {
					readElement(&name, e)
				}
				words = append(words, strings.TrimSpace(name.String()))
			}
		}
		out.WriteString(strings.Join(words, ", ") + "\n")
	}
}

// rowsSaid says how many rows there are and how many of them are shown.
func rowsSaid(shown, total int) string {
	switch {
	case shown < total:
		return fmt.Sprintf("the first %d of %d rows", shown, total)
	case total == 1:
		return "1 row"
	}
	return fmt.Sprintf("%d rows", total)
}
