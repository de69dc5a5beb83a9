package main

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"aurora/agent"
)

// brain is the model, with what is known of it: how its last answer went or, when nobody has asked it for a while, that
// its server is there.
type brain struct {
	agent.Model
	reach func(ctx context.Context) error

	mu   sync.Mutex
	last error
	at   time.Time
}

// knownFor is how long what was seen of the model is told without looking again.
const knownFor = 10 * time.Second

// Reply asks the model and remembers how that went.
func (b *brain) Reply(ctx context.Context, r agent.Request) iter.Seq2[agent.Piece, error] {
	return func(yield func(agent.Piece, error) bool) {
		for piece, err := range b.Model.Reply(ctx, r) {
			if err != nil || piece.Reply != nil {
				b.hear(err)
			}
			if !yield(piece, err) {
				return
			}
		}
	}
}

// hear notes how a reply ended.
func (b *brain) hear(err error) {
	failure, ours := errors.AsType[*agent.Failure](err)
	switch {
	case err == nil, ours && wellButUnhelpful(failure.Kind):
		b.note(nil)
	case ours:
		b.note(err)
	}
}

// wellButUnhelpful are the failures of an answer, not of the model.
func wellButUnhelpful(kind agent.FailureKind) bool {
	return kind == agent.FailLength || kind == agent.FailFiltered || kind == agent.FailTooLarge || kind == agent.FailContext
}

func (b *brain) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.at = err, time.Now()
}

// Ready tells how the model is, in a sentence for people when it is not well. It costs no tokens.
func (b *brain) Ready(ctx context.Context) error {
	b.mu.Lock()
	last, at := b.last, b.at
	b.mu.Unlock()
	if at.IsZero() || time.Since(at) > knownFor {
		last = b.reach(ctx)
		if errors.Is(ctx.Err(), context.Canceled) { // whoever asked has gone: that says nothing about the model
			return ctx.Err()
		}
		b.note(last)
	}
	if failure, ok := errors.AsType[*agent.Failure](last); ok {
		return errors.New(failure.Sentence())
	}
	return last
}
