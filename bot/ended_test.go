package bot

import (
	"context"
	"strings"
	"testing"
	"time"

	"aurora/providers"
	"aurora/store"
)

func TestCardThatComesTooLateIsNotShown(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Executor = hands{func(ask providers.Ask) providers.Result {
		r := propose(ask)
		r.Proposal.Expires = time.Now().Add(-time.Second)
		return r
	}}
	o.say("U1", deleteWeb)
	for ts, m := range o.room.said {
		if m.Card != nil {
			t.Errorf("%s is a card nobody can answer: %+v", ts, m)
		}
	}
	if w := o.room.whispers; len(w) != 1 || !strings.Contains(w[0].Notice, "too long to show the card") {
		t.Errorf("whispered %+v", w)
	}
}

// Slack takes no message while the card's time runs out: its end is told on the card once that stands, and nowhere before.
func TestEndWaitsForItsCard(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.onPost = func(m Message) error {
		if m.Card != nil {
			return &Later{}
		}
		return nil
	}
	o.put("U1", deleteWeb)
	o.tryUntilQuiet(1)
	turn := o.onlyTurn()
	if n := o.voidCards(t.Context(), turn); n != 1 {
		t.Fatalf("%d cards were voided", n)
	}
	before := len(o.room.words())
	if tries := o.tryUntilQuiet(6); tries != 6 || len(o.room.words()) != before {
		t.Fatalf("quiet after %d tries, said %q", tries, o.room.words())
	}
	o.room.onPost = nil
	o.tryUntilQuiet(9)
	if ts, m := o.room.last(t); m.Card.Outcome != "Stopped. Nothing was run." || len(m.Buttons) != 0 {
		t.Errorf("%s says %+v", ts, m)
	}
}

// torn is a Redis whose answer is lost, or a process that dies, right behind the end of a confirmation.
type torn struct{ Confirmations }

func (c torn) EndConfirmation(ctx context.Context, id string, to store.ConfirmationState) (store.ConfirmationState, error) {
	if _, err := c.Confirmations.EndConfirmation(ctx, id, to); err != nil {
		return "", err
	}
	return "", store.ErrUnavailable
}

func TestVoidedCardLosesItsButtonsWhateverHappensNext(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.say("U1", deleteWeb)
	ts, _ := o.room.last(t)
	o.Confirmations = torn{o.Confirmations}
	o.voidCards(t.Context(), o.onlyTurn())
	if err := o.work(); err != nil {
		t.Fatal(err)
	}
	if m := o.room.said[ts]; m.Card == nil || m.Card.Outcome != "Stopped. Nothing was run." || len(m.Buttons) != 0 {
		t.Errorf("the card says %+v", m)
	}
}

// onlyTurn is the turn that waits or runs.
func (o *office) onlyTurn() string {
	o.t.Helper()
	turns, err := o.db.RunningTurns(o.t.Context(), store.Person{}, store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}, time.Now())
	if err != nil || len(turns) != 1 {
		o.t.Fatalf("%d turns: %v", len(turns), err)
	}
	return turns[0].ID
}
