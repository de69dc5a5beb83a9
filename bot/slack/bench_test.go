package slack

import (
	"slices"
	"sync"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
)

// BenchmarkAck measures from a frame being read to its acknowledgement being given to the socket, with 2,000 mentions
// in flight, on an inbox that takes what a commit takes.
func BenchmarkAck(b *testing.B) {
	for b.Loop() {
		var mu sync.Mutex
		var took []time.Duration
		r := start(b, slacksim.Config{}, func(c *Config) {
			c.Acked = func(_ string, d time.Duration) { mu.Lock(); took = append(took, d); mu.Unlock() }
		})
		const n = 2000
		for range n {
			r.tell(b, ada, ops, "@aurora list my instances")
		}
		await(b, "all acks", func() bool { mu.Lock(); defer mu.Unlock(); return len(took) == n })
		slices.Sort(took)
		b.ReportMetric(float64(took[n/2].Microseconds())/1000, "ack-p50-ms")
		b.ReportMetric(float64(took[n*99/100].Microseconds())/1000, "ack-p99-ms")
		var wire []time.Duration
		for _, d := range r.sim.Deliveries() {
			wire = append(wire, d.Latency())
		}
		slices.Sort(wire)
		b.ReportMetric(float64(wire[len(wire)*99/100].Microseconds())/1000, "wire-p99-ms")
		r.stop()
	}
}
