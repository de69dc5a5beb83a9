package sql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"aurora/store"
)

// mostAtOnce is how many events are committed together at most.
const mostAtOnce = 512

// batchPatience bounds one commit of events, whoever still waits for it.
const batchPatience = 10 * time.Second

// An arrival is an event on its way into the inbox. Events that come while others are being committed go together with
// the next commit: waiting for the disk costs the same for one and for hundreds.
type arrival struct {
	key     string
	msgKey  string
	kind    string
	thread  string
	person  store.Person
	place   string
	text    string
	payload *string
	at      time.Time

	fate  atomic.Int32
	fresh bool
	err   error
	done  chan struct{} // closed when fresh and err stand
}

// The fates of an arrival: whoever is first, he who waits for it or the transaction that writes it, decides.
const (
	undecided int32 = iota
	begun
	abandoned
)

// begin takes the arrival into a transaction, unless nobody waits for it any more.
func (a *arrival) begin() bool {
	return a.fate.CompareAndSwap(undecided, begun) || a.fate.Load() == begun
}

// leave gives the arrival up. What a transaction has begun to write may be committed all the same.
func (a *arrival) leave(why error) error {
	if a.fate.CompareAndSwap(undecided, abandoned) {
		return why
	}
	return fmt.Errorf("%w: %w", store.ErrUncertain, why)
}

// Receive commits an event, after which it may be acknowledged. fresh is false when its Key or its MessageKey stands
// there already: somebody has it, and nothing was changed. A click without a thread key of its own waits under its Key:
// clicks are handled while a turn runs in the thread they come from. A caller whose ctx ends while he waits
// gets store.ErrUnavailable: the event is not taken, nor will be, unless store.ErrUncertain comes with it. The same event
// may be sent again without harm, a person's second try is another one.
func (d *DB) Receive(ctx context.Context, e store.Event) (fresh bool, err error) {
	a, err := newArrival(e)
	if err != nil {
		return false, err
	}
	select {
	case d.arrivals <- a:
	case <-d.closed:
		return false, errClosed
	case <-ctx.Done():
		return false, fault(ctx, ctx.Err())
	}
	select {
	case <-a.done:
		return a.fresh, a.err
	case <-d.closed:
		return false, a.leave(errClosed)
	case <-ctx.Done():
		return false, a.leave(fault(ctx, ctx.Err()))
	}
}

var errClosed = fmt.Errorf("%w: the database is closed", store.ErrUnavailable)

func newArrival(e store.Event) (*arrival, error) {
	if e.Thread == "" && e.Kind == store.EventClick {
		e.Thread = e.Key
	}
	if e.Key == "" || e.Thread == "" {
		return nil, errors.New("an event needs its key and its thread")
	}
	place, err := encode(e.Place)
	if err != nil {
		return nil, err
	}
	payload, err := document(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("payload of event: %w", err)
	}
	a := &arrival{
		key: clean(e.Key), msgKey: clean(e.MessageKey), kind: string(e.Kind), thread: clean(e.Thread),
		person: store.Person{Platform: e.Person.Platform, Team: clean(e.Person.Team), ID: clean(e.Person.ID)},
		place:  place, text: clean(e.Text), at: e.At, done: make(chan struct{}),
	}
	if text, ok := payload.(string); ok {
		a.payload = &text
	}
	return a, nil
}

// commitArrivals works until ctx ends, and then tells those who still wait.
func (d *DB) commitArrivals(ctx context.Context) {
	for {
		select {
		case a := <-d.arrivals:
			d.commit(ctx, d.gather(a))
		case <-ctx.Done():
			return
		}
	}
}

func (d *DB) gather(a *arrival) []*arrival {
	batch := []*arrival{a}
	for len(batch) < mostAtOnce {
		select {
		case a := <-d.arrivals:
			batch = append(batch, a)
		default:
			return batch
		}
	}
	return batch
}

func (d *DB) commit(ctx context.Context, batch []*arrival) {
	ctx, cancel := context.WithTimeout(ctx, batchPatience)
	defer cancel()
	// All replicas lock rows in this order, so that two that got the same events do not wait for each other.
	slices.SortStableFunc(batch, func(a, b *arrival) int { return cmp.Or(cmp.Compare(a.thread, b.thread), cmp.Compare(a.key, b.key)) })
	err := d.insert(ctx, batch)
	if err != nil && len(batch) > 1 && !errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
		for _, a := range batch { // one of them is the culprit; the others shall not suffer for it
			a.settle(d.insert(ctx, []*arrival{a}))
		}
		d.wakes.signal()
		return
	}
	woken := false
	for _, a := range batch {
		a.settle(err)
		woken = woken || a.fresh
	}
	if woken {
		d.wakes.signal()
	}
}

func (a *arrival) settle(err error) {
	if err != nil {
		if errors.Is(err, context.Canceled) { // not the caller's context, but Close
			err = errClosed
		}
		a.fresh, a.err = false, err
	}
	close(a.done)
}

// insert writes a batch in one transaction and marks those that are fresh. Whom nobody waits for any more when it begins is
// left out.
func (d *DB) insert(ctx context.Context, batch []*arrival) error {
	for _, a := range batch {
		a.fresh = false
	}
	if d.pg != nil {
		return d.insertTogether(ctx, batch)
	}
	return d.urgent(ctx, func(tx conn) (err error) {
		for _, a := range awaited(batch) {
			if a.fresh, err = tx.receive(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// awaited begins those that somebody waits for.
func awaited(batch []*arrival) []*arrival {
	return slices.DeleteFunc(slices.Clone(batch), func(a *arrival) bool { return !a.begin() })
}

const insertEvent = `INSERT INTO inbox
	(key, message_key, kind, thread, person_platform, person_team, person_id, place, text, payload, at) `

// due says that a thread has work from now on, unless it has had since before.
const due = `ON CONFLICT (key) DO UPDATE SET due_at = {least}(coalesce(threads.due_at, excluded.due_at), excluded.due_at)`

func (c conn) receive(ctx context.Context, a *arrival) (fresh bool, err error) {
	n, err := c.exec(ctx, insertEvent+`VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		a.key, a.msgKey, a.kind, a.thread, a.person.Platform, a.person.Team, a.person.ID, a.place, a.text, a.payload, c.speech.param(a.at))
	if err != nil || n == 0 {
		return false, err
	}
	_, err = c.exec(ctx, `INSERT INTO threads (key, due_at) VALUES ($1, {now}) `+due, a.thread)
	return true, err
}

// insertTogether is receive for a whole batch in one statement, which only PostgreSQL can.
func (d *DB) insertTogether(ctx context.Context, batch []*arrival) error {
	fresh := map[string]bool{}
	err := d.urgent(ctx, func(tx conn) error {
		clear(fresh)
		batch := awaited(batch)
		if len(batch) == 0 {
			return nil
		}
		return tx.each(ctx, insertBatch, columns(batch), func(row scanner) error {
			var key string
			err := row.Scan(&key)
			fresh[key] = true
			return err
		})
	})
	for _, a := range batch {
		if a.fresh = err == nil && a.fate.Load() == begun && fresh[a.key]; a.fresh {
			delete(fresh, a.key) // of two deliveries in one batch the first is fresh
		}
	}
	return err
}

const insertBatch = `WITH fresh AS (` + insertEvent + `
		SELECT key, nullif(msg, ''), kind, thread, platform, team, id, place::json, text, payload::json, at
		FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
			$1::text[], $2::timestamptz[]) WITH ORDINALITY
			AS e (key, msg, kind, thread, platform, team, id, place, text, payload, at, nr) ORDER BY nr
		ON CONFLICT DO NOTHING RETURNING key, thread),
	woken AS (INSERT INTO threads (key, due_at) SELECT DISTINCT thread, {now} FROM fresh ORDER BY thread ` + due + `)
	SELECT key FROM fresh`

// columns gives a batch column by column: payloads, times and the texts in the order of insertBatch.
func columns(batch []*arrival) []any {
	n := len(batch)
	var texts [9][]string
	for i := range texts {
		texts[i] = make([]string, n)
	}
	payloads, times := make([]*string, n), make([]time.Time, n)
	for i, a := range batch {
		for j, text := range []string{a.key, a.msgKey, a.kind, a.thread, string(a.person.Platform), a.person.Team, a.person.ID, a.place, a.text} {
			texts[j][i] = text
		}
		payloads[i], times[i] = a.payload, a.at
	}
	args := []any{payloads, times}
	for _, column := range texts {
		args = append(args, column)
	}
	return args
}
