package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aurora/providers"
	"aurora/store"
	"aurora/store/redis"
)

// doer is an executor that begins intents in the books, and may not get as far as their outcome.
type doer struct {
	hands
	o       *office
	outcome string // "" when the process dies before
	runs    int
}

func (x *doer) RunConfirmed(ctx context.Context, _ providers.Caller, conf store.Confirmation, i int) providers.Result {
	id := fmt.Sprintf("%s/%d", conf.ID, i)
	_, err := x.o.db.BeginIntent(ctx, store.Intent{ID: "int_" + conf.ID, OrgID: conf.OrgID, UserID: conf.UserID, Turn: conf.Turn, Step: conf.Step, Call: conf.Call,
		Confirmation: id, Effect: "delete", Cloud: conf.Cloud, ConnectionID: conf.ConnectionID, Account: conf.Account, Argv: conf.Commands[i].Argv})
	if err != nil {
		return providers.Result{Code: providers.CodeUnavailable, Error: err.Error()}
	}
	x.runs++
	if x.outcome != "" {
		err = x.o.db.FinishIntent(ctx, "int_"+conf.ID, []byte(x.outcome))
	}
	return providers.Result{Status: providers.StatusOK, Output: "done", Cloud: conf.Cloud, Argv: conf.Commands[i].Argv, Fault: err}
}

// cutShort fails to conclude the first click: the process dies there.
type cutShort struct {
	Rows
	lose func()
	died bool
}

func (c *cutShort) ContinueTurn(ctx context.Context, claim store.Claim, id int64, e store.Event, posts []store.Post) error {
	if !c.died {
		c.died = true
		c.lose()
		return fmt.Errorf("conclude: %w", store.ErrUnavailable)
	}
	return c.Rows.ContinueTurn(ctx, claim, id, e, posts)
}

// A click ran something; then the process died and Redis lost all it knew, as embedded at every kill. People are told
// what became of it, never that nothing was run.
func TestClickThatRanIsToldThoughItsRecordIsLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ outcome, says string }{
		"with its outcome": {`{"status":"ok","output":"done","cloud":"aws","argv":["aws"]}`, "done"},
		"outcome unknown":  {"", "Nobody knows how it ended."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			run := &doer{hands: hands{propose}, o: o, outcome: c.outcome}
			o.Executor = run
			o.Rows = &cutShort{Rows: o.Rows, lose: func() { o.forget() }}
			o.say("U1", deleteWeb)
			ts, m := o.room.last(t)
			o.clickInVain("U1", actionConfirm, ts, m.Buttons[0].Value)
			if err := o.db.Inherit(t.Context()); err != nil { // what a new process does first
				t.Fatal(err)
			}
			o.tryUntilQuiet(9)
			if run.runs != 1 || o.audited(store.AuditIntent) != 1 {
				t.Errorf("ran %d times", run.runs)
			}
			card := o.room.said[ts]
			if len(card.Buttons) != 0 || !strings.HasPrefix(card.Notice, "Confirmed by U1 (U1) at") || strings.Contains(card.Notice, "not run") {
				t.Errorf("the card says %+v", card)
			}
			said := fmt.Sprint(o.room.words(), o.room.whispers, o.room.said)
			if !strings.Contains(said, c.says) || strings.Contains(said, "not run") || strings.Contains(said, "ask again") {
				t.Errorf("said %s", said)
			}
			o.click("U1", actionConfirm, ts, m.Buttons[0].Value)
			if w := o.room.whispers; w[len(w)-1].Notice != overCard || run.runs != 1 {
				t.Errorf("a later click hears %+v", w[len(w)-1])
			}
		})
	}
}

// forget is a Redis that is started again and has nothing.
func (o *office) forget() {
	mem, err := redis.Embedded()
	if err != nil {
		o.t.Error(err)
		return
	}
	o.t.Cleanup(func() { _ = mem.Close() })
	o.Waiting, o.Confirmations, o.Tickets, o.Modes = mem, mem, mem, mem
}

// clickInVain is a click whose first try fails.
func (o *office) clickInVain(who, action, cardTS, nonce string) {
	o.t.Helper()
	hash := store.HashNonce(nonce)
	e := store.Event{Key: "act:vain:" + hash, Kind: store.EventClick, Thread: "click:" + hash, Person: person(who),
		Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}, At: time.Now()}
	if _, err := o.intake.Receive(o.t.Context(), e, ClickPayload{Action: action, NonceHash: hash, MessageTS: cardTS}); err != nil {
		o.t.Fatal(err)
	}
	claim, err := o.db.Claim(o.t.Context(), "r1")
	if err != nil {
		o.t.Fatal(err)
	}
	if err := o.Work(o.t.Context(), claim); err == nil {
		o.t.Fatal("the first try did not fail")
	}
	if err := o.db.Release(o.t.Context(), claim); err != nil {
		o.t.Fatal(err)
	}
}

// unsafe is a Redis under Sentinel whose master dies with the take: it stands there, and no replica has said so.
type unsafe struct {
	Confirmations
	Waiting
	away bool
}

func (u *unsafe) TakeConfirmation(ctx context.Context, id, click string) (store.ConfirmationState, error) {
	state, err := u.Confirmations.TakeConfirmation(ctx, id, click)
	if u.away {
		return "", errors.Join(err, store.ErrUnavailable)
	}
	return state, err
}

func (u *unsafe) ConfirmationByNonce(ctx context.Context, hash string) (store.Confirmation, error) {
	if u.away {
		return store.Confirmation{}, store.ErrUnavailable
	}
	return u.Waiting.ConfirmationByNonce(ctx, hash)
}

// Two clicks during a failover: the first may have won, so it is never called "not taken"; the second can be. In the end
// the first one runs.
func TestClickThatMayHaveWonIsTriedUntilItIsKnown(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	run := &doer{hands: hands{propose}, o: o, outcome: `{"status":"ok"}`}
	o.Executor = run
	memory := &unsafe{Confirmations: o.Confirmations, Waiting: o.Waiting}
	o.Confirmations, o.Waiting = memory, memory
	o.say("U1", deleteWeb)
	ts, m := o.room.last(t)
	memory.Waiting = awayAfter{memory.Waiting, memory}
	o.clickInVain("U1", actionConfirm, ts, m.Buttons[0].Value)
	if w := o.room.whispers; len(w) != 1 || !strings.HasPrefix(w[0].Notice, "Your click is noted") {
		t.Fatalf("after the first click %+v", w)
	}
	for range 3 {
		o.tryUntilQuiet(1)
	}
	if w := o.room.whispers; len(w) != 1 || run.runs != 0 {
		t.Fatalf("while Redis is away the click hears %+v", w)
	}
	memory.away, memory.Waiting = false, o.mem
	o.tryUntilQuiet(9)
	if card := o.room.said[ts].Card; run.runs != 1 || card == nil || !strings.HasPrefix(card.Outcome, "Confirmed by U1") {
		t.Errorf("ran %d times, the card is %+v", run.runs, o.room.said[ts])
	}
}

// awayAfter answers once more and is away then.
type awayAfter struct {
	Waiting
	memory *unsafe
}

func (a awayAfter) ConfirmationByNonce(ctx context.Context, hash string) (store.Confirmation, error) {
	defer func() { a.memory.away = true }()
	return a.Waiting.ConfirmationByNonce(ctx, hash)
}

func TestClickNobodyBeganIsNotTakenWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.say("U1", deleteWeb)
	ts, m := o.room.last(t)
	o.Waiting = &unsafe{Waiting: o.Waiting, away: true}
	hash := store.HashNonce(m.Buttons[0].Value)
	e := store.Event{Key: "act:late", Kind: store.EventClick, Thread: "click:" + hash, Person: person("U1"), At: time.Now().Add(-time.Minute), // by Slack's clock
		Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}}
	if _, err := o.intake.Receive(t.Context(), e, ClickPayload{Action: actionConfirm, NonceHash: hash, MessageTS: ts}); err != nil {
		t.Fatal(err)
	}
	if err := o.work(); err != nil {
		t.Fatal(err)
	}
	if w := o.room.whispers; len(w) != 1 || !strings.Contains(w[0].Notice, "not taken and nothing was run") {
		t.Errorf("whispered %+v", w)
	}
}
