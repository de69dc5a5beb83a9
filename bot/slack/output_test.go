package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
)

func instances(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"name":"vm-%d","id":"%d","status":"RUNNING","zone":"europe-west1-b","cpus":%d,"labels":{"a":"b","c":"d"},"note":"n"}`, i, 1000+i, i))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func TestListOfObjectsIsShownAsATable(t *testing.T) {
	t.Parallel()
	got := drawn(testRenderer.message(bot.Message{Outputs: []bot.Output{{Title: "gcloud compute instances list", Text: instances(2)}}}))
	want := "*gcloud compute instances list*\n" +
		"|*name*|*id*|*status*|*zone*|*cpus*#|*note*|\n|vm-0|1000|RUNNING|europe-west1-b|0|n|\n|vm-1|1001|RUNNING|europe-west1-b|1|n|\n" +
		"_2 rows · 2 further fields of the rows not shown_"
	if got != want {
		t.Errorf("drawn as\n%s\nwant\n%s", got, want)
	}
}

func TestWorkspaceWithoutTablesGetsAlignedText(t *testing.T) {
	t.Parallel()
	r := testRenderer
	r.bare = true
	got := drawn(r.message(bot.Message{Text: "|a|b|\n|-|-|\n|1|x|", Outputs: []bot.Output{{Text: "NAME   COUNT\nweb    7\napi-1  12"}}}))
	want := "{{{a  b\n1  x}}}\n{{{NAME   COUNT\nweb        7\napi-1     12}}}\n_2 rows_"
	if got != want {
		t.Errorf("drawn as\n%s\nwant\n%s", got, want)
	}
}

func TestLongTableIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{false, true} {
		r := testRenderer
		r.bare = bare
		out := r.message(bot.Message{Outputs: []bot.Output{{Text: instances(400)}}})
		checkRendered(t, out)
		got := drawn(out)
		if !strings.Contains(got, "vm-0") || !strings.Contains(got, " of 400 rows") || strings.Contains(got, "vm-399") {
			t.Errorf("bare %v: drawn as\n%s", bare, got)
		}
		if r.shapes = (shapes{}); !r.abridged(bot.Output{Text: instances(400)}) {
			t.Error("it is not known to be cut")
		}
	}
}

func TestOutputThatIsShownWholeComesWithoutAFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"plain text":                       false,
		`[{"a":1,"b":"x"}]`:                false,
		`{"a":{"b":[1,2]}}`:                false,
		instances(1):                       true,
		strings.Repeat("line\n", 2000):     true,
		"NAME  STATUS\nweb   ok\napi   ok": false,
		`{"a":[` + strings.Repeat(`{"b":[1]},`, 60) + `{"b":[2]}],"c":[{"d":1}]}`: true,
	} {
		if got := testRenderer.abridged(bot.Output{Text: text}); got != want {
			t.Errorf("%.40q is abridged: %v", text, got)
		}
	}
}

// TestTablesOfAnAnswerAreNotTornApart: what does not fit into one message goes on under the same names.
func TestTablesOfAnAnswerAreNotTornApart(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("Before.\n\n| instance | count |\n|---|---|\n")
	for i := range 900 {
		fmt.Fprintf(&text, "| vm-%d with a long enough name | %d |\n", i, i)
	}
	text.WriteString("\nAfter.\n")
	parts := testRenderer.split(bot.Message{Text: text.String()})
	all := ""
	for i, p := range parts {
		out := testRenderer.message(p)
		checkRendered(t, out)
		got := drawn(out)
		if !strings.Contains(got, "instance") || strings.Contains(got, "---") || strings.Contains(got, "| vm") {
			t.Errorf("part %d is no table:\n%.300s", i, got)
		}
		all += got
	}
	for i := range 900 {
		if !strings.Contains(all, fmt.Sprintf("vm-%d with", i)) {
			t.Fatalf("row %d is lost", i)
		}
	}
	if len(parts) < 3 || !strings.Contains(all, "After.") {
		t.Errorf("%d parts", len(parts))
	}
}

// TestTableOnTheWire posts a table to a Slack that is strict about it.
func TestTableOnTheWire(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{}, unpaced)
	where := place(ops)
	where.Thread = r.tell(t, ada, ops, "root")
	m := bot.Message{Text: "Here.", Outputs: []bot.Output{{Text: instances(400)}}}
	for _, part := range r.Split(m) {
		if _, err := r.Post(t.Context(), where, part, bot.Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	messages, err := r.sim.Thread(ada, ops, where.Thread)
	if err != nil {
		t.Fatal(err)
	}
	tables, files := 0, 0
	for _, m := range messages {
		var blocks []struct{ Type string }
		if len(m.Blocks) > 0 {
			if err := json.Unmarshal(m.Blocks, &blocks); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range blocks {
			if b.Type == "table" {
				tables++
			}
		}
		for _, f := range m.Files {
			files++
			if f.Name != "output.json" || string(f.Contents) != instances(400) {
				t.Errorf("the file %s has %d bytes", f.Name, len(f.Contents))
			}
		}
	}
	if tables != 1 || files != 1 {
		t.Errorf("%d tables and %d files", tables, files)
	}
}
