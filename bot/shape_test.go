package bot

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// drawnShape writes a shape so that a person can compare it.
func drawnShape(s Shape) string {
	var out strings.Builder
	if s.Table != nil {
		var names []string
		for _, c := range s.Table.Columns {
			if c.Number {
				c.Name += "#"
			}
			names = append(names, c.Name)
		}
		fmt.Fprintln(&out, strings.Join(names, " | "))
		for _, row := range s.Table.Rows {
			fmt.Fprintln(&out, strings.Join(row, " | "))
		}
		fmt.Fprintln(&out, "rows:", s.Table.Total)
	}
	if s.Text != "" {
		fmt.Fprintln(&out, s.Text)
	}
	if s.Left != "" {
		fmt.Fprintln(&out, "left:", s.Left)
	}
	return out.String()
}

var updateShapes = flag.Bool("shapes.update", false, "write what the shapes of testdata/shapes are now")

func TestShapesOfWhatCommandsPrint(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/shapes/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no shapes: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Files) != 2 || a.Files[0].Name != "printed" || a.Files[1].Name != "want" {
				t.Fatal("the file holds something else than printed and want")
			}
			got := drawnShape(Output{Text: string(a.Files[0].Data)}.Shape())
			if *updateShapes {
				a.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil { //nolint:gosec // test data everybody may read
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(a.Files[1].Data), got); diff != "" {
				t.Errorf("want - got +\n%s", diff)
			}
		})
	}
}

func TestLongListsAreCounted(t *testing.T) {
	t.Parallel()
	var objects, lines []string
	for i := range 1234 {
		objects = append(objects, fmt.Sprintf(`{"name":"vm-%d","status":"RUNNING"}`, i))
		lines = append(lines, fmt.Sprintf("vm-%-6d RUNNING", i))
	}
	for _, printed := range []string{"[" + strings.Join(objects, ",") + "]", "NAME      STATUS\n" + strings.Join(lines, "\n")} {
		s := Output{Text: printed}.Shape()
		if s.Table == nil || s.Table.Total != 1234 || len(s.Table.Rows) != mostRows {
			t.Errorf("%.40q has the shape %+v", printed, s.Table)
		}
	}
}

// FuzzShape: whatever is printed, a table is rectangular, nothing is invented, and it takes no more room than it should.
func FuzzShape(f *testing.F) {
	files, _ := filepath.Glob("testdata/shapes/*.txtar")
	for _, file := range files {
		if a, err := txtar.ParseFile(file); err == nil {
			f.Add(string(a.Files[0].Data))
		}
	}
	for _, s := range []string{"[]", "{}", "[[]]", `[{"a":{"b":{"c":{"d":1}}}}]`, "[{}]", strings.Repeat("[", 100), "a\tb\n\t\t", "|a|b|\n|c|", "A  B\n1 2", "--  --\n--  --\n--  --",
		`{"a":[{"b":1}],"c":[{"d":1}]}`, `[{"":""}]`, "NAME  \xff\n", "é  É\n--  --\n1   2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, printed string) {
		s := Output{Text: printed}.Shape()
		if len(s.Text) > 4*mostShaped+len(printed)*20 {
			t.Fatalf("%d bytes become %d", len(printed), len(s.Text))
		}
		if utf8.ValidString(printed) && !utf8.ValidString(s.Text) {
			t.Fatal("a character was cut")
		}
		if s.Table == nil {
			return
		}
		if len(s.Table.Columns) == 0 || s.Table.Total < len(s.Table.Rows) {
			t.Fatalf("the table is %+v", s.Table)
		}
		for _, row := range s.Table.Rows {
			if len(row) != len(s.Table.Columns) {
				t.Fatalf("a row has %d cells under %d columns", len(row), len(s.Table.Columns))
			}
		}
	})
}
