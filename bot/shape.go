package bot

import (
	"fmt"
	"strings"
)

// Shape is how something a command printed is best read. Everything in it is still untrusted text.
type Shape struct {
	Table *Table // things of one kind, one a row; nil where there is none
	Text  string // what is shown in a fixed width: all of it where there is no table, else what stood behind the table
	Left  string // what is not shown, as half a sentence: "12 further fields of each row"; empty when nothing is left out
}

// Table is rows of text under columns. Every row has as many cells as there are columns; a cell may be empty.
type Table struct {
	Columns []Column
	Rows    [][]string // the first of them, where there are very many
	Total   int        // how many there were
}

// Column is a column of a Table.
type Column struct {
	Name   string
	Number bool // all its cells are figures: they are aligned on the right
}

// mostShaped is the longest text that is looked at: what a command may print at all.
const mostShaped = 2 << 20

// Shape finds the form of an output: a JSON list of objects or a text table becomes a table of its telling columns, other
// JSON is folded, columns apart by tabs are aligned. What is none of these stays as it is.
func (o Output) Shape() Shape {
	text := strings.Trim(o.Text, "\n")
	if len(text) > mostShaped {
		return Shape{Text: text}
	}
	if value, rest, ok := readValue(text); ok && endsLine(rest) {
		return shapeValue(value, strings.TrimSpace(rest))
	}
	body, rest := cutNotes(text)
	if t, ok := readTable(body); ok {
		return Shape{Table: &t, Text: rest}
	}
	if aligned, ok := alignTabs(body); ok {
		return Shape{Text: joinTexts(aligned, rest)}
	}
	return Shape{Text: text}
}

// endsLine tells whether a value had its last line for itself. "[    0.000000] kernel starts" begins with a list only as
// far as a parser goes.
func endsLine(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\r")
	return rest == "" || rest[0] == '\n'
}

// shapeValue gives the form of a JSON value with what stood behind it.
func shapeValue(v value, rest string) Shape {
	name, list, beside := listIn(v)
	table, hidden := tableOf(name, list)
	if len(table.Columns) == 0 {
		text, left := fold(v)
		return Shape{Text: joinTexts(text, rest), Left: left}
	}
	s := Shape{Table: &table, Text: rest}
	var left []string
	if hidden > 0 {
		left = append(left, fmt.Sprintf("%d further %s of the rows", hidden, plural(hidden, "field", "fields")))
	}
	if beside > 0 {
		left = append(left, fmt.Sprintf("%d %s beside the list", beside, plural(beside, "member", "members")))
	}
	s.Left = strings.Join(left, " and ")
	return s
}

// cutNotes divides what a command printed from what the executor wrote behind it.
func cutNotes(text string) (body, notes string) {
	const mark = "\n[stderr]\n"
	if i := strings.LastIndex(text, mark); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, ""
}

func joinTexts(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
