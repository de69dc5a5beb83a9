package providers

import (
	"encoding/json"
	"strings"
	"testing"

	"aurora/providers/policy"
)

const maskedDoc = `{"Functions":[{"FunctionName":"pay","MemorySize":128,"Environment":{"Variables":{"DB":"[masked]"}}},{"FunctionName":"ship","MemorySize":512}]}`

func TestQueriesAreAppliedToWhatIsMasked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, format, want, note string }{
		{"Functions[].FunctionName", "", `["pay","ship"]`, ""},
		{"Functions[?MemorySize>`200`].FunctionName | [0]", "text", `"ship"`, "instead of the format"},
		{"Functions[].[FunctionName,Environment.Variables.DB]", "json", `[["pay","[masked]"],["ship",null]]`, ""},
		{"Functions[?Environment.Variables.DB=='hunter2'].FunctionName", "", `[]`, ""},
		{"length(Functions[0].Environment.Variables.DB)", "", `8`, ""},
		{"sort_by(Functions,&MemorySize)[-1].MemorySize", "", `512`, ""},
		{"Functions[", "", maskedDoc, "whole JSON"},
		{"unknown(@)", "", maskedDoc, "whole JSON"},
		{strings.Repeat("(", 5000), "", maskedDoc, "whole JSON"},
		{"", "table", maskedDoc, "instead of the format"},
		{"", "json", maskedDoc, ""},
	} {
		got, note := project("aws", []byte(maskedDoc), policy.Output{Query: c.query, Format: c.format})
		if squeeze(string(got)) != c.want || (note == "") != (c.note == "") || !strings.Contains(note, c.note) {
			t.Errorf("%s %s: %s (%s)", c.query, c.format, squeeze(string(got)), note)
		}
	}
	if _, note := project("az", []byte(`{"id":12345678901234567890}`), policy.Output{Query: "id"}); note == "" {
		t.Error("a number that a query would change is said to be right")
	}
}

func squeeze(text string) string {
	return strings.NewReplacer(" ", "", "\n", "").Replace(text)
}

func TestFormatsOfGcloudAreAppliedToWhatIsMasked(t *testing.T) {
	t.Parallel()
	const doc = `[{"name":"a","status":"UP","tags":{"items":["x","y"]},"metadata":{"items":[{"key":"k","value":"[masked]"}]}},{"name":"b,c","ok":true}]`
	for _, c := range []struct{ format, want, note string }{
		{"value(name)", "a\nb,c\n", ""},
		{"value(name, status)", "a\tUP\nb,c\t\n", ""},
		{"csv(name,ok)", "name,ok\na,\n\"b,c\",True\n", ""},
		{"table(name,tags.items)", "name\ttags.items\na\tx;y\nb,c\t\n", ""},
		{"value(NAME)", "a\nb,c\n", ""},
		{"value(metadata.items)", `{"key":"k","value":"[masked]"}` + "\n\n", ""},
		{"json(name,tags.items)", `[{"name":"a","tags":{"items":["x","y"]}},{"name":"b,c"}]`, ""},
		{"value(name.basename())", doc, "whole JSON"},
		{"value[separator=','](name)", doc, "whole JSON"},
		{"yaml", doc, "whole JSON"},
		{"multi(a:format=json)", doc, "whole JSON"},
		{"json", doc, ""},
	} {
		got, note := project("gcloud", []byte(doc), policy.Output{Format: c.format})
		text := string(got)
		if json.Valid(got) && !strings.Contains(c.format, "value(") {
			text = squeeze(text)
		}
		if text != c.want || (note == "") != (c.note == "") || !strings.Contains(note, c.note) {
			t.Errorf("%s: %q (%s)", c.format, text, note)
		}
	}
}

func FuzzProject(f *testing.F) {
	f.Add("Functions[].FunctionName", "value(name)")
	f.Add("sum(@)", "json(a.b)")
	f.Fuzz(func(t *testing.T, query, format string) {
		if got, _ := project("aws", []byte(maskedDoc), policy.Output{Query: query}); len(got) == 0 {
			t.Errorf("%q gave nothing at all", query)
		}
		project("gcloud", []byte(maskedDoc), policy.Output{Format: format})
	})
}
