package redis

import (
	"context"
	"fmt"
	"time"

	"aurora/store"
)

// KeepHome remembers for ttl that a person opened his Home, and the channel he talks to Aurora in: only such a Home is
// kept up to date.
func (d *DB) KeepHome(ctx context.Context, who store.Person, channel string, ttl time.Duration) error {
	if _, err := millis(ttl); err != nil {
		return fmt.Errorf("remember a Home: %w", err)
	}
	ctx, done := limit(ctx)
	defer done()
	return d.fail("remember a Home", d.client.Set(ctx, homeKey(who), channel, ttl).Err())
}

// HomeOf gives the channel that KeepHome was told, store.ErrNotFound when the person has not opened his Home lately.
func (d *DB) HomeOf(ctx context.Context, who store.Person) (channel string, err error) {
	ctx, done := limit(ctx)
	defer done()
	channel, err = d.client.Get(ctx, homeKey(who)).Result()
	return channel, d.fail("look up a Home", err)
}

func homeKey(who store.Person) string { return key("home", string(who.Platform), who.Team, who.ID) }
