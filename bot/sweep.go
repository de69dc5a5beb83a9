package bot

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// sweepEvery is how often a replica looks for what nobody else will bring up.
const sweepEvery = time.Second

// Sweeper brings up what no event brings: confirmations that ran out of time, commands whose runner is gone, old rows.
// Every replica runs one; the stores see to it that each thing is brought up once.
type Sweeper struct {
	Runner  string
	Desk    *Desk
	Intents Intents
	Prune   func(ctx context.Context) error
	Log     zerolog.Logger
}

// Run sweeps until ctx ends.
func (s *Sweeper) Run(ctx context.Context) error {
	ctx = s.Log.WithContext(ctx)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		s.expire(ctx)
		if n%5 == 0 {
			s.leases(ctx)
		}
		if n%3600 == 0 {
			s.report(ctx, s.Prune(ctx), "prune")
		}
	}
}

func (s *Sweeper) expire(ctx context.Context) {
	due, err := s.Desk.Waiting.DueConfirmations(ctx, 32)
	s.report(ctx, err, "list expired confirmations")
	for _, c := range due {
		s.Desk.tellEnded(ctx, c.ID)
	}
}

// leases keeps this process's running commands its own, and marks those of dead ones as of unknown outcome. The turn
// or click they belong to tells people when it is taken over.
func (s *Sweeper) leases(ctx context.Context) {
	s.report(ctx, s.Intents.RenewIntents(ctx, s.Runner), "renew the leases of running commands")
	lost, err := s.Intents.LostIntents(ctx)
	s.report(ctx, err, "look for lost commands")
	for _, i := range lost {
		s.Log.Warn().Str("intent", i.ID).Str("turn", i.Turn).Str("cloud", string(i.Cloud)).Msg("outcome unknown: the process that ran it is gone")
	}
}

func (s *Sweeper) report(ctx context.Context, err error, doing string) {
	if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrNotFound) {
		s.Log.Warn().Err(err).Msg(doing)
	}
}
