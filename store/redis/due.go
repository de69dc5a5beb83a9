package redis

import (
	"context"
	_ "embed" // the script
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"aurora/store"
)

// dueLease is how long a replica has to tell an expiry before another one is given it.
const dueLease = 30 * time.Second

//go:embed due.lua
var dueSource string

var dueScript = goredis.NewScript(dueSource)

// DueConfirmations gives up to limit confirmations that expired and whose card does not say so yet. Each is given to
// one replica, which calls ToldConfirmation once the card's edit is in the outbox; if it dies first, another gets it
// half a minute later.
func (d *DB) DueConfirmations(ctx context.Context, most int) ([]store.Confirmation, error) {
	if most < 1 {
		return nil, fmt.Errorf("list expired confirmations: at most %d makes no sense", most)
	}
	ctx, done := limit(ctx)
	defer done()
	ids, err := dueScript.Run(ctx, d.client, []string{dueKey()}, most, dueLease.Milliseconds()).StringSlice()
	if err != nil {
		return nil, d.fail("list expired confirmations", err)
	}
	var due []store.Confirmation
	for _, id := range ids {
		found, err := d.settle(ctx, id, store.ConfirmationExpired, "")
		if err == nil && found.State == store.ConfirmationExpired {
			due = append(due, found)
			continue
		}
		if err == nil || errors.Is(err, goredis.Nil) || errors.Is(err, store.ErrNotFound) {
			err = d.forget(ctx, id) // clicked in time, or gone: there is no expiry to tell
		}
		if err != nil {
			return due, d.fail("list expired confirmations", err)
		}
	}
	return due, nil
}

// ToldConfirmation takes a confirmation off the list of expiries to tell.
func (d *DB) ToldConfirmation(ctx context.Context, id string) error {
	ctx, done := limit(ctx)
	defer done()
	return d.fail("note the expiry as told", d.forget(ctx, id))
}

func (d *DB) forget(ctx context.Context, id string) error {
	return d.client.ZRem(ctx, dueKey(), id).Err()
}
