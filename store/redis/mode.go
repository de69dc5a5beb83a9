package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aurora/store"
)

// ModeTTL is how long a chosen mode lasts.
const ModeTTL = time.Hour

// SetMode remembers the mode chosen for a key (person and thread, or person and channel) for ttl.
func (d *DB) SetMode(ctx context.Context, where string, mode store.Mode, ttl time.Duration) error {
	if !known(mode) {
		return fmt.Errorf("remember the mode: %q is no mode", mode)
	}
	if _, err := millis(ttl); err != nil {
		return fmt.Errorf("remember the mode: %w", err)
	}
	ctx, done := limit(ctx)
	defer done()
	return d.fail("remember the mode", d.client.Set(ctx, key("mode", where), string(mode), ttl).Err())
}

// Mode gives the mode chosen for a key, store.ErrNotFound when none is or its time is over.
func (d *DB) Mode(ctx context.Context, where string) (store.Mode, error) {
	ctx, done := limit(ctx)
	defer done()
	raw, err := d.client.Get(ctx, key("mode", where)).Result()
	if err != nil {
		return "", d.fail("look up the mode", err)
	}
	if mode := store.Mode(raw); known(mode) {
		return mode, nil
	}
	return "", errors.New("look up the mode: what is stored is no mode")
}

func known(mode store.Mode) bool {
	return mode == store.Ask || mode == store.Agent || mode == store.Incident
}
