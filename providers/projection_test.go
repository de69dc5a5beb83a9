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

// TestNoQueryMakesMoreThanCanBeHeld tries what would take gigabytes.
func TestNoQueryMakesMoreThanCanBeHeld(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	var many strings.Builder
	for range 50_000 {
		many.WriteString(`{"a":1,"b":"<&>"},`)
	}
	big := `{"s":"` + strings.Repeat(long, 300) + `","l":[` + strings.TrimSuffix(many.String(), ",") + `]}`
	again := func(part, between string, times int) string {
		return strings.TrimSuffix(strings.Repeat(part+between, times), between)
	}
	for name, query := range map[string]string{
		"lists":              again("[@,@]", "|", 30),
		"objects":            again("{a:@,b:@}", "|", 30),
		"nested":             strings.Repeat("[", 400) + "@" + strings.Repeat(",@]", 400),
		"flattened":          "l|" + again("[@,@][]", "|", 30),
		"behind a string":    again("['[',@,@]", "|", 30),
		"behind a quote":     again(`['\'',@,@]`, "|", 30),
		"behind a name":      again(`{"]":@,"}":@}`, "|", 30),
		"text":               again("to_string([@,@])", "|", 30),
		"text of a long key": "to_string(l[].{" + strings.Repeat("k", 1900) + ":@})",
		"escaped":            again("to_string(@)", "|", 30),
		"joined":             "s|" + again("join('', [@,@])", "|", 30),
		"a long separator":   "join(s, l[].b)",
		"from either":        "join('' || s, l[].b)",
		"a long literal":     "join('', l[].'" + long + "')",
		"literals":           "l[].'" + long + "'",
		"a literal list":     "l" + strings.Repeat("[].`[0,0,0,0]`[]", 20),
		"nulls":              again("*.`{\"a\":{}}`", "|", 100),
		"merged":             again("merge({a:@},{b:@})", "|", 30),
		"long":               again("@", "|", 2000),
		"busy":               "l" + strings.Repeat("[*]", 600),
	} {
		if _, note := project("aws", []byte(big), policy.Output{Query: query}); note != wholeNote {
			t.Errorf("%s: it is applied", name)
		}
	}
	for _, format := range []string{"json(" + again("s", ",", 9000) + ")", "value(" + again("s", ",", 9000) + ")", "value(" + again("s", ",", 60) + ")"} {
		if _, note := project("gcloud", []byte(big), policy.Output{Format: format}); note != wholeNote {
			t.Errorf("%.20s: it is applied", format)
		}
	}
	deep := strings.Repeat("[", 9000) + strings.Repeat("1,", 90_000) + "1" + strings.Repeat("]", 9000)
	if _, err := mask([]byte(deep), []string{"a"}); err == nil {
		t.Error("a document is written out whose indents are a gigabyte")
	}
}

// TestQueriesAsPeopleWriteThemAreLight takes an answer of half a megabyte.
func TestQueriesAsPeopleWriteThemAreLight(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"Reservations[].Instances[].[InstanceId,State.Name,Tags[?Key=='Name']|[0].Value]",
		"Reservations[*].Instances[*].{ID:InstanceId,Type:InstanceType,State:State.Name,AZ:Placement.AvailabilityZone,IP:PrivateIpAddress,Name:Tags[?Key=='Name']|[0].Value}",
		"sort_by(Functions,&CodeSize)[-10:].{name:FunctionName,size:CodeSize,runtime:Runtime}",
		"Functions[?contains(FunctionName,'pay') && MemorySize>`512`].FunctionName",
		"DBInstances[].{id:DBInstanceIdentifier,groups:join(', ',VpcSecurityGroups[].VpcSecurityGroupId)}",
		"length(Functions[?starts_with(Runtime,`\"nodejs\"`)])",
		"[].{name:name,rg:resourceGroup,state:properties.state,\"the kind\":kind}",
	} {
		if !light(query, 512<<10) {
			t.Errorf("%s: it is not applied", query)
		}
	}
}

func squeeze(text string) string {
	return strings.NewReplacer(" ", "", "\n", "").Replace(text)
}

// TestFormatsStepIntoListsAsGcloudDoes holds that no member is shown as empty which gcloud would print: it is there, or the whole is.
func TestFormatsStepIntoListsAsGcloudDoes(t *testing.T) {
	t.Parallel()
	const doc = `[{"name":"a","nets":[{"ip":"10.0.0.1","accessConfigs":[{"natIP":"1.2.3.4"}]},{"ip":"10.0.0.2","accessConfigs":[]}],"labels":[{"key":"k","value":"v"}],"q":"say \"x\""},{"name":"b","nets":[]}]`
	for format, want := range map[string]string{
		"value(name,nets.ip)":             "a\t10.0.0.1;10.0.0.2\nb\t\n",
		"csv(name,q)":                     "name,q\na,\"say \"\"x\"\"\"\nb,\n",
		"json(name,nets.ip)":              "",
		"value(nets.accessConfigs)":       "",
		"value(nets.accessConfigs.natIP)": "",
		"value(nets.IP)":                  "",
		"value(nets.gone)":                "",
		"value(labels.k)":                 "",
		"value(labels.value)":             "",
	} {
		got, note := project("gcloud", []byte(doc), policy.Output{Format: format})
		if want == "" && (string(got) != doc || note != wholeNote) || want != "" && (string(got) != want || note != "") {
			t.Errorf("%s: %q (%s)", format, got, note)
		}
	}
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"gcloud compute instances list --flatten=networkInterfaces[] --format=value(name)", "gcloud compute instances list --uri",
		"gcloud functions list --uri", "gcloud functions list --format=value(name) --flatten labels",
	} {
		command, _ := engine.ParseArgv(strings.Fields(line))
		if got, note := project("gcloud", []byte(doc), engine.Classify(command).Output); string(got) != doc || note != wholeNote {
			t.Errorf("%s: %q (%s)", line, got, note)
		}
	}
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
		if got, _ := project("aws", []byte(maskedDoc), policy.Output{Query: query}); len(got) == 0 || len(got) > mostWritten {
			t.Errorf("%q gave %d bytes", query, len(got))
		}
		project("gcloud", []byte(maskedDoc), policy.Output{Format: format})
	})
}
