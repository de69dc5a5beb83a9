package slack

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
	"aurora/store"
)

func TestStandInWithoutMembersIsTakenAtItsWord(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	r.sim.Inject(slacksim.Fault{Method: "conversations.members", Kind: slacksim.FaultError, Error: "unknown_method", Times: -1})
	for channel, want := range map[string]bool{ops: false, share: true} {
		if got, err := r.Audience(t.Context(), place(channel)); err != nil || got.Shared != want {
			t.Errorf("%s is shared: %t, %v; want %t", channel, got.Shared, err, want)
		}
	}
	r.sim.ClearFaults()
	r.sim.Inject(slacksim.Fault{Method: "conversations.members", Kind: slacksim.FaultError, Error: "missing_scope", Times: -1})
	if got, err := r.Audience(t.Context(), place(ops)); err != nil || !got.Shared {
		t.Errorf("what is refused for another reason is shared: %t, %v", got.Shared, err)
	}
}

// answering is a Slack whose methods answer what it holds, and "ok" besides.
type answering map[string]string

func (a answering) Do(r *http.Request) (*http.Response, error) {
	answer := cmp.Or(a[r.URL.Path[len("/api/"):]], `{"ok":true}`)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

// TestSlackThatDisownsAMethodIsNotBelieved: Slack has conversations.members, so whatever answers without it cannot tell of guests.
func TestSlackThatDisownsAMethodIsNotBelieved(t *testing.T) {
	t.Parallel()
	a := New(Config{})
	a.api = slackgo.New("", slackgo.OptionHTTPClient(answering{
		"auth.test":             `{"ok":true,"team_id":"` + nimbus + `","user_id":"U0BOT"}`,
		"conversations.info":    `{"ok":true,"channel":{"id":"` + ops + `","name":"ops","is_channel":true}}`,
		"conversations.members": `{"ok":false,"error":"unknown_method"}`,
	}))
	if got, err := a.Audience(t.Context(), place(ops)); err != nil || !got.Shared || got.Name != "ops" {
		t.Errorf("who reads there is told as %+v, %v", got, err)
	}
}

func TestPeopleWhoCannotBeLookedUpAreUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	r.sim.Inject(slacksim.Fault{Method: "users.info", Kind: slacksim.FaultError, Error: "missing_scope"})
	if got, err := r.Profile(t.Context(), nimbus, someone(nimbus, ada)); err != nil || got.Kind != bot.Unknown {
		t.Errorf("ada is %q, %v", got.Kind, err)
	}
	r.sim.Inject(slacksim.Fault{Method: "users.info", Kind: slacksim.FaultStatus})
	var later *bot.Later
	if got, err := r.Profile(t.Context(), nimbus, someone(nimbus, ada)); !errors.As(err, &later) || got.Kind != bot.External {
		t.Errorf("while Slack fails ada is %q, %v", got.Kind, err)
	}
}

func TestUpdateTellsThatTheMessageIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	if err := r.Update(t.Context(), place(ops), "1.000001", bot.Message{Text: "late"}); !errors.Is(err, bot.ErrGone) {
		t.Errorf("got %v", err)
	}
}

func TestSearchThatSlackRefusesStandsInNobodysWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	in := place(ops)
	in.Thread = "1.000001"
	for word, want := range map[string]error{"missing_scope": store.ErrNotFound, "unknown_method": store.ErrNotFound, "internal_error": bot.ErrInDoubt} {
		r.sim.Inject(slacksim.Fault{Method: "conversations.replies", Kind: slacksim.FaultError, Error: word})
		if _, err := r.Find(t.Context(), in, bot.Meta{Turn: "t"}); !errors.Is(err, want) {
			t.Errorf("after %s: %v, want %v", word, err, want)
		}
	}
}

func TestResponseURLThatCannotBeReachedIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	_, port, _ := strings.Cut(strings.TrimPrefix(r.sim.URL(), "http://"), ":")
	port, _, _ = strings.Cut(port, "/")
	for address, want := range map[string]bool{
		"http://localhost:" + port + "/x": true, "http://127.0.0.1:" + port + "/x": true, "http://[::1]:" + port + "/x": true,
		"http://127.0.0.1:1/x": false, "http://evil.example:" + port + "/x": false, "http://ada@127.0.0.1:" + port + "/x": false,
		"https://hooks.slack.com/x": true, "http://hooks.slack.com/x": false, "https://hooks.slack.com.evil.example/x": false,
	} {
		if got := r.replies.allowed(address); got != want {
			t.Errorf("%s may be used: %t, want %t", address, got, want)
		}
	}
	nobody := newResponder("http://127.0.0.1:1/api/", transport())
	if err := nobody.send(t.Context(), "http://127.0.0.1:1/x", "", rendered{text: "x"}); !errors.Is(err, errReplyOver) {
		t.Errorf("an address nobody listens at: %v", err)
	}
}

func TestMessagesOfUnusualShapeAreHeard(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	me := identity{team: nimbus, user: "U0BOT", bot: "B0BOT"}
	outer := func(inner any) slackevents.EventsAPIEvent {
		return slackevents.EventsAPIEvent{Data: &slackevents.EventsAPICallbackEvent{TeamID: nimbus}, InnerEvent: slackevents.EventsAPIInnerEvent{Data: inner}}
	}
	for i, inner := range []any{
		&slackevents.AppMentionEvent{User: ada, Channel: ops, TimeStamp: "1.000001", Text: "<@U0BOT> one"},
		&slackevents.AppMentionEvent{User: ada, Channel: ops, TimeStamp: "1.000002", Text: "<@U0BOT> two, without an event id as well"},
		&slackevents.MessageEvent{User: ada, Channel: "D1", TimeStamp: "1.000003", Text: "without a channel type"},
		&slackevents.MessageEvent{User: ada, Channel: "D1", ChannelType: "im", TimeStamp: "1.000004", SubType: "file_share", Text: "with a file"},
		&slackevents.AppMentionEvent{User: ada, Channel: "D1", TimeStamp: "1.000005", Text: "<@U0BOT> in a direct message"},
	} {
		if _, err := r.receiveEvent(t.Context(), me, outer(inner)); err != nil {
			t.Fatal(err)
		}
		if kept := r.inbox.all(); len(kept) != i+1 {
			t.Fatalf("message %d was not kept", i)
		}
	}
	for _, row := range r.inbox.all()[2:] {
		if !payloadOf[bot.MentionPayload](t, row).Direct {
			t.Errorf("%q is not taken as direct", row.Text)
		}
	}
	for _, inner := range []any{
		&slackevents.MessageEvent{User: ada, Channel: ops, TimeStamp: "1.000006", Text: "not to Aurora"},
		&slackevents.MessageEvent{User: ada, Channel: "D1", ChannelType: "im", SubType: "message_deleted", TimeStamp: "1.000007", Text: "gone"},
	} {
		if _, err := r.receiveEvent(t.Context(), me, outer(inner)); err != nil || len(r.inbox.all()) != 5 {
			t.Errorf("%v was kept, %v", fmt.Sprintf("%+v", inner), err)
		}
	}
}
