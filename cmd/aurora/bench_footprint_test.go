package main

import (
	"os"
	"slices"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
)

// BenchmarkReady is from the start of the process until readyz says yes: stores opened, two sockets to Slack with their
// hello. A fresh embedded database is made on the way.
func BenchmarkReady(b *testing.B) {
	for name, durable := range map[string]bool{"embedded": false, "postgres": true} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, rigOptions{durable: durable, path: os.Getenv("PATH")})
			var took []time.Duration
			for b.Loop() {
				if !durable {
					r.cfg.DataDir = b.TempDir()
				}
				took = append(took, r.start())
				r.serve.kill()
			}
			slices.Sort(took)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(millis(took[len(took)/2]), "ready-ms")
		})
	}
}

// BenchmarkMemory is what a process with embedded stores occupies once it has answered in 10,000 threads, which it
// remembers.
func BenchmarkMemory(b *testing.B) {
	const threads = 10_000
	m := newHeadcount("chat.update")
	r := newRig(b, rigOptions{slack: m.slack(), model: modelsim.Config{Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: "Two of them run."}}}}})
	r.start()
	idle := r.status("VmRSS")
	for i := range threads {
		say(b, r.sims.slack, i)
		r.await("answers", func() bool { return m.answered.Load() >= int64(i-500) }) // Slack would not send all at once either
	}
	r.await("the last answers", func() bool { return m.answered.Load() >= threads })
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(idle, "idle-RSS-MB")
	b.ReportMetric(r.status("VmRSS"), "RSS-MB")
	b.ReportMetric(r.status("VmHWM"), "peak-RSS-MB")
}
