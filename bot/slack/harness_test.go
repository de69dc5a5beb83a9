package slack

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
	"aurora/store"
)

const (
	ada, ben, gus, petra = "U0ADA00001", "U0BEN00001", "U0GUS00001", "U0PETRA001"
	ops, checkout, share = "C0OPS00001", "C0CHECKOUT", "C0SHARED01"
	nimbus               = "T0NIMBUS01"
)

// inbox keeps events in memory with the two unique keys a real one has.
type inbox struct {
	mu      sync.Mutex
	events  []store.Event
	keys    map[string]bool
	err     error         // what Receive answers instead
	gate    chan struct{} // when set, Receive waits for it
	held    int           // how many came to a gate
	panics  bool
	changed chan struct{}
}

func newInbox() *inbox { return &inbox{keys: map[string]bool{}, changed: make(chan struct{})} }

func (b *inbox) Receive(ctx context.Context, e store.Event) (bool, error) {
	b.mu.Lock()
	gate, err, panics := b.gate, b.err, b.panics
	if gate != nil {
		b.held++
	}
	b.mu.Unlock()
	if panics {
		panic("xoxb-this-must-not-be-logged")
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return false, store.ErrUnavailable
		}
	}
	if err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { close(b.changed); b.changed = make(chan struct{}) }()
	if b.keys[e.Key] || (e.MessageKey != "" && b.keys[e.MessageKey]) {
		return false, nil
	}
	b.keys[e.Key], b.keys[e.MessageKey] = true, true
	b.events = append(b.events, e)
	return true, nil
}

// atGate tells how many came to a gate until now.
func (b *inbox) atGate() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

func (b *inbox) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *inbox) all() []store.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events)
}

// await blocks until n events were kept.
func (b *inbox) await(t testing.TB, n int) []store.Event {
	t.Helper()
	for {
		b.mu.Lock()
		changed, events := b.changed, slices.Clone(b.events)
		b.mu.Unlock()
		if len(events) >= n {
			return events
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("%d events were kept, want %d", len(events), n)
		case <-time.After(10 * time.Second):
			t.Fatalf("%d events were kept, want %d", len(events), n)
		}
	}
}

type uncleaned struct{}

func (uncleaned) Clean(text string) (string, int) { return text, 0 }

// logs keeps what was logged.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// rig is an adapter on a simulated Slack.
type rig struct {
	*Adapter
	sim   *slacksim.Server
	inbox *inbox
	logs  *logs
	ended chan error
	stop  context.CancelFunc
}

// newRig makes the adapter without running it.
func newRig(t testing.TB, world slacksim.Config, change ...func(*Config)) *rig {
	t.Helper()
	if world.Scopes == nil {
		world.Scopes = append(manifest(t).OAuthConfig.Scopes.Bot, manifest(t).OAuthConfig.Scopes.BotOptional...)
	}
	if world.Events == nil {
		world.Events = manifest(t).Settings.EventSubscriptions.BotEvents
	}
	sim := slacksim.New(world)
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	r := &rig{sim: sim, inbox: newInbox(), logs: &logs{}, ended: make(chan error, 1)}
	c := Config{AppToken: store.Secret(sim.AppToken()), BotToken: store.Secret(sim.BotToken("")), APIURL: sim.URL(),
		Intake: &bot.Intake{Inbox: r.inbox, Clean: uncleaned{}}, Log: zerolog.New(r.logs), LinkHosts: []string{"aurora.example"}}
	for _, f := range change {
		f(&c)
	}
	r.Adapter = New(c)
	t.Cleanup(func() {
		if leaked := secretsIn(r.logs.String()); leaked != "" {
			t.Errorf("a secret was logged: %s", leaked)
		}
	})
	return r
}

// start makes an adapter and waits until it hears Slack.
func start(t testing.TB, world slacksim.Config, change ...func(*Config)) *rig {
	t.Helper()
	r := newRig(t, world, change...)
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-r.ended; err != nil {
			t.Errorf("the adapter ended with %v", err)
		}
		r.ended <- nil
	})
	within(t, func(ctx context.Context) error { return r.sim.WaitSockets(ctx, r.config.Sockets) })
	await(t, "the hellos to be read", func() bool { return r.Stats().Sockets == r.config.Sockets })
	return r
}

// endsWith waits until Run ends by itself, with an error that holds the words.
func (r *rig) endsWith(t testing.TB, words ...string) {
	t.Helper()
	select {
	case err := <-r.ended:
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("Run ended with %v, want %q in it", err, w)
			}
		}
	case <-time.After(10 * time.Second):
		t.Error("Run goes on")
		return
	}
	r.ended <- nil
}

// within runs wait with a deadline no healthy test reaches.
func within(t testing.TB, wait func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := wait(ctx); err != nil {
		t.Fatal(err)
	}
}

// await polls a condition nothing signals.
func await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// say lets somebody write and gives the message's ts.
func (r *rig) tell(t testing.TB, user, channel, text string, opts ...slacksim.SayOption) string {
	t.Helper()
	ts, err := r.sim.Say(user, channel, text, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func place(channel string) store.Place {
	return store.Place{Platform: store.Slack, Team: nimbus, Channel: channel}
}

func secretsIn(text string) string {
	for _, mark := range []string{"xoxb-", "xapp-", "wss://", "ws://"} {
		if i := bytes.Index([]byte(text), []byte(mark)); i >= 0 {
			return text[max(0, i-80):min(len(text), i+80)]
		}
	}
	return ""
}

func keysOf(events []store.Event) []string {
	keys := map[string]bool{}
	for _, e := range events {
		keys[e.Key] = true
	}
	return slices.Sorted(maps.Keys(keys))
}

// unpaced lets a test post as fast as it likes.
func unpaced(c *Config) {
	c.Pace = func(context.Context, string, time.Duration, int) (time.Duration, error) { return 0, nil }
}
