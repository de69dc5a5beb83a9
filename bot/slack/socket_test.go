package slack

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
	"aurora/store"
)

func TestMentionIsKeptBeforeItIsAcked(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	gate := make(chan struct{})
	r.inbox.set(func() { r.inbox.gate = gate })
	r.tell(t, ada, ops, "@aurora list my instances")
	await(t, "the envelope", func() bool { return r.Stats().Received == 1 })
	if d := r.sim.Deliveries()[0]; !d.Acked.IsZero() {
		t.Error("the envelope was acked before its row was written")
	}
	if n := len(r.sim.Calls("chat.postMessage")); n != 0 {
		t.Errorf("%d messages were posted before the ack", n)
	}
	close(gate)
	within(t, r.sim.WaitQuiet)
	d := r.sim.Deliveries()[0]
	if d.Outcome != "acked" || len(d.AckPayload) > 0 || len(r.inbox.all()) != 1 {
		t.Errorf("outcome %s with payload %q and %d rows; want acked, none, 1", d.Outcome, d.AckPayload, len(r.inbox.all()))
	}
}

func TestSlowRowHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	gate := make(chan struct{})
	r.inbox.set(func() { r.inbox.gate = gate })
	r.tell(t, ada, ops, "@aurora first")
	await(t, "the first envelope", func() bool { return r.inbox.atGate() == 1 })
	r.inbox.set(func() { r.inbox.gate = nil })
	r.tell(t, ada, ops, "@aurora second")
	if e := r.inbox.await(t, 1)[0]; e.Text != "second" {
		t.Errorf("%q was kept first", e.Text)
	}
	close(gate)
	r.inbox.await(t, 2)
}

// What is written in one thread is kept in the order it was written, though the first takes longer.
func TestAThreadKeepsItsOrder(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	gate := make(chan struct{})
	r.inbox.set(func() { r.inbox.gate = gate })
	root := r.tell(t, ada, ops, "@aurora mode agent")
	await(t, "the first envelope", func() bool { return r.inbox.atGate() == 1 })
	r.inbox.set(func() { r.inbox.gate = nil })
	r.tell(t, ada, ops, "@aurora run something", slacksim.InThread(root))
	await(t, "the second envelope", func() bool { return r.Stats().Received == 2 })
	r.tell(t, ada, ops, "@aurora elsewhere")
	if e := r.inbox.await(t, 1)[0]; e.Text != "elsewhere" {
		t.Errorf("%q was kept first", e.Text)
	}
	close(gate)
	if got := r.inbox.await(t, 3); got[1].Text != "mode agent" || got[2].Text != "run something" {
		t.Errorf("%q came before %q", got[1].Text, got[2].Text)
	}
}

func TestUnkeptEventIsSentAgainByRetry(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{AckTimeout: 100 * time.Millisecond, RetryDelays: []time.Duration{0, 50 * time.Millisecond, 50 * time.Millisecond}})
	r.inbox.set(func() { r.inbox.err = store.ErrUnavailable })
	r.tell(t, ada, ops, "@aurora are you there")
	await(t, "two failures", func() bool { return r.Stats().Unkept >= 2 })
	r.inbox.set(func() { r.inbox.err = nil })
	if e := r.inbox.await(t, 1)[0]; e.Text != "are you there" {
		t.Errorf("kept %q", e.Text)
	}
	within(t, r.sim.WaitQuiet)
	last := r.sim.Deliveries()[len(r.sim.Deliveries())-1]
	if last.Attempt == 0 || last.Outcome != "acked" {
		t.Errorf("the last attempt is number %d with outcome %s", last.Attempt, last.Outcome)
	}
}

func TestCommandAndClickAreAnsweredWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	ts, err := r.Post(t.Context(), place(ops), bot.Message{Notice: "hello", Buttons: []bot.Button{{Action: "agent", Label: "Go", Value: "nonce"}}}, bot.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	r.inbox.set(func() { r.inbox.err = errors.Join(store.ErrUnavailable, store.ErrUncertain) })
	if outcome, err := r.sim.Slash(ben, ops, "/aurora status"); err != nil || !outcome.Acked {
		t.Fatalf("the command ended with %+v, %v", outcome, err)
	}
	within(t, func(ctx context.Context) error { // to try again might run it twice
		_, err := r.sim.WaitMessage(ctx, ben, ops, func(m slacksim.Message) bool { return m.Ephemeral && m.Plain == sentenceMaybe })
		return err
	})
	r.inbox.set(func() { r.inbox.err = store.ErrUnavailable })
	outcome, err := r.sim.Slash(ada, ops, "/aurora status")
	if err != nil || !outcome.Acked {
		t.Fatalf("the command ended with %+v, %v", outcome, err)
	}
	if outcome, err = r.sim.Click(ben, ops, ts, "agent"); err != nil || !outcome.Acked {
		t.Fatalf("the click ended with %+v, %v", outcome, err)
	}
	for _, person := range []string{ada, ben} {
		within(t, func(ctx context.Context) error {
			_, err := r.sim.WaitMessage(ctx, person, ops, func(m slacksim.Message) bool { return m.Ephemeral && m.Plain == sentenceAway })
			return err
		})
	}
}

func TestDatabaseThatHangsHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{RetryDelays: []time.Duration{time.Minute}})
	ts, err := r.Post(t.Context(), place(ops), bot.Message{Notice: "hello", Buttons: []bot.Button{{Action: "agent", Label: "Go", Value: "nonce"}}}, bot.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	gate := make(chan struct{})
	defer close(gate)
	r.inbox.set(func() { r.inbox.gate = gate })
	for range 2 * atOnce { // every place at the database is taken, and as many wait for one
		r.tell(t, ada, ops, "@aurora ask")
	}
	done := make(chan slacksim.Outcome, 2)
	go func() { o, _ := r.sim.Slash(ada, ops, "/aurora status"); done <- o }()
	go func() { o, _ := r.sim.Click(ben, ops, ts, "agent"); done <- o }()
	for range 2 {
		if o := <-done; !o.Acked {
			t.Errorf("somebody saw %q", o.Error)
		}
	}
	if err := r.Ready(); err != nil || r.Stats().Sockets != 2 {
		t.Errorf("the sockets did not survive: %v", err)
	}
}

func TestRepeatedEventsRunOnce(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	r.tell(t, ada, ops, "@aurora once", slacksim.Copies(3))
	within(t, r.sim.WaitQuiet)
	if err := r.sim.Redeliver(r.sim.Deliveries()[0].EnvelopeID); err != nil {
		t.Fatal(err)
	}
	await(t, "all repeats", func() bool { return r.Stats().Repeated == 3 })
	if n := len(r.inbox.all()); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	within(t, r.sim.WaitQuiet)
	for _, d := range r.sim.Deliveries() {
		if d.Outcome != "acked" {
			t.Errorf("delivery %d: %s", d.N, d.Outcome)
		}
	}
}

func TestUnreadableEnvelopeIsAcked(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	r.sim.Emit("", map[string]any{"type": "made_up_event", "secret": "do-not-log-me"})
	within(t, r.sim.WaitQuiet)
	if d := r.sim.Deliveries()[0]; d.Outcome != "acked" {
		t.Errorf("an unknown event ended %s", d.Outcome)
	}
	for _, frame := range []string{`{"envelope_id":"e1","type":"interactive","payload":"do-not-log-me"}`, `not json do-not-log-me`, `[]`, `""`} {
		if err := r.sim.EmitRaw(frame); err != nil {
			t.Fatal(err)
		}
	}
	r.tell(t, ada, ops, "@aurora still there?")
	r.inbox.await(t, 1)
	if r.Stats().Unreadable == 0 {
		t.Error("nothing was counted as unreadable")
	}
	if strings.Contains(r.logs.String(), "do-not-log-me") {
		t.Error("a body was logged")
	}
}

func TestPanicEndsNothing(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	r.inbox.set(func() { r.inbox.panics = true })
	if outcome, err := r.sim.Slash(ada, ops, "/aurora status"); err != nil || !outcome.Acked {
		t.Fatalf("the command ended with %+v, %v", outcome, err)
	}
	within(t, func(ctx context.Context) error {
		_, err := r.sim.WaitMessage(ctx, ada, ops, func(m slacksim.Message) bool { return m.Plain == sentencePanic })
		return err
	})
	r.inbox.set(func() { r.inbox.panics = false })
	r.tell(t, ada, ops, "@aurora and now?")
	r.inbox.await(t, 1)
	if r.Stats().Panics != 1 {
		t.Errorf("%d panics were counted", r.Stats().Panics)
	}
}

func TestReadyMeansHelloSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	if err := r.Ready(); err == nil {
		t.Error("ready before anything was connected")
	}
	r = start(t, slacksim.Config{}, func(c *Config) { c.Silence = 50 * time.Millisecond })
	if err := r.Ready(); err != nil {
		t.Errorf("not ready after hello: %v", err)
	}
	r.sim.DisableSocketMode(true)
	r.sim.Disconnect(0, "link_disabled", 0)
	await(t, "no longer ready", func() bool { return r.Ready() != nil })
	await(t, "the alarm", func() bool { return strings.Contains(r.logs.String(), "has not been heard for too long") })
	r.sim.DisableSocketMode(false)
	await(t, "ready again", func() bool { return r.Ready() == nil })
}

// TestTurnedOffSocketModeIsToldAtOnce: nothing comes any more, so there is no point in waiting whether it comes back.
func TestTurnedOffSocketModeIsToldAtOnce(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, func(c *Config) { c.Silence = time.Hour })
	r.sim.Inject(slacksim.Fault{Method: "apps.connections.open", Kind: slacksim.FaultError, Error: "link_disabled", Times: -1})
	for _, socket := range r.sim.Sockets() {
		r.sim.Cut(socket.N)
	}
	await(t, "not ready", func() bool { return r.Ready() != nil })
	if err := r.Ready(); !strings.Contains(err.Error(), "turn it on under Socket Mode") {
		t.Errorf("readiness says %v", err)
	}
	if n := strings.Count(r.logs.String(), "Slack cannot be heard"); n != 1 {
		t.Errorf("told %d times in the log", n)
	}
	r.sim.ClearFaults()
	await(t, "ready again", func() bool { return r.Ready() == nil })
}

func TestSocketsAreReplacedWithoutLoss(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{AckTimeout: 2 * time.Second, RetryDelays: []time.Duration{0, 300 * time.Millisecond, 2 * time.Second}})
	const n = 60
	for i := range n {
		r.tell(t, ada, ops, "@aurora ask")
		switch i % 20 {
		case 5:
			r.sim.Cut(r.sim.Sockets()[0].N)
		case 10:
			r.sim.Disconnect(r.sim.Sockets()[0].N, "refresh_requested", 0)
		case 15:
			r.sim.Disconnect(r.sim.Sockets()[0].N, "warning", 10*time.Millisecond)
		}
		within(t, func(ctx context.Context) error { return r.sim.WaitSockets(ctx, 1) })
	}
	if got := len(keysOf(r.inbox.await(t, n))); got != n {
		t.Errorf("%d different events, want %d", got, n)
	}
	within(t, func(ctx context.Context) error { return r.sim.WaitSockets(ctx, 2) })
}

func TestOversizeFrameOnlyCostsTheSocket(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	before := r.sim.Sockets()
	if err := r.sim.EmitRaw(`{"type":"events_api","envelope_id":"big","payload":"` + strings.Repeat("x", readLimit+1) + `"}`); err != nil {
		t.Fatal(err)
	}
	await(t, "another socket", func() bool {
		now := r.sim.Sockets()
		return len(now) == 2 && now[1].N > before[1].N
	})
	r.tell(t, ada, ops, "@aurora still there?")
	r.inbox.await(t, 1)
}

func TestBadTokensEndRunWithAdvice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, word, want string
	}{
		"bot token unknown":    {"auth.test", "invalid_auth", "SLACK_BOT_TOKEN: Slack does not know the token"},
		"bot token revoked":    {"auth.test", "token_revoked", "SLACK_BOT_TOKEN: the token was revoked"},
		"app token unknown":    {"apps.connections.open", "invalid_auth", "SLACK_APP_TOKEN: Slack does not know the token"},
		"not allowed type":     {"apps.connections.open", "not_allowed_token_type", "starts with xapp"},
		"account gone":         {"apps.connections.open", "account_inactive", "deactivated"},
		"no permission":        {"apps.connections.open", "no_permission", "may not do this"},
		"expired":              {"apps.connections.open", "token_expired", "rotation"},
		"missing args":         {"apps.connections.open", "missing_args", "misses a token"},
		"org login required":   {"apps.connections.open", "org_login_required", "Enterprise"},
		"no token":             {"apps.connections.open", "not_authed", "no token reached"},
		"lacks connections":    {"apps.connections.open", "missing_scope", "lacks a scope"},
		"revoked after a time": {"apps.connections.open", "token_revoked", "was revoked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, slacksim.Config{})
			r.sim.Inject(slacksim.Fault{Method: c.method, Kind: slacksim.FaultError, Error: c.word, Times: -1})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := r.Run(ctx); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Run ended with %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestPassingTroubleIsWaitedOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	for _, method := range []string{"auth.test", "apps.connections.open"} {
		r.sim.Inject(slacksim.Fault{Method: method, Kind: slacksim.FaultStatus, Times: 1})
		r.sim.Inject(slacksim.Fault{Method: method, Kind: slacksim.FaultCutBefore, Times: 1})
		r.sim.Inject(slacksim.Fault{Method: method, Kind: slacksim.FaultError, Error: "internal_error", Times: 1})
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	within(t, func(ctx context.Context) error { return r.sim.WaitSockets(ctx, 2) })
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

func TestConfigurationIsCheckedAtOnce(t *testing.T) {
	t.Parallel()
	err := New(Config{AppToken: "xoxb-wrong", BotToken: "xapp-wrong", APIURL: "http://slack.example/api", Sockets: 11}).Run(t.Context())
	for _, want := range []string{"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "AURORA_SLACK_SOCKETS is 11", "in the clear", "no intake"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %q", err, want)
		}
	}
	if secretsIn(err.Error()) != "" {
		t.Error("the error shows a token")
	}
}

func TestShutdownFinishesWhatWasTaken(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	gate := make(chan struct{})
	r.inbox.set(func() { r.inbox.gate = gate })
	r.tell(t, ada, ops, "@aurora last wish")
	await(t, "the envelope", func() bool { return r.Stats().Received == 1 })
	r.stop()
	await(t, "the door to close", func() bool { return intakeClosed(r) })
	close(gate)
	if err := <-r.ended; err != nil {
		t.Fatal(err)
	}
	r.ended <- nil
	if d := r.sim.Deliveries()[0]; d.Outcome != "acked" || len(r.inbox.all()) != 1 {
		t.Errorf("the envelope ended %s with %d rows", d.Outcome, len(r.inbox.all()))
	}
}

func intakeClosed(r *rig) bool {
	r.intake.mu.Lock()
	defer r.intake.mu.Unlock()
	return r.intake.closed
}

// TestAcksStayFast is the promise of 50 ms, held loosely here for busy machines; BenchmarkAck prints the figures.
func TestAcksStayFast(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var worst time.Duration
	r := start(t, slacksim.Config{}, func(c *Config) {
		c.Acked = func(_ string, took time.Duration) { mu.Lock(); worst = max(worst, took); mu.Unlock() }
	})
	const n = 500
	for range n {
		r.tell(t, ada, ops, "@aurora ask")
	}
	r.inbox.await(t, n)
	within(t, r.sim.WaitQuiet)
	mu.Lock()
	defer mu.Unlock()
	if worst > 2*time.Second {
		t.Errorf("the slowest ack took %s", worst)
	}
}
