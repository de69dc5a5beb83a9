package bot

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"aurora/agent"
	"aurora/store"
)

// progressEvery is how often a placeholder is edited at most; Slack asks for about 3 s.
const progressEvery = 3 * time.Second

// progress keeps a placeholder telling what goes on. It is a courtesy: what it says is kept nowhere, and a platform
// that does not take it is not asked again. end waits for the edit under way, so that none lands after the answer.
type progress struct {
	latest chan string
	end    func()
}

func (d *Desk) progress(ctx context.Context, turn store.Turn) progress {
	latest := make(chan string, 1)
	var wg sync.WaitGroup
	place, ts, err := d.Standing.PostTS(ctx, turn.ID, partPlaceholder)
	if err != nil || ts == "" {
		return progress{latest: latest, end: func() {}}
	}
	chat := d.Chats[place.Platform].Chat
	done := make(chan struct{})
	wg.Go(func() {
		next := time.NewTimer(progressEvery)
		defer next.Stop()
		for {
			select {
			case <-done:
				return
			case <-next.C:
			}
			select {
			case <-done:
				return
			case word := <-latest:
				if !d.inHouse(ctx, place) {
					word = working
				}
				if chat.Update(ctx, place, ts, Message{Status: word}) != nil {
					return
				}
			}
			next.Reset(progressEvery)
		}
	})
	return progress{latest: latest, end: sync.OnceFunc(func() { close(done); wg.Wait() })}
}

// say replaces what will be shown next; only the latest word counts.
func (p progress) say(word string) {
	select {
	case <-p.latest:
	default:
	}
	select {
	case p.latest <- word:
	default:
	}
}

// working is the word on progress that gives nothing away.
const working = "Working on it …"

func doing(e agent.CallStarted) string {
	if e.Private {
		return working
	}
	argv := e.Ask.Argv
	if len(argv) == 0 {
		argv = strings.Fields(e.Ask.Line)
	}
	return "Running " + clip(strings.Join(argv, " "), 120) + " …"
}

// stopPoll is how often a running command asks whether it was stopped.
const stopPoll = 500 * time.Millisecond

// stoppable gives a context that ends, with store.ErrStopped as its cause, when a person stops the turn.
func (d *Desk) stoppable(ctx context.Context, turnID string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(stopPoll)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			stopped, err := d.Journal.Stopped(ctx, turnID)
			if err != nil && !errors.Is(err, context.Canceled) {
				zerolog.Ctx(ctx).Warn().Err(err).Msg("ask whether the turn was stopped")
			}
			if stopped {
				cancel(store.ErrStopped)
				return
			}
		}
	})
	return ctx, func() { cancel(nil); wg.Wait() }
}
