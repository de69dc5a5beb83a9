package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
	"aurora/store"
	"aurora/store/storetest"
)

// misfortune is something that fails: how it breaks and how it is mended.
type misfortune struct {
	name  string
	world string // those of one name come one after the other in one world
	begin func(*scene)
	mend  func(*scene)
	fatal bool // Aurora ends; whoever runs it mends it and starts it again
}

// misfortunes are the rows of the page.
func misfortunes() []misfortune {
	return []misfortune{
		{name: "PostgreSQL is away", world: "postgresql", begin: func(s *scene) { s.postgres.Cut() }, mend: func(s *scene) { s.postgres.Mend() }},
		{name: "Redis is away", world: "redis", begin: func(s *scene) { s.memory.Cut() }, mend: func(s *scene) { s.memory.Mend() }},
		{name: "Vault is sealed", world: "vault", begin: func(s *scene) { s.vault.Seal(s.t) }, mend: func(s *scene) { s.vault.Unseal(s.t) }},
		{name: "Slack asks to wait at every call (429)", world: "slack 429", begin: func(s *scene) {
			s.sims.slack.Inject(slacksim.Fault{Kind: slacksim.FaultRateLimit, Times: -1})
		}, mend: func(s *scene) { s.sims.slack.ClearFaults() }},
		{name: "Slack is away, all sockets lost", world: "slack away", begin: func(s *scene) { s.chat.Cut(); s.sims.slack.Cut(0) }, mend: func(s *scene) { s.chat.Mend() }},
		{name: "Socket Mode is turned off (link_disabled)", world: "slack off", begin: func(s *scene) { s.sims.slack.DisableSocketMode(true) },
			mend: func(s *scene) { s.sims.slack.DisableSocketMode(false) }},
		{name: "Slack's token is revoked", world: "slack token", fatal: true, begin: func(s *scene) { s.must(s.sims.slack.RevokeTokens("")) }, mend: func(s *scene) {
			token, err := s.sims.slack.Reinstall("")
			s.must(err)
			s.cfg.SlackBotToken = store.Secret(token)
		}},
		chaos("The model asks to wait (429)", "rateLimitRate"), chaos("The model's connection breaks in mid-stream", "disconnectRate"),
		chaos("The model's stream is malformed", "malformedRate"),
		{name: "The model answers 200 with nothing in it", world: "model empty", begin: func(s *scene) {
			s.script(modelsim.Rule{Any: true, Reply: modelsim.Reply{Fault: modelsim.FaultEmpty}})
		}, mend: func(s *scene) { s.script() }},
	}
}

// chaos puts aimock, a model server nobody here wrote, in the model's place and lets it misbehave.
func chaos(name, rate string) misfortune {
	return misfortune{name: name, world: "model", begin: func(s *scene) {
		setChaos(s.t, s.aimock, fmt.Sprintf(`{%q:1}`, rate))
		s.brain.redirect(strings.TrimPrefix(s.aimock, "http://"))
	}, mend: func(s *scene) {
		s.brain.redirect(strings.TrimSuffix(strings.TrimPrefix(s.sims.model.URL(), "http://"), "/v1"))
	}}
}

// redirect leads everything that comes from now on to another server.
func (c *cable) redirect(target string) {
	c.Cut()
	c.mu.Lock()
	c.target = target
	c.mu.Unlock()
	c.Mend()
}

// moments are the columns' second: what is under way when it breaks. Each gives what stands to be said of it after all.
var moments = []struct {
	name string
	play func(*scene, misfortune) string
}{
	{"at the start", (*scene).atStart}, {"idle", (*scene).idle}, {"in mid-turn, before the model answers", (*scene).beforeModel},
	{"while a command runs", (*scene).duringCommand}, {"waiting for a click", (*scene).waiting}, {"at the click", (*scene).atClick},
}

// scene is one world with one misfortune after the other.
type scene struct {
	*outage
	chat   *cable
	aimock string // address; empty where it is not needed
	page   *outagePage
	row    *outageRow
	before map[string]string // what Ada saw when the moment began, by ts
	ended  chan error        // why Aurora ended
}

// TestOutages plays every misfortune at every moment, and compares what people saw with OUTAGES.md.
func TestOutages(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts servers")
	}
	page := openOutagePage(t)
	vault := storetest.Vault(t) // shared by those whose misfortune it is not
	worlds := map[string][]misfortune{}
	var order []string
	for _, m := range misfortunes() {
		if worlds[m.world] == nil {
			order = append(order, m.world)
		}
		worlds[m.world] = append(worlds[m.world], m)
	}
	t.Run("worlds", func(t *testing.T) {
		for _, name := range order {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newScene(t, page, name, vault)
				for _, m := range worlds[name] {
					s.play(m)
				}
			})
		}
	})
	page.close(t)
}

func newScene(t *testing.T, page *outagePage, world string, vault *storetest.VaultServer) *scene {
	s := &scene{page: page}
	if world == "vault" {
		vault = storetest.Vault(t)
	}
	if world == "model" {
		s.aimock = startAimock(t)
	}
	s.outage = openOutage(t, worldOptions{}, vault, func(c *config) {
		if world == "slack away" { // elsewhere response_urls lead to where the Web API is, as they do at Slack
			s.chat = cableTo(t, c.SlackAPIURL)
			c.SlackAPIURL = s.chat.through(c.SlackAPIURL)
		}
		c.silence = 300 * time.Millisecond
	})
	s.script()
	s.end()
	s.launch()
	s.ready(http.StatusOK)
	s.types("/aurora mode agent")
	s.mustSee(people["ada"], "Agent mode in this channel")
	return s
}

const expiring = "tailscale device expire " + bastion

// script gives the model its everyday answers, with rules before them.
func (s *scene) script(first ...modelsim.Rule) {
	s.must(s.sims.model.SetScript(append(first,
		modelsim.Rule{User: "devices", Tool: laptop, Reply: modelsim.Reply{Text: "There is a laptop."}},
		modelsim.Rule{User: "devices", Tool: ".", Reply: modelsim.Reply{Text: "I could not look."}},
		modelsim.Rule{User: "devices", Reply: tailscaleCall("tailscale devices list")},
		modelsim.Rule{User: "expire", Tool: ".", Reply: modelsim.Reply{Text: "It is up to you."}},
		modelsim.Rule{User: "expire", Reply: tailscaleCall(expiring)},
		modelsim.Rule{Any: true, Reply: modelsim.Reply{Text: "That was that."}},
	)))
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// launch starts an Aurora that may end by itself, and gives why it does not start.
func (s *scene) launch() error {
	ctx, cancel := context.WithCancel(context.Background())
	starts := strings.Count(s.log.String(), "aurora serves")
	a, err := newApp(ctx, s.cfg, newLogger(s.log))
	s.end = cancel
	if err != nil {
		return err
	}
	s.app, s.ended = a, make(chan error, 1)
	ended, over := s.ended, make(chan struct{})
	go func() {
		defer close(over)
		err := a.run(ctx)
		a.close()
		ended <- err
	}()
	s.end = func() { cancel(); <-over }
	await(s.t, "the start", func() bool { return strings.Count(s.log.String(), "aurora serves") > starts || len(ended) > 0 })
	return nil
}

// play goes through all moments of a misfortune.
func (s *scene) play(m misfortune) {
	for _, moment := range moments {
		s.row = &outageRow{outage: m.name, moment: moment.name}
		s.script()
		s.settle()
		s.before = s.now()
		if said := moment.play(s, m); said != "" {
			s.row.after = append(s.row.after, said)
		}
		s.page.add(s.t, s.row)
	}
}

// broken notes what is seen while it is broken.
func (s *scene) broken(m misfortune) {
	s.row.saw = []string{s.page.await(s.t, s.row, columnSaw, s.news)}
	s.row.ready = s.page.await(s.t, s.row, columnReady, func() string { return s.readiness(m) })
}

// mended mends it, and notes what came of it. again is done once that stands, and looked at too.
func (s *scene) mended(m misfortune, again func()) {
	s.t.Helper()
	s.before = s.now()
	m.mend(s)
	if m.fatal {
		s.end()
		s.must(s.launch())
	}
	s.ready(http.StatusOK)
	s.must(s.sims.slack.WaitSockets(s.t.Context(), 1))
	if again != nil {
		again()
	}
	if *update {
		awaitSteady(s.news, steady[columnAfter])
		s.settle()
	}
	s.row.after = []string{s.page.await(s.t, s.row, columnAfter, s.news)}
}

// readiness is what readyz says that is not ok, or why there is no readyz.
func (s *scene) readiness(m misfortune) string {
	if m.fatal {
		select {
		case err := <-s.ended:
			s.ended <- err
			return fmt.Sprintf("Aurora ends: %v", err)
		default:
			return "nothing yet"
		}
	}
	base := s.opsBase()
	got := visit(s.t, http.MethodGet, base+"/readyz", nil)
	var said []string
	for line := range strings.Lines(got.body) {
		if line = strings.TrimSpace(line); !strings.HasSuffix(line, ": ok") {
			said = append(said, line)
		}
	}
	return fmt.Sprintf("%d %s", got.status, strings.Join(said, "; "))
}

func (s *scene) atStart(m misfortune) string {
	s.end()
	m.begin(s)
	err := s.launch()
	if err != nil {
		s.row.ready = s.page.await(s.t, s.row, columnReady, func() string { return unstarted(err) })
		s.row.saw = []string{s.page.await(s.t, s.row, columnSaw, s.news)}
		m.mend(s)
		s.must(s.launch())
		m.mend = func(*scene) {}
	} else {
		s.ask("which devices are there?")
		s.broken(m)
	}
	s.mended(m, func() {
		if err != nil {
			s.ask("which devices are there?")
			return
		}
		s.askAgain()
	})
	return ""
}

// unstarted says what serve does when it cannot start: it waits for a while for what may pass. TestServeWaitsForItsStores has
// the waiting.
func unstarted(err error) string {
	if passing(err) {
		return "503 not ready, and ends after 20 s: " + err.Error()
	}
	return "serve does not start: " + err.Error()
}

func (s *scene) idle(m misfortune) string {
	m.begin(s)
	s.ask("which devices are there?")
	s.types("/aurora run tailscale devices list")
	s.broken(m)
	s.mended(m, s.askAgain)
	return ""
}

// types is a slash command, whether or not Slack can deliver it.
func (s *scene) types(line string) {
	s.t.Helper()
	_, err := s.sims.slack.Slash(people["ada"], s.channel, line)
	s.must(err)
}

// askAgain asks once more what was not answered but with a sentence; what waits is not asked again.
func (s *scene) askAgain() {
	if saw := s.row.saw[0]; saw != nothing && !strings.Contains(saw, "There is a laptop") && !strings.Contains(saw, "Not taken") {
		s.ask("which devices are there?")
	}
}

func (s *scene) beforeModel(m misfortune) string {
	if m.aboutModel() { // its first answer is the one that fails
		m.begin(s)
		s.ask("which devices are there?")
		s.broken(m)
		s.mended(m, s.askAgain)
		return ""
	}
	s.script(modelsim.Rule{User: "devices", Times: 1, Reply: modelsim.Reply{Fault: modelsim.FaultHold, Calls: tailscaleCall("tailscale devices list").Calls}})
	asked := len(s.sims.model.Requests())
	s.ask("which devices are there?")
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	s.must(s.sims.model.Await(ctx, asked+1))
	m.begin(s)
	s.sims.model.Release()
	s.broken(m)
	s.mended(m, nil)
	return ""
}

func (m misfortune) aboutModel() bool { return strings.HasPrefix(m.world, "model") }

func (s *scene) duringCommand(m misfortune) string {
	ran := s.sims.clouds.Executed("devices.list")
	s.must(s.sims.clouds.Inject(cloudsim.Fault{Action: "devices.list", Kind: cloudsim.FaultHoldAfter}))
	s.ask("which devices are there?")
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	_, err := s.sims.clouds.WaitHeld(ctx, "devices.list")
	s.must(err)
	m.begin(s)
	s.sims.clouds.ClearFaults()
	s.broken(m)
	s.mended(m, nil)
	return "the command ran " + times(s.sims.clouds.Executed("devices.list")-ran)
}

// standingCard brings the world to a card that waits for Ada's click.
func (s *scene) standingCard() (card button) {
	s.t.Helper()
	s.ask("expire the bastion's key")
	card = s.button(people["ada"], "confirm")
	s.settle()
	s.before = s.now()
	return card
}

func (s *scene) waiting(m misfortune) string {
	ran := s.sims.clouds.Executed("devices.expire")
	card := s.standingCard()
	m.begin(s)
	s.broken(m)
	s.mended(m, func() { s.press(card) })
	return "the command ran " + times(s.sims.clouds.Executed("devices.expire")-ran)
}

func (s *scene) atClick(m misfortune) string {
	ran := s.sims.clouds.Executed("devices.expire")
	card := s.standingCard()
	m.begin(s)
	s.press(card)
	s.broken(m)
	s.mended(m, func() {
		if s.stands(card) && s.sims.clouds.Executed("devices.expire") == ran {
			s.press(card)
		}
	})
	return "the command ran " + times(s.sims.clouds.Executed("devices.expire")-ran)
}

// stands tells whether the card still has its buttons once nothing is under way.
func (s *scene) stands(card button) bool {
	s.settle()
	messages, err := s.sims.slack.Messages(people["ada"], s.channel)
	s.must(err)
	for _, m := range messages {
		if m.TS == card.ts {
			return len(m.Buttons) > 0
		}
	}
	return false
}

// press clicks whether or not Slack can deliver it.
func (s *scene) press(card button) {
	s.t.Helper()
	_, err := s.sims.slack.Click(people["ada"], s.channel, card.ts, card.action)
	s.must(err)
}

func (s *scene) ask(text string) { s.mention(people["ada"], text) }

func times(n int) string {
	return map[int]string{0: "not at all", 1: "once"}[min(n, 1)] + strings.Repeat(" too often", max(0, n-1))
}
