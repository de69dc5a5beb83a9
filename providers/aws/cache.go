package aws

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"golang.org/x/sync/singleflight"
)

// cache keeps keys in memory until five minutes before they expire. Callers that want the same keys at once wait for
// one answer of STS.
type cache struct {
	now    func() time.Time
	flight singleflight.Group
	mu     sync.Mutex
	keys   map[string]*types.Credentials
}

func newCache(now func() time.Time) *cache {
	return &cache{now: now, keys: map[string]*types.Credentials{}}
}

type fetch func(context.Context) (*types.Credentials, error)

// get gives the keys. A caller that gives up does not take the answer from the others.
func (c *cache) get(ctx context.Context, key string, ask fetch) (*types.Credentials, error) {
	if k := c.fresh(key); k != nil {
		return k, nil
	}
	answer := c.flight.DoChan(key, func() (any, error) {
		if k := c.fresh(key); k != nil { // somebody was faster between the look and the flight
			return k, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		k, err := ask(ctx)
		if err == nil {
			c.put(key, k)
		}
		return k, err
	})
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-answer:
		k, _ := r.Val.(*types.Credentials)
		return k, r.Err
	}
}

func (c *cache) fresh(key string) *types.Credentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	if k == nil || k.Expiration.Sub(c.now()) < leastLeft {
		return nil
	}
	return k
}

func (c *cache) put(key string, k *types.Credentials) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for old, have := range c.keys {
		if have.Expiration.Sub(c.now()) < leastLeft {
			delete(c.keys, old)
		}
	}
	c.keys[key] = k
}
