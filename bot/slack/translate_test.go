package slack

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"context"
	"errors"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/slack-go/slack/slackevents"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
	"aurora/store"
)

func payloadOf[T any](t *testing.T, e store.Event) T {
	t.Helper()
	var p T
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMentionBecomesAnEvent(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	root := r.tell(t, ada, ops, "@aurora ask <@"+ben+"> & run `aws s3 ls` > example.com")
	got := r.inbox.await(t, 1)[0]
	eventID := r.sim.Deliveries()[0].EventID
	want := store.Event{
		Key: "ev:" + nimbus + ":" + eventID, MessageKey: "msg:" + nimbus + ":" + ops + ":" + root, Kind: store.EventMention,
		Thread: nimbus + ":" + ops + ":" + root, Person: store.Person{Platform: store.Slack, Team: nimbus, ID: ada},
		Place: store.Place{Platform: store.Slack, Team: nimbus, Channel: ops, Thread: root},
		Text:  "ask <@" + ben + "> & run `aws s3 ls` > example.com",
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Event{}, "Payload", "At")); diff != "" {
		t.Error(diff)
	}
	if time.Since(got.At) > time.Minute || time.Since(got.At) < 0 {
		t.Errorf("it was written at %s", got.At)
	}
	if p := payloadOf[bot.MentionPayload](t, got); p != (bot.MentionPayload{TS: root}) {
		t.Errorf("payload %+v", p)
	}
	reply := r.tell(t, ben, ops, "@aurora and now", slacksim.InThread(root))
	got = r.inbox.await(t, 2)[1]
	if got.Thread != want.Thread || got.Place != want.Place || got.MessageKey != "msg:"+nimbus+":"+ops+":"+reply {
		t.Errorf("the reply became %+v", got)
	}
	if p := payloadOf[bot.MentionPayload](t, got); p != (bot.MentionPayload{TS: reply, InThread: true}) {
		t.Errorf("payload of the reply %+v", p)
	}
}

func TestDirectMessageNeedsNoMention(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	dm, err := r.sim.OpenDM(ada)
	if err != nil {
		t.Fatal(err)
	}
	ts := r.tell(t, ada, dm, "what is connected?")
	got := r.inbox.await(t, 1)[0]
	if p := payloadOf[bot.MentionPayload](t, got); p != (bot.MentionPayload{TS: ts, Direct: true}) || got.Text != "what is connected?" || got.Place.Channel != dm {
		t.Errorf("it became %+v with %+v", got, p)
	}
}

func TestCommandBecomesAnEvent(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	if outcome, err := r.sim.Slash(ada, ops, "/aurora role <@"+ben+"> viewer"); err != nil || !outcome.Acked {
		t.Fatalf("%+v, %v", outcome, err)
	}
	got := r.inbox.await(t, 1)[0]
	want := store.Event{
		Key: "env:" + r.sim.Deliveries()[0].EnvelopeID, Kind: store.EventCommand, Thread: nimbus + ":" + ops + ":" + ada,
		Person: store.Person{Platform: store.Slack, Team: nimbus, ID: ada}, Place: place(ops), Text: "role <@" + ben + "> viewer",
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Event{}, "Payload", "At")); diff != "" {
		t.Error(diff)
	}
	if p := payloadOf[bot.CommandPayload](t, got); p.ReplyURL == "" || p.Trigger == "" {
		t.Errorf("payload %+v", p)
	}
}

func TestClickCarriesTheNonceHashed(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	root := r.tell(t, ada, ops, "something to hang on to")
	const nonce = "0123456789abcdef0123456789abcdef"
	where := place(ops)
	where.Thread = root
	ts, err := r.Post(t.Context(), where, bot.Message{Card: &bot.Card{Title: "Confirm"}, Buttons: []bot.Button{
		{Action: "confirm", Label: "Confirm", Value: nonce, Style: "danger", Dialog: &bot.Dialog{Title: "Sure?", Text: "It is gone then.", Yes: "Delete", No: "Keep"}},
		{Action: "cancel", Label: "Cancel", Value: nonce},
		{Action: "confirm", Label: "Another", Value: "other"},
	}, Links: []bot.Link{{Label: "Page", URL: "https://aurora.example/x"}}}, bot.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"confirm", "link:1", "confirm:2"} {
		if outcome, err := r.sim.Click(ben, ops, ts, action); err != nil || !outcome.Acked {
			t.Fatalf("%s: %+v, %v", action, outcome, err)
		}
	}
	events := r.inbox.await(t, 2)
	if len(events) != 2 {
		t.Fatalf("%d events, want 2: a link is only acked", len(events))
	}
	got, hash := events[0], store.HashNonce(nonce)
	if got.Kind != store.EventClick || got.Thread != "click:"+hash[:32] || got.Place != where || got.Person.ID != ben || got.Text != "" {
		t.Errorf("it became %+v", got)
	}
	if !strings.HasPrefix(got.Key, "act:"+nimbus+":"+ops+":"+ts+":"+ben+":confirm:") {
		t.Errorf("key %s", got.Key)
	}
	p := payloadOf[bot.ClickPayload](t, got)
	if p.Action != "confirm" || p.NonceHash != hash || p.MessageTS != ts || p.ReplyURL == "" {
		t.Errorf("payload %+v", p)
	}
	if second := payloadOf[bot.ClickPayload](t, events[1]); second.Action != "confirm" {
		t.Errorf("the second button of its kind is %q", second.Action)
	}
	if raw, _ := json.Marshal(events); strings.Contains(string(raw), nonce) || strings.Contains(r.logs.String(), nonce) {
		t.Error("the nonce itself was kept or logged")
	}
}

func TestWhatNobodyAnswersIsOnlyAcked(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	self := r.sim.BotUser("")
	mention := "<@" + self + "> delete everything"
	message := func(change map[string]any) map[string]any {
		e := map[string]any{"type": "message", "channel_type": "im", "channel": "D1", "user": ada, "text": mention, "ts": "1700000000.000100"}
		for k, v := range change {
			e[k] = v
		}
		return e
	}
	events := map[string]map[string]any{
		"own mention":            {"type": "app_mention", "user": self, "text": mention, "channel": ops, "ts": "1700000000.000001"},
		"a bot's mention":        {"type": "app_mention", "user": "U0PAGER001", "bot_id": "B1", "text": mention, "channel": ops, "ts": "1700000000.000002"},
		"mention without author": {"type": "app_mention", "text": mention, "channel": ops, "ts": "1700000000.000003"},
		"edited mention":         {"type": "app_mention", "user": ada, "text": mention, "channel": ops, "ts": "1700000000.000004", "edited": map[string]any{"user": ada, "ts": "1700000001.000000"}},
		"own message":            message(map[string]any{"user": self}),
		"bot message":            message(map[string]any{"subtype": "bot_message", "bot_id": "B1"}),
		"bot without subtype":    message(map[string]any{"bot_id": "B1"}),
		"changed":                message(map[string]any{"subtype": "message_changed", "message": map[string]any{"text": mention, "user": ada, "edited": map[string]any{"user": ada, "ts": "1"}}}),
		"deleted":                message(map[string]any{"subtype": "message_deleted"}),
		"edited":                 message(map[string]any{"edited": map[string]any{"user": ada, "ts": "1700000001.000000"}}),
		"joined":                 message(map[string]any{"subtype": "channel_join"}),
		"not a direct message":   message(map[string]any{"channel_type": "channel"}),
		"group message":          message(map[string]any{"channel_type": "mpim"}),
		"no author":              message(map[string]any{"user": ""}),
	}
	for name, e := range events {
		if err := emit(r, e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	await(t, "all to be acked", func() bool { return r.Stats().Acked == int64(len(events)) })
	if got := r.inbox.all(); len(got) > 0 {
		t.Errorf("%d were kept, the first: %+v", len(got), got[0])
	}
	if got := r.Stats().Ignored; got != int64(len(events)) {
		t.Errorf("%d were ignored, want %d", got, len(events))
	}
}

func emit(r *rig, event map[string]any) error {
	frame, err := json.Marshal(map[string]any{"envelope_id": "raw-" + event["type"].(string), "type": "events_api", "payload": map[string]any{
		"type": "event_callback", "team_id": nimbus, "event_id": "Ev1", "event": event}})
	if err != nil {
		return err
	}
	return r.sim.EmitRaw(string(frame))
}

func TestEditDoesNotRunAgain(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	ts := r.tell(t, ada, ops, "@aurora list instances")
	r.inbox.await(t, 1)
	if err := r.sim.Edit(ada, ops, ts, "@aurora delete instances"); err != nil {
		t.Fatal(err)
	}
	within(t, r.sim.WaitQuiet)
	if got := r.inbox.all(); len(got) != 1 {
		t.Errorf("the edit became %+v", got[1])
	}
}

func TestPersonIsKeyedByEnterpriseOrTeam(t *testing.T) {
	t.Parallel()
	grid := identity{team: "T1", enterprise: "E1", user: "UB"}
	alone := identity{team: "T1", user: "UB"}
	for _, c := range []struct {
		id       identity
		userTeam string
		want     string
	}{
		{alone, "", "slack:T1:U1"}, {alone, "T1", "slack:T1:U1"}, {alone, "T2", "slack:T2:U1"},
		{grid, "", "slack:E1:U1"}, {grid, "T1", "slack:E1:U1"}, {grid, "E1", "slack:E1:U1"}, {grid, "T2", "slack:T2:U1"},
	} {
		if got := c.id.person("U1", c.userTeam).String(); got != c.want {
			t.Errorf("%+v of team %q is %s, want %s", c.id, c.userTeam, got, c.want)
		}
	}
}

func TestEqualUserIDsOfTwoTeamsStayApart(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	r.tell(t, ada, share, "@aurora mine")
	r.tell(t, "T0PARTNER1:"+petra, share, "@aurora mine")
	people := map[string]string{}
	for _, e := range r.inbox.await(t, 2) {
		people[e.Person.ID] = e.Person.Team
		if e.Place.Team != nimbus {
			t.Errorf("the answer would go to workspace %s", e.Place.Team)
		}
	}
	if diff := cmp.Diff(map[string]string{ada: nimbus, petra: "T0PARTNER1"}, people); diff != "" {
		t.Error(diff)
	}
}

func TestEventsOfOtherWorkspacesAreNotOurs(t *testing.T) {
	t.Parallel()
	id := identity{team: "T1"}
	for want, e := range map[bool]*slackevents.EventsAPICallbackEvent{
		true:  {TeamID: "T1"},
		false: {TeamID: "T2"},
	} {
		if installed(id, e) != want {
			t.Errorf("an event of %s: %v", e.TeamID, !want)
		}
	}
}

// stops records what the adapter asks to stop.
type stops struct {
	mu    sync.Mutex
	asked []string
	said  []time.Time
	err   error
	none  bool // there is nothing to stop
}

func (s *stops) stop(_ context.Context, by store.Person, place store.Place, said time.Time) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return "", s.err
	}
	s.said = append(s.said, said)
	s.asked = append(s.asked, by.ID+" in "+place.Channel+" "+place.Thread)
	if s.none {
		return "", nil
	}
	return "Stopped: two asks.", nil
}

func (s *stops) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, "\n")
}

func TestStopGoesPastTheQueue(t *testing.T) {
	t.Parallel()
	var s stops
	r := start(t, slacksim.Config{}, func(c *Config) { c.Stop = s.stop })
	r.inbox.set(func() { r.inbox.gate = make(chan struct{}) }) // the queue is stuck
	root := r.tell(t, ada, ops, "something")
	ts := r.tell(t, ada, ops, "@aurora Stop!", slacksim.InThread(root), slacksim.Copies(2))
	within(t, func(ctx context.Context) error {
		_, err := r.sim.WaitMessage(ctx, ben, ops, func(m slacksim.Message) bool { return m.ThreadTS == root && strings.HasPrefix(m.Plain, "Stopped") })
		return err
	})
	if outcome, err := r.sim.Slash(ada, ops, "/aurora stop"); err != nil || !outcome.Acked {
		t.Fatalf("%+v, %v", outcome, err)
	}
	within(t, func(ctx context.Context) error {
		_, err := r.sim.WaitMessage(ctx, ada, ops, func(m slacksim.Message) bool { return m.Ephemeral && strings.HasPrefix(m.Plain, "Stopped") })
		return err
	})
	within(t, r.sim.WaitQuiet)
	want := ada + " in " + ops + " " + root + "\n" + ada + " in " + ops + " "
	if got := s.all(); got != want {
		t.Errorf("asked to stop:\n%s\nwant:\n%s", got, want)
	}
	if !s.said[0].Equal(at(ts)) { // however late it is delivered
		t.Errorf("said at %s, want %s", s.said[0], at(ts))
	}
}

// TestStopOfNothingIsAMessageAsAnyOther: it is answered after a look at who asks, once however often it is delivered.
func TestStopOfNothingIsAMessageAsAnyOther(t *testing.T) {
	t.Parallel()
	s := stops{none: true}
	r := start(t, slacksim.Config{AckTimeout: 100 * time.Millisecond, RetryDelays: []time.Duration{20 * time.Millisecond}}, func(c *Config) { c.Stop = s.stop })
	r.inbox.set(func() { r.inbox.err = store.ErrUnavailable })
	r.tell(t, ada, ops, "@aurora Stop!", slacksim.Copies(2))
	await(t, "the failure", func() bool { return r.Stats().Unkept > 0 })
	r.inbox.set(func() { r.inbox.err = nil })
	r.inbox.await(t, 1)
	if o, err := r.sim.Slash(ada, ops, "/aurora stop"); err != nil || !o.Acked {
		t.Fatalf("%+v, %v", o, err)
	}
	within(t, r.sim.WaitQuiet)
	kept := r.inbox.all()
	if len(kept) != 2 || kept[0].Kind != store.EventMention || kept[0].Text != "stop" || kept[1].Kind != store.EventCommand || kept[1].Text != "stop" {
		t.Errorf("kept %+v", kept)
	}
	if n := len(r.sim.Calls("chat.postMessage")) + len(r.sim.Calls("chat.postEphemeral")) + len(r.sim.Calls("response_url")); n > 0 {
		t.Errorf("it was answered %d times without a look at who asks", n)
	}
}

func TestStopButtonOfSlack(t *testing.T) {
	t.Parallel()
	var s stops
	r := start(t, slacksim.Config{}, func(c *Config) { c.Stop = s.stop })
	if err := emit(r, map[string]any{"type": "agent_session_stopped", "channel": ops, "thread_ts": "1700000000.000100", "user": ada}); err != nil {
		t.Fatal(err)
	}
	await(t, "the stop", func() bool { return s.all() == ada+" in "+ops+" 1700000000.000100" })
}

func TestStopThatFailsIsNotAcked(t *testing.T) {
	t.Parallel()
	s := stops{err: store.ErrUnavailable}
	r := start(t, slacksim.Config{AckTimeout: 100 * time.Millisecond, RetryDelays: []time.Duration{20 * time.Millisecond}}, func(c *Config) { c.Stop = s.stop })
	r.tell(t, ada, ops, "@aurora stop")
	await(t, "the failure", func() bool { return r.Stats().Unkept > 0 })
	s.mu.Lock()
	s.err = nil
	s.mu.Unlock()
	await(t, "the retry", func() bool { return s.all() != "" })
}

func TestStopIsNotTheBeginningOfAnAsk(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"stop": true, " STOP ": true, "stop.": true, "Stop!": true, "stop the instance": false, "stopped": false, "": false, "don't stop": false} {
		if isStop(text) != want {
			t.Errorf("isStop(%q) is %v", text, !want)
		}
	}
}

func TestLeavingTheWorkspaceIsTold(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*slacksim.Server) error{
		"revoked":     func(s *slacksim.Server) error { return s.RevokeTokens("") },
		"uninstalled": func(s *slacksim.Server) error { return s.Uninstall("") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gone := make(chan string, 4)
			r := start(t, slacksim.Config{}, func(c *Config) {
				c.Gone = func(_ context.Context, team string) error { gone <- team; return nil }
			})
			if err := leave(r.sim); err != nil {
				t.Fatal(err)
			}
			select {
			case team := <-gone:
				if team != nimbus {
					t.Errorf("gone from %q", team)
				}
			case <-time.After(10 * time.Second):
				t.Error("nobody was told")
			}
			r.endsWith(t, "SLACK_BOT_TOKEN", "install the app again")
		})
	}
}

// What cannot be said because the token is no good is kept for a process that has a good one; this one ends.
func TestRevokedTokenLosesNoMessage(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	r.sim.RevokeToken(r.sim.BotToken("")) // without an event
	_, err := r.Post(t.Context(), place(ops), bot.Message{Notice: "hello"}, bot.Meta{Turn: "t"})
	var later *bot.Later
	if !errors.As(err, &later) || later.After != lockedOut {
		t.Errorf("a message that could not be said gave %v", err)
	}
	r.endsWith(t, "SLACK_BOT_TOKEN", "the token was revoked")
}

func TestTyped(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<@U0BOT> list":                               "list",
		"<@U0BOT|aurora> list":                        "list",
		"hey <@U0BOT> list":                           "hey list",
		"<@U0BOT>":                                    "",
		"<@U0BOT>, please":                            ", please",
		"ask <@U1|ada> and <@W2>":                     "ask <@U1> and <@W2>",
		"a &lt;b&gt; &amp;&amp; c":                    "a <b> && c",
		"&amp;lt;":                                    "&lt;",
		"see <http://example.com|example.com>":        "see example.com",
		"<https://example.com/a?b=1&amp;c=2>":         "https://example.com/a?b=1&c=2",
		"<mailto:a@example.com|a@example.com>":        "a@example.com",
		"<https://evil.example|https://good.example>": "https://good.example (https://evil.example)",
		"<#C1|ops> and <#C2>":                         "<#C1|ops> and <#C2>",
		"<!here> now":                                 "<!here> now",
		"run `aws ec2 describe-instances --query \"a[?b&gt;1]\"`": "run `aws ec2 describe-instances --query \"a[?b>1]\"`",
		"an unclosed < bracket":                                   "an unclosed < bracket",
		"two\nlines":                                              "two\nlines",
	} {
		if got := typed(in, "U0BOT"); got != want {
			t.Errorf("typed(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzTyped(f *testing.F) {
	f.Add("<@U0BOT> a &lt; <http://x|y>")
	f.Add("<@U0BOT|<<>>|")
	f.Fuzz(func(t *testing.T, text string) {
		if got := typed(text, "U0BOT"); len(got) > 4*len(text)+8 {
			t.Errorf("%q grew to %q", text, got)
		}
	})
}

func TestAt(t *testing.T) {
	t.Parallel()
	if got := at("1700000000.000123"); !got.Equal(time.Unix(1700000000, 123000)) {
		t.Errorf("at gives %s", got)
	}
	if got := at("garbage"); time.Since(got) > time.Minute {
		t.Errorf("at gives %s for garbage", got)
	}
}
