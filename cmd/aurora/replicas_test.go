package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
	"aurora/store/storetest"
)

func tailscaleCall(command string) modelsim.Reply {
	return modelsim.Reply{Calls: []modelsim.Call{{Provider: "tailscale", Command: command}}}
}

var listDevices = modelsim.Script{
	{User: "devices", Reply: tailscaleCall("tailscale device list")},
	{Any: true, Tool: ".", Reply: modelsim.Reply{Text: "Three devices."}},
}

var removeLaptop = modelsim.Script{
	{User: "remove", Reply: tailscaleCall("tailscale device delete " + laptop)},
	{User: "remove", Tool: "requires_confirmation", Reply: modelsim.Reply{Text: "It waits for your click."}},
	{User: "the click", Any: true, Reply: modelsim.Reply{Text: "That was that."}},
}

// askIn lets Ada mention Aurora and gives the thread.
func (c *cluster) askIn(room, text string) string {
	c.t.Helper()
	ts, err := c.sims.slack.Say(people["ada"], rooms[room], "<@"+aurora+"> "+text)
	if err != nil {
		c.t.Fatal(err)
	}
	return ts
}

// answers counts the public messages of Aurora in a thread that say something.
func (c *cluster) answers(room, thread, text string) (saying, all int) {
	messages, err := c.sims.slack.Thread(people["ada"], rooms[room], thread)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range messages {
		if m.User != aurora || m.Ephemeral {
			continue
		}
		all++
		if strings.Contains(m.Plain, text) {
			saying++
		}
	}
	return saying, all
}

func (c *cluster) await(within time.Duration, what string, condition func() bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), within)
	defer cancel()
	if err := c.sims.slack.Wait(ctx, condition); err != nil {
		c.t.Fatalf("%s: %v\n%s", what, err, c.dump())
	}
}

func (c *cluster) settleWithin(d time.Duration) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), d)
	defer cancel()
	c.settle(ctx)
}

// Slack sends what it thinks was not taken again, to whichever socket comes next.
func TestRedeliveredMentionIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	needsServers(t)
	hasty := slacksim.Config{AckTimeout: time.Second, RetryDelays: []time.Duration{0, 50 * time.Millisecond, 50 * time.Millisecond}}
	c := newCluster(t, clusterOptions{vault: storetest.Vault(t), script: listDevices, direct: true, slack: hasty})
	first := c.askIn("ops", "which devices are there")
	c.await(patience, "the mention's envelope", func() bool { return len(mentions(c)) == 1 })
	for range 20 {
		if err := c.sims.slack.Redeliver(mentions(c)[0].EnvelopeID); err != nil {
			t.Fatal(err)
		}
	}
	c.sims.slack.Freeze(c.sims.slack.Sockets()[0].N) // one of the next two is lost on the way and comes again
	second, third := c.askIn("ops", "which devices are there"), c.askIn("ops", "which devices are there now")
	threads := []string{first, second, third}
	c.await(time.Minute, "three answers", func() bool {
		return !slices.ContainsFunc(threads, func(thread string) bool { saying, _ := c.answers("ops", thread, "Three devices"); return saying == 0 })
	})
	c.settleWithin(time.Minute)
	for _, thread := range threads {
		if saying, all := c.answers("ops", thread, "Three devices"); saying != 1 || all != 1 {
			t.Errorf("%d answers in %d messages of thread %s", saying, all, thread)
		}
	}
	if ran := c.sims.clouds.Executed("devices.list"); ran != 3 {
		t.Errorf("3 asks read %d times", ran)
	}
	if !slices.ContainsFunc(mentions(c), func(d slacksim.Delivery) bool { return d.Attempt > 0 && d.Outcome == "acked" }) {
		t.Error("no retry was acknowledged: the test shows less than it should")
	}
}

func mentions(c *cluster) []slacksim.Delivery {
	return slices.DeleteFunc(c.sims.slack.Deliveries(), func(d slacksim.Delivery) bool { return d.Event != "app_mention" })
}

func TestReplicasShareTheWorkAndDoubleNone(t *testing.T) {
	t.Parallel()
	needsServers(t)
	c := newCluster(t, clusterOptions{vault: storetest.Vault(t), script: listDevices, direct: true, replicas: 3})
	asks := map[string]string{} // thread to room
	for i := range 24 {
		room := []string{"ops", "oncall"}[i%2]
		asks[c.askIn(room, fmt.Sprintf("which devices are there, time %d", i))] = room
	}
	c.await(time.Minute, "all answers", func() bool {
		for thread, room := range asks {
			if saying, _ := c.answers(room, thread, "Three devices"); saying == 0 {
				return false
			}
		}
		return true
	})
	c.settleWithin(time.Minute)
	for thread, room := range asks {
		if saying, all := c.answers(room, thread, "Three devices"); saying != 1 || all != 1 {
			t.Errorf("%d answers in %d messages of thread %s", saying, all, thread)
		}
	}
	if ran := c.sims.clouds.Executed("devices.list"); ran != len(asks) {
		t.Errorf("%d asks read %d times", len(asks), ran)
	}
	if n := c.count(`SELECT count(DISTINCT runner) FROM intents`); n < 2 {
		t.Errorf("%d replica(s) did all the work", n)
	}
}

// shutdowns are what a replica may be doing when it is told to end. The read is begun again by the other one; the change
// is not, and people hear that it may have taken effect.
var shutdowns = []struct {
	name, ask, final string
	script           modelsim.Script
	hold             func(*cluster)
	ran              string
	most             int
}{
	{
		name: "while the model thinks", ask: "which devices are there", final: "Three devices", ran: "devices.list", most: 1,
		script: append(modelsim.Script{{User: "devices", Times: 1, Reply: modelsim.Reply{Fault: modelsim.FaultHold, Text: "Too late."}}}, listDevices...),
		hold:   func(*cluster) {},
	},
	{
		name: "while a command reads", ask: "which devices are there", final: "Three devices", script: listDevices, ran: "devices.list", most: 2,
		hold: func(c *cluster) { c.hold(cloudsim.FaultHoldAfter, "devices.list") },
	},
	{
		name: "while a command changes something", ask: "run tailscale device rename " + bastion + " bastion-2", final: "tailscale device get " + bastion,
		ran: "devices.name", most: 1, hold: func(c *cluster) { c.hold(cloudsim.FaultHoldAfter, "devices.name") },
	},
}

func (c *cluster) hold(kind cloudsim.FaultKind, action string) {
	c.t.Helper()
	if err := c.sims.clouds.Inject(cloudsim.Fault{Cloud: "tailscale", Action: action, Kind: kind}); err != nil {
		c.t.Fatal(err)
	}
}

// handOver is how soon another replica has answered after the one at work was told to end.
const handOver = 3 * time.Second

func TestShutdownHandsTheThreadOver(t *testing.T) {
	t.Parallel()
	needsServers(t)
	v := storetest.Vault(t)
	for _, row := range shutdowns {
		t.Run(row.name, func(t *testing.T) {
			c := newCluster(t, clusterOptions{vault: v, script: row.script, direct: true, agent: true})
			row.hold(c)
			thread := c.askIn("ops", row.ask)
			c.awaitHeld(row.ran)
			at := c.atWork()
			began := time.Now()
			at.terminate(t)
			c.await(patience, "the other replica's answer", func() bool { saying, _ := c.answers("ops", thread, row.final); return saying > 0 })
			if took := time.Since(began); took > handOver {
				t.Errorf("the answer came %s after SIGTERM", took)
			}
			<-at.exited
			if code := at.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("exit status %d\n%s", code, at.log)
			}
			t.Logf("answered by the other replica and ended within %s of SIGTERM", time.Since(began).Round(time.Millisecond))
			c.settleWithin(patience)
			if saying, all := c.answers("ops", thread, row.final); saying != 1 || all != 1 {
				t.Errorf("%d answers in %d messages\n%s", saying, all, c.dump())
			}
			if ran := c.sims.clouds.Executed(row.ran); ran < 1 || ran > row.most {
				t.Errorf("%s was carried out %d times", row.ran, ran)
			}
		})
	}
}

// awaitHeld waits until model or cloud holds a request.
func (c *cluster) awaitHeld(action string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if slices.ContainsFunc(c.o.script, func(r modelsim.Rule) bool { return r.Reply.Fault == modelsim.FaultHold }) {
		if err := c.sims.model.Await(ctx, 1); err != nil {
			c.t.Fatal(err)
		}
		return
	}
	if _, err := c.sims.clouds.WaitHeld(ctx, action); err != nil {
		c.t.Fatalf("%s is not asked for: %v\n%s", action, err, c.dump())
	}
}

// atWork finds the replica that holds a thread.
func (c *cluster) atWork() *replica {
	c.t.Helper()
	var runner string
	err := c.raw.QueryRowContext(c.t.Context(), `SELECT runner FROM threads WHERE lease_until > now() AND runner <> '' LIMIT 1`).Scan(&runner)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range c.replicas {
		if strings.Contains(r.log.String(), `"`+runner+`"`) {
			return r
		}
	}
	c.t.Fatalf("no replica is called %s\n%s", runner, c.logs())
	return nil
}

const clicks = 1000

func TestThousandClicksRunOnce(t *testing.T) {
	t.Parallel()
	needsServers(t)
	c := newCluster(t, clusterOptions{vault: storetest.Vault(t), script: removeLaptop, direct: true, agent: true, replicas: 3})
	c.hold(cloudsim.FaultHoldBefore, "devices.delete") // the card stays as it is until all have clicked
	card := c.card()
	began := time.Now()
	c.clickAll(card)
	t.Logf("%d clicks acknowledged in %s", clicks, time.Since(began).Round(time.Millisecond))
	c.sims.clouds.ClearFaults()
	c.settleWithin(2 * time.Minute)
	t.Logf("%d clicks settled in %s", clicks, time.Since(began).Round(time.Millisecond))
	if ran := c.sims.clouds.Executed("devices.delete"); ran != 1 {
		t.Errorf("it was carried out %d times", ran)
	}
	taken := c.count(`SELECT count(*) FROM inbox WHERE kind = 'click' AND thread LIKE 'click:%'`)
	if answered := c.whispered("already confirmed"); taken < clicks || answered != taken-1 {
		t.Errorf("%d of %d clicks were answered", answered, taken)
	}
	if n := c.count(`SELECT count(*) FROM intents WHERE confirmation <> ''`); n != 1 {
		t.Errorf("%d intents of one confirmation", n)
	}
}

// While Redis fails over a click may find no record any more: then nothing runs, and it says so.
func TestThousandClicksDuringAFailover(t *testing.T) {
	t.Parallel()
	needsServers(t)
	servers := storetest.Sentinel(t)
	c := newCluster(t, clusterOptions{vault: storetest.Vault(t), script: removeLaptop, direct: true, agent: true, replicas: 3, redisURL: servers.URL})
	card := c.card()
	var both sync.WaitGroup
	both.Go(func() { c.clickAll(card) })
	c.await(patience, "the first clicks", func() bool { return c.count(`SELECT count(*) FROM inbox WHERE kind = 'click'`) > 0 })
	servers.Failover(t)
	both.Wait()
	c.settleWithin(3 * time.Minute)
	ran := c.sims.clouds.Executed("devices.delete")
	if ran > 1 {
		t.Errorf("it was carried out %d times", ran)
	}
	taken := c.count(`SELECT count(*) FROM inbox WHERE kind = 'click' AND thread LIKE 'click:%'`)
	won := c.confirmed() // the click that won is answered by the card
	if answered := c.whispered(""); ran > won || answered != taken-won {
		t.Errorf("%d of %d clicks were answered", answered, taken)
	}
	if said := c.whispered("expired"); ran > 0 && said > 0 {
		t.Errorf("it ran, and %d clicks were told that it expired", said)
	}
	t.Logf("%d clicks while Redis failed over: %d run, %d told that it was confirmed, %d that it is gone, %d to click again", taken, ran,
		c.whispered("already confirmed"), c.whispered("not known any more"), c.whispered("click again"))
}

// card asks for a deletion and gives its card.
func (c *cluster) card() (card slacksim.Message) {
	c.t.Helper()
	return c.cardIn(c.askIn("ops", "remove the new laptop"))
}

func (c *cluster) cardIn(thread string) (card slacksim.Message) {
	c.t.Helper()
	c.await(patience, "the card", func() bool {
		i := slices.IndexFunc(c.seen(thread), hasButton("confirm"))
		if i >= 0 {
			card = c.seen(thread)[i]
		}
		return i >= 0
	})
	c.settleWithin(patience) // the card counts once it is noted as standing there
	return card
}

// clickAll presses the card's button a thousand times at once, and again where Slack says that it was not taken. It ends
// early when the card has no button any more.
func (c *cluster) clickAll(card slacksim.Message) {
	var all sync.WaitGroup
	var refused atomic.Int64
	for range clicks {
		all.Go(func() {
			for range 10 {
				outcome, err := c.sims.slack.Click(people["ada"], rooms["ops"], card.TS, buttonID(card, "confirm"))
				if err != nil || outcome.Acked {
					return
				}
			}
			refused.Add(1)
		})
	}
	all.Wait()
	if n := refused.Load(); n > 0 {
		c.t.Error(errors.New("clicks were never acknowledged: "), n)
	}
}

// whispered counts what Ada alone was told of her clicks.
func (c *cluster) whispered(text string) (n int) {
	messages, err := c.sims.slack.Messages(people["ada"], rooms["ops"])
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range messages {
		if m.Ephemeral && !strings.Contains(m.Plain, "Agent mode") && strings.Contains(m.Plain, text) {
			n++
		}
	}
	return n
}

// confirmed counts the cards that say who confirmed them.
func (c *cluster) confirmed() (n int) {
	messages, err := c.sims.slack.Messages(people["ada"], rooms["ops"])
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range messages {
		if strings.Contains(m.Plain, "Confirmed by") {
			n++
		}
	}
	return n
}

// needsServers keeps tests that start servers and replicas out of the short run.
func needsServers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts servers and replicas")
	}
}
