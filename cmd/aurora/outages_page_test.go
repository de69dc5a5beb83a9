package main

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

const (
	outageFile = "OUTAGES.md"
	nothing    = "nothing"
)

const outageHead = `# What an outage looks like

Written by ` + "`go test ./cmd/aurora -run TestOutages -update`" + ` and compared by the test without ` + "`-update`" + `: each misfortune happens to a
whole Aurora on real PostgreSQL, Redis and Vault, with the simulated Slack and clouds, at each moment. The failing model is aimock.

- **readyz** is what the endpoint says that is not "ok", causes left out: 503 takes the replica out of service, 200 does not. A process
  that ends is started again by whoever supervises it.
- **The person saw** is all that Aurora showed her while it lasted, beside the placeholder; where that is nothing, Slack is not there to be
  used, or there is nothing to say.
- **Afterwards** is what she saw once it was mended, by itself or after she asked or clicked again, and how often the command ran.

| outage | moment | readyz | the person saw | afterwards |
|---|---|---|---|---|
`

// outageRow is one line of the page.
type outageRow struct {
	outage, moment, ready string
	saw, after            []string
}

func (r outageRow) columns() []string {
	return []string{r.outage, r.moment, r.ready, strings.Join(r.saw, " · "), strings.Join(r.after, " · ")}
}

const (
	columnReady = 2
	columnSaw   = 3
	columnAfter = 4
)

// outagePage is the page as it is and as it becomes.
type outagePage struct {
	known map[string][]string // columns by outage and moment

	mu   sync.Mutex
	rows map[string]outageRow
}

func openOutagePage(t *testing.T) *outagePage {
	t.Helper()
	p := &outagePage{known: map[string][]string{}, rows: map[string]outageRow{}}
	if *update {
		return p
	}
	raw, err := os.ReadFile(outageFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		columns := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(columns) == 5 {
			for i := range columns {
				columns[i] = strings.TrimSpace(columns[i])
			}
			p.known[columns[0]+"/"+columns[1]] = columns
		}
	}
	return p
}

// steady is how long nothing must change for what is seen in a column to be written down.
var steady = map[int]time.Duration{columnReady: time.Second, columnSaw: 3 * time.Second, columnAfter: 2 * time.Second}

// await looks until it sees what the page says or, when the page is written anew, until nothing changes any more.
func (p *outagePage) await(t *testing.T, row *outageRow, column int, look func() string) string {
	t.Helper()
	if *update {
		return awaitSteady(look, steady[column])
	}
	want := ""
	if known := p.known[row.outage+"/"+row.moment]; known != nil {
		want, _, _ = strings.Cut(known[column], " · the command ran")
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	got := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if got = plainCell(look()); got == want {
			return got
		}
	}
	t.Errorf("%s, %s: look at it, then run go test ./cmd/aurora -run TestOutages -update\n%s", row.outage, row.moment, gocmp.Diff(want, got))
	return got
}

func awaitSteady(look func() string, steady time.Duration) string {
	last, since := plainCell(look()), time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for time.Since(since) < steady {
		<-tick.C
		if now := plainCell(look()); now != last {
			last, since = now, time.Now()
		}
	}
	return last
}

// changing is what differs from one run to the next, or is not of this page.
var changing = []struct {
	shape *regexp.Regexp
	word  string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`), "TIME"}, {regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`\(ref \w+\)`), "(ref …)"}, {regexp.MustCompile(`\b\d+(\.\d+)? ?m?s\b`), "a moment"},
	{regexp.MustCompile(` conf_\w+ · digest \w+`), ","}, {regexp.MustCompile(`tailscale devices list name \|.*?✓`), "[the list] ✓"},
	{regexp.MustCompile(`It ran, but its outcome could not be written down yet: it may be reported as unknown\.`), "a moment"},
	{regexp.MustCompile(` \([^()]*(dial|read|EOF|refused|connect|timeout)[^()]*(\([^()]*\)[^()]*)*\)`), ""},
}

// plainCell makes a text fit into a table, without what differs from one run to the next.
func plainCell(text string) string {
	text = flat(text)
	for _, c := range changing {
		text = c.shape.ReplaceAllString(text, c.word)
	}
	return cmp.Or(strings.ReplaceAll(text, "|", "¦"), nothing)
}

func (p *outagePage) add(t *testing.T, row *outageRow) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows[row.outage+"/"+row.moment] = *row
}

// close writes the page, or compares it where all of it was played.
func (p *outagePage) close(t *testing.T) {
	t.Helper()
	var b strings.Builder
	b.WriteString(outageHead)
	for _, m := range misfortunes() {
		for _, moment := range moments {
			row, ok := p.rows[m.name+"/"+moment.name]
			if !ok { // some worlds were left out by -run
				if *update {
					t.Fatalf("%s, %s was not played: the page is written whole or not at all", m.name, moment.name)
				}
				return
			}
			_, _ = fmt.Fprintf(&b, "| %s |\n", strings.Join(row.columns(), " | "))
		}
	}
	if *update {
		if err := os.WriteFile(outageFile, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	raw, err := os.ReadFile(outageFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(raw), b.String()); diff != "" {
		t.Errorf("what people see has changed; look at it, then run go test ./cmd/aurora -run TestOutages -update\n%s", diff)
	}
}

// now is what Ada sees of Aurora's, by ts. A word that something is being looked at is no answer.
func (s *scene) now() map[string]string {
	messages, err := s.sims.slack.Messages(people["ada"], s.channel)
	s.must(err)
	seen := map[string]string{}
	for _, m := range messages {
		text := flat(m.Plain)
		if m.User == aurora && !strings.HasPrefix(text, "Looking ") && !strings.HasPrefix(text, "Running ") {
			seen[m.TS] = essence(text, len(m.Buttons) > 0)
		}
	}
	return seen
}

// essence leaves of a card what it is and what became of it, and of a list that it is one.
func essence(text string, open bool) string {
	if strings.HasPrefix(text, "Confirm: ") {
		title, rest, _ := strings.Cut(text, " Cloud")
		switch i := strings.LastIndex(rest, "Confirmed by"); {
		case open:
			return "[card, with its buttons] " + title
		case i >= 0:
			return "[card] " + title + " … " + rest[i:]
		}
		return "[card] " + title + " … " + rest
	}
	if i := strings.Index(text, laptop); i >= 0 {
		text = text[:i] + "…"
	}
	return text
}

// news is what Ada sees and did not see when the moment began.
func (s *scene) news() string {
	seen := s.now()
	var said []string
	for ts, text := range seen {
		if text != s.before[ts] && text != "" {
			said = append(said, "“"+text+"”")
		}
	}
	slices.Sort(said) // two answers may come in any order
	return cmp.Or(strings.Join(said, " · "), nothing)
}
