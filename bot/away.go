package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aurora/store"
)

// firstTry is how long after a click nobody can have tried to answer it before: a second try comes after retryAfter or
// when a lease has ended. A click that was tried before may have won its card, so it is tried until it is known.
const firstTry = retryAfter - time.Second

// memoryAway answers a click whose button cannot be looked up because Redis is away: nothing was decided, and a click
// that counts minutes later would surprise whoever made it. Every other error is for another try.
func (d *Desk) memoryAway(ctx context.Context, claim store.Claim, row store.Received, err error) error {
	if !errors.Is(err, store.ErrUnavailable) || time.Since(row.At) > firstTry {
		return fmt.Errorf("look up a button: %w", err)
	}
	return d.settle(ctx, claim, row, whisper(row, notice("My short-term memory is away, so your click was not taken and nothing was run. Please click again in a minute.")))
}
