package slack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

var testRenderer = renderer{hosts: []string{"aurora.example", "127.0.0.1:8080"}}

// drawn is a message as a reader sees it: the text of its blocks, line by line, with marks for what is more than text.
func drawn(r rendered) string {
	var out strings.Builder
	for _, b := range r.blocks {
		switch b := b.(type) {
		case *slackgo.RichTextBlock:
			for _, e := range b.Elements {
				drawnElement(&out, e)
			}
		case *slackgo.TableBlock:
			drawnTable(&out, b)
		case *slackgo.ActionBlock:
			for _, e := range b.Elements.ElementSet {
				button := e.(*slackgo.ButtonBlockElement)
				fmt.Fprintf(&out, "[%s|%s|%s%s]", button.Text.Text, button.ActionID, button.Style, button.URL)
			}
		}
	}
	return strings.TrimSpace(out.String())
}

// drawnTable shows each row in a line; a column that is aligned on the right has a mark behind its name.
func drawnTable(out *strings.Builder, b *slackgo.TableBlock) {
	for i, row := range b.Rows {
		out.WriteString("|")
		for j, cell := range row {
			switch cell := cell.(type) {
			case *slackgo.TableRawTextCell:
				out.WriteString(cell.Text)
			case *slackgo.TableRichTextCell:
				drawnSpans(out, cell.Elements[0].(*slackgo.RichTextSection).Elements)
			}
			if i == 0 && b.ColumnSettings[j].Align == slackgo.ColumnAlignmentRight {
				out.WriteString("#")
			}
			out.WriteString("|")
		}
		out.WriteString("\n")
	}
}

func drawnElement(out *strings.Builder, e slackgo.RichTextElement) {
	switch e := e.(type) {
	case *slackgo.RichTextSection:
		drawnSpans(out, e.Elements)
	case *slackgo.RichTextQuote:
		out.WriteString("> ")
		drawnSpans(out, e.Elements)
	case *slackgo.RichTextPreformatted:
		out.WriteString("{{{")
		drawnSpans(out, e.Elements)
		out.WriteString("}}}")
	case *slackgo.RichTextList:
		for i, item := range e.Elements {
			mark := "•"
			if e.Style == slackgo.RTEListOrdered {
				mark = fmt.Sprint(e.Offset+i+1, ".")
			}
			out.WriteString(strings.Repeat("  ", e.Indent) + mark + " ")
			drawnElement(out, item)
		}
		return
	}
	out.WriteString("\n")
}

func drawnSpans(out *strings.Builder, spans []slackgo.RichTextSectionElement) {
	for _, s := range spans {
		switch s := s.(type) {
		case *slackgo.RichTextSectionTextElement:
			mark := ""
			if s.Style != nil {
				for on, m := range map[string]bool{"*": s.Style.Bold, "_": s.Style.Italic, "~": s.Style.Strike, "`": s.Style.Code} {
					if m {
						mark += on
					}
				}
			}
			out.WriteString(mark + s.Text + mark)
		case *slackgo.RichTextSectionLinkElement:
			fmt.Fprintf(out, "LINK(%s -> %s)", s.Text, s.URL)
		}
	}
}

func TestMarkdownIsDrawn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"styles":           {"a **b** *c* ~~d~~ `e` \\*f\\*", "a *b* _c_ ~d~ `e` *f*"},
		"heading":          {"# Found\ntwo", "*Found*\n\ntwo"},
		"paragraphs":       {"one\n\ntwo\nthree", "one\n\ntwo\nthree"},
		"fence":            {"```sh\naws s3 ls\n\nx\n```", "{{{aws s3 ls\n\nx}}}"},
		"fence with ticks": {"````\n```\n<!here>\n````", "{{{```\n<!here>}}}"},
		"indented code":    {"    a  b", "{{{a  b}}}"},
		"list":             {"- a\n- **b**\n  - c\n- d", "• a\n• *b*\n  • c\n• d"},
		"numbers":          {"3. a\n4. b", "3. a\n4. b"},
		"list with code":   {"1. a\n\n   ```\n   x\n   ```\n2. b", "1. a\n{{{x}}}\n2. b"},
		"quote":            {"> a\n> **b**", "> a\n*b*"},
		"table":            {"| id | state |\n|---|---|\n| i-1 | running |\n| i-22 | - |", "|*id*|*state*|\n|i-1|running|\n|i-22|-|"},
		"figures":          {"| vm | cost | at |\n|---|---|--:|\n| `a` | 1,204.50 |  |\n| b | 7 | x |", "|*vm*|*cost*#|*at*#|\n|a|1,204.50|–|\n|b|7|x|"},
		"second table":     {"|a|b|\n|-|-|\n|1|2|\n\n|c|d|\n|-|-|\n|10|x|\n|2|y|", "|*a*#|*b*#|\n|1|2|\n{{{ c  d\n10  x\n 2  y}}}"},
		"link in a table":  {"|a|b|\n|-|-|\n|[x](https://evil.example/?q=1)|![y](https://evil.example/i)|", "|*a*|*b*|\n|x (evil.example)|–|"},
		"entities":         {"a &lt;!here&gt; &amp; b", "a <!here> & b"},
		"mentions":         {"<!here> <@U123> <#C1|x> @channel", "<!here> <@U123> <#C1|x> @channel"},
		"html":             {"<b>x</b>\n\n<div>y</div>", "<b>x</b>\n\n<div>y</div>"},
		"image":            {"![see](https://evil.example/?q=secret) done", "done"},
		"image in a link":  {"[![x](https://evil.example/i)](https://evil.example/l)", "(evil.example)"},
		"foreign link":     {"[the docs](https://evil.example/?q=secret)", "the docs (evil.example)"},
		"label lies":       {"[https://aurora.example](https://evil.example/x)", "https://aurora.example (evil.example)"},
		"autolink":         {"<https://evil.example/x>", "https://evil.example/x"},
		"bare address":     {"see https://evil.example/x now", "see https://evil.example/x now"},
		"own page":         {"[status](https://aurora.example/connectors)", "LINK(status -> https://aurora.example/connectors)"},
		"own page lies":    {"[evil.example](https://aurora.example/c)", "LINK(evil.example (aurora.example) -> https://aurora.example/c)"},
		"own page, http":   {"[status](http://aurora.example/c)", "status (aurora.example)"},
		"loopback, http":   {"[status](http://127.0.0.1:8080/c)", "LINK(status -> http://127.0.0.1:8080/c)"},
		"userinfo":         {"[x](https://aurora.example@evil.example/)", "x (evil.example)"},
		"userinfo of ours": {"[x](https://a:b@aurora.example/)", "x (aurora.example)"},
		"script":           {"[x](javascript:alert(1)) [y](mailto:a@b.example) [z](slack://user)", "x y z (user)"},
		"reference":        {"[x][1]\n\n[1]: https://evil.example/", "x (evil.example)"},
		"control":          {"a\x1b[31mred\x1b[0m\x00\u202Eb\r", "aredb"},
		"line separator":   {"a\u2028b", "a\nb"},
		"invalid UTF-8":    {"a\xffb", "a\uFFFDb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := drawn(testRenderer.message(bot.Message{Text: c.in})); got != c.want {
				t.Errorf("%q is drawn as\n%s\nwant\n%s", c.in, got, c.want)
			}
		})
	}
}

func TestSentencesShowTheirCommandsAsCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]span{
		"Say `mode ask` or `help`.": {say("Say "), code("mode ask"), say(" or "), code("help"), say(".")},
		"`<!here>` **x**":           {say(""), code("<!here>"), say(" **x**")},
		"a lone ` stays":            {say("a lone ` stays")},
		"`` is empty":               {say("`` is empty")},
		"`a\nb`":                    {say("`a\nb`")},
	} {
		if diff := cmp.Diff(want, sentence(in), cmp.AllowUnexported(span{}, style{})); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
	got := drawn(testRenderer.message(bot.Message{Notice: "Say `a'b`.", Ran: []bot.Ran{{Argv: []string{"x"}, State: bot.RanRefused, Detail: "Say `help`"}}}))
	if want := "Say `a'b`.\n\n✗ refused: `x` · Say `help`"; got != want {
		t.Errorf("drawn as %q, want %q", got, want)
	}
}

func TestListIsOneList(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"- a\n- b\n- c":              "bullet 0: 3",
		"- a\n  - b\n  - c\n- d":     "bullet 0: 1, bullet 1: 2, bullet 0: 1",
		"3. a\n4. b":                 "ordered 0 from 2: 2",
		"1. a\n\n   again\n2. b":     "ordered 0: 1, ordered 0: 2",
		"- a\n\n1. b":                "bullet 0: 1, ordered 0: 1",
		"9. a\n\ntext\n\n9. b\n1. c": "ordered 0 from 8: 1, text, ordered 0 from 8: 2",
	} {
		var lists []string
		for _, e := range testRenderer.message(bot.Message{Text: in}).blocks[0].(*slackgo.RichTextBlock).Elements {
			list, ok := e.(*slackgo.RichTextList)
			if !ok {
				lists = append(lists, "text")
				continue
			}
			from := ""
			if list.Offset > 0 {
				from = fmt.Sprintf(" from %d", list.Offset)
			}
			lists = append(lists, fmt.Sprintf("%s %d%s: %d", list.Style, list.Indent, from, len(list.Elements)))
		}
		if got := strings.Join(lists, ", "); got != want {
			t.Errorf("%q becomes %s, want %s", in, got, want)
		}
	}
}

func TestMessageIsDrawnInOrder(t *testing.T) {
	t.Parallel()
	m := bot.Message{Notice: "Aurora is in Agent mode.", Text: "Two **instances** run.",
		Outputs: []bot.Output{{Title: "aws ec2", Text: "{\n  \"a\": 1\n}\n"}},
		Ran: []bot.Ran{
			{Argv: []string{"aws", "ec2", "describe-instances"}, Account: "1111", Region: "eu-west-1", State: bot.RanOK, Detail: "1.2 s"},
			{Argv: []string{"aws", "ec2", "terminate-instances", "--tag", "a b"}, State: bot.RanRefused, Detail: "Switch to Agent mode."}},
		Links:   []bot.Link{{Label: "Connect", URL: "https://aurora.example/connect/t"}, {Label: "Elsewhere", URL: "https://evil.example/"}},
		Buttons: []bot.Button{{Action: "agent", Label: "Agent mode", Value: "n", Style: "primary"}, {Action: "agent", Label: "Again", Value: "m"}, {Action: "none", Label: "No value"}},
	}
	want := "Aurora is in Agent mode.\n\nTwo *instances* run.\n\n*aws ec2*\n{{{{\n  \"a\": 1\n}}}}\n✓ `aws ec2 describe-instances` · account 1111 · eu-west-1 · 1.2 s\n" +
		"✗ refused: `aws ec2 terminate-instances --tag 'a b'` · Switch to Agent mode.\n\nElsewhere\n" +
		"[Connect|link:1|https://aurora.example/connect/t][Agent mode|agent|primary][Again|agent:2|]"
	got := testRenderer.message(m)
	if drawn(got) != want {
		t.Errorf("drawn as\n%s\nwant\n%s", drawn(got), want)
	}
	if got.text != m.Notice {
		t.Errorf("the fallback is %q", got.text)
	}
}

func TestCardShowsExactlyWhatRuns(t *testing.T) {
	t.Parallel()
	m := bot.Message{Card: &bot.Card{ID: "conf_1", Title: "Confirm: delete in aws", Digest: "ab12cd34",
		Commands: []bot.Shown{{Argv: []string{"aws", "ec2", "terminate-instances", "--instance-ids", "i-1", "i-2", "--note", "it's\u200b a\u202Etrap\nrm", ""}}},
		Facts:    []bot.Fact{{Label: "Account", Value: "1111"}, {Label: "Effect", Value: "delete"}},
		Warnings: []string{"This cannot be undone."}, Touches: []string{"Name=web <!here>\u202E"}},
		Buttons: []bot.Button{{Action: "confirm", Label: "Confirm", Value: "n", Style: "danger", Dialog: &bot.Dialog{Title: "Delete?", Text: "Gone.", Yes: "Delete", No: "Keep"}},
			{Action: "cancel", Label: "Cancel", Value: "n"}}}
	want := "*Confirm: delete in aws*\n{{{aws ec2 terminate-instances\n  --instance-ids i-1 i-2\n  --note 'it'\\''s\\u{200b} a\\u{202e}trap\\u{a}rm' ''}}}\n" +
		"*Account: *1111\n*Effect: *delete\n\n⚠ *This cannot be undone.*\n\n" +
		"_What it touches, by the names it has there (text anybody may have written):_\n{{{Name=web <!here>\\u{202e}}}}\n_conf_1 · digest ab12cd34_\n" +
		"[Confirm|confirm|danger][Cancel|cancel|]"
	got := testRenderer.message(m)
	if drawn(got) != want {
		t.Errorf("drawn as\n%s\nwant\n%s", drawn(got), want)
	}
	confirm := got.blocks[len(got.blocks)-1].(*slackgo.ActionBlock).Elements.ElementSet[0].(*slackgo.ButtonBlockElement).Confirm
	if confirm == nil || confirm.Style != "danger" || confirm.Text.Type != slackgo.PlainTextType || confirm.Confirm.Text != "Delete" {
		t.Errorf("the dialog is %+v", confirm)
	}
}

func TestLongCommandStandsWholeAboveItsCard(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 9000) + "END"
	parts := testRenderer.split(bot.Message{Card: &bot.Card{ID: "conf_1", Title: "Confirm", Commands: []bot.Shown{{Argv: []string{"aws", "x", "--data", long}}}},
		Buttons: []bot.Button{{Action: "confirm", Label: "Confirm", Value: "n"}}})
	all := ""
	for _, p := range parts {
		for _, o := range p.Outputs {
			all += o.Text
		}
	}
	if !strings.Contains(all, long) {
		t.Error("the whole command is shown nowhere")
	}
	last := parts[len(parts)-1]
	if last.Card == nil || len(last.Buttons) != 1 || !strings.Contains(drawn(testRenderer.message(last)), "the whole command stands above") {
		t.Errorf("the card is %+v", last)
	}
}

func TestButtonsStayWithTheirCardBeforeTheyHaveAValue(t *testing.T) {
	t.Parallel()
	parts := testRenderer.split(bot.Message{Text: strings.Repeat("word ", 4000), Card: &bot.Card{ID: "conf_1", Title: "Confirm", Facts: []bot.Fact{{Label: "a", Value: strings.Repeat("b", 290)}}},
		Outputs: []bot.Output{{Text: strings.Repeat("out ", 1200)}, {Text: strings.Repeat("out ", 1200)}},
		Buttons: []bot.Button{{Action: "confirm", Label: "Confirm"}, {Action: "cancel", Label: "Cancel"}}})
	for i, p := range parts {
		if (p.Card != nil) != (len(p.Buttons) == 2) {
			t.Errorf("part %d has a card: %v, and %d buttons", i, p.Card != nil, len(p.Buttons))
		}
	}
}

func TestLongOutputShowsHeadAndTail(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&lines, "line %d\n", i)
	}
	got := drawn(testRenderer.message(bot.Message{Outputs: []bot.Output{{Text: lines.String()}}}))
	for _, want := range []string{"line 0\n", "line 1999}}}", "are left out here"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestSplitLosesNoText(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("```\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "word-%d\n", i)
	}
	text.WriteString("```\nafter **it**\n")
	parts := testRenderer.split(bot.Message{Status: "s", Notice: "n", Text: text.String(), Ran: []bot.Ran{{Argv: []string{"aws"}, State: bot.RanOK}},
		Buttons: []bot.Button{{Action: "a", Label: "A", Value: "v"}}})
	all := ""
	for i, p := range parts {
		if len(p.Buttons) > 0 && i != len(parts)-1 {
			t.Error("buttons stand in the middle")
		}
		got := drawn(testRenderer.message(p))
		if strings.Contains(got, "too long to be shown") {
			t.Errorf("part %d was cut", i)
		}
		all += got + "\n"
	}
	for i := range 3000 {
		if !strings.Contains(all, fmt.Sprintf("word-%d\n", i)) && !strings.Contains(all, fmt.Sprintf("word-%d}}}", i)) {
			t.Fatalf("word-%d is lost", i)
		}
	}
	if !strings.Contains(all, "after *it*") || strings.Contains(strings.ReplaceAll(all, "{{{", ""), "```") {
		t.Error("a fence was not closed where the text was cut")
	}
}

func TestNothingIsStillSomething(t *testing.T) {
	t.Parallel()
	for _, m := range []bot.Message{{}, {Text: "![](https://x.example/i)"}, {Notice: "\x00"}, {Text: " \n "}} {
		checkRendered(t, testRenderer.message(m))
		if n := len(testRenderer.split(m)); n != 1 {
			t.Errorf("%+v is split into %d", m, n)
		}
	}
}

// checkRendered holds a message against everything Slack would refuse or act on.
func checkRendered(t *testing.T, r rendered) {
	t.Helper()
	if r.text == "" || len(r.blocks) == 0 || len(r.blocks) > mostBlocks {
		t.Fatalf("%d blocks and the text %q", len(r.blocks), r.text)
	}
	text := escapeWithin(r.text, mostFallback)
	if runes(text) > mostFallback || strings.ContainsAny(text, "<>") || !utf8.ValidString(text) || wholeEntities(text) {
		t.Fatalf("the fallback of %d characters is live, broken or too long", runes(text))
	}
	sent, err := json.Marshal(r.blocks)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []any
	if err := json.Unmarshal(sent, &blocks); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	if err := e.Encode(blocks); err != nil {
		t.Fatal(err)
	}
	if n := runes(raw.String()); n > 13_000 || !utf8.Valid(raw.Bytes()) {
		t.Fatalf("the blocks take %d characters", n)
	}
	checkValue(t, blocks)
	checkTables(t, blocks)
}

// checkTables holds tables against Slack's limits for them.
func checkTables(t *testing.T, blocks []any) {
	t.Helper()
	tables := 0
	for _, b := range blocks {
		if b.(map[string]any)["type"] != "table" {
			continue
		}
		rows := b.(map[string]any)["rows"].([]any)
		if tables++; tables > 1 || len(rows) < 2 || len(rows) > 100 {
			t.Fatalf("table %d has %d rows", tables, len(rows))
		}
		for _, row := range rows {
			cells := row.([]any)
			if len(cells) == 0 || len(cells) > 20 {
				t.Fatalf("a row has %d cells", len(cells))
			}
			for _, c := range cells {
				if cell := c.(map[string]any); cell["type"] == "raw_text" && cell["text"] == "" {
					t.Fatal("a cell is empty")
				}
			}
		}
	}
}

// wholeEntities tells whether an ampersand stands in the text that begins no whole entity.
func wholeEntities(text string) bool {
	for _, entity := range []string{"&amp;", "&lt;", "&gt;"} {
		text = strings.ReplaceAll(text, entity, "")
	}
	return strings.Contains(text, "&")
}

func checkValue(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			checkValue(t, e)
		}
	case map[string]any:
		switch v["type"] {
		case "mrkdwn", "markdown", "image", "user", "usergroup", "channel", "broadcast", "emoji", "date", "section", "context", "header":
			t.Fatalf("there is a %s", v["type"])
		case "link":
			if u, _ := v["url"].(string); !strings.HasPrefix(u, "https://aurora.example") && !strings.HasPrefix(u, "http://127.0.0.1:8080") {
				t.Fatalf("a link leads to %s", u)
			}
		case "text", "plain_text":
			text, _ := v["text"].(string)
			if text == "" || runes(text) > 3000 || strings.ContainsAny(text, "\x00\x1b\u202e") {
				t.Fatalf("a text of %d characters: %.50q", runes(text), text)
			}
		}
		if elements, ok := v["elements"].([]any); ok && len(elements) == 0 {
			t.Fatalf("an empty %s", v["type"])
		}
		for _, e := range v {
			checkValue(t, e)
		}
	}
}

func seeds(f *testing.F) {
	for _, s := range []string{"", "<!here> <@U1> <#C1> <!subteam^S1> <!date^1^{date}|x> <https://evil.example|x> <mailto:a@b>",
		"[a](https://evil.example) ![b](https://evil.example/i) [c](https://aurora.example/x)", "```\n<!channel>\n", "````\n```\n",
		strings.Repeat("&<>", 6000), strings.Repeat("*a* ", 4000), strings.Repeat("> ", 3000) + "x", strings.Repeat("- ", 2000) + "x",
		strings.Repeat("| a | b |\n", 2000), "| a | b |\n|---|---|\n" + strings.Repeat("| \"\\ | é |\n", 900), "\xff\xfe\x1b[31m\u202e\u2028",
		strings.Repeat("\"\\\n", 9000), strings.Repeat("é", 20000), "1. a\n   - b\n\n     ```\n     c\n", "[x]: https://evil.example\n[x]", "<b>[a](javascript:x)</b>",
		`[{"name":"<!here>","id":1,"x":{"y":"\u202e"}},{"name":"https://evil.example","id":22}]`, `{"a":[1,{"b":["` + strings.Repeat("x", 4000) + `"]}]}`,
		"NAME     STATUS\n<@U1>    ok\nb        ok\n", "[" + strings.Repeat(`{"name":"n","status":"s"},`, 300) + `{"name":"<!here>"}]`} {
		f.Add(s, s)
	}
}

// FuzzRender: whatever a model or a command says, nothing of it is live and Slack takes it.
func FuzzRender(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text, output string) {
		checkRendered(t, testRenderer.message(hostile(text, output)))
	})
}

// mostFuzzed is how long a message is split at most, in bytes: each stands in it fifteen times over. Slack's limits begin
// at a tenth of it, and without a bound the fuzzer finds ever longer texts and does little else.
const mostFuzzed = 40 << 10

// FuzzSplit: however long it is, every part is taken by Slack and none is cut again.
func FuzzSplit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text, output string) {
		if len(text)+len(output) > mostFuzzed {
			t.Skip("every length that matters is shorter")
		}
		for _, part := range testRenderer.split(hostile(text, output)) {
			r := testRenderer.message(part)
			checkRendered(t, r)
			if strings.Contains(drawn(r), "The rest is too long to be shown here.") && !strings.Contains(text+output, "too long to be shown") {
				t.Fatal("a part of the split was cut")
			}
		}
	})
}

func hostile(text, output string) bot.Message {
	return bot.Message{Status: text, Notice: output, Text: text,
		Card: &bot.Card{ID: output, Title: text, Digest: text, Outcome: output, Commands: []bot.Shown{{Argv: []string{text, output}}, {Argv: []string{output}}},
			Facts: []bot.Fact{{Label: text, Value: output}}, Warnings: []string{clip(text, 300)}, Touches: []string{output, text}},
		Outputs: []bot.Output{{Title: text, Text: output}, {Text: text}},
		Ran:     []bot.Ran{{Argv: []string{text}, Cloud: store.AWS, Account: output, State: bot.RanOK, Detail: text}},
		Links:   []bot.Link{{Label: text, URL: output}, {Label: output, URL: "https://aurora.example/" + clip(text, 50)}},
		Buttons: []bot.Button{{Action: text, Label: text, Value: clip(output, 100), Style: text, Dialog: &bot.Dialog{Title: text, Text: output, Yes: text, No: output}}},
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("a\u200b\u202e\n\t\x00é\u3164")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range visible(s) {
			if r != ' ' && hidden(r) {
				t.Fatalf("%U is left in %q", r, s)
			}
		}
	})
}
