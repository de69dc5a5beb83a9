package bot

import (
	"context"
	"errors"
	"slices"

	"github.com/rs/zerolog"

	"aurora/store"
)

// mostTries is how often an event is tried that fails for a reason which does not pass by itself. With retryAfter in
// between that is well over a minute, in which whoever runs Aurora may have mended it.
const mostTries = 20

// outOfTries tells whether an event has failed so often that it is time to say so and go on. Only what does not pass
// counts: an event waits as long as it takes for a store or a platform that is away.
func (d *Desk) outOfTries(ctx context.Context, claim store.Claim, inboxID int64, failed error) bool {
	if failed == nil || passes(failed) || ctx.Err() != nil {
		return false
	}
	log := zerolog.Ctx(ctx)
	tries, err := d.Rows.CountTry(ctx, claim, inboxID)
	if err != nil {
		log.Warn().Err(err).Int64("event", inboxID).Msg("count a try")
		return false
	}
	if tries < mostTries {
		return false
	}
	log.Error().Err(failed).Int64("event", inboxID).Int("tries", tries).Msg("an event is given up: its person is told that something went wrong")
	return true
}

// passes tells whether an error says that something is away or taken over: another try may go well.
func passes(err error) bool {
	if _, later := errors.AsType[*Later](err); later {
		return true
	}
	passing := []error{store.ErrUnavailable, store.ErrFenced, ErrInDoubt, context.Canceled, context.DeadlineExceeded}
	return slices.ContainsFunc(passing, func(e error) bool { return errors.Is(err, e) })
}
