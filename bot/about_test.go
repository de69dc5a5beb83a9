package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"aurora/agent"
	"aurora/store"
)

// witness answers every ask and keeps what it was told. Its hook may write to the turn's journal first.
type witness struct {
	told []agent.Turn
	hook func(agent.Journal)
}

// Run answers.
func (w *witness) Run(_ context.Context, t agent.Turn, j agent.Journal) iter.Seq2[agent.Event, error] {
	return func(yield func(agent.Event, error) bool) {
		w.told = append(w.told, t)
		if w.hook != nil {
			w.hook(j)
		}
		yield(agent.Final{Text: "the answer", State: store.TurnDone}, nil)
	}
}

// aboutTS is where the message stands that is asked about.
const aboutTS = "1.000001"

// below brings in what who writes below that message, or asks about it in a dialog.
func (o *office) below(who, text string, about *Said) {
	o.t.Helper()
	o.n++
	ts := fmt.Sprintf("2.%06d", o.n)
	e := store.Event{Key: "ev:T1:" + ts, MessageKey: "msg:T1:C1:" + ts, Kind: store.EventMention, Thread: "T1:C1:" + aboutTS, Person: person(who),
		Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1", Thread: aboutTS}, Text: text, At: time.Now()}
	if _, err := o.intake.Receive(o.t.Context(), e, MentionPayload{TS: ts, InThread: true, About: about}); err != nil {
		o.t.Fatal(err)
	}
}

func TestQuestionFromADialogIsATurnOfItsOwn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	seen := &witness{}
	o.Agent = seen
	about := &Said{Person: person("U2"), Text: "disk is full", TS: aboutTS}
	seen.hook = func(j agent.Journal) {
		seen.hook = nil
		o.below("U1", "and now?", nil)
		o.below("U1", "and this one?", about)
		joined, err := j.SaveReply(t.Context(), 1, json.RawMessage(`{}`))
		if err != nil || len(joined) != 1 || joined[0].Text != "and now?" {
			t.Errorf("joined %+v, %v", joined, err)
		}
	}
	o.below("U1", "what is wrong?", nil)
	if err := o.work(); err != nil {
		t.Fatal(err)
	}
	want := []agent.Said{{Who: "U2", Text: "disk is full"}}
	if len(seen.told) != 2 || seen.told[1].Text != "and this one?" || !slices.Equal(seen.told[1].History, want) {
		t.Errorf("told %+v", seen.told)
	}
	if words := o.room.words(); !slices.Equal(words, []string{"the answer", "U1 asks: and this one?", "the answer"}) {
		t.Errorf("said %q", words)
	}
}

func TestTurnThatWaitedKnowsWhatItIsAbout(t *testing.T) {
	t.Parallel()
	about := Said{Person: person("U2"), Text: "disk is full", TS: aboutTS}
	for name, c := range map[string]struct {
		about *Said
		above []Said
		words []string
	}{
		"a mention in a thread":    {nil, []Said{about}, []string{"the answer"}},
		"a question from a dialog": {&about, nil, []string{"U1 asks: why?", "the answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			seen := &witness{}
			o.Agent, o.room.thread = seen, c.above
			o.room.onPost = func(Message) error { return &Later{After: time.Second} }
			o.below("U1", "why?", c.about)
			if tries := o.tryUntilQuiet(2); tries != 2 || len(seen.told) != 0 {
				t.Fatalf("%d tries, told %+v", tries, seen.told)
			}
			o.room.onPost = nil
			o.tryUntilQuiet(2)
			if len(seen.told) != 1 || !slices.Equal(seen.told[0].History, []agent.Said{{Who: "U2", Text: "disk is full"}}) {
				t.Errorf("told %+v", seen.told)
			}
			if words := o.room.words(); !slices.Equal(words, c.words) {
				t.Errorf("said %q", words)
			}
		})
	}
}

func TestQuestionIsShownByWhoeverGoesOn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.below("U1", "why?", &Said{Person: person("U2"), Text: "disk is full", TS: aboutTS})
	claim, err := o.db.Claim(t.Context(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	o.begun(claim, "why?") // and the process ends
	if err := o.db.Release(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	o.tryUntilQuiet(2)
	if words := o.room.words(); !slices.Equal(words, []string{"U1 asks: why?", "the answer"}) {
		t.Errorf("said %q", words)
	}
}

func TestMessageThatIsAskedAboutIsToldWithWhatIsAttached(t *testing.T) {
	t.Parallel()
	about := Said{Text: "Alert: checkout\ndisk is full", TS: aboutTS} // nobody's words alone
	details := agent.Said{Text: about.Text}
	for name, c := range map[string]struct {
		above []Said
		want  []agent.Said
	}{
		"not in what was read": {[]Said{{Person: person("U2"), Text: "looking", TS: "1.000002"}}, []agent.Said{{Who: "U2", Text: "looking"}, details}},
		"without its details": {[]Said{{Person: person("U1"), Text: "Alert: checkout", TS: aboutTS}, {Person: person("U2"), Text: "looking", TS: "1.000002"}},
			[]agent.Said{details, {Who: "U2", Text: "looking"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			seen := &witness{}
			o.Agent, o.room.thread = seen, c.above
			o.below("U1", "why?", &about)
			o.tryUntilQuiet(1)
			if len(seen.told) != 1 || !slices.Equal(seen.told[0].History, c.want) {
				t.Errorf("told %+v", seen.told)
			}
		})
	}
}
