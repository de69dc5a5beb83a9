package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"aurora/bot/slack"
)

// newRegistry gathers what can be measured of this process.
func newRegistry(stats func() slack.Stats) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func(slack.Stats) int64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "aurora", Subsystem: "slack", Name: name, Help: help},
			func() float64 { return float64(value(stats())) }))
	}
	counter := func(name, help string, value func(slack.Stats) int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "aurora", Subsystem: "slack", Name: name, Help: help},
			func() float64 { return float64(value(stats())) }))
	}
	gauge("sockets", "Sockets open now, with their hello.", func(s slack.Stats) int64 { return int64(s.Sockets) })
	counter("received_total", "Envelopes read.", func(s slack.Stats) int64 { return s.Received })
	counter("acked_total", "Acknowledgements given to a socket.", func(s slack.Stats) int64 { return s.Acked })
	counter("ack_failed_total", "Acknowledgements whose socket was gone.", func(s slack.Stats) int64 { return s.AckFailed })
	counter("repeated_total", "Events Slack sent once more.", func(s slack.Stats) int64 { return s.Repeated })
	counter("ignored_total", "Messages nobody answers.", func(s slack.Stats) int64 { return s.Ignored })
	counter("unreadable_total", "Envelopes that could not be decoded.", func(s slack.Stats) int64 { return s.Unreadable })
	counter("unkept_total", "Envelopes that could not be made durable.", func(s slack.Stats) int64 { return s.Unkept })
	counter("panics_total", "Panics that were caught.", func(s slack.Stats) int64 { return s.Panics })
	return r
}
