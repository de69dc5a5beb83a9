package bot

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

func doneWith(r providers.Result) []agent.CallDone { return []agent.CallDone{{Result: r, Ran: true}} }

func TestWhoSeesAnAnswer(t *testing.T) {
	t.Parallel()
	ran := providers.Result{Status: providers.StatusOK, Output: "out"}
	data := providers.Result{Status: providers.StatusOK, Output: "out", AskerOnly: true}
	refusedData := providers.Result{Code: providers.CodeRefused, Error: "no", AskerOnly: true}
	for name, c := range map[string]struct {
		thread, turn string
		done         []agent.CallDone
		final        agent.Final
		whispered    bool // to the asker alone
		asker        bool // whispered where strangers read
	}{
		"words alone":               {"1.1", "turn_1", nil, agent.Final{Text: "hi"}, false, false},
		"a read":                    {"1.1", "turn_1", doneWith(ran), agent.Final{Text: "hi"}, false, true},
		"a refusal":                 {"1.1", "turn_1", doneWith(providers.Result{Code: providers.CodeRefused, Error: "no"}), agent.Final{Text: "hi"}, false, true},
		"what was remembered":       {"1.1", "turn_1", nil, agent.Final{Text: "hi", Tainted: true}, false, true},
		"a data read":               {"1.1", "turn_1", doneWith(data), agent.Final{Text: "hi"}, true, true},
		"a data read that was none": {"1.1", "turn_1", doneWith(refusedData), agent.Final{Text: "hi"}, false, true},
		"data behind a click":       {"1.1", continued + "1", nil, agent.Final{Text: "hi", AskerOnly: true}, true, true},
		"a click's result":          {"1.1", continued + "1", nil, agent.Final{Text: "hi"}, false, true},
		"a slash command":           {"", "turn_1", doneWith(ran), agent.Final{Text: "hi"}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &report{asked: asked{turn: store.Turn{ID: c.turn, Place: store.Place{Channel: "C1", Thread: c.thread}, Asker: store.Person{ID: "U1"}}}, done: c.done, final: c.final}
			posts := r.place([]Message{r.message()}, veil{})
			open := ""
			for _, p := range posts {
				var out outgoing
				if err := json.Unmarshal(p.Body, &out); err != nil {
					t.Fatal(err)
				}
				if p.Kind == store.PostWhisper {
					if p.Place.Whisper != "U1" {
						t.Errorf("whispered to %q", p.Place.Whisper)
					}
					continue
				}
				open += string(p.Body)
				if (out.Asker == "U1") != c.asker {
					t.Errorf("part %d is for %q where strangers read", p.Part, out.Asker)
				}
			}
			if got := !strings.Contains(open, `"hi"`); got != c.whispered {
				t.Errorf("whispered is %v; in the open stands %s", got, open)
			}
		})
	}
}

// hall is a place whose readers are known.
type hall struct {
	Directory
	audience Audience
	err      error
}

func (h *hall) Audience(context.Context, store.Place) (Audience, error) { return h.audience, h.err }

func TestCloudOutputIsWhisperedWhereStrangersRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asker    string
		audience Audience
		err      error
		open     bool
		fails    bool
	}{
		"among ourselves":         {"U1", Audience{}, nil, true, false},
		"strangers":               {"U1", Audience{Shared: true}, nil, false, false},
		"strangers, own words":    {"", Audience{Shared: true}, nil, true, false},
		"nobody knows who":        {"U1", Audience{}, ErrInDoubt, false, true},
		"nobody knows, own words": {"", Audience{}, ErrInDoubt, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := &Desk{Chats: map[store.Platform]Platform{store.Slack: {Directory: &hall{audience: c.audience, err: c.err}}}}
			out := outgoing{Message: Message{Text: "three instances"}, Asker: c.asker}
			post := say("turn_1", 2, store.Place{Platform: store.Slack, Channel: "C1", Thread: "1.1"}, out)
			shown, hidden, err := d.discreet(t.Context(), post, out)
			if (err != nil) != c.fails {
				t.Fatal(err)
			}
			if c.fails {
				return
			}
			if open := shown.Message.Text != ""; open != c.open || open == (len(hidden) == 1) {
				t.Errorf("in the open: %v, whispers: %v", open, hidden)
			}
			if !c.open && (hidden[0].Place.Whisper != "U1" || hidden[0].Kind != store.PostWhisper || !strings.Contains(shown.Message.Notice, "privately")) {
				t.Errorf("whispered to %v, said %+v", hidden, shown.Message)
			}
		})
	}
}

func TestWhatIsNoAskIsAnsweredWithAdvice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, payload, says string
	}{
		"an ask":         {"list instances", `{"ts":"1.1"}`, ""},
		"nothing":        {"", `{"ts":"1.1"}`, "Ask me about your clouds"},
		"a credential":   {"my key is [redacted]", `{"ts":"1.1","leaked":1}`, "rotate the credential"},
		"far too much":   {strings.Repeat("é", maxAsk+1), `{}`, "at most 12000"},
		"just enough":    {strings.Repeat("é", maxAsk), `{}`, ""},
		"no payload":     {"list instances", ``, ""},
		"broken payload": {"list instances", `{`, ""},
	} {
		m, bad := unfit(c.text, json.RawMessage(c.payload))
		if bad != (c.says != "") || !strings.Contains(m.Notice, c.says) {
			t.Errorf("%s: %v, %q", name, bad, m.Notice)
		}
	}
}

func TestOutputsAreToldApartByAccount(t *testing.T) {
	t.Parallel()
	one := providers.Result{Status: providers.StatusOK, Argv: []string{"aws", "x"}, Output: "short", Sections: []providers.Section{{Label: "a", Full: "all of it"}}}
	two := providers.Result{Status: providers.StatusOK, Argv: []string{"aws", "y"}, Output: "== a == ...", Sections: []providers.Section{
		{Label: "a", Output: "rows of a"}, {Label: "b", Error: "No right to."}}}
	big := providers.Result{Status: providers.StatusOK, Output: "cut", Sections: []providers.Section{{Full: strings.Repeat("x", mostFull)}}}
	r := &report{done: append(append(doneWith(one), doneWith(two)...), append(doneWith(big), agent.CallDone{Result: providers.Result{Code: providers.CodeRefused}})...)}
	want := []Output{{Title: "aws x", Text: "all of it"}, {Title: "aws y — a", Text: "rows of a"}, {Title: "aws y — b", Text: "No right to."}, {Text: "cut"}}
	if diff := cmp.Diff(want, r.outputs()); diff != "" {
		t.Error(diff)
	}
}
