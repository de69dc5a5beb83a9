package slacksim

import "time"

// FaultKind is what goes wrong with a Web API call.
type FaultKind string

const (
	// FaultRateLimit answers 429 with Retry-After and does nothing.
	FaultRateLimit FaultKind = "429"
	// FaultStatus answers 500 (or Status) without a JSON body and does nothing.
	FaultStatus FaultKind = "500"
	// FaultError answers {"ok":false,"error":Error} and does nothing.
	FaultError FaultKind = "error"
	// FaultCutBefore closes the connection before anything was done.
	FaultCutBefore FaultKind = "cut_before"
	// FaultCutAfter does what was asked and closes the connection instead of answering.
	FaultCutAfter FaultKind = "cut_after"
	// FaultDelay waits Delay, then goes on.
	FaultDelay FaultKind = "delay"
	// FaultHoldBefore waits for [Server.Release] before anything is done.
	FaultHoldBefore FaultKind = "hold_before"
	// FaultHoldAfter does what was asked and waits for [Server.Release] before it answers.
	FaultHoldAfter FaultKind = "hold_after"
)

// Fault is something that goes wrong with the next calls of a method.
type Fault struct {
	Method     string        `json:"method"` // empty: any method; "response_url": posts to response URLs; "upload"
	Kind       FaultKind     `json:"kind"`
	Skip       int           `json:"skip"`        // calls that go well first
	Times      int           `json:"times"`       // how many calls it hits; 0 means 1, -1 every one
	RetryAfter time.Duration `json:"retry_after"` // for 429, in whole seconds; 0 means 1 s
	Delay      time.Duration `json:"delay"`
	Status     int           `json:"status"`
	Error      string        `json:"error"`
}
