package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aurora/agent"
	"aurora/store"
	"aurora/store/redis"
)

const deleteWeb = "run aws ec2 terminate-instances --instance-ids i-1"

func TestPanicInATurnIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	calls := 0
	o.Agent = mind{func(agent.Turn) agent.Final { calls++; panic("hostile output") }}
	o.say("U1", "what is wrong?")
	if words := o.room.words(); len(words) != 1 || !strings.HasPrefix(words[0], "Something went wrong on my side") || calls != 1 {
		t.Fatalf("said %q after %d tries", words, calls)
	}
	if o.say("U1", "help"); len(o.room.words()) != 2 {
		t.Fatalf("a later verb was not answered: %q", o.room.words())
	}
}

func TestPanicInATurnThatWasTakenOverIsAnswered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	claim, _ := o.open("U1", "what is wrong?")
	if err := o.db.Release(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	o.Agent = mind{func(agent.Turn) agent.Final { panic("hostile output") }}
	if err := o.work(); err != nil {
		t.Fatal(err)
	}
	if words := o.room.words(); len(words) != 1 || !strings.HasPrefix(words[0], "Something went wrong") {
		t.Errorf("said %q", words)
	}
}

func TestMessageThatBreaksTheAdapterIsGivenUp(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.onPost = func(m Message) error {
		if m.Text == "the answer" {
			panic("cannot draw")
		}
		return nil
	}
	o.room.onUpdate = func(string) error { return ErrGone }
	o.say("U1", "what is wrong?")
	if o.say("U1", "mode"); len(o.room.words()) != 2 {
		t.Errorf("said %q", o.room.words())
	}
}

func TestAnswerOutlivesItsPlaceholder(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.onUpdate = func(string) error { return fmt.Errorf("message_not_found: %w", ErrGone) }
	o.say("U1", "what is wrong?")
	if words := o.room.words(); !slices.Contains(words, "the answer") {
		t.Errorf("said %q", words)
	}
}

func TestCardThatCannotBeShownIsToldAndVoided(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.onPost = func(m Message) error {
		if m.Card != nil {
			return fmt.Errorf("not_in_channel: %w", ErrUndeliverable)
		}
		return nil
	}
	o.say("U1", deleteWeb)
	if len(o.room.whispers) != 1 || !strings.Contains(o.room.whispers[0].Notice, "nothing will run") {
		t.Fatalf("whispered %+v", o.room.whispers)
	}
	due, err := o.mem.DueConfirmations(t.Context(), 10)
	if err != nil || len(due) != 0 {
		t.Errorf("it still waits: %v, %v", due, err)
	}
}

func TestRefusalIsSaidWithoutItsButtonWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Tickets = noTickets{o.Tickets}
	out, err := o.arm(t.Context(), outgoing{Message: Message{Notice: "Switch to Agent mode", Buttons: []Button{{Action: actionAgent, Press: raw(pressed{})}}}})
	if err != nil || len(out.Message.Buttons) != 0 || out.Message.Notice == "" {
		t.Errorf("%+v, %v", out, err)
	}
}

type noTickets struct{ Tickets }

func (noTickets) NewTicket(context.Context, json.RawMessage, time.Duration) (string, error) {
	return "", fmt.Errorf("issue a ticket: %w", store.ErrUnavailable)
}

func TestWhisperForStrangersEyesIsSentOnceHoweverOftenTheHintIsTried(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.shared = true
	tries := 0
	o.room.onUpdate = func(string) error {
		if tries++; tries < 3 {
			return &Later{}
		}
		return nil
	}
	o.Executor = hands{propose}
	claim, turn := o.open("U1", "list")
	post := edit(turn.ID, partAnswer, partPlaceholder, turn.Place, outgoing{Message: Message{Text: "secret-ish output"}, Asker: "U1"})
	if err := o.db.AddPosts(t.Context(), claim, []store.Post{say(turn.ID, partPlaceholder, turn.Place, outgoing{Message: Message{Status: "…"}}), post}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err := o.flush(t.Context(), claim)
		if later := (*Later)(nil); err != nil && !errors.As(err, &later) {
			t.Fatal(err)
		}
	}
	if len(o.room.whispers) != 1 || o.room.whispers[0].Text != "secret-ish output" || strings.Contains(strings.Join(o.room.words(), " "), "secret-ish") {
		t.Errorf("whispered %+v, said %q", o.room.whispers, o.room.words())
	}
}

func TestCardBeforeStrangersNamesNothingOfTheCloud(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.shared = true
	o.say("U1", deleteWeb)
	_, m := o.room.last(t)
	if len(m.Card.Touches) != 0 || !strings.Contains(strings.Join(m.Card.Warnings, " "), "Show me") || len(m.Card.Commands) != 1 {
		t.Errorf("the card shows %+v", m.Card)
	}
	if raw := string(detail(m)); strings.Contains(raw, `"111"`) {
		t.Errorf("the card says where it is: %s", raw)
	}
	if w := o.room.whispers; len(w) != 2 || w[1].Card == nil || len(w[1].Card.Touches) != 1 || len(w[1].Buttons) != 0 {
		t.Errorf("its asker was whispered %+v", w)
	}
	o.room.shared = false
	o.say("U1", deleteWeb)
	if _, m := o.room.last(t); len(m.Card.Touches) != 1 {
		t.Errorf("among members the card shows %+v", m.Card)
	}
}

func TestSecondCancelIsAnswered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.say("U1", deleteWeb)
	ts, m := o.room.last(t)
	o.click("U1", actionCancel, ts, m.Buttons[0].Value)
	if len(o.room.whispers) != 0 || !strings.HasPrefix(o.room.said[ts].Card.Outcome, "Cancelled by") {
		t.Fatalf("after the first: %+v, %+v", o.room.whispers, o.room.said[ts])
	}
	o.click("U1", actionCancel, ts, m.Buttons[0].Value)
	if len(o.room.whispers) != 1 || !strings.Contains(o.room.whispers[0].Notice, "cancelled") || o.audited(store.AuditClick) != 1 {
		t.Errorf("after the second: %+v", o.room.whispers)
	}
}

// TestMadeUpButtonLeavesTheCard: a click whose button leads nowhere must not take a card away that can be answered; one
// that nothing answers any more is taken away.
func TestMadeUpButtonLeavesTheCard(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.say("U1", deleteWeb)
	ts, m := o.room.last(t)
	o.click("U2", actionConfirm, ts, "MADEUP")
	if n := len(o.room.whispers); n != 1 || o.room.whispers[0].Notice != strangeButton || len(o.room.said[ts].Buttons) != len(m.Buttons) {
		t.Fatalf("whispered %+v, the card is %+v", o.room.whispers, o.room.said[ts])
	}
	o.click("U1", actionCancel, ts, m.Buttons[0].Value)
	if card := o.room.said[ts].Card; card == nil || !strings.HasPrefix(card.Outcome, "Cancelled by") {
		t.Errorf("its own button did not answer it: %+v", o.room.said[ts])
	}
	o.say("U1", deleteWeb)
	ts, _ = o.room.last(t)
	forgetful, err := redis.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = forgetful.Close() })
	o.Waiting, o.Confirmations = forgetful, forgetful
	o.click("U1", actionConfirm, ts, "MADEUP")
	if o.room.said[ts].Notice != goneCard {
		t.Errorf("a card nothing is known of says %+v", o.room.said[ts])
	}
}

// TestAnswerThatItsPlaceDoesNotTakeIsWhispered: a channel that was archived or locked meanwhile must not swallow it.
func TestAnswerThatItsPlaceDoesNotTakeIsWhispered(t *testing.T) {
	t.Parallel()
	for name, shut := range map[string]func(o *office){
		"posts": func(o *office) {
			o.room.onPost = func(Message) error { return fmt.Errorf("is_archived: %w", ErrUndeliverable) }
		},
		"updates": func(o *office) {
			o.room.onUpdate = func(string) error { return fmt.Errorf("is_archived: %w", ErrUndeliverable) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			shut(o)
			o.say("U1", "what is wrong?")
			if w := o.room.whispers; len(w) != 1 || w[0].Text != "the answer" || !strings.Contains(w[0].Notice, "only you see") || len(w[0].Rating) != 0 {
				t.Errorf("whispered %+v", w)
			}
		})
	}
}

func TestFreezeDoesNotWaitInTheQueue(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.say("UADMIN", "help") // first contact
	o.say("U1", "help")
	user, err := o.db.Person(t.Context(), person("UADMIN"))
	if err != nil {
		t.Fatal(err)
	}
	o.put("U1", "freeze everything")
	if _, frozen, err := o.db.Frozen(t.Context(), user.OrgID); frozen || err != nil {
		t.Fatalf("an operator froze: %v", err)
	}
	o.put("UADMIN", "freeze bad deploy")
	f, frozen, err := o.db.Frozen(t.Context(), user.OrgID)
	if !frozen || err != nil || f.Reason != "bad deploy" {
		t.Fatalf("not frozen before the queue was worked on: %+v, %v", f, err)
	}
	if err := o.work(); err != nil {
		t.Fatal(err)
	}
	if n := o.audited(store.AuditFreeze); n != 1 {
		t.Errorf("the freeze is in the audit %d times", n)
	}
}

func TestPeopleWhoCannotBeLookedUpAreToldWhy(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.room.kind = Unknown
	o.say("U1", "help")
	if len(o.room.whispers) != 1 || !strings.Contains(o.room.whispers[0].Notice, "not allowed to look people up") {
		t.Errorf("whispered %+v", o.room.whispers)
	}
}

func TestVerbsAreReadAsPeoplePasteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"help": "help|", "`help`": "help|", "run aws s3 ls": "run|aws s3 ls", "run `aws s3 ls`": "run|aws s3 ls",
		"run ```aws s3 ls```": "run|aws s3 ls", "run\n```\naws s3 ls\n```": "run|aws s3 ls", "`run aws s3 ls`": "run|aws s3 ls",
		"run\u00a0aws s3 ls": "run|aws s3 ls", "Run\taws s3 ls": "run|aws s3 ls", "run `aws` s3 `ls`": "run|`aws` s3 `ls`", "": "|", "`": "`|",
	} {
		if v := parseVerb(text); v.Name+"|"+v.Rest != want {
			t.Errorf("%q is %q, %q", text, v.Name, v.Rest)
		}
	}
}

// open begins a turn for what somebody says and leaves it open.
func (o *office) open(who, text string) (store.Claim, store.Turn) {
	o.t.Helper()
	o.put(who, text)
	claim, err := o.db.Claim(o.t.Context(), "r1")
	if err != nil {
		o.t.Fatal(err)
	}
	return claim, o.begun(claim, text)
}

// begun begins a turn on what the claimed thread has first.
func (o *office) begun(claim store.Claim, text string) store.Turn {
	o.t.Helper()
	rows, err := o.db.Pending(o.t.Context(), claim)
	if err != nil {
		o.t.Fatal(err)
	}
	a, _, err := o.identify(o.t.Context(), rows[0].Place, rows[0].Person)
	if err != nil {
		o.t.Fatal(err)
	}
	turn, err := o.db.BeginTurn(o.t.Context(), claim, store.Turn{ID: "turn_open", InboxID: rows[0].ID, OrgID: a.Org.ID, UserID: a.User.ID,
		Asker: rows[0].Person, Place: rows[0].Place, Mode: store.Ask, Text: text})
	if err != nil {
		o.t.Fatal(err)
	}
	return turn
}
