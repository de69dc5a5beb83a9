package bot

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// The clock of delivery. The lease itself is the store's (15 s by database time).
const (
	pollEvery   = time.Second     // a lost wake-up costs no more than this
	renewEvery  = 5 * time.Second // a third of the lease
	maxThreads  = 256             // threads worked on side by side by one process; most of them wait for a model
	settleGrace = 10 * time.Second

	giveBackEvery = 500 * time.Millisecond // while the database is away
	retryAfter    = 5 * time.Second        // the pause before the next try, by whichever replica
)

// Worker pulls threads from the queue and works on them until nothing of them is open. Every replica runs one.
type Worker struct {
	Runner string // name of this process; unique among the replicas
	Queue  Queue
	Wake   func(ctx context.Context) <-chan struct{} // hurries the next look; may be lossy
	Desk   *Desk
	Log    zerolog.Logger
}

// Run works until ctx ends, then waits for the threads at hand: their leases are given back, so that another replica
// goes on at once.
func (w *Worker) Run(ctx context.Context) error {
	wake := w.Wake(ctx)
	slots := make(chan struct{}, maxThreads)
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	var busy sync.WaitGroup
	defer busy.Wait()
	for {
		w.drain(ctx, slots, &busy)
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-poll.C:
		}
	}
}

// drain claims until nothing is to be had.
func (w *Worker) drain(ctx context.Context, slots chan struct{}, busy *sync.WaitGroup) {
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		claim, err := w.Queue.Claim(ctx, w.Runner)
		if err != nil {
			<-slots
			w.reportClaim(ctx, err)
			return
		}
		busy.Go(func() {
			defer func() { <-slots }()
			w.work(ctx, claim)
		})
	}
}

func (w *Worker) reportClaim(ctx context.Context, err error) {
	if errors.Is(err, store.ErrNotFound) || ctx.Err() != nil {
		return
	}
	w.Log.Error().Err(err).Msg("claim a thread")
}

// work holds the lease while the desk works.
func (w *Worker) work(ctx context.Context, claim store.Claim) {
	log := w.Log.With().Str("thread", claim.Thread).Int64("fence", claim.Fence).Logger()
	held, lose := context.WithCancelCause(log.WithContext(ctx))
	defer lose(nil)
	stop := w.keep(held, claim, lose)
	err := w.Desk.Work(held, claim)
	stop()
	w.giveBack(log.WithContext(ctx), claim, err)
}

// giveBack ends the lease: at once after good work and at shutdown, after a pause when the work is to be tried again.
func (w *Worker) giveBack(ctx context.Context, claim store.Claim, failed error) {
	log := zerolog.Ctx(ctx)
	if errors.Is(failed, store.ErrFenced) {
		log.Info().Msg("thread was taken over")
		return
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleGrace)
	defer cancel()
	if failed == nil || ctx.Err() != nil {
		if err := w.Queue.Release(done, claim); err != nil && !errors.Is(err, store.ErrFenced) {
			log.Warn().Err(err).Msg("release the thread")
		}
		return
	}
	wait := retryAfter
	var later *Later
	if errors.As(failed, &later) {
		wait = min(max(later.After, time.Second), time.Minute)
	}
	log.Warn().Err(failed).Dur("wait", wait).Msg("thread is left for another try")
	if err := w.postpone(done, ctx.Done(), claim, wait); err != nil && !errors.Is(err, store.ErrFenced) {
		log.Warn().Err(err).Msg("postpone the thread")
	}
}

// postpone goes on trying while the database is away: it is often back, restarted or on another server, long before the
// lease would end by itself. A shutdown does not wait for that.
func (w *Worker) postpone(ctx context.Context, shutdown <-chan struct{}, claim store.Claim, wait time.Duration) error {
	tick := time.NewTicker(giveBackEvery)
	defer tick.Stop()
	for {
		err := w.Queue.Postpone(ctx, claim, wait)
		if !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-shutdown:
			return err
		case <-tick.C:
		}
	}
}

// keep renews the lease until the returned func is called. A lost lease cancels the work: somebody else has it now.
func (w *Worker) keep(ctx context.Context, claim store.Claim, lose context.CancelCauseFunc) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(renewEvery)
		defer tick.Stop()
		last := time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := w.renew(ctx, claim)
			if err == nil {
				last = time.Now()
				continue
			}
			if errors.Is(err, store.ErrFenced) || time.Since(last) > 2*renewEvery {
				lose(store.ErrFenced)
				return
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// renew does not wait for a database that hangs: who waits does not see that the lease is over.
func (w *Worker) renew(ctx context.Context, claim store.Claim) error {
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	return w.Queue.Renew(ctx, claim)
}
