package redis

import (
	"context"
	"crypto/rand"
	_ "embed" // the script
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"aurora/store"
)

//go:embed lease_give.lua
var giveLeaseSource string

var giveLeaseScript = goredis.NewScript(giveLeaseSource)

// TakeLease gives one caller of all, over all processes, the lease of this name for ttl, and a token to give it back with.
// store.ErrConflict while another has it. A failover may lose a lease: what it guards is written with check-and-set too.
func (d *DB) TakeLease(ctx context.Context, name string, ttl time.Duration) (token string, err error) {
	if name == "" {
		return "", errors.New("take a lease: it has no name")
	}
	if _, err := millis(ttl); err != nil {
		return "", fmt.Errorf("take a lease: %w", err)
	}
	ctx, done := limit(ctx)
	defer done()
	token = rand.Text()
	err = d.client.SetArgs(ctx, key("lease", name), token, goredis.SetArgs{Mode: "NX", TTL: ttl}).Err()
	if errors.Is(err, goredis.Nil) {
		return "", fmt.Errorf("take a lease: %w", store.ErrConflict)
	}
	if err != nil {
		return "", d.fail("take a lease", err)
	}
	return token, nil
}

// GiveLease gives it back before its time. A lease that has ended, or that another has by now, stays as it is.
func (d *DB) GiveLease(ctx context.Context, name, token string) error {
	ctx, done := limit(ctx)
	defer done()
	return d.fail("give a lease back", giveLeaseScript.Run(ctx, d.client, []string{key("lease", name)}, token).Err())
}
