package bot

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// readTable reads the tables that CLIs print: aws with its frames, az with a line of dashes below the names, gcloud, scw
// and kubectl with names in capitals above their columns. What does not fit into its columns in every line is none.
func readTable(text string) (Table, bool) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for _, read := range []func([]string) (Table, bool){framed, underlined, headed} {
		if t, ok := read(lines); ok {
			return t.Measured(), true
		}
	}
	return Table{}, false
}

// Measured finds out which columns are figures, besides those that are known to be.
func (t Table) Measured() Table {
	for i := range t.Columns {
		cells := make([]string, len(t.Rows))
		for j, row := range t.Rows {
			cells[j] = row[i]
		}
		t.Columns[i].Number = t.Columns[i].Number || rankOf([]string{t.Columns[i].Name}) > rankID && figures(cells)
	}
	return t
}

func (t *Table) add(cells []string) {
	if t.Total++; t.Total <= mostRows {
		t.Rows = append(t.Rows, cells)
	}
}

func newTable(names []string) Table {
	var t Table
	for _, name := range names {
		t.Columns = append(t.Columns, Column{Name: name})
	}
	return t
}

var frame = regexp.MustCompile(`^[+|]?-[-+|]*$`)

// framed reads | a | b |. A line of one cell above the names is the table's title.
func framed(lines []string) (Table, bool) {
	var t Table
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if frame.MatchString(line) {
			continue
		}
		if len(line) < 2 || line[0] != '|' || line[len(line)-1] != '|' {
			return Table{}, false
		}
		cells := strings.Split(line[1:len(line)-1], "|")
		for j := range cells {
			cells[j] = strings.TrimSpace(cells[j])
		}
		switch {
		case len(t.Columns) == 0 && len(cells) == 1 && i < 3:
		case len(t.Columns) == 0:
			t = newTable(cells)
		case len(cells) != len(t.Columns):
			return Table{}, false
		default:
			t.add(cells)
		}
	}
	return t, len(t.Columns) > 1 && len(t.Rows) > 0
}

var dashes = regexp.MustCompile(`^-+(  +-+)+ *$`)

// underlined reads names, dashes and rows; the dashes tell the columns.
func underlined(lines []string) (Table, bool) {
	if len(lines) < 3 || !dashes.MatchString(lines[1]) {
		return Table{}, false
	}
	return columnar(lines[0], lines[2:], begins(lines[1]))
}

var capitals = regexp.MustCompile(`^[A-Z][A-Z0-9_()/#%.-]*( [A-Z0-9_()/#%.-]+)*(  +[A-Z][A-Z0-9_()/#%.-]*( [A-Z0-9_()/#%.-]+)*)+ *$`)

// headed reads names in capitals and rows; the names tell the columns.
func headed(lines []string) (Table, bool) {
	if len(lines) < 2 || !capitals.MatchString(lines[0]) {
		return Table{}, false
	}
	return columnar(lines[0], lines[1:], begins(lines[0]))
}

// begins gives where each column begins, in characters: behind two spaces or more.
func begins(line string) []int {
	at := []int{0}
	spaces := 0
	for i, r := range []rune(line) {
		if r != ' ' && spaces > 1 {
			at = append(at, i)
		}
		if spaces++; r != ' ' {
			spaces = 0
		}
	}
	return at
}

func columnar(names string, lines []string, at []int) (Table, bool) {
	head, ok := cutAt(names, at)
	if !ok {
		return Table{}, false
	}
	t := newTable(head)
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		cells, ok := cutAt(line, at)
		if !ok {
			return Table{}, false
		}
		t.add(cells)
	}
	return t, len(t.Rows) > 0 && len(t.Columns) > 1
}

// cutAt cuts a line where the columns begin; false when a cell reaches into the next column.
func cutAt(line string, at []int) ([]string, bool) {
	letters := []rune(line)
	cells := make([]string, len(at))
	for i, from := range at {
		if from >= len(letters) {
			break
		}
		if from > 0 && letters[from-1] != ' ' {
			return nil, false
		}
		to := len(letters)
		if i+1 < len(at) {
			to = min(to, at[i+1])
		}
		cells[i] = strings.TrimSpace(string(letters[from:to]))
	}
	return cells, true
}

// mostAligned is the width up to which columns apart by tabs are aligned.
const mostAligned = 60

// alignTabs puts what stands behind tabs into columns, as in a terminal with wide enough tabs.
func alignTabs(text string) (string, bool) {
	lines := strings.Split(text, "\n")
	var widths []int
	tabs := 0
	for _, line := range lines {
		for i, cell := range strings.Split(line, "\t") {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], min(utf8.RuneCountInString(cell), mostAligned))
		}
		tabs += strings.Count(line, "\t")
	}
	width := 0
	for _, n := range widths {
		width += n + 2
	}
	if tabs == 0 || width*len(lines) > mostShaped {
		return "", false
	}
	var out strings.Builder
	for _, line := range lines {
		cells := strings.Split(line, "\t")
		for i, cell := range cells {
			out.WriteString(cell)
			if i < len(cells)-1 {
				out.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell))+2))
			}
		}
		out.WriteByte('\n')
	}
	return strings.TrimRight(out.String(), "\n"), true
}
