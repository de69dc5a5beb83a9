package sql

import (
	"context"
	"encoding/json"
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

// Pending lists the thread's rows that nothing has begun yet, oldest first. A long
// queue comes in portions: the next one once these are settled.
func (d *DB) Pending(ctx context.Context, c store.Claim) (list []store.Received, err error) {
	err = d.seen(ctx, c, func(tx conn) error {
		list, err = all(ctx, tx, scanReceived, `SELECT `+eventColumns+` FROM inbox
			WHERE thread = $1 AND settled_at IS NULL AND turn_id IS NULL ORDER BY id LIMIT 64`, c.Thread)
		return err
	})
	return list, err
}

// CountTry notes that an open row was tried in vain and gives how often that was by now. store.ErrNotFound when it is
// settled.
func (d *DB) CountTry(ctx context.Context, c store.Claim, inboxID int64) (tries int, err error) {
	err = d.held(ctx, c, func(tx conn) error {
		return tx.one(ctx, `UPDATE inbox SET tries = tries + 1 WHERE id = $1 AND thread = $2 AND settled_at IS NULL RETURNING tries`,
			[]any{inboxID, c.Thread}, &tries)
	})
	return tries, err
}

// NoteTry puts what is to be known of an open row at its next try into its payload. store.ErrNotFound when it is settled.
func (d *DB) NoteTry(ctx context.Context, c store.Claim, inboxID int64, payload json.RawMessage) error {
	text, err := document(payload)
	if err != nil {
		return fmt.Errorf("payload of row %d: %w", inboxID, err)
	}
	return d.mark(ctx, c, `UPDATE inbox SET payload = $1 WHERE id = $2 AND thread = $3 AND settled_at IS NULL`, text, inboxID, c.Thread)
}

// Settle ends a row that needs no turn: its text and payload are erased, the posts are appended. A post without a turn
// gets "inbox_<id>", which is unique to the row. Settling again changes nothing.
func (d *DB) Settle(ctx context.Context, c store.Claim, inboxID int64, posts []store.Post) error {
	return d.held(ctx, c, func(tx conn) error { return tx.settle(ctx, c, inboxID, posts) })
}

// ContinueTurn settles a click's row, appends the posts and puts the continuation into the inbox of its own thread, all
// or nothing. A continuation whose key stands there already is left as it is.
func (d *DB) ContinueTurn(ctx context.Context, c store.Claim, inboxID int64, e store.Event, posts []store.Post) error {
	next, err := newArrival(e)
	if err != nil {
		return err
	}
	err = d.held(ctx, c, func(tx conn) error {
		if err := tx.settle(ctx, c, inboxID, posts); err != nil {
			return err
		}
		_, err := tx.receive(ctx, next)
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
