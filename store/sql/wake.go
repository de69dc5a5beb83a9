package sql

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const wakeChannel = "aurora_work"

// wakes hurries workers: those of this process at once, those of others by NOTIFY. It carries no authority and may lose
// a signal: workers look by themselves each second.
type wakes struct {
	mu   sync.Mutex
	subs map[chan struct{}]struct{}
	kick chan struct{} // asks for one NOTIFY, however many events came meanwhile
}

func (w *wakes) signal() {
	w.local()
	tap(w.kick)
}

func (w *wakes) local() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for sub := range w.subs {
		tap(sub)
	}
}

func tap(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Wake gives a channel that gets a value soon after there may be something to claim, until ctx ends. It holds one value
// at most and may miss some: look at least once a second all the same.
func (d *DB) Wake(ctx context.Context) <-chan struct{} {
	sub := make(chan struct{}, 1)
	d.wakes.mu.Lock()
	defer d.wakes.mu.Unlock()
	if d.wakes.subs == nil {
		d.wakes.subs = map[chan struct{}]struct{}{}
	}
	d.wakes.subs[sub] = struct{}{}
	context.AfterFunc(ctx, func() {
		d.wakes.mu.Lock()
		defer d.wakes.mu.Unlock()
		delete(d.wakes.subs, sub)
	})
	if d.pg != nil {
		go d.listen(ctx, sub)
	}
	return sub
}

// notify sends the NOTIFYs of this process outside of any event's own transaction: PostgreSQL lets transactions that
// notify commit only one after the other, each waiting for the disk.
func (d *DB) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wakes.kick:
		}
		// Lost with the connection, it is made up for by the next poll.
		_, _ = d.exec(ctx, `SELECT pg_notify($1::text, '')`, wakeChannel)
	}
}

// listen keeps one connection of its own, made anew whenever it breaks.
func (d *DB) listen(ctx context.Context, sub chan struct{}) {
	const least, most = 100 * time.Millisecond, 5 * time.Second
	for wait := least; ctx.Err() == nil; wait = min(2*wait, most) {
		if d.hear(ctx, sub) {
			wait = least
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// hear passes notifications on until the connection breaks, and tells whether it ever stood.
func (d *DB) hear(ctx context.Context, sub chan struct{}) bool {
	config := d.pg.Copy()
	for _, limit := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		delete(config.RuntimeParams, limit)
	}
	link, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false
	}
	defer func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = link.Close(bye) // the server notices either way
	}()
	if _, err := link.Exec(ctx, "LISTEN "+wakeChannel); err != nil {
		return false
	}
	for {
		tap(sub) // also once at the start: something may have come while nobody listened
		if _, err := link.WaitForNotification(ctx); err != nil {
			return true
		}
	}
}
