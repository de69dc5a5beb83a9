package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
)

const (
	crowd      = 2000                 // mentions at once
	paceEvery  = 5 * time.Millisecond // then one each
	pacedCount = 1000
	answers    = 1500 // enough to say how many there are a second
)

// BenchmarkMentions is 2,000 mentions at once and, while those are worked on, 200 more a second: how soon each is
// acknowledged as Slack sees it, how many a second that makes, and how many are answered a second. Aurora commits each
// to its database before it acknowledges, asks a (simulated, instant) model and keeps every step; the Bolt echo bot
// acknowledges at once and posts the text back.
func BenchmarkMentions(b *testing.B) {
	b.Run("bolt-echo", func(b *testing.B) {
		m := newHeadcount("chat.postMessage")
		sim := slacksim.New(m.slack())
		if err := sim.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(sim.Close)
		boltEcho(b, sim)
		m.measure(b, sim)
	})
	for name, durable := range map[string]bool{"aurora-postgres": true, "aurora-embedded": false} {
		b.Run(name, func(b *testing.B) {
			m := newHeadcount("chat.update")
			r := newRig(b, rigOptions{durable: durable, slack: m.slack(), model: modelsim.Config{Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: "Two of them run."}}}}})
			r.start()
			m.measure(b, r.sims.slack)
		})
	}
}

// headcount counts answers as they come in: by that method of the Web API.
type headcount struct {
	method   string
	answered *atomic.Int64
}

func newHeadcount(method string) headcount { return headcount{method, &atomic.Int64{}} }

func (m headcount) slack() slacksim.Config {
	return slacksim.Config{Channels: manyRooms(1000), OnCall: func(method string, phase slacksim.Phase) {
		if method == m.method && phase == slacksim.After {
			m.answered.Add(1)
		}
	}}
}

func (m headcount) measure(b *testing.B, sim *slacksim.Server) {
	b.Helper()
	began := time.Now()
	for i := range crowd {
		say(b, sim, i)
	}
	for len(late(sim.Deliveries())) > 0 { // acknowledged, and now in flight
		time.Sleep(20 * time.Millisecond)
	}
	next := time.Now()
	for i := range pacedCount {
		say(b, sim, i)
		next = next.Add(paceEvery)
		time.Sleep(time.Until(next))
	}
	for m.answered.Load() < answers || len(late(sim.Deliveries())) > 0 {
		if time.Since(began) > 3*time.Minute {
			b.Fatalf("%d of %d mentions were answered", m.answered.Load(), answers)
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(m.answered.Load())/time.Since(began).Seconds(), "answers/s")
	all := sim.Deliveries()
	b.ReportMetric(float64(len(all)-crowd-pacedCount), "sent-again")
	var burst, paced []time.Duration
	var last time.Time
	for _, d := range all[:crowd] {
		burst = append(burst, d.Latency())
		if d.Acked.After(last) {
			last = d.Acked
		}
	}
	for _, d := range all[len(all)-pacedCount:] {
		paced = append(paced, d.Latency())
	}
	b.ReportMetric(crowd/last.Sub(began).Seconds(), "acks/s")
	percentiles(b, "burst-ack", burst)
	percentiles(b, "ack", paced)
}

// late are the deliveries nobody has acknowledged yet.
func late(all []slacksim.Delivery) []slacksim.Delivery {
	return slices.DeleteFunc(all, func(d slacksim.Delivery) bool { return d.Outcome != "waiting" })
}

func say(b *testing.B, sim *slacksim.Server, i int) {
	b.Helper()
	if _, err := sim.Say(people["ada"], roomID(i%1000), "@aurora list my instances"); err != nil {
		b.Fatal(err)
	}
}

// boltEcho runs the peer until the benchmark ends.
func boltEcho(b *testing.B, sim *slacksim.Server) {
	b.Helper()
	needs(b, []string{"node", "npm"})
	dir := filepath.Join("..", "..", "bot", "slack", "slacksim", "testdata", "bolt")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@slack", "bolt", "package.json")); err != nil {
		install(b, dir)
	}
	node := exec.CommandContext(context.Background(), "node", "echo.js")
	node.Dir = dir
	node.Env = append(os.Environ(), "SLACK_API_URL="+sim.URL(), "SLACK_BOT_TOKEN="+sim.BotToken(""), "SLACK_APP_TOKEN="+sim.AppToken())
	out, err := node.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := node.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = node.Process.Kill(), node.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || strings.TrimSpace(line) != "ready" {
		b.Fatalf("the echo bot said %q: %v", line, err)
	}
	if err := sim.WaitSockets(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
}
