// Package redis keeps what draws attention but holds no authority: confirmations that wait for a click, modes, one-time
// tickets, sign-ins under way, thread memory, temporary grants, pacing and wake-ups. bot, agent and providers use it
// through interfaces of their own; cmd opens it. Losing all of it makes Aurora refuse and ask again, never run anything
// twice: what may run is decided by the audit's digest and by the intents in SQL. It never keeps a cloud credential.
package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"aurora/store"
)

// opTimeout bounds every operation, connecting included, so that a lost Redis is told within two seconds.
const opTimeout = 1500 * time.Millisecond

// DB is one Redis: a server, the master that Sentinel names, or the embedded one.
type DB struct {
	client     goredis.UniversalClient
	name       string // addresses for messages; never the password
	replicated bool   // a failover may lose what no replica has acknowledged
	stop       func() // ends the embedded server; nil otherwise
}

// Open connects to redis://, rediss:// (TLS) or, with Sentinel, redis+sentinel:// and rediss+sentinel://:
//
//	redis://[user]:password@host:6379/0
//	redis+sentinel://[user]:password@s1:26379,s2:26379/mymaster/0[?sentinel_user=u&sentinel_password=p]
//
// User and password are the Redis server's. It fails with store.ErrUnavailable when nothing usable answers.
func Open(ctx context.Context, url string) (*DB, error) {
	opts, err := parse(url)
	if err != nil {
		return nil, err
	}
	db := connect(opts)
	if err := db.Ready(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

func connect(opts *goredis.UniversalOptions) *DB {
	return &DB{
		client:     goredis.NewUniversalClient(opts),
		name:       strings.Join(opts.Addrs, ", "),
		replicated: opts.MasterName != "",
	}
}

// Close ends all connections and, when embedded, the server with all it holds.
func (d *DB) Close() error {
	err := d.client.Close()
	if d.stop != nil {
		d.stop()
	}
	if errors.Is(err, goredis.ErrClosed) { // closed before
		return nil
	}
	return err
}

// Ready writes and takes a value, so a read-only replica or a server that is too old is told as such.
func (d *DB) Ready(ctx context.Context) error {
	ctx, done := limit(ctx)
	defer done()
	probe := key("ready", rand.Text())
	pipe := d.client.Pipeline()
	pipe.Set(ctx, probe, "1", time.Second)
	taken := pipe.GetDel(ctx, probe)
	_, err := pipe.Exec(ctx)
	if taken.Err() != nil && strings.Contains(taken.Err().Error(), "unknown command") {
		return fmt.Errorf("use Redis at %s: it is too old, Redis 6.2 or newer is needed", d.name)
	}
	return d.fail("use Redis", err)
}

// Replicated tells whether decisions wait for a replica, as under Sentinel.
func (d *DB) Replicated() bool { return d.replicated }

// InStep tells whether a replica acknowledges what is written, without which no confirmation is kept or taken.
func (d *DB) InStep(ctx context.Context) error {
	ctx, done := limit(ctx)
	defer done()
	pipe := d.client.Pipeline()
	pipe.Set(ctx, key("ready", rand.Text()), "1", time.Second)
	wait := pipe.Do(ctx, "WAIT", 1, replicaWait.Milliseconds())
	if _, err := pipe.Exec(ctx); err != nil {
		return d.fail("use Redis", err)
	}
	if acks, err := wait.Int(); err != nil || acks < 1 {
		return errors.New("no replica of Redis is in step: confirmations wait for one")
	}
	return nil
}

// limit gives an operation its deadline.
func limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, opTimeout)
}

// fail says what was being done, and makes a lost Redis recognisable as store.ErrUnavailable.
func (d *DB) fail(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, goredis.Nil):
		return fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	case errors.Is(err, context.Canceled): // the caller gave up; that says nothing about Redis
		return fmt.Errorf("%s: %w", doing, err)
	case lost(err):
		return fmt.Errorf("%s: %w: Redis at %s: %w", doing, store.ErrUnavailable, d.name, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// lost tells whether an error means that this Redis cannot be used now. Whatever is not the server's own reply is a
// broken connection; of the replies, these say that it serves nobody, or not us.
func lost(err error) bool {
	var reply goredis.Error
	if !errors.As(err, &reply) {
		return true
	}
	word, _, _ := strings.Cut(reply.Error(), " ")
	switch word {
	case "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "BUSY", "OOM", "MISCONF",
		"NOAUTH", "WRONGPASS", "NOPERM", "UNKILLABLE":
		return true
	}
	return strings.HasPrefix(reply.Error(), "ERR max number of clients")
}

var escape = strings.NewReplacer("%", "%25", ":", "%3A")

// key joins the parts so that no two different lists of parts give the same key.
func key(parts ...string) string {
	var b strings.Builder
	b.WriteString("aurora")
	for _, part := range parts {
		b.WriteByte(':')
		_, _ = escape.WriteString(&b, part)
	}
	return b.String()
}

// millis gives a time to live as Redis takes it; less than a millisecond would mean "for ever" or be refused.
func millis(ttl time.Duration) (string, error) {
	if ttl < time.Millisecond {
		return "", fmt.Errorf("a time to live of %s is too short", ttl)
	}
	return strconv.FormatInt(ttl.Milliseconds(), 10), nil
}
