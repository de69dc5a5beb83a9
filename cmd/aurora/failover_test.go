package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
	"aurora/store/storetest"
)

// midway is a model that thinks about the weather until it is released, and calls for the other asks. Whether the turn
// that waited goes on or another begins it anew depends on how soon the database is back: the answer is the same.
func midway() modelsim.Script {
	return append(modelsim.Script{
		{User: "weather", Times: 1, Reply: modelsim.Reply{Fault: modelsim.FaultHold, Text: "It is fine."}},
		{User: "weather", Any: true, Reply: modelsim.Reply{Text: "It is fine."}},
		{User: "how are you", Any: true, Reply: modelsim.Reply{Text: "I am well."}},
	}, append(removeLaptop, listDevices...)...)
}

// patientSlack repeats what was not acknowledged within a few seconds, as often as Slack does.
func patientSlack() slacksim.Config {
	return slacksim.Config{AckTimeout: 3 * time.Second, RetryDelays: []time.Duration{0, time.Second, 2 * time.Second}}
}

// Four things are under way when PostgreSQL ends like in a crash: a turn whose model thinks, a turn whose command reads,
// a click whose command changes something, and what people do meanwhile. Nothing of it is lost and nothing is doubled.
func TestPostgresEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	needsServers(t)
	v := storetest.Vault(t)
	t.Run("and starts again", func(t *testing.T) {
		t.Parallel()
		server := storetest.OwnPostgres(t)
		c := newCluster(t, clusterOptions{vault: v, script: midway(), direct: true, agent: true, slack: patientSlack(), database: server.ServeURL})
		c.inTheMiddle(func() { server.Crash(t) }, func() { server.Start(t) })
	})
	t.Run("and its standby takes over", func(t *testing.T) {
		t.Parallel()
		pair := storetest.NewPostgresPair(t)
		c := newCluster(t, clusterOptions{vault: v, script: midway(), direct: true, agent: true, slack: patientSlack(), database: pair.ServeURL})
		c.inTheMiddle(func() { pair.Primary.Crash(t) }, func() { pair.Promote(t) })
	})
}

func (c *cluster) inTheMiddle(end, mend func()) {
	t, sim := c.t, c.sims.slack
	card := c.card()
	for _, action := range []string{"devices.list", "devices.delete"} {
		c.hold(cloudsim.FaultHoldAfter, action)
	}
	asked := len(c.sims.model.Requests())
	thinking, reading := c.askIn("ops", "how is the weather"), c.askIn("oncall", "which devices are there")
	if outcome, err := sim.Click(people["ada"], rooms["ops"], card.TS, buttonID(card, "confirm")); err != nil || !outcome.Acked {
		t.Fatalf("the click: %+v, %v", outcome, err)
	}
	c.await(patience, "the model to think and to call", func() bool { return len(c.sims.model.Requests()) >= asked+2 })
	for _, action := range []string{"devices.list", "devices.delete"} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := c.sims.clouds.WaitHeld(ctx, action); err != nil {
			t.Fatalf("%s is not asked for: %v\n%s", action, err, c.dump())
		}
		cancel()
	}
	end()
	meanwhile := c.askIn("ops", "how are you")
	if outcome, err := sim.Slash(people["ada"], rooms["ops"], "/aurora status"); err != nil || !outcome.Acked {
		t.Errorf("a slash command while the database is away: %+v, %v", outcome, err)
	}
	c.await(patience, "the sentence for who types", func() bool { return c.whispered("Not taken: my database is away. Please try again") == 1 })
	c.sims.model.Release()
	c.sims.clouds.ClearFaults()
	mend()
	began := time.Now()
	for thread, answer := range map[string]string{thinking: "It is fine.", meanwhile: "I am well."} {
		c.await(time.Minute, answer, func() bool { saying, _ := c.answers("ops", thread, answer); return saying > 0 })
	}
	c.await(time.Minute, "the list", func() bool { saying, _ := c.answers("oncall", reading, "Three devices"); return saying > 0 })
	c.settleWithin(time.Minute)
	t.Logf("all done %s after it was mended", time.Since(began).Round(time.Millisecond))
	c.onceEach(map[string]string{thinking: "It is fine.", meanwhile: "I am well."}, reading, card)
}

// onceEach checks that everything stands there once and was carried out once.
func (c *cluster) onceEach(ops map[string]string, reading string, card slacksim.Message) {
	for thread, answer := range ops {
		if saying, all := c.answers("ops", thread, answer); saying != 1 || all != 1 {
			c.t.Errorf("%q stands %d times in %d messages\n%s", answer, saying, all, c.dump())
		}
	}
	if saying, all := c.answers("oncall", reading, "Three devices"); saying != 1 || all != 1 {
		c.t.Errorf("the list stands %d times in %d messages", saying, all)
	}
	for _, action := range []string{"devices.list", "devices.delete"} {
		if n := c.sims.clouds.Executed(action); n != 1 {
			c.t.Errorf("%s was carried out %d times", action, n)
		}
	}
	messages, err := c.sims.slack.Messages(people["ada"], rooms["ops"])
	if err != nil {
		c.t.Fatal(err)
	}
	confirmed := 0
	for _, m := range messages {
		if m.TS == card.TS && strings.Contains(m.Plain, "Confirmed by") && len(m.Buttons) == 0 {
			confirmed++
		}
	}
	if confirmed != 1 {
		c.t.Errorf("the card does not say that it was confirmed\n%s", c.dump())
	}
}

// A card that stood there before Redis failed over, and one that was to be shown while it did, both count.
func TestRedisFailsOverInTheMiddleOfATurn(t *testing.T) {
	t.Parallel()
	needsServers(t)
	servers := storetest.Sentinel(t)
	script := append(modelsim.Script{
		{User: "remove the other", Times: 1, Reply: modelsim.Reply{Fault: modelsim.FaultHold, Calls: tailscaleCall("tailscale device delete " + bastion).Calls}},
		{User: "remove the other", Any: true, Reply: modelsim.Reply{Text: "It waits for your click."}},
	}, removeLaptop...)
	c := newCluster(t, clusterOptions{vault: storetest.Vault(t), script: script, direct: true, agent: true, redisURL: servers.URL})
	before := c.card()
	asked := len(c.sims.model.Requests())
	thread := c.askIn("ops", "remove the other one")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.sims.model.Await(ctx, asked+1); err != nil {
		t.Fatal(err)
	}
	old := servers.Master(t)
	old.Kill(t)
	c.sims.model.Release()
	began := time.Now()
	during := c.cardIn(thread)
	t.Logf("the card was shown %s after the master was killed", time.Since(began).Round(time.Millisecond))
	c.settleWithin(time.Minute)
	for _, card := range []slacksim.Message{before, during} {
		if outcome, err := c.sims.slack.Click(people["ada"], rooms["ops"], card.TS, buttonID(card, "confirm")); err != nil || !outcome.Acked {
			t.Errorf("the click: %+v, %v", outcome, err)
		}
		c.settleWithin(time.Minute)
	}
	if n := c.sims.clouds.Executed("devices.delete"); n != 2 {
		t.Errorf("two cards ran %d times\n%s", n, c.dump())
	}
}
