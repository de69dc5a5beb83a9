package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// ClaimTicket takes a ticket for one holder, such as the browser that opened a link, and tells whether it is his: the
// first one keeps it for ttl. It neither looks at the ticket nor spends it.
func (d *DB) ClaimTicket(ctx context.Context, id, holder string, ttl time.Duration) (mine bool, err error) {
	if holder == "" {
		return false, errors.New("claim a ticket: nobody is named")
	}
	if _, err := millis(ttl); err != nil {
		return false, fmt.Errorf("claim a ticket: %w", err)
	}
	ctx, done := limit(ctx)
	defer done()
	pipe := d.client.TxPipeline()
	pipe.SetArgs(ctx, hashed("claim", id), holder, goredis.SetArgs{Mode: "NX", TTL: ttl})
	kept := pipe.Get(ctx, hashed("claim", id))
	if _, err = pipe.Exec(ctx); errors.Is(err, goredis.Nil) { // somebody had it before
		err = nil
	}
	return err == nil && kept.Val() == holder, d.fail("claim a ticket", err)
}
