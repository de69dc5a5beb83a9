package agent

import (
	"context"
	"iter"

	"aurora/store"
)

// Loop answers turns. It is safe for concurrent use; nothing of a turn stays in it.
type Loop struct {
	Model  Model
	Runner Runner
	Memory Memory        // optional
	Clouds []store.Cloud // clouds the tool offers; empty means all
	Limits Limits
}

// Run answers t and yields what happens until Final. An error ends it without Final: the turn is not over and whoever
// claims it next goes on from the journal. A stop (context cause store.ErrStopped, or Journal.Stopped) is no error.
func (l *Loop) Run(ctx context.Context, t Turn, j Journal) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		yield(Final{State: store.TurnDone}, nil)
	}
}
