package azure

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"aurora/providers"
)

// leastLeft is how long a token must still be good for: az takes none with less than five minutes left, and a change may
// run for five.
const leastLeft = 11 * time.Minute

// cache keeps tokens in memory. Callers that want the same one at once wait for one answer of Entra.
type cache struct {
	now    func() time.Time
	flight singleflight.Group
	mu     sync.Mutex
	tokens map[string]token
}

func newCache(now func() time.Time) *cache { return &cache{now: now, tokens: map[string]token{}} }

// cacheKey tells tokens apart: a new sign-in has a generation of its own, and the read-only principal is never mixed with
// the other.
func cacheKey(ask providers.SessionAsk, p principal, scope string) string {
	return fmt.Sprintf("%q %d %q %q %q", ask.Connection.ID, ask.Connection.Generation, p.tenant, p.client, scope)
}

// get gives a token. A caller that gives up does not take the answer from the others.
func (c *cache) get(ctx context.Context, key string, ask func(context.Context) (token, error)) (token, error) {
	if t, ok := c.fresh(key); ok {
		return t, nil
	}
	answer := c.flight.DoChan(key, func() (any, error) {
		if t, ok := c.fresh(key); ok { // somebody was faster between the look and the flight
			return t, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
		defer cancel()
		t, err := ask(ctx)
		if err == nil {
			c.put(key, t)
		}
		return t, err
	})
	select {
	case <-ctx.Done():
		return token{}, context.Cause(ctx)
	case r := <-answer:
		t, _ := r.Val.(token)
		return t, r.Err
	}
}

func (c *cache) fresh(key string) (token, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tokens[key]
	return t, ok && t.expires.Sub(c.now()) >= leastLeft
}

// put keeps a token and drops those that are over.
func (c *cache) put(key string, t token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, old := range c.tokens {
		if !c.now().Before(old.expires) {
			delete(c.tokens, k)
		}
	}
	c.tokens[key] = t
}
