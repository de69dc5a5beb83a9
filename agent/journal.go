package agent

import (
	"context"
	"encoding/json"

	"aurora/providers"
	"aurora/store"
)

// Journal keeps one turn's steps. Its maker binds it to a turn and a claim; an error that says another replica has taken
// over, or that the store is away, ends Run with that error and nothing more happens.
type Journal interface {
	// Steps gives what is journaled so far, in order.
	Steps(ctx context.Context) ([]store.Step, error)
	// SaveReply keeps step n's reply before any of its calls run, and gives the asker's messages that joined with it.
	SaveReply(ctx context.Context, n int, reply json.RawMessage) (joined []store.Received, err error)
	// SaveResult keeps what one call of step n came to.
	SaveResult(ctx context.Context, n int, call string, result json.RawMessage) error
	// Stopped tells whether a person stopped the turn.
	Stopped(ctx context.Context) (bool, error)
}

// spoken is a reply as the journal keeps it.
type spoken struct {
	Reply
	Told *hearsay `json:"told,omitempty"`
}

// hearsay says what a model had been told by the time it replied. Whoever takes the turn over can't tell it from what he is
// told himself.
type hearsay struct {
	Tainted bool `json:"tainted,omitempty"` // more than the asker's own words
	Private bool `json:"private,omitempty"` // something for the asker alone
}

// Runner judges and runs commands: *providers.Executor.
type Runner interface {
	// Judge never runs anything.
	Judge(ctx context.Context, a providers.Ask) providers.Prepared
	// Run runs what policy allows. The same Turn, Step and Call run once, however often it is called.
	Run(ctx context.Context, a providers.Ask) providers.Result
}
