package providers

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestMaskTakesValuesAndKeepsNames(t *testing.T) {
	t.Parallel()
	compact := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
	for _, c := range []struct{ doc, path, want string }{
		{`{"Functions":[{"Name":"f","Environment":{"Variables":{"DB":"x","N":1}}}]}`, "Functions[].Environment.Variables",
			`{"Functions":[{"Environment":{"Variables":{"DB":"[masked]","N":"[masked]"}},"Name":"f"}]}`},
		{`[{"a":{"b":"x"}},{"a":{"b":["y",null,true]}}]`, "a.b", `[{"a":{"b":"[masked]"}},{"a":{"b":["[masked]",null,true]}}]`},
		{`[{"metadata":{"items":[{"key":"k","value":"v"}]}}]`, "[].metadata.items[].value", `[{"metadata":{"items":[{"key":"k","value":"[masked]"}]}}]`},
		{`{"UserData":{"Value":"eA=="}}`, "userData.value", `{"UserData":{"Value":"[masked]"}}`},
		{`{"a":1,"b":[2]}`, "*", `{"a":"[masked]","b":["[masked]"]}`},
		{`{"a":12345678901234567890,"s":"<&>"}`, "none", `{"a":12345678901234567890,"s":"<&>"}`},
		{``, "a", ``},
	} {
		got, err := mask([]byte(c.doc), []string{c.path})
		if err != nil {
			t.Errorf("%s: %v", c.doc, err)
		}
		if diff := cmp.Diff(c.want, compact(string(got))); diff != "" {
			t.Errorf("%s at %s:\n%s", c.doc, c.path, diff)
		}
	}
}

func TestWhatIsNotOneDocumentIsNotMasked(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{`{"a":1`, `table of things`, `{"a":1} {"b":2}`, `{"a":1}]`} {
		if got, err := mask([]byte(doc), []string{"a"}); !errors.Is(err, errNotJSON) {
			t.Errorf("%s gave %s, %v", doc, got, err)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add(`{"a":{"b":"secretvalue"}}`, "a.b")
	f.Add(`[[{"a":"secretvalue"}]]`, "[].a")
	f.Fuzz(func(t *testing.T, doc, path string) {
		got, err := mask([]byte(doc), []string{path, "*"})
		if err == nil && strings.Contains(doc, `:"secretvalue"`) && strings.Contains(string(got), `: "secretvalue"`) {
			t.Errorf("%s at %q became %s", doc, path, got)
		}
	})
}

func TestShortenKeepsHeadAndTail(t *testing.T) {
	t.Parallel()
	text := "first\n" + strings.Repeat("héllo wörld\n", 1000) + "last\n"
	got, cut := shorten(text, 400)
	if !cut || !strings.HasPrefix(got, "first\n") || !strings.HasSuffix(got, "last\n") || !strings.Contains(got, "bytes left out") || len(got) > 460 {
		t.Errorf("got %q", got)
	}
	if same, cut := shorten("short", 400); cut || same != "short" {
		t.Errorf("got %q", same)
	}
	for limit := range 200 {
		if got, _ := shorten(strings.Repeat("日本é", 200), limit); !utf8.ValidString(got) {
			t.Errorf("limit %d cut a character: %q", limit, got)
		}
	}
}
