package bot

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

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
