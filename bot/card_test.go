package bot

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"aurora/providers/policy"
	"aurora/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

func planned(effect string, facets []string, argv ...string) store.Planned {
	return store.Planned{Argv: argv, Effect: effect, Facets: facets, Rule: "table"}
}

func confirmationOf(commands ...store.Planned) store.Confirmation {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return store.Confirmation{
		ID: "conf_aaaaaaaaaaaaaaaa", OrgID: "o", UserID: "u", Thread: "t", Turn: "turn_1", Cloud: store.AWS, Account: "1111\u202e2222", Region: "us-east-1",
		Commands: commands, AskedAt: at, Expires: at.Add(10 * time.Minute), State: store.ConfirmationPending,
	}
}

// everyFacet is a card with all that can be on one, and with characters that want to hide.
func everyFacet() store.Confirmation {
	all := []string{"secret", "masked", "data", "log", "permission", "exposure", "egress", "payload", "spend", "bulk"}
	c := confirmationOf(
		planned("disrupt", nil, "aws", "ec2", "stop-instances", "--instance-ids", "i-1\u200bi-2", ""),
		planned("delete", all, "aws", "s3", "rm", "s3://b\u202egnp.exe", "--recursive", "a\x00b", "e\u0301", "\U000e0041", "\u3164", "two\nlines", "ümlaut 漢字 🙂"),
	)
	c.Commands[1].Touches = []string{"i-1 \"web\u2066\" (running) env=prod", "dry run: would\x1b[2J delete"}
	c.FourEyes, c.Tainted = true, true
	return c
}

func TestCardShowsWhatRuns(t *testing.T) {
	t.Parallel()
	drawn := struct {
		Card    Card
		Buttons []Button
	}{drawCard(everyFacet(), "Ada (U1)"), cardButtons(everyFacet())}
	got, err := json.MarshalIndent(drawn, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/card.json"
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("the card changed; look at it, then go test ./bot -run TestCardShowsWhatRuns -update\n%s", diff)
	}
}

// Each facet that makes a command wait must say so on the card, in words of its own.
func TestEveryFacetThatWaitsIsWarnedOf(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, facet := range []string{"permission", "exposure", "egress", "payload", "spend", "bulk"} {
		if _, ok := policy.ParseFacet(facet); !ok {
			t.Fatalf("policy knows no facet %q", facet)
		}
		warnings := drawCard(confirmationOf(planned("read", []string{facet}, "aws")), "Ada").Warnings
		if len(warnings) != 1 || seen[warnings[0]] != "" {
			t.Errorf("%s: %q, said for %s too", facet, warnings, seen[strings.Join(warnings, "")])
			continue
		}
		seen[warnings[0]] = facet
	}
}

func TestAllowanceIsOfferedForPlainTaintedWritesAlone(t *testing.T) {
	t.Parallel()
	write, facet := planned("write", nil, "aws"), planned("write", []string{"permission"}, "aws")
	for name, c := range map[string]struct {
		commands          []store.Planned
		tainted, fourEyes bool
		want              bool
	}{
		"a tainted write":       {[]store.Planned{write}, true, false, true},
		"two":                   {[]store.Planned{write, write}, true, false, true},
		"an untainted one":      {[]store.Planned{write}, false, false, false},
		"with a second person":  {[]store.Planned{write}, true, true, false},
		"a permission":          {[]store.Planned{facet}, true, false, false},
		"one permission of two": {[]store.Planned{write, facet}, true, false, false},
		"a disruption":          {[]store.Planned{planned("disrupt", nil, "aws")}, true, false, false},
		"a delete among writes": {[]store.Planned{write, planned("delete", nil, "aws")}, true, false, false},
		"bulk alone":            {[]store.Planned{planned("write", []string{"bulk"}, "aws")}, true, false, true},
	} {
		conf := confirmationOf(c.commands...)
		conf.Tainted, conf.FourEyes = c.tainted, c.fourEyes
		offered := false
		for _, b := range cardButtons(conf) {
			offered = offered || b.Action == actionAllow
		}
		if offered != c.want {
			t.Errorf("%s: offered is %v", name, offered)
		}
	}
}

func TestOnlyDeletesAskOnceMore(t *testing.T) {
	t.Parallel()
	for effect, want := range map[string]bool{"write": false, "disrupt": false, "delete": true} {
		if got := cardButtons(confirmationOf(planned(effect, nil, "aws")))[0].Dialog != nil; got != want {
			t.Errorf("%s asks once more: %v", effect, got)
		}
	}
}

// What cannot be seen is spelled out, and no two texts that run differently look the same.
func FuzzVisibleTellsApart(f *testing.F) {
	f.Add("a\u200bb", "ab")
	f.Add("a\u202eb", `a\u{202e}b`)
	f.Add("a\u00a0b", "a b")
	f.Add("\ufe0f", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) { // such an argv gets no card
			return
		}
		for _, r := range visible(a) {
			if !plain(r) {
				t.Errorf("%q shows %q", a, r)
			}
		}
		if a != b && visible(a) == visible(b) {
			t.Errorf("%q and %q look the same: %s", a, b, visible(a))
		}
	})
}
