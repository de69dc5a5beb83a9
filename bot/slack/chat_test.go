package slack

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
	"aurora/store"
)

func TestEveryPostIsQuiet(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	hostile := bot.Message{Text: "<!here> <@" + ben + "> [x](https://evil.example/?q=1) https://evil.example/bare", Outputs: []bot.Output{{Text: "<!channel>"}}}
	ts, err := r.Post(t.Context(), place(ops), hostile, bot.Meta{Turn: "turn_1", Part: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Update(t.Context(), place(ops), ts, hostile); err != nil {
		t.Fatal(err)
	}
	whisper := place(ops)
	whisper.Whisper = ben
	if err := r.Whisper(t.Context(), whisper, hostile, ""); err != nil {
		t.Fatal(err)
	}
	for _, c := range r.sim.Calls("") {
		if !strings.HasPrefix(c.Method, "chat.") {
			continue
		}
		if c.Args["parse"] != "none" || c.Args["link_names"] != nil {
			t.Errorf("%s has parse %v and link_names %v", c.Method, c.Args["parse"], c.Args["link_names"])
		}
		if c.Method == "chat.postMessage" && (c.Args["unfurl_links"] != "false" || c.Args["unfurl_media"] != "false") {
			t.Errorf("%s unfurls: %v %v", c.Method, c.Args["unfurl_links"], c.Args["unfurl_media"])
		}
		if raw, _ := json.Marshal(c.Args["blocks"]); strings.Contains(string(raw), "mrkdwn") {
			t.Errorf("%s has a mrkdwn object", c.Method)
		}
	}
	messages, err := r.sim.Messages(ben, ops)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if len(m.Pings) > 0 || len(m.Unfurls) > 0 {
			t.Errorf("a message pings %v and unfurls %v", m.Pings, m.Unfurls)
		}
	}
	if got := string(messages[0].Metadata); !strings.Contains(got, `"aurora_post"`) || !strings.Contains(got, `"turn_1"`) {
		t.Errorf("metadata %s", got)
	}
}

func TestFindKnowsItsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	root := r.tell(t, ada, ops, "root")
	thread := place(ops)
	thread.Thread = root
	meta := bot.Meta{Turn: "turn_1", Part: 1}
	if _, err := r.Find(t.Context(), thread, meta); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("found before it was posted: %v", err)
	}
	for _, where := range []store.Place{thread, place(ops)} {
		ts, err := r.Post(t.Context(), where, bot.Message{Notice: "here"}, meta)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Find(t.Context(), where, meta); err != nil || got != ts {
			t.Errorf("found %s, %v; want %s", got, err, ts)
		}
		for _, other := range []bot.Meta{{Turn: "turn_1", Part: 2}, {Turn: "turn_2", Part: 1}} {
			if _, err := r.Find(t.Context(), where, other); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%+v: %v", other, err)
			}
		}
	}
	missing := place(ops)
	missing.Thread = "1700000000.000001"
	if _, err := r.Find(t.Context(), missing, meta); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("in a thread that is not there: %v", err)
	}
}

func TestFindReadsFarEnough(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{}, unpaced)
	root := r.tell(t, ada, ops, "root")
	thread := place(ops)
	thread.Thread = root
	for range findPage + 20 {
		r.tell(t, ben, ops, "chatter", slacksim.InThread(root))
	}
	meta := bot.Meta{Turn: "turn_1", Part: 0}
	ts, err := r.Post(t.Context(), thread, bot.Message{Notice: "here"}, meta)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Find(t.Context(), thread, meta); err != nil || got != ts {
		t.Errorf("found %q, %v; want %s", got, err, ts)
	}
}

func TestFailuresMeanWhatTheySay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault slacksim.Fault
		want  error
	}{
		"connection lost before": {slacksim.Fault{Kind: slacksim.FaultCutBefore}, bot.ErrInDoubt},
		"connection lost after":  {slacksim.Fault{Kind: slacksim.FaultCutAfter}, bot.ErrInDoubt},
		"HTTP 500":               {slacksim.Fault{Kind: slacksim.FaultStatus}, bot.ErrInDoubt},
		"fatal_error":            {slacksim.Fault{Kind: slacksim.FaultError, Error: "fatal_error"}, bot.ErrInDoubt},
		"channel_not_found":      {slacksim.Fault{Kind: slacksim.FaultError, Error: "channel_not_found"}, bot.ErrUndeliverable},
		"is_archived":            {slacksim.Fault{Kind: slacksim.FaultError, Error: "is_archived"}, bot.ErrUndeliverable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, slacksim.Config{})
			c.fault.Method = "chat.postMessage"
			r.sim.Inject(c.fault)
			_, err := r.Post(t.Context(), place(ops), bot.Message{Notice: "hello"}, bot.Meta{Turn: "t"})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if n := len(r.sim.Calls("chat.postMessage")); n != 1 {
				t.Errorf("%d calls: a post must not be repeated blindly", n)
			}
			if err != nil && (secretsIn(err.Error()) != "" || strings.Contains(err.Error(), "http://")) {
				t.Errorf("the error shows an address: %v", err)
			}
		})
	}
}

func TestRateLimitIsPassedOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	for _, method := range []string{"chat.postMessage", "conversations.replies"} {
		r.sim.Inject(slacksim.Fault{Method: method, Kind: slacksim.FaultRateLimit, RetryAfter: 7 * time.Second})
	}
	var later *bot.Later
	if _, err := r.Post(t.Context(), place(ops), bot.Message{Notice: "hello"}, bot.Meta{}); !errors.As(err, &later) || later.After != 7*time.Second {
		t.Errorf("Post: %v", err)
	}
	where := place(ops)
	where.Thread = r.tell(t, ada, ops, "root")
	if _, err := r.Find(t.Context(), where, bot.Meta{Turn: "t"}); !errors.As(err, &later) || later.After != 7*time.Second {
		t.Errorf("Find: %v", err)
	}
}

func TestOtherWorkspacesAreUndeliverable(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	where := store.Place{Platform: store.Slack, Team: "T0OTHER", Channel: ops}
	if _, err := r.Post(t.Context(), where, bot.Message{Notice: "hello"}, bot.Meta{}); !errors.Is(err, bot.ErrUndeliverable) {
		t.Errorf("got %v", err)
	}
}

func TestRefusedBlocksFallBackToWords(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"invalid_blocks", "msg_blocks_too_long", "invalid_arguments"} {
		r := newRig(t, slacksim.Config{})
		r.sim.Inject(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultError, Error: word})
		ts, err := r.Post(t.Context(), place(ops), bot.Message{Text: "**all** well <!here>"}, bot.Meta{})
		if err != nil {
			t.Fatalf("%s: %v", word, err)
		}
		messages, _ := r.sim.Messages(ada, ops)
		i := slices.IndexFunc(messages, func(m slacksim.Message) bool { return m.TS == ts })
		if i < 0 || messages[i].Plain != "all well <!here>" || len(messages[i].Pings) > 0 {
			t.Errorf("%s: what stands there: %+v", word, messages)
		}
		r.sim.Inject(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultError, Error: word})
		if _, err := r.Post(t.Context(), place(ops), bot.Message{Card: &bot.Card{Title: "Confirm"}}, bot.Meta{}); !errors.Is(err, bot.ErrUndeliverable) {
			t.Errorf("%s: a card without its buttons was posted: %v", word, err)
		}
	}
}

func TestWhisperFindsAWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	secret := bot.Message{Notice: "for your eyes only"}
	whisper := place(ops)
	whisper.Whisper = ben
	if err := r.Whisper(t.Context(), whisper, secret, ""); err != nil {
		t.Fatal(err)
	}
	seen := func(as, channel string) bool {
		messages, _ := r.sim.Messages(as, channel)
		return slices.ContainsFunc(messages, func(m slacksim.Message) bool { return m.Plain == secret.Notice })
	}
	if !seen(ben, ops) || seen(ada, ops) {
		t.Error("the whisper was not for ben alone")
	}
	whisper.Whisper = gus // is not in the channel
	if err := r.Whisper(t.Context(), whisper, secret, ""); err != nil {
		t.Fatal(err)
	}
	dm, err := r.sim.OpenDM(gus)
	if err != nil || !seen(gus, dm) || seen(ada, ops) {
		t.Errorf("gus was not told in a direct message: %v", err)
	}
	r.sim.Inject(slacksim.Fault{Method: "chat.postEphemeral", Kind: slacksim.FaultError, Error: "restricted_action_read_only_channel"})
	whisper.Whisper = ada
	if err := r.Whisper(t.Context(), whisper, secret, ""); err != nil {
		t.Fatal(err)
	}
	if dm, err = r.sim.OpenDM(ada); err != nil || !seen(ada, dm) {
		t.Errorf("ada, whose channel takes nothing, was not told in a direct message: %v", err)
	}
}

func TestWhisperAnswersThroughTheResponseURL(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{URLLife: time.Hour})
	if _, err := r.sim.Slash(ada, ops, "/aurora status"); err != nil {
		t.Fatal(err)
	}
	reply := payloadOf[bot.CommandPayload](t, r.inbox.await(t, 1)[0]).ReplyURL
	whisper := place(ops)
	whisper.Whisper = ada
	for range replyUses + 1 {
		if err := r.Whisper(t.Context(), whisper, bot.Message{Notice: "answer"}, store.Secret(reply)); err != nil {
			t.Fatal(err)
		}
	}
	if n, m := len(r.sim.Calls("response_url")), len(r.sim.Calls("chat.postEphemeral")); n != replyUses || m != 1 {
		t.Errorf("%d answers through the response_url and %d besides, want %d and 1", n, m, replyUses)
	}
}

func TestAnswerToAClickStandsInItsThread(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	asked, err := r.sim.Say(ada, ops, "hello")
	if err != nil {
		t.Fatal(err)
	}
	in := place(ops)
	in.Thread = asked
	card, err := r.Post(t.Context(), in, bot.Message{Notice: "Sure?", Buttons: []bot.Button{{Action: "confirm", Label: "Yes", Value: "nonce"}}}, bot.Meta{Turn: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.sim.Click(ada, ops, card, "confirm"); err != nil {
		t.Fatal(err)
	}
	row := r.inbox.await(t, 1)[0]
	whisper := row.Place
	whisper.Whisper = ada
	if err := r.Whisper(t.Context(), whisper, bot.Message{Notice: "not you"}, store.Secret(payloadOf[bot.ClickPayload](t, row).ReplyURL)); err != nil {
		t.Fatal(err)
	}
	m, err := r.sim.WaitMessage(t.Context(), ada, ops, func(m slacksim.Message) bool { return m.Ephemeral })
	if err != nil || m.ThreadTS != asked || len(r.sim.Calls("response_url")) != 1 {
		t.Errorf("the answer stands in %q, want %q: %v", m.ThreadTS, asked, err)
	}
}

func TestExpiredResponseURLFallsBack(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{URLLife: time.Nanosecond})
	if _, err := r.sim.Slash(ada, ops, "/aurora status"); err != nil {
		t.Fatal(err)
	}
	reply := payloadOf[bot.CommandPayload](t, r.inbox.await(t, 1)[0]).ReplyURL
	whisper := place(ops)
	whisper.Whisper = ada
	if err := r.Whisper(t.Context(), whisper, bot.Message{Notice: "answer"}, store.Secret(reply)); err != nil {
		t.Fatal(err)
	}
	if n := len(r.sim.Calls("chat.postEphemeral")); n != 1 {
		t.Errorf("%d ephemeral messages, want 1", n)
	}
}

func TestRepliesGoToSlackAlone(t *testing.T) {
	t.Parallel()
	touched := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody else was called") }))
	defer touched.Close()
	slack := newResponder("https://slack.com/api/", http.DefaultTransport)
	local := newResponder("http://127.0.0.1:4000/api/", http.DefaultTransport)
	for raw, want := range map[string][2]bool{
		"https://hooks.slack.com/actions/T/1/x":     {true, true},
		"https://hooks.slack-gov.com/actions/T/1/x": {true, true},
		"http://hooks.slack.com/actions/T/1/x":      {false, false},
		"https://hooks.slack.com.evil.example/a":    {false, false},
		"https://hooks.slack.com@evil.example/a":    {false, false},
		"https://user@hooks.slack.com/a":            {false, false},
		"https://hooks.slack.com:8443/a":            {false, false},
		"https://169.254.169.254/latest/meta-data":  {false, false},
		"http://127.0.0.1:4000/actions/T/1/x":       {false, true},
		"http://127.0.0.1:4001/actions/T/1/x":       {false, false},
		touched.URL:                                 {false, false},
		"":                                          {false, false},
		"://":                                       {false, false},
	} {
		if got := [2]bool{slack.allowed(raw), local.allowed(raw)}; got != want {
			t.Errorf("%s: allowed %v, want %v", raw, got, want)
		}
	}
	if err := slack.send(t.Context(), touched.URL, "", rendered{text: "x"}); !errors.Is(err, errReplyOver) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsForTheLogShowNoSecret(t *testing.T) {
	t.Parallel()
	err := errors.New(`Post "https://hooks.slack.com/actions/T1/secret": dial wss://x.example/?ticket=1 with xoxb-1-abc and xapp-1-def`)
	if got := safe(err); strings.Contains(got, "secret") || secretsIn(got) != "" || strings.Contains(got, "abc") {
		t.Errorf("safe gives %s", got)
	}
}
