package policy

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// engine is shared by all tests: it never changes.
var engine = sync.OnceValue(func() *Engine {
	e, err := New(nil)
	if err != nil {
		panic(err)
	}
	return e
})

// labelled is one row of labelled data.
type labelled struct {
	tool, command, truth, tier, confidence, notes string
}

// effect is the effect the label stands for.
func (l labelled) effect() Effect {
	switch {
	case l.truth == "read":
		return Read
	case l.tier == "delete" || l.truth == "destructive" && l.tier == "":
		return Delete
	case l.tier == "disrupt":
		return Disrupt
	}
	return Write
}

var truthTools = []string{"aws", "gcloud", "az", "scw", "kubectl", "terraform"}

func readRows(t testing.TB, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]map[string]string, 0, len(records)-1)
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func labels(t testing.TB, tool string) []labelled {
	t.Helper()
	var list []labelled
	for _, r := range readRows(t, "gen/labels/"+tool+".csv.gz") {
		list = append(list, labelled{tool: tool, command: r["command"], truth: r["truth"], tier: r["tier"], confidence: r["confidence"], notes: r["notes"]})
	}
	return list
}

func invocations(t testing.TB) []labelled {
	t.Helper()
	var list []labelled
	for _, r := range readRows(t, "testdata/invocations.csv.gz") {
		list = append(list, labelled{tool: r["tool"], command: r["invocation"], truth: r["truth"], tier: r["tier"]})
	}
	return list
}

// judged is a command with its three decisions.
type judged struct {
	v                   Verdict
	ask, agent, tainted Ruling
}

func judge(line string) judged {
	e := engine()
	v := e.judge(e.Parse(line))
	return judged{v: v, ask: e.Decide(v, explained[0].context), agent: e.Decide(v, explained[1].context), tainted: e.Decide(v, explained[2].context)}
}

// faults says how a decision betrays a label; empty when it does not.
func faults(l labelled, j judged) []string {
	var bad []string
	if l.truth != "read" && j.v.Effect == Read {
		bad = append(bad, "change called read")
	}
	if l.truth != "read" && j.ask.Decision == Allow {
		bad = append(bad, "change runs in Ask")
	}
	if (l.truth == "destructive" || l.tier != "") && j.agent.Decision == Allow {
		bad = append(bad, "destructive or disruptive without a click")
	}
	if l.truth != "read" && j.tainted.Decision == Allow {
		bad = append(bad, "tainted change without a click")
	}
	if strings.Contains(l.notes, "perm-mgmt") && j.agent.Decision == Allow && l.truth != "read" {
		bad = append(bad, "permission change without a click")
	}
	return bad
}

func TestNoLabelledChangeRunsAsRead(t *testing.T) {
	t.Parallel()
	for _, tool := range truthTools {
		for _, l := range labels(t, tool) {
			if bad := faults(l, judge(l.command)); bad != nil {
				t.Errorf("%s (%s %s): %s", l.command, l.truth, l.tier, strings.Join(bad, ", "))
			}
		}
	}
}

func TestNoInvocationOfAChangeRunsAsRead(t *testing.T) {
	t.Parallel()
	for _, l := range invocations(t) {
		if bad := faults(l, judge(l.command)); bad != nil {
			t.Errorf("%s (%s %s): %s", l.command, l.truth, l.tier, strings.Join(bad, ", "))
		}
	}
}

func TestReadsRunInAsk(t *testing.T) {
	t.Parallel()
	high, refused := 0, 0
	for _, tool := range truthTools {
		for _, l := range labels(t, tool) {
			if l.truth != "read" || l.confidence != "high" {
				continue
			}
			high++
			if j := judge(l.command); j.ask.Decision != Allow && !j.v.Facets.Has(Secret) {
				refused++
				t.Logf("refused: %s: %s %s %s", l.command, j.v.Effect, j.v.Facets, j.v.Rule)
			}
		}
	}
	t.Logf("%d of %d high-confidence reads refused", refused, high)
	if refused*100 > high {
		t.Errorf("%d of %d high-confidence reads refused in Ask, want at most 1%%", refused, high)
	}
}

func TestControlsRunInAsk(t *testing.T) {
	t.Parallel()
	for _, r := range readRows(t, "testdata/controls.csv.gz") {
		if j := judge(r["command"]); j.ask.Decision != Allow || j.agent.Decision != Allow {
			t.Errorf("%s: %s in Ask, %s in Agent: %s", r["command"], j.ask.Decision, j.agent.Decision, j.v.Reason)
		}
	}
}

// controlText undoes the backslash escapes of control characters in the trap file.
var controlText = strings.NewReplacer(`\x00`, "\x00", `\t`, "\t", `\n`, "\n", `\r`, "\r", `\u200b`, "\u200b", `\u202e`, "\u202e")

func TestTraps(t *testing.T) {
	t.Parallel()
	for _, r := range readRows(t, "testdata/traps.csv.gz") {
		command := controlText.Replace(r["command"])
		if strings.HasSuffix(command, "--project=other-project") {
			continue // only the connection can tell another project: TestOtherPlacesAreRefused
		}
		if complaint := trapFault(r["expected"], judge(command)); complaint != "" {
			j := judge(command)
			t.Errorf("%s (%s): %s; it is %s of %s facets %q, ask %s agent %s: %s", r["command"], r["expected"], complaint, j.v.Effect, j.v.Provider, j.v.Facets, j.ask.Decision, j.agent.Decision, j.v.Reason)
		}
	}
}

func trapFault(expected string, j judged) string {
	runs := j.ask.Decision != Refuse || j.agent.Decision != Refuse || j.tainted.Decision != Refuse
	switch expected {
	case "deny":
		if runs {
			return "it may run"
		}
	case "confirm", "destructive":
		if j.ask.Decision != Refuse || j.agent.Decision == Allow || j.tainted.Decision == Allow {
			return "it runs without a click"
		}
	case "write":
		if j.ask.Decision != Refuse || j.tainted.Decision == Allow || j.v.Effect == Read {
			return "it counts as a read"
		}
	case "secret-read":
		if runs {
			return "the secret is shown"
		}
	case "masked-read", "refuse-or-mask":
		if j.ask.Decision == Allow && !j.ask.Mask {
			return "nothing is masked"
		}
	case "log-read":
		if j.ask.Decision == Allow && !j.v.Facets.Has(Log) {
			return "it is not marked as log"
		}
	case "data-read":
		if j.ask.Decision == Allow && !j.ask.AskerOnly {
			return "it is not for the asker alone"
		}
	default:
		return "unknown expectation"
	}
	return ""
}
