package bot

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

// events is an agent that tells what it is given to tell.
type events []agent.Event

func (e events) Run(context.Context, agent.Turn, agent.Journal) iter.Seq2[agent.Event, error] {
	return func(yield func(agent.Event, error) bool) {
		for _, event := range e {
			if !yield(event, nil) {
				return
			}
		}
	}
}

// agentFunc is an agent that tells what a turn makes it tell.
type agentFunc func(agent.Turn) []agent.Event

func (f agentFunc) Run(ctx context.Context, turn agent.Turn, j agent.Journal) iter.Seq2[agent.Event, error] {
	return events(f(turn)).Run(ctx, turn, j)
}

// inTheOpen is everything that stands in the open.
func (o *office) inTheOpen() string {
	all := ""
	for _, ts := range o.room.order {
		all += string(detail(o.room.said[ts])) + "\n"
	}
	return all
}

// read is a turn in which something was read and answered.
func read(answer string, askerOnly bool) events {
	return events{
		agent.CallDone{Step: 1, Ran: true, Result: providers.Result{Status: providers.StatusOK, Output: "raw", AskerOnly: askerOnly,
			Argv: []string{"aws", "s3", "cp", "s3://rows/secret-name", "-"}, Cloud: store.AWS}},
		agent.Final{Text: answer, State: store.TurnDone, AskerOnly: askerOnly, Tainted: true},
	}
}

// offered gives the newest whisper with a button of that action.
func (o *office) offered(action string) (Message, Button) {
	o.t.Helper()
	for _, m := range slices.Backward(o.room.whispers) {
		for _, b := range m.Buttons {
			if b.Action == action {
				return m, b
			}
		}
	}
	o.t.Fatalf("nothing offers %s: %+v", action, o.room.whispers)
	return Message{}, Button{}
}

func (o *office) stands(text string) int {
	n := 0
	for _, w := range o.room.words() {
		n += strings.Count(w, text)
	}
	return n
}

func TestShareSaysOnceWhatWasWhispered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.audience.Guests = true
	o.Agent = read("three instances", false)
	o.say("U1", "list")
	shown, b := o.offered(actionShare)
	if !strings.Contains(b.Dialog.Text, "guests") || o.stands("three instances") != 0 {
		t.Fatalf("offered with %+v; said %q", b.Dialog, o.room.words())
	}
	o.click("U2", actionShare, "", b.Value)
	if o.stands("three instances") != 0 || !strings.Contains(o.room.whispers[len(o.room.whispers)-1].Notice, "Only the person") {
		t.Fatal("somebody else shared it")
	}
	o.click("U1", actionShare, "", b.Value)
	o.click("U1", actionShare, "", b.Value)
	if o.stands("three instances") != 1 || o.audited(store.AuditClick) != 1 {
		t.Errorf("it stands there %d times, with %d rows in the audit", o.stands("three instances"), o.audited(store.AuditClick))
	}
	m := o.room.said[o.room.order[len(o.room.order)-1]]
	if m.Text != shown.Text || len(m.Ran) != len(shown.Ran) || len(m.Buttons) != 0 || !m.NoFile {
		t.Errorf("shared %+v, shown %+v", m, shown)
	}
}

func TestShareAsksAgainWhenOthersCame(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.audience.Guests = true
	o.Agent = read("three instances", false)
	o.say("U1", "list")
	_, b := o.offered(actionShare)
	o.room.audience.Others = true
	o.click("U1", actionShare, "", b.Value)
	_, again := o.offered(actionShare)
	if o.stands("three instances") != 0 || again.Value == b.Value || !strings.Contains(again.Dialog.Text, "other organisations") {
		t.Fatalf("shared with people nobody named; then offered %+v", again.Dialog)
	}
	o.room.audience.Guests = false // fewer than were named is no reason to ask
	o.click("U1", actionShare, "", again.Value)
	if o.stands("three instances") != 1 {
		t.Errorf("said %q", o.room.words())
	}
}

// TestAnswerOverheardOnItsWayIsWhispered: somebody comes between the look at who reads there and the sending.
func TestAnswerOverheardOnItsWayIsWhispered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Agent = read("three instances", false)
	o.room.onUpdate = func(string) error {
		if o.room.audience.Guests {
			return nil
		}
		o.room.audience.Guests = true
		return ErrOverheard
	}
	o.say("U1", "list")
	if o.stands("three instances") != 0 || o.stands("People from outside can read here") != 1 || len(o.room.whispers) != 1 || o.room.whispers[0].Text != "three instances" {
		t.Errorf("said %q, whispered %+v", o.room.words(), o.room.whispers)
	}
}

// TestShareAsksAgainWhenAnotherGuestCame: a guest was named, this one was not there.
func TestShareAsksAgainWhenAnotherGuestCame(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.audience.Guests = true
	o.Agent = read("three instances", false)
	o.say("U1", "list")
	_, b := o.offered(actionShare)
	o.room.crowd = ",UGUEST2"
	o.click("U1", actionShare, "", b.Value)
	_, again := o.offered(actionShare)
	if o.stands("three instances") != 0 || again.Value == b.Value {
		t.Fatalf("shared with somebody who came since: %q", o.room.words())
	}
	o.click("U1", actionShare, "", again.Value)
	if o.stands("three instances") != 1 {
		t.Errorf("said %q", o.room.words())
	}
}

func TestShareIsNeitherLostNorDoubled(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.audience.Others = true
	o.Agent = read("three instances", false)
	o.say("U1", "list")
	_, b := o.offered(actionShare)
	stands, tries := "", 0
	o.room.onFind = func() (string, error) {
		if stands == "" {
			return "", store.ErrNotFound
		}
		return stands, nil
	}
	o.room.onPost = func(Message) error {
		if tries++; tries == 1 {
			return &Later{} // nothing stands there
		}
		if tries == 2 { // it stands there, and Aurora does not hear of it
			o.room.n++
			stands = "9.9"
			o.room.said[stands], o.room.order = Message{Text: "three instances"}, append(o.room.order, stands)
			return ErrInDoubt
		}
		return nil
	}
	hash := store.HashNonce(b.Value)
	e := store.Event{Key: "act:1", Kind: store.EventClick, Thread: "click:" + hash, Person: person("U1"), Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}}
	if _, err := o.intake.Receive(t.Context(), e, ClickPayload{Action: actionShare, NonceHash: hash}); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		claim, err := o.db.Claim(t.Context(), "r1")
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = o.Work(t.Context(), claim)
		if err := o.db.Release(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
	}
	if o.stands("three instances") != 1 {
		t.Errorf("it stands there %d times: %q", o.stands("three instances"), o.room.words())
	}
}

func TestDataForTheAskerIsNotOffered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.audience.Guests = true
	o.Agent = read("the rows", true)
	o.say("U1", "read the rows")
	for _, m := range o.room.whispers {
		for _, b := range m.Buttons {
			if b.Action == actionShare && strings.Contains(m.Text+m.Notice, "rows") {
				t.Errorf("offered: %+v", m)
			}
		}
	}
	if o.stands("the rows") != 0 {
		t.Errorf("said %q", o.room.words())
	}
}

// recalled is what a turn of the user is told of the thread.
func (o *office) recalled(thread, layer string) string {
	o.t.Helper()
	raws, err := o.mem.Recall(o.t.Context(), thread, layer)
	if err != nil {
		o.t.Fatal(err)
	}
	all := ""
	for _, raw := range raws {
		all += string(raw)
	}
	return all
}

func TestMemoryFollowsWhatWasReallySaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shared, private bool
		posted          bool
	}{
		"in house":                  {false, false, true},
		"shared while it was asked": {true, false, false},
		"for the asker alone":       {false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.Agent = read("CANARY", c.private)
			ts := o.put("U1", "list")
			o.room.onPost = func(Message) error { // the placeholder goes up; then somebody comes
				o.room.audience.Others = c.shared
				return nil
			}
			if err := o.work(); err != nil {
				t.Fatal(err)
			}
			user, err := o.db.Person(t.Context(), person("U1"))
			if err != nil {
				t.Fatal(err)
			}
			posted, own := o.recalled("T1:C1:"+ts, "posted"), o.recalled("T1:C1:"+ts, "user:"+user.ID)
			if got := strings.Contains(posted, "CANARY"); got != c.posted {
				t.Errorf("everybody is told of it: %v", got)
			}
			if got := strings.Contains(own, "CANARY"); got == c.posted {
				t.Errorf("the asker alone is told of it: %v", got)
			}
			if got := strings.Contains(own, `"private":true`); got != c.private {
				t.Errorf("it is marked as private: %v", got)
			}
		})
	}
}
