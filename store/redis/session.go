package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"aurora/store"
)

// longestSession is how long a session may last: EndSessions is remembered for as long.
const longestSession = 24 * time.Hour

// keptSession is a session as it is kept, under the hash of its id.
type keptSession struct {
	User       string          `json:"user"`
	Generation int64           `json:"generation"` // of the user's sessions when it was begun
	Value      json.RawMessage `json:"value"`
}

// NewSession begins a session of a user and gives its id of 130 random bits, whose hash alone is kept. The value is JSON.
func (d *DB) NewSession(ctx context.Context, user string, value json.RawMessage, ttl time.Duration) (id string, err error) {
	if user == "" || ttl > longestSession {
		return "", fmt.Errorf("begin a session: it needs a user and lasts for %s at most", longestSession)
	}
	if err := checkTicket(value, ttl); err != nil {
		return "", fmt.Errorf("begin a session: %w", err)
	}
	generation, err := d.generation(ctx, user)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(keptSession{user, generation, value})
	if err != nil {
		return "", fmt.Errorf("begin a session: %w", err)
	}
	return d.issue(ctx, "session", raw, ttl)
}

// Session gives the value of a session, store.ErrNotFound once it is over.
func (d *DB) Session(ctx context.Context, id string) (json.RawMessage, error) {
	limited, done := limit(ctx)
	defer done()
	raw, err := d.client.Get(limited, hashed("session", id)).Bytes()
	if err != nil {
		return nil, d.fail("look up a session", err)
	}
	var kept keptSession
	if err := json.Unmarshal(raw, &kept); err != nil {
		return nil, fmt.Errorf("read a session: %w", err)
	}
	generation, err := d.generation(ctx, kept.User)
	if err != nil {
		return nil, err
	}
	if generation != kept.Generation {
		return nil, fmt.Errorf("look up a session: it was ended: %w", store.ErrNotFound)
	}
	return kept.Value, nil
}

// EndSession ends one session. One that is over stays so.
func (d *DB) EndSession(ctx context.Context, id string) error {
	ctx, done := limit(ctx)
	defer done()
	return d.fail("end a session", d.client.Del(ctx, hashed("session", id)).Err())
}

// EndSessions ends all sessions of a user.
func (d *DB) EndSessions(ctx context.Context, user string) error {
	ctx, done := limit(ctx)
	defer done()
	pipe := d.client.TxPipeline()
	pipe.Incr(ctx, key("sessions", user))
	pipe.Expire(ctx, key("sessions", user), longestSession+time.Hour)
	_, err := pipe.Exec(ctx)
	return d.fail("end the sessions of a user", err)
}

// generation counts how often a user's sessions were ended lately.
func (d *DB) generation(ctx context.Context, user string) (int64, error) {
	ctx, done := limit(ctx)
	defer done()
	n, err := d.client.Get(ctx, key("sessions", user)).Int64()
	if errors.Is(err, goredis.Nil) {
		return 0, nil
	}
	return n, d.fail("look up the sessions of a user", err)
}

// Count counts one more of something, such as requests of an address, in a window that begins with the first, and tells
// how long the window still lasts. All replicas count together.
func (d *DB) Count(ctx context.Context, what string, window time.Duration) (n int64, left time.Duration, err error) {
	if _, err := millis(window); err != nil {
		return 0, 0, fmt.Errorf("count: %w", err)
	}
	ctx, done := limit(ctx)
	defer done()
	pipe := d.client.TxPipeline()
	pipe.SetArgs(ctx, key("count", what), 0, goredis.SetArgs{Mode: "NX", TTL: window}) // Redis forgets it by itself
	counted := pipe.Incr(ctx, key("count", what))
	remains := pipe.PTTL(ctx, key("count", what))
	if _, err = pipe.Exec(ctx); errors.Is(err, goredis.Nil) { // it was begun before
		err = nil
	}
	return counted.Val(), remains.Val(), d.fail("count", err)
}
