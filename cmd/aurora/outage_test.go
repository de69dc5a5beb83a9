package main

import (
	"context"
	dbsql "database/sql"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
	"aurora/store"
	"aurora/store/storetest"
)

// cable is a wire to a server, which can be cut and mended. A cut one closes what goes through it and hangs up on
// whoever calls.
type cable struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	cut   bool
	calls map[net.Conn]bool
}

func newCable(t *testing.T, target string) *cable {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: l, target: target, calls: map[net.Conn]bool{}}
	go c.serve()
	t.Cleanup(func() { _ = l.Close(); c.Cut() })
	return c
}

func (c *cable) serve() {
	for {
		call, err := c.listener.Accept()
		if err != nil {
			return
		}
		go c.carry(call)
	}
}

func (c *cable) carry(call net.Conn) {
	defer func() { _ = call.Close() }()
	dialer := net.Dialer{Timeout: time.Second}
	server, err := dialer.DialContext(context.Background(), "tcp", c.leadsTo())
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !c.note(call, server) {
		return
	}
	go func() { _, _ = io.Copy(server, call); _ = server.Close() }()
	_, _ = io.Copy(call, server)
}

func (c *cable) leadsTo() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.target
}

func (c *cable) note(ends ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range ends {
		c.calls[end] = true
	}
	return !c.cut
}

// Cut ends every connection and lets none through.
func (c *cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for call := range c.calls {
		_ = call.Close()
	}
	c.calls = map[net.Conn]bool{}
}

// Mend lets connections through again.
func (c *cable) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}

// through gives an address with its host replaced by the cable's end.
func (c *cable) through(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Host = c.listener.Addr().String()
	return u.String()
}

func cableTo(t *testing.T, address string) *cable {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return newCable(t, u.Host)
}

// outage is a world on real stores, each at the end of a cable. Slack repeats quickly, but waits for an answer as long
// as the real one.
type outage struct {
	*story
	postgres, memory, brain *cable
	redis                   *storetest.RedisServer
	vault                   *storetest.VaultServer
	raw                     *dbsql.DB // as a superuser, past the cable
}

func newOutage(t *testing.T, o worldOptions) *outage {
	t.Helper()
	return openOutage(t, o, storetest.Vault(t), func(*config) {})
}

// openOutage is newOutage on a Vault that is there already, with further settings.
func openOutage(t *testing.T, o worldOptions, v *storetest.VaultServer, change func(*config)) *outage {
	t.Helper()
	_, database := storetest.Postgres(t)
	out := &outage{redis: storetest.Redis(t), vault: v}
	out.postgres, out.memory = cableTo(t, database), newCable(t, out.redis.Addr)
	o.slack.AckTimeout = 3 * time.Second
	o.slack.RetryDelays = append([]time.Duration{0}, slices.Repeat([]time.Duration{time.Second}, 30)...)
	o.change = func(c *config) {
		out.brain = cableTo(t, c.OpenAIBase)
		c.DatabaseURL, c.RedisURL = store.Secret(out.postgres.through(database)), store.Secret(out.memory.through(out.redis.URL))
		c.VaultAddr, c.VaultRole, c.VaultSecret = out.vault.Addr, out.vault.RoleID, store.Secret(out.vault.SecretID)
		c.OpenAIBase = out.brain.through(c.OpenAIBase)
		change(c)
	}
	var err error
	if out.raw, err = dbsql.Open("pgx", storetest.PostgresAdmin(t, database)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.raw.Close() })
	out.story = &story{world: newWorld(t, o), channel: rooms["ops"]}
	out.ready(http.StatusOK)
	return out
}

// settle waits until nothing is left to do.
func (o *outage) settle() {
	o.t.Helper()
	await(o.t, "all work to be done", func() bool {
		n := 0
		return o.raw.QueryRowContext(o.t.Context(), openWork).Scan(&n) == nil && n == 0
	})
}

var opsShape = regexp.MustCompile(`"ops":"([^"]+)"`)

// ready waits until readyz gives that status; healthz is well all the time.
func (o *outage) ready(want int) {
	o.t.Helper()
	base := o.opsBase()
	var last page
	await(o.t, "readyz", func() bool {
		visit(o.t, http.MethodGet, base+"/healthz", nil).says(o.t, http.StatusOK, "ok")
		last = visit(o.t, http.MethodGet, base+"/readyz", nil)
		return last.status == want
	})
	if want != http.StatusOK && len(strings.TrimSpace(last.body)) == 0 {
		o.t.Error("readyz does not say why")
	}
}

// opsBase is where the newest Aurora answers whoever runs it.
func (o *outage) opsBase() (base string) {
	o.t.Helper()
	await(o.t, "the address of readyz", func() bool {
		found := opsShape.FindAllStringSubmatch(o.log.String(), -1)
		if len(found) > 0 {
			base = "http://" + found[len(found)-1][1]
		}
		return base != ""
	})
	return base
}

// await polls what nothing signals.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// times tells how many messages of Aurora's with the text a person sees.
func (s *story) times(id, text string) int { return strings.Count(s.all(id), text) }

func (s *story) mention(who, text string, opts ...slacksim.SayOption) string {
	s.t.Helper()
	ts, err := s.sims.slack.Say(who, s.channel, "@aurora "+text, opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	return ts
}

func (s *story) types(who, line string) {
	s.t.Helper()
	got, err := s.sims.slack.Slash(who, s.channel, line)
	if err != nil || !got.Acked {
		s.t.Fatalf("%s: %+v, %v", line, got, err)
	}
}

func (s *story) clicks(who, action string) {
	s.t.Helper()
	at := s.button(who, action)
	got, err := s.sims.slack.Click(who, s.channel, at.ts, at.action)
	if err != nil || !got.Acked {
		s.t.Fatalf("click %s: %+v, %v", action, got, err)
	}
}

// removal is a script whose model proposes to delete a device, which waits for a click.
func removal() modelsim.Script {
	return modelsim.Script{
		{User: "remove the laptop", Times: 1, Reply: modelsim.Reply{Calls: []modelsim.Call{{Provider: "tailscale", Command: "tailscale device delete nHj9kP3CNTRL"}}}},
		{User: "how are you", Any: true, Reply: modelsim.Reply{Text: "I am well."}},
		{Any: true, Reply: modelsim.Reply{Text: "Over to you."}},
	}
}

// waitingCard brings the world to a card that waits for Ada's click.
func (o *outage) waitingCard() {
	o.t.Helper()
	ada := people["ada"]
	thread := o.mention(ada, "mode agent")
	o.mustSee(ada, "Agent mode in this thread")
	o.mention(ada, "remove the laptop", slacksim.InThread(thread))
	o.mustSee(ada, "Confirm: delete in tailscale")
}

func TestDatabaseAwayTakesNothingAndLosesNothing(t *testing.T) {
	t.Parallel()
	o := newOutage(t, worldOptions{script: removal()})
	ada := people["ada"]
	o.waitingCard()
	o.postgres.Cut()
	o.ready(http.StatusServiceUnavailable)
	o.mention(ada, "how are you?")
	o.types(ada, "/aurora status")
	o.mustSee(ada, "Not taken: my database is away. Please try again")
	o.types(ada, "/aurora stop")
	o.clicks(ada, "confirm")
	await(t, "every one of them to be answered", func() bool {
		return o.times(ada, "my database is away") == 3
	})
	if o.sees(ada, "I am well.") {
		t.Error("a mention was answered that was never made durable")
	}
	o.postgres.Mend()
	o.mustSee(ada, "I am well.")
	o.ready(http.StatusOK)
	if n := o.sims.clouds.Executed("devices.delete"); n != 0 {
		t.Errorf("a click that was not taken ran %d times", n)
	}
	o.clicks(ada, "confirm")
	o.mustSee(ada, "Confirmed by")
	if err := o.sims.slack.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := o.times(ada, "I am well."); n != 1 {
		t.Errorf("the mention was answered %d times", n)
	}
	if n := o.sims.clouds.Executed("devices.delete"); n != 1 {
		t.Errorf("the confirmed command ran %d times", n)
	}
}

func TestViewsSayWhichStoreIsAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t, worldOptions{})
	steps := func(lines string) {
		t.Helper()
		o.tell(lines)
	}
	steps("ben in ops: the disk is full\nada opens home\nada at home sees: Role: operator")
	o.postgres.Cut()
	o.ready(http.StatusServiceUnavailable)
	steps(`ada opens home
		ada at home sees: My database is away
		ada at home never sees: No cloud is connected
		ada types: /aurora connect
		ada in dialog sees: My database is away
		ada closes
		ada asks about: the disk is full
		ada in dialog sees: My database is away
		ada closes`)
	o.postgres.Mend()
	o.ready(http.StatusOK)
	steps("ada opens home\nada at home sees: aws · 111122223333")
	o.memory.Cut()
	o.ready(http.StatusServiceUnavailable)
	steps(`ada opens home
		ada at home sees: My short-term memory is away
		ada at home sees: aws · 111122223333
		ada at home sees: cannot be told now
		ada asks about: the disk is full
		ada in dialog sees: My short-term memory is away
		ada closes`)
	o.memory.Mend()
	o.ready(http.StatusOK)
	steps(`ada opens home
		ada at home sees: Ask: I only read
		ada asks about: the disk is full
		ada in dialog sees: Your question`)
}

func TestDatabaseGoesAwayInMidTurn(t *testing.T) {
	t.Parallel()
	o := newOutage(t, worldOptions{script: modelsim.Script{
		{User: "which devices", Tool: "laptop", Reply: modelsim.Reply{Text: "There is a laptop."}},
		{User: "which devices", Reply: modelsim.Reply{Calls: []modelsim.Call{{Provider: "tailscale", Command: "tailscale devices list"}}}},
	}})
	if err := o.sims.clouds.Inject(cloudsim.Fault{Action: "devices.list", Kind: cloudsim.FaultHoldAfter}); err != nil {
		t.Fatal(err)
	}
	o.mention(people["ada"], "which devices are there?")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := o.sims.clouds.WaitHeld(ctx, "devices.list"); err != nil {
		t.Fatal(err)
	}
	o.postgres.Cut()
	o.sims.clouds.Release()
	o.ready(http.StatusServiceUnavailable)
	o.postgres.Mend()
	o.mustSee(people["ada"], "There is a laptop.")
	if n := o.sims.clouds.Executed("devices.list"); n != 1 {
		t.Errorf("the command ran %d times", n)
	}
	if n := o.times(people["ada"], "There is a laptop."); n != 1 {
		t.Errorf("the answer stands there %d times", n)
	}
	o.ready(http.StatusOK)
}

func TestRedisAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t, worldOptions{script: removal()})
	ada := people["ada"]
	o.waitingCard()
	o.memory.Cut()
	o.ready(http.StatusServiceUnavailable)
	o.mention(ada, "how are you?")
	o.mustSee(ada, "I am well.")
	o.types(ada, "/aurora mode agent")
	o.mustSee(ada, "my short-term memory is away. You stay in Ask mode")
	o.types(ada, "/aurora connect aws")
	o.mustSee(ada, "I can't make a link right now")
	o.types(ada, "/aurora status")
	o.mustSee(ada, "Mode here: Ask")
	o.clicks(ada, "confirm")
	o.mustSee(ada, "nothing was run")
	o.memory.Mend()
	o.ready(http.StatusOK)
	if n := o.sims.clouds.Executed("devices.delete"); n != 0 {
		t.Errorf("a click that was refused ran %d times", n)
	}
	o.clicks(ada, "confirm")
	o.mustSee(ada, "Confirmed by")
	if n := o.sims.clouds.Executed("devices.delete"); n != 1 {
		t.Errorf("the confirmed command ran %d times", n)
	}
}

func TestRedisLost(t *testing.T) {
	t.Parallel()
	o := newOutage(t, worldOptions{script: removal()})
	ada := people["ada"]
	o.waitingCard()
	o.redis.Do(t, "FLUSHALL")
	o.clicks(ada, "confirm")
	o.mustSee(ada, "expired, not run")
	o.types(ada, "/aurora mode")
	o.mustSee(ada, "You are in Ask mode here")
	if n := o.sims.clouds.Executed("devices.delete"); n != 0 {
		t.Errorf("it ran %d times", n)
	}
}

func TestVaultSealed(t *testing.T) {
	t.Parallel()
	o := newOutage(t, worldOptions{})
	ada := people["ada"]
	o.vault.Seal(t)
	o.ready(http.StatusServiceUnavailable)
	o.types(ada, "/aurora run tailscale devices list")
	o.mustSee(ada, "Nothing ran. Vault, which keeps the credentials, is sealed. Whoever runs Aurora has to unseal it; then ask again.")
	if n := o.sims.clouds.Executed("devices.list"); n != 0 {
		t.Errorf("it ran %d times", n)
	}
	o.vault.Unseal(t)
	o.ready(http.StatusOK)
	o.types(ada, "/aurora run tailscale devices list")
	o.mustSee(ada, "checkout-bastion")
}

func TestModelAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t, worldOptions{script: removal()})
	ada := people["ada"]
	o.brain.Cut()
	o.restart() // it starts without its model
	o.mention(ada, "how are you?")
	o.mustSee(ada, "The language model cannot be reached at the moment. Try again in a minute, or run a command yourself")
	o.types(ada, "/aurora run tailscale devices list")
	o.mustSee(ada, "checkout-bastion")
	o.ready(http.StatusOK) // a replica without a model is not to be taken out: it still runs commands
	o.brain.Mend()
	o.mention(ada, "how are you?")
	o.mustSee(ada, "I am well.")
}
