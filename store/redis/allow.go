package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aurora/store"
)

// Allow lets one person's writes of one command path ("compute instances start") run without a click in one thread
// for ttl. Policy decides for which commands this may be offered and asked.
func (d *DB) Allow(ctx context.Context, thread string, who store.Person, path string, ttl time.Duration) error {
	if thread == "" || path == "" || who.ID == "" {
		return errors.New("allow in the thread: thread, person and command path must be named")
	}
	if _, err := millis(ttl); err != nil {
		return fmt.Errorf("allow in the thread: %w", err)
	}
	ctx, done := limit(ctx)
	defer done()
	return d.fail("allow in the thread", d.client.Set(ctx, allowKey(thread, who, path), "1", ttl).Err())
}

// Allowed tells whether Allow was called for exactly this thread, person and command path, and still lasts.
func (d *DB) Allowed(ctx context.Context, thread string, who store.Person, path string) (bool, error) {
	ctx, done := limit(ctx)
	defer done()
	n, err := d.client.Exists(ctx, allowKey(thread, who, path)).Result()
	return err == nil && n == 1, d.fail("look up what is allowed in the thread", err)
}

func allowKey(thread string, who store.Person, path string) string {
	return key("allow", thread, string(who.Platform), who.Team, who.ID, path)
}
