package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aurora/store"
)

const wentWrong = "Something went wrong on my side"

// tryUntilQuiet works on what is due at once, as if the pause between two tries were over, and counts the tries.
func (o *office) tryUntilQuiet(most int) (tries int) {
	o.t.Helper()
	for ; tries < most; tries++ {
		claim, err := o.db.Claim(o.t.Context(), "r1")
		if errors.Is(err, store.ErrNotFound) {
			return tries
		}
		if err != nil {
			o.t.Fatal(err)
		}
		_ = o.Work(o.t.Context(), claim) // it fails until it is given up
		if err := o.db.Release(o.t.Context(), claim); err != nil {
			o.t.Fatal(err)
		}
	}
	return tries
}

func TestErrorThatNeverPassesIsSaidOnce(t *testing.T) {
	t.Parallel()
	t.Run("a channel's rule that cannot be read", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t)
		o.say("UADMIN", "whoami")
		user, err := o.db.Person(t.Context(), person("UADMIN"))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.db.SetChannelRule(t.Context(), user.OrgID, "C1", json.RawMessage(`{"max_effect":"everything"}`), person("UADMIN")); err != nil {
			t.Fatal(err)
		}
		o.put("U1", "what is wrong?")
		tries := o.tryUntilQuiet(2 * mostTries)
		words := o.room.words()
		if last := words[len(words)-1]; tries != mostTries || !strings.HasPrefix(last, wentWrong) {
			t.Fatalf("after %d tries it says %q", tries, words)
		}
		if o.say("U1", "help"); o.tryUntilQuiet(2) != 0 {
			t.Error("something is left to do")
		}
	})
	t.Run("a payload of another shape", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t)
		e := store.Event{Key: "cont:1", Kind: store.EventContinuation, Thread: "t", Person: person("U1"), Payload: json.RawMessage(`{"settled":7}`),
			Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1", Thread: "1.0"}}
		if _, err := o.db.Receive(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if tries := o.tryUntilQuiet(2 * mostTries); tries != mostTries || len(o.room.whispers) != 1 || !strings.HasPrefix(o.room.whispers[0].Notice, wentWrong) {
			t.Errorf("after %d tries it whispers %+v", tries, o.room.whispers)
		}
	})
}

func TestWhatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, away := range []error{store.ErrUnavailable, &Later{After: time.Second}, ErrInDoubt, context.DeadlineExceeded} {
		o := newOffice(t)
		o.Users = noUsers{o.Users, away}
		o.put("U1", "whoami")
		if tries := o.tryUntilQuiet(3 * mostTries); tries != 3*mostTries || len(o.room.words())+len(o.room.whispers) != 0 {
			t.Errorf("%v: given up after %d tries: %q", away, tries, o.room.words())
		}
	}
}

type noUsers struct {
	Users
	err error
}

func (n noUsers) EnsureOrganisation(context.Context, store.Platform, string, string) (store.Organisation, error) {
	return store.Organisation{}, fmt.Errorf("find the organisation: %w", n.err)
}

// A click that won its card and cannot go on must not leave buttons that say it runs.
func TestClickThatIsGivenUpTakesTheButtonsAway(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.say("U1", deleteWeb)
	ts, card := o.room.last(t)
	user, err := o.db.Person(t.Context(), person("U1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.db.SetChannelRule(t.Context(), user.OrgID, "C1", json.RawMessage(`{"max_effect":"everything"}`), person("UADMIN")); err != nil {
		t.Fatal(err)
	}
	hash := store.HashNonce(card.Buttons[0].Value)
	e := store.Event{Key: "act:1", Kind: store.EventClick, Thread: "click:" + hash, Person: person("U1"), Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}}
	if _, err := o.intake.Receive(t.Context(), e, ClickPayload{Action: actionConfirm, NonceHash: hash, MessageTS: ts}); err != nil {
		t.Fatal(err)
	}
	o.tryUntilQuiet(2 * mostTries)
	if m := o.room.said[ts]; len(m.Buttons) != 0 || !strings.HasPrefix(m.Notice, wentWrong) {
		t.Errorf("the card is %+v", m)
	}
}

func TestCardWithoutRecordLosesItsButtons(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.say("U1", deleteWeb)
	ts, card := o.room.last(t)
	o.Waiting = forgetful{o.Waiting}
	for range 2 {
		o.click("U1", actionConfirm, ts, card.Buttons[0].Value)
	}
	if m := o.room.said[ts]; len(m.Buttons) != 0 || m.Notice != goneCard {
		t.Errorf("the card is %+v", m)
	}
	if n := len(o.room.whispers); n != 2 {
		t.Errorf("%d whispers for two clicks", n)
	}
	o.click("U1", actionConfirm, "7.7", "made up") // no message of ours: nothing is edited
}

// forgetful is a Redis that lost its records.
type forgetful struct{ Waiting }

func (forgetful) ConfirmationByNonce(context.Context, string) (store.Confirmation, error) {
	return store.Confirmation{}, store.ErrNotFound
}

// shaky keeps records only after some time.
type shaky struct {
	Confirmations
	until time.Time
	err   error
	kept  int
}

func (s *shaky) PutConfirmation(context.Context, store.Confirmation) error {
	if time.Now().Before(s.until) {
		return fmt.Errorf("keep: %w", s.err)
	}
	s.kept++
	return nil
}

func (s *shaky) EndConfirmation(context.Context, string, store.ConfirmationState) (store.ConfirmationState, error) {
	return "", s.err
}

func TestCardWaitsForAFailoverAndNoLonger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away time.Duration
		err  error
		says string // "" when the card is sent
		took time.Duration
	}{
		"a failover":       {3 * time.Second, store.ErrUnavailable, "", 3 * time.Second},
		"an outage":        {time.Hour, store.ErrUnavailable, "My short-term memory is away, so I can't ask for your click and nothing will run. Please ask again in a minute.", 5250 * time.Millisecond},
		"a refused record": {time.Hour, store.ErrConflict, "I can't keep the record of what your click would confirm, so nothing will run. Please ask again in other words.", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				memory := &shaky{until: time.Now().Add(c.away), err: c.err}
				sends := &tray{}
				d := &Desk{Stores: Stores{Confirmations: memory, Outbox: sends}, Chats: map[store.Platform]Platform{
					store.Slack: {Chat: &room{said: map[string]Message{}}, Directory: &room{}},
				}}
				conf := confirmationOf(planned("delete", nil, "aws"))
				conf.Place = store.Place{Platform: store.Slack, Channel: "C1"}
				post := say(conf.Turn, partCards, conf.Place, outgoing{Message: Message{Card: &Card{}, Buttons: cardButtons(conf)}, Confirm: &conf})
				began := time.Now()
				added, err := d.deliver(t.Context(), store.Claim{}, post)
				if err != nil || added != (c.says != "") || time.Since(began) != c.took || (memory.kept == 1) != (c.says == "") {
					t.Fatalf("added %v, error %v after %s, kept %d", added, err, time.Since(began), memory.kept)
				}
				if c.says != "" && (len(sends.added) != 1 || !strings.Contains(string(sends.added[0].Body), c.says)) {
					t.Errorf("told %+v", sends.added)
				}
				if !slices.Equal(sends.sent, []int64{0}) {
					t.Errorf("settled %v", sends.sent)
				}
			})
		})
	}
}

// tray is an outbox that notes what is added and what is settled.
type tray struct {
	added []store.Post
	sent  []int64
}

// AddPosts notes them.
func (t *tray) AddPosts(_ context.Context, _ store.Claim, posts []store.Post) error {
	t.added = append(t.added, posts...)
	return nil
}

// Outbox has nothing: the test hands the post over itself.
func (t *tray) Outbox(context.Context, store.Claim) ([]store.Post, error) { return nil, nil }

// BeginSend is of no interest.
func (t *tray) BeginSend(context.Context, store.Claim, int64) error { return nil }

// Sent notes it.
func (t *tray) Sent(_ context.Context, _ store.Claim, id int64, _ string) error {
	t.sent = append(t.sent, id)
	return nil
}
