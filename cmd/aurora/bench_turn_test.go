package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
)

// BenchmarkTurn is one mention after the other, each in a channel of its own: how long until Slack has the first visible
// sign of it (a status line or the placeholder), and until it has the answer. The model and the cloud answer at once, and
// what they do take is part of the figure: two replies of the model with one read of a cloud's API in between.
func BenchmarkTurn(b *testing.B) {
	for name, durable := range map[string]bool{"postgres": true, "embedded": false} {
		b.Run(name, func(b *testing.B) {
			const turns = 60
			s := &stopwatch{}
			r := newRig(b, rigOptions{durable: durable, slack: slacksim.Config{Channels: manyRooms(turns + 3), OnCall: s.hear}, model: modelsim.Config{Script: modelsim.Script{
				{Reply: modelsim.Reply{Calls: []modelsim.Call{{Provider: "tailscale", Command: "tailscale device list"}}}},
				{Any: true, Reply: modelsim.Reply{Text: "Three devices."}},
			}}})
			r.start()
			var first, whole []time.Duration
			for i := range turns + 3 {
				s.reset()
				say(b, r.sims.slack, i)
				r.await("an answer", func() bool { return s.at("chat.update") > 0 })
				if i < 3 { // connections are being opened
					continue
				}
				first, whole = append(first, s.at("chat.postMessage", "assistant.threads.setStatus")), append(whole, s.at("chat.update"))
			}
			if log := r.serve.log.String(); strings.Contains(log, `"level":"error"`) {
				b.Fatal(tail(log))
			}
			b.ReportMetric(0, "ns/op")
			percentiles(b, "first-sign", first)
			percentiles(b, "turn", whole)
		})
	}
}

// stopwatch notes when each method of the Web API took effect for the first time since reset.
type stopwatch struct {
	mu    sync.Mutex
	began time.Time
	took  map[string]time.Duration
}

func (s *stopwatch) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began, s.took = time.Now(), map[string]time.Duration{}
}

func (s *stopwatch) hear(method string, phase slacksim.Phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if phase == slacksim.After && s.took != nil && s.took[method] == 0 {
		s.took[method] = time.Since(s.began)
	}
}

// at is when the first of the methods was used, 0 when none was.
func (s *stopwatch) at(methods ...string) (first time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range methods {
		if took := s.took[m]; took > 0 && (first == 0 || took < first) {
			first = took
		}
	}
	return first
}
