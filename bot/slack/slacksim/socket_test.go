package slacksim_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"

	"github.com/gorilla/websocket"
)

// hasty is a configuration with short waits.
func hasty() slacksim.Config {
	return slacksim.Config{AckTimeout: 50 * time.Millisecond, RetryDelays: []time.Duration{0, time.Millisecond, 2 * time.Millisecond}}
}

func TestMentionArrivesInSlacksShape(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{Events: append(slacksim.DefaultEvents(), "message.channels")})
	a := connect(t, s)
	ts, err := s.Say(ada, ops, "@aurora what about a<b & https://x.example/?a=1 in #checkout?")
	if err != nil {
		t.Fatal(err)
	}
	frames := map[string]object{}
	for range 2 {
		f := a.take()
		frames[text(f, "payload", "event", "type")] = f
	}
	f := frames["app_mention"]
	for _, c := range []struct{ path, want string }{
		{"type", "events_api"}, {"accepts_response_payload", "false"}, {"retry_attempt", "0"}, {"retry_reason", ""},
		{"payload.type", "event_callback"}, {"payload.team_id", "T0NIMBUS01"}, {"payload.api_app_id", "A0AURORA01"}, {"payload.is_ext_shared_channel", "false"},
		{"payload.event.ts", ts}, {"payload.event.channel", ops}, {"payload.event.user", ada}, {"payload.event.team", ""},
		{"payload.event.text", "<@U0AURORA01> what about a&lt;b &amp; <https://x.example/?a=1> in <#C0CHECKOUT|checkout>?"},
	} {
		if got := text(f, split(c.path)...); got != c.want {
			t.Errorf("%s = %q, want %q", c.path, got, c.want)
		}
	}
	if text(f, "payload", "authorizations", 0, "user_id") != "U0AURORA01" || !strings.HasPrefix(text(f, "payload", "event_id"), "Ev") {
		t.Errorf("outer event: %v", f["payload"])
	}
	m := frames["message"]
	if text(m, "payload", "event", "channel_type") != "channel" || text(m, "payload", "event_id") == text(f, "payload", "event_id") {
		t.Errorf("message event: %v", m["payload"])
	}
}

func split(path string) []any {
	var out []any
	for _, step := range strings.Split(path, ".") {
		out = append(out, step)
	}
	return out
}

func TestEventsReachOnlyWhoShouldHear(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	dm, err := s.OpenDM(ada)
	if err != nil {
		t.Fatal(err)
	}
	connect(t, s).serve()
	say := func(channel, words string) string {
		ts, err := s.Say(ada, channel, words)
		if err != nil {
			t.Fatal(err)
		}
		return ts
	}
	say("C0GENERAL1", "@aurora are you here?") // the bot is not in the channel
	say(ops, "nothing for a bot")              // message.channels is not subscribed
	say(dm, "@aurora hello")                   // message.im only
	ts := say(ops, "@aurora one")
	if err := s.Edit(ada, ops, ts, "@aurora two"); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitQuiet(deadline(t)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range s.Deliveries() {
		var p object
		_ = json.Unmarshal(d.Payload, &p)
		mark := d.Event + " " + text(p, "event", "channel_type")
		if at(p, "event", "edited") != nil {
			mark += " edited"
		}
		got = append(got, strings.TrimSpace(mark))
	}
	if want := "message im,app_mention,app_mention  edited"; strings.Join(got, ",") != want {
		t.Errorf("events: %q, want %q", strings.Join(got, ","), want)
	}
	if m, _ := s.Messages(ada, "C0GENERAL1"); len(m) != 2 || !m[1].Ephemeral || !strings.Contains(m[1].Plain, "not in this channel") {
		t.Errorf("a mention of an absent bot shows %+v", m)
	}
}

func TestUnackedEventIsRetriedThriceAndDropped(t *testing.T) {
	t.Parallel()
	s := start(t, hasty())
	a := connect(t, s)
	if _, err := s.Say(ada, ops, "@aurora hi"); err != nil {
		t.Fatal(err)
	}
	var envelopes, events []string
	for attempt := range 4 {
		f := a.read()
		reason := "timeout"
		if attempt == 0 {
			reason = ""
		}
		if text(f, "retry_attempt") != text(float64(attempt)) || text(f, "retry_reason") != reason {
			t.Errorf("attempt %d: %v %v", attempt, f["retry_attempt"], f["retry_reason"])
		}
		envelopes, events = append(envelopes, text(f, "envelope_id")), append(events, text(f, "payload", "event_id"))
	}
	if events[0] != events[3] || envelopes[0] == envelopes[1] {
		t.Errorf("events %v must be one, envelopes %v several", events, envelopes)
	}
	if err := s.WaitQuiet(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Deliveries()); n != 4 {
		t.Errorf("%d deliveries, want 4", n)
	}
}

func TestAckStopsRetriesAndIsTimed(t *testing.T) {
	t.Parallel()
	s := start(t, hasty())
	a := connect(t, s)
	if _, err := s.Say(ada, ops, "@aurora hi"); err != nil {
		t.Fatal(err)
	}
	a.take()
	if err := s.WaitQuiet(deadline(t)); err != nil {
		t.Fatal(err)
	}
	d := s.Deliveries()
	if len(d) != 1 || d[0].Outcome != "acked" || d[0].Latency() <= 0 {
		t.Errorf("deliveries %+v", d)
	}
}

func TestEventWithoutAnySocketComesAsARetry(t *testing.T) {
	t.Parallel()
	c := hasty()
	c.RetryDelays = []time.Duration{0, 50 * time.Millisecond, 50 * time.Millisecond}
	s := start(t, c)
	if _, err := s.Say(ada, ops, "@aurora hi"); err != nil {
		t.Fatal(err)
	}
	if f := connect(t, s).take(); text(f, "retry_attempt") == "0" {
		t.Errorf("the first frame after connecting is no retry: %v", f)
	}
}

func TestEachEnvelopeGoesToOneSocket(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	connect(t, s).serve()
	connect(t, s).serve()
	for range 20 {
		if _, err := s.Say(ada, ops, "@aurora hi"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.WaitQuiet(deadline(t)); err != nil {
		t.Fatal(err)
	}
	by := map[int]int{}
	for _, d := range s.Deliveries() {
		by[d.Socket]++
	}
	if len(s.Deliveries()) != 20 || by[1] != 10 || by[2] != 10 {
		t.Errorf("20 events over two sockets: %v", by)
	}
}

func TestCutSocketHandsItsEnvelopesToAnother(t *testing.T) {
	t.Parallel()
	c := hasty()
	c.AckTimeout = time.Minute
	s := start(t, c)
	connect(t, s)
	first := s.Sockets()[0].N
	if _, err := s.Say(ada, ops, "@aurora hi"); err != nil {
		t.Fatal(err)
	}
	b := connect(t, s)
	s.Cut(first)
	if f := b.take(); text(f, "retry_attempt") != "1" {
		t.Errorf("the other socket got %v", f)
	}
}

func TestFrozenSocketIsSilent(t *testing.T) {
	t.Parallel()
	c := hasty()
	c.PingEvery = 5 * time.Millisecond
	s := start(t, c)
	began := time.Now()
	a := connect(t, s)
	s.Freeze(0)
	before := int(time.Since(began)/c.PingEvery) + 1 // pings that may be on their way
	pings := make(chan struct{}, 100)
	a.conn.SetPingHandler(func(string) error { pings <- struct{}{}; return nil })
	_ = a.conn.SetReadDeadline(time.Now().Add(80 * time.Millisecond))
	if _, err := s.Say(ada, ops, "@aurora hi"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.conn.ReadMessage(); err == nil {
		t.Error("a frozen socket sent a frame")
	}
	if len(pings) > before {
		t.Errorf("a frozen socket sent %d pings, %d at most before", len(pings), before)
	}
}

func TestTicketWorksOnce(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	url := text(post(t, s, s.AppToken(), "apps.connections.open", object{}), "url")
	conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	_ = conn.Close()
	if _, response, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil); err == nil {
		t.Error("a ticket opened two sockets")
	} else if response != nil {
		_ = response.Body.Close()
	}
}

func TestEleventhSocketIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	for n := range 10 {
		if hello := dial(t, s).read(); text(hello, "num_connections") != text(float64(n+1)) || text(hello, "connection_info", "app_id") != "A0AURORA01" || at(hello, "debug_info", "approximate_connection_time") == nil {
			t.Errorf("hello %d: %v", n, hello)
		}
	}
	if got := dial(t, s).read(); text(got, "reason") != "too_many_websockets" {
		t.Errorf("eleventh socket: %v", got)
	}
}

func TestDisconnectFrames(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	for _, reason := range []string{"warning", "refresh_requested"} {
		a := connect(t, s)
		s.Disconnect(0, reason, 0)
		if got := a.read(); text(got, "type") != "disconnect" || text(got, "reason") != reason {
			t.Errorf("%s: %v", reason, got)
		}
		if _, _, err := a.conn.ReadMessage(); err == nil {
			t.Errorf("%s: the socket stays open", reason)
		}
	}
	a := connect(t, s)
	s.DisableSocketMode(true)
	if got := a.read(); text(got, "reason") != "link_disabled" {
		t.Errorf("turned off: %v", got)
	}
	if got := dial(t, s).read(); text(got, "reason") != "link_disabled" {
		t.Errorf("a new socket while turned off: %v", got)
	}
	s.DisableSocketMode(false)
	connect(t, s)
}

func TestAckOverTwentyKilobytesIsDropped(t *testing.T) {
	t.Parallel()
	s := start(t, hasty())
	a := connect(t, s)
	done := make(chan slacksim.Outcome, 1)
	go func() {
		o, _ := s.Slash(ada, ops, "/aurora status")
		done <- o
	}()
	a.ack(a.read(), object{"text": repeat(20480)})
	if o := <-done; o.Acked || o.Error != "operation_timeout" {
		t.Errorf("outcome %+v", o)
	}
	if d := s.Deliveries(); !d[0].AckDropped {
		t.Errorf("journal %+v", d[0])
	}
}

func TestOddDeliveries(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	a := connect(t, s)
	if _, err := s.Say(ada, ops, "@aurora hi", slacksim.Copies(2)); err != nil {
		t.Fatal(err)
	}
	one, two := a.take(), a.take()
	if text(one, "payload", "event_id") == text(two, "payload", "event_id") || text(one, "payload", "event", "ts") != text(two, "payload", "event", "ts") {
		t.Errorf("two copies: %v and %v", one, two)
	}
	if err := s.Redeliver(text(one, "envelope_id")); err != nil {
		t.Fatal(err)
	}
	if again := a.take(); text(again, "envelope_id") != text(one, "envelope_id") {
		t.Errorf("redelivered under another id: %v", again)
	}
	s.HoldEvents()
	first, _ := s.Say(ada, ops, "@aurora 1")
	second, _ := s.Say(ada, ops, "@aurora 2")
	s.ReleaseEvents(true)
	if x, y := a.take(), a.take(); text(x, "payload", "event", "ts") != second || text(y, "payload", "event", "ts") != first {
		t.Errorf("order %v, %v", at(x, "payload", "event", "ts"), at(y, "payload", "event", "ts"))
	}
	s.Emit("", map[string]any{"type": "from_the_future", "channel": ops})
	if f := a.take(); text(f, "payload", "event", "type") != "from_the_future" {
		t.Errorf("unknown event: %v", f)
	}
	if err := s.EmitRaw(`{"envelope_id":"x","type":"events_api","payload":7}`); err != nil {
		t.Fatal(err)
	}
	if f := a.read(); text(f, "payload") != "7" {
		t.Errorf("raw frame: %v", f)
	}
}
