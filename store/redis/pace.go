package redis

import (
	"context"
	_ "embed" // the script
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

//go:embed pace.lua
var paceSource string

var paceScript = goredis.NewScript(paceSource)

// Pace takes the next free slot of a key and says how long to wait for it: burst at once, then one every interval,
// counted over all replicas. The slot is taken whether or not it is used.
func (d *DB) Pace(ctx context.Context, what string, every time.Duration, burst int) (wait time.Duration, err error) {
	if every < time.Microsecond || burst < 1 {
		return 0, errors.New("take a slot: the interval and the burst must be positive")
	}
	ctx, done := limit(ctx)
	defer done()
	micros, err := paceScript.Run(ctx, d.client, []string{key("pace", what)}, every.Microseconds(), burst).Int64()
	if err != nil {
		return 0, d.fail("take a slot", err)
	}
	return time.Duration(micros) * time.Microsecond, nil
}
