package slack

import (
	"slices"
	"sync"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
)

// BenchmarkAck measures 2,000 mentions that are all in flight: from a frame being read to its acknowledgement being given
// to the socket (ack), and from Slack sending it to Slack having the acknowledgement (wire). In a burst all of them are
// sent at once, so the wire's figure is mostly how long slack-go's one decoder for each socket takes.
func BenchmarkAck(b *testing.B) {
	b.Run("burst", func(b *testing.B) { benchmarkAck(b, 0) })
	b.Run("1000 a second", func(b *testing.B) { benchmarkAck(b, time.Millisecond) })
}

func benchmarkAck(b *testing.B, every time.Duration) {
	for b.Loop() {
		var mu sync.Mutex
		var took, wire []time.Duration
		r := start(b, slacksim.Config{}, func(c *Config) {
			c.Acked = func(_ string, d time.Duration) { mu.Lock(); took = append(took, d); mu.Unlock() }
		})
		const n = 2000
		next := time.Now()
		for range n {
			r.tell(b, ada, ops, "@aurora list my instances")
			next = next.Add(every)
			time.Sleep(time.Until(next))
		}
		await(b, "all acks", func() bool { mu.Lock(); defer mu.Unlock(); return len(took) == n })
		within(b, r.sim.WaitQuiet)
		for _, d := range r.sim.Deliveries() {
			wire = append(wire, d.Latency())
		}
		report(b, "ack", took)
		report(b, "wire", wire)
		r.stop()
	}
}

func report(b *testing.B, name string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, name+"-p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, name+"-p99-ms")
}
