package bot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

// TestRatingIsNotedWithoutWords: which turn and good or bad, nothing of what was asked or answered.
func TestRatingIsNotedWithoutWords(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Agent = read("the answer with a canary", false)
	o.say("U1", "what about my canary?")
	if err := o.work(); err != nil {
		t.Fatal(err)
	}
	var ts string
	var m Message
	for _, ts = range o.room.order {
		m = o.room.said[ts]
	}
	if len(m.Rating) != 2 || m.Rating[0].Value == "" || m.Rating[0].Value == m.Rating[1].Value {
		t.Fatalf("the answer has %+v", m.Rating)
	}
	before := o.audited(store.AuditClick)
	o.click("U1", actionRate, ts, m.Rating[1].Value)
	if got := o.audited(store.AuditClick); got != before+1 {
		t.Errorf("%d ratings are noted", got-before)
	}
	if n := len(o.room.whispers); n == 0 || !strings.Contains(o.room.whispers[n-1].Notice, "noted") {
		t.Errorf("whispered: %+v", o.room.whispers)
	}
}

func TestOnlyTheModelsAnswersAreRated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		final agent.Final
		want  int
	}{
		"an answer":  {agent.Final{Text: "x", State: store.TurnDone}, 2},
		"a sentence": {agent.Final{Notice: "The model failed.", State: store.TurnDone}, 0},
		"a stop":     {agent.Final{Text: "x", State: store.TurnStopped}, 0},
	} {
		if got := len((&report{final: c.final}).rated(Message{}).Rating); got != c.want {
			t.Errorf("%s has %d buttons", name, got)
		}
	}
}

func TestPromptsFitWhatHappened(t *testing.T) {
	t.Parallel()
	usual := []string{"In more detail", "What next?"}
	for name, c := range map[string]struct {
		r    report
		want []string
	}{
		"an answer": {report{}, usual},
		"a change in Ask mode": {report{caller: providers.Caller{Mode: store.Ask, User: store.User{Role: store.Operator}},
			done: doneWith(providers.Result{Code: providers.CodeRefused, Effect: "write"})}, append([]string{"Switch to Agent mode"}, usual...)},
		"no connection": {report{done: doneWith(providers.Result{Code: providers.CodeNotConnected, Cloud: store.AWS})}, append([]string{"Connect aws"}, usual...)},
		"a limit":       {report{final: agent.Final{Text: "So far.", Notice: "I stopped after 12 rounds."}}, append([]string{"Go on"}, usual...)},
	} {
		var got []string
		for _, p := range c.r.prompts() {
			got = append(got, p.Title)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTitleIsTheFirstLineOfADirectMessage(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 100)
	for name, c := range map[string]struct {
		payload MentionPayload
		text    string
		want    string
	}{
		"a DM":                  {MentionPayload{Direct: true}, " What  runs?\nIn prod.", "What runs?"},
		"a DM's thread":         {MentionPayload{Direct: true, InThread: true}, "What runs?", ""},
		"a channel":             {MentionPayload{}, "What runs?", ""},
		"a long one is clipped": {MentionPayload{Direct: true}, long, clip(strings.TrimSpace(long), mostTitle)},
	} {
		if got := titleFor(store.Received{Event: store.Event{Payload: raw(c.payload)}}, c.text); got != c.want {
			t.Errorf("%s: the title is %q", name, got)
		}
	}
}
