package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"aurora/store"
)

const eventColumns = `id, key, coalesce(message_key, ''), kind, thread, person_platform, person_team, person_id, place,
	text, payload, at`

func scanReceived(row scanner) (r store.Received, err error) {
	err = row.Scan(&r.ID, &r.Key, &r.MessageKey, &r.Kind, &r.Thread, &r.Person.Platform, &r.Person.Team, &r.Person.ID,
		jsonColumn{&r.Place}, &r.Text, jsonColumn{&r.Payload}, timeColumn{&r.At})
	return r, err
}

// Receive commits an event, after which it may be acknowledged. fresh is false when its Key or its MessageKey stands
// there already: somebody has it, and nothing was changed. A click without a thread key of its own waits under its Key:
// clicks are handled while a turn runs in the thread they come from.
func (d *DB) Receive(ctx context.Context, e store.Event) (fresh bool, err error) {
	args, err := d.eventArgs(e)
	if err != nil {
		return false, err
	}
	if d.pg != nil {
		fresh, err = d.receiveAtOnce(ctx, args)
	} else {
		err = d.tx(ctx, func(tx conn) error {
			fresh, err = tx.receive(ctx, args)
			return err
		})
	}
	if err != nil {
		return false, err
	}
	if fresh {
		d.wakes.signal()
	}
	return fresh, nil
}

const insertEvent = `INSERT INTO inbox
	(key, message_key, kind, thread, person_platform, person_team, person_id, place, text, payload, at)
	VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`

// due says that a thread has work from now on, unless it has had since before.
const due = `ON CONFLICT (key) DO UPDATE SET due_at = {least}(coalesce(threads.due_at, excluded.due_at), excluded.due_at)`

// receiveAtOnce is receive in one statement, which PostgreSQL can: one journey, and many commit side by side.
func (c conn) receiveAtOnce(ctx context.Context, args []any) (fresh bool, err error) {
	var n int
	err = c.one(ctx, `WITH fresh AS (`+insertEvent+` RETURNING thread),
		woken AS (INSERT INTO threads (key, due_at) SELECT thread, {now} FROM fresh `+due+`)
		SELECT count(*) FROM fresh`, args, &n)
	return n == 1, err
}

func (c conn) receive(ctx context.Context, args []any) (fresh bool, err error) {
	n, err := c.exec(ctx, insertEvent, args...)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = c.exec(ctx, `INSERT INTO threads (key, due_at) VALUES ($1, {now}) `+due, args[3])
	return true, err
}

func (c conn) eventArgs(e store.Event) ([]any, error) {
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
	return []any{clean(e.Key), clean(e.MessageKey), e.Kind, clean(e.Thread), e.Person.Platform, clean(e.Person.Team), clean(e.Person.ID),
		place, clean(e.Text), payload, c.speech.param(e.At)}, nil
}

// Pending lists the thread's rows that nothing has begun yet, oldest first.
func (d *DB) Pending(ctx context.Context, c store.Claim) (list []store.Received, err error) {
	err = d.seen(ctx, c, func(tx conn) error {
		list, err = all(ctx, tx, scanReceived, `SELECT `+eventColumns+` FROM inbox
			WHERE thread = $1 AND settled_at IS NULL AND turn_id IS NULL ORDER BY id`, c.Thread)
		return err
	})
	return list, err
}

// Settle ends a row that needs no turn: its text and payload are erased, the posts are appended. A post without a turn
// gets "inbox_<id>", which is unique to the row. Settling again changes nothing.
func (d *DB) Settle(ctx context.Context, c store.Claim, inboxID int64, posts []store.Post) error {
	return d.held(ctx, c, func(tx conn) error { return tx.settle(ctx, c, inboxID, posts) })
}

// ContinueTurn settles a click's row, appends the posts and puts the continuation into the inbox of its own thread, all
// or nothing. A continuation whose key stands there already is left as it is.
func (d *DB) ContinueTurn(ctx context.Context, c store.Claim, inboxID int64, e store.Event, posts []store.Post) error {
	args, err := d.eventArgs(e)
	if err != nil {
		return err
	}
	err = d.held(ctx, c, func(tx conn) error {
		if err := tx.settle(ctx, c, inboxID, posts); err != nil {
			return err
		}
		_, err := tx.receive(ctx, args)
		return err
	})
	if err == nil {
		d.wakes.signal()
	}
	return err
}

const erase = `UPDATE inbox SET settled_at = {now}, text = '', payload = NULL WHERE settled_at IS NULL AND `

func (c conn) settle(ctx context.Context, claim store.Claim, inboxID int64, posts []store.Post) error {
	ok, err := c.has(ctx, `SELECT 1 FROM inbox WHERE id = $1 AND thread = $2 AND turn_id IS NULL`, inboxID, claim.Thread)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("settle row %d: it is of another thread, or a turn has begun on it: %w", inboxID, store.ErrConflict)
	}
	if _, err := c.exec(ctx, erase+`id = $1`, inboxID); err != nil {
		return err
	}
	posts = slices.Clone(posts)
	for i := range posts {
		if posts[i].Turn == "" {
			posts[i].Turn = fmt.Sprintf("inbox_%d", inboxID)
		}
	}
	return c.addPosts(ctx, claim, posts)
}
