package sql

import (
	"context"
	"errors"

	"aurora/store"
)

const postColumns = `id, thread, turn, part, kind, target, place, body, ts, tried, sent, secret`

func scanPost(row scanner) (p store.Post, err error) {
	err = row.Scan(&p.ID, &p.Thread, &p.Turn, &p.Part, &p.Kind, &p.Target, jsonColumn{&p.Place}, jsonColumn{&p.Body},
		&p.TS, &p.Tried, &p.Sent, &p.Secret)
	return p, err
}

// Outbox lists the thread's posts that are not sent yet, in the order they were made.
func (d *DB) Outbox(ctx context.Context, c store.Claim) (list []store.Post, err error) {
	err = d.seen(ctx, c, func(tx conn) error {
		list, err = all(ctx, tx, scanPost, `SELECT `+postColumns+` FROM outbox WHERE thread = $1 AND NOT sent ORDER BY id`, c.Thread)
		return err
	})
	return list, err
}

// AddPosts appends posts to the claimed thread's outbox, in order. A (turn, part) that stands there already is passed
// over, so that a replay adds nothing.
func (d *DB) AddPosts(ctx context.Context, c store.Claim, posts []store.Post) error {
	return d.held(ctx, c, func(tx conn) error { return tx.addPosts(ctx, c, posts) })
}

func (c conn) addPosts(ctx context.Context, claim store.Claim, posts []store.Post) error {
	for _, p := range posts {
		if p.Turn == "" {
			return errors.New("a post needs its turn: turn and part tell it from all others")
		}
		place, err := encode(p.Place)
		if err != nil {
			return err
		}
		body, err := document(p.Body)
		if err != nil {
			return err
		}
		_, err = c.exec(ctx, `INSERT INTO outbox (thread, turn, part, kind, target, place, body, secret)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
			claim.Thread, clean(p.Turn), p.Part, p.Kind, p.Target, place, body, p.Secret)
		if err != nil {
			return err
		}
	}
	return nil
}

// BeginSend notes that a send is about to be tried: whoever finds the post tried but not sent searches for it first.
func (d *DB) BeginSend(ctx context.Context, c store.Claim, postID int64) error {
	return d.mark(ctx, c, `UPDATE outbox SET tried = $1 WHERE id = $2 AND thread = $3`, true, postID, c.Thread)
}

// Sent notes where a post stands. Its body is erased: it may hold a way to answer, or what is shown only once.
func (d *DB) Sent(ctx context.Context, c store.Claim, postID int64, ts string) error {
	return d.mark(ctx, c, `UPDATE outbox SET sent = $1, ts = $2, body = NULL
		WHERE id = $3 AND thread = $4`, true, clean(ts), postID, c.Thread)
}

// SentKept notes where a post stands, as Sent does, and keeps its body for Kept. It is forgotten after a day.
func (d *DB) SentKept(ctx context.Context, c store.Claim, postID int64, ts string) error {
	return d.mark(ctx, c, `UPDATE outbox SET sent = $1, ts = $2 WHERE id = $3 AND thread = $4`, true, clean(ts), postID, c.Thread)
}

// Kept gives a post whose body is there; store.ErrNotFound when there is none, or none any more. Whoever presses a button
// on it can be faster than SentKept.
func (d *DB) Kept(ctx context.Context, turn string, part int) (p store.Post, err error) {
	err = d.tx(ctx, func(tx conn) error {
		p, err = first(ctx, tx, scanPost, `SELECT `+postColumns+` FROM outbox WHERE turn = $1 AND part = $2 AND body IS NOT NULL`, turn, part)
		return err
	})
	return p, err
}

func (d *DB) mark(ctx context.Context, c store.Claim, query string, args ...any) error {
	return d.held(ctx, c, func(tx conn) error {
		n, err := tx.exec(ctx, query, args...)
		if err == nil && n == 0 {
			return store.ErrNotFound
		}
		return err
	})
}

// PostTS tells where the message stands that (turn, part) became; store.ErrNotFound while it is not sent.
func (d *DB) PostTS(ctx context.Context, turn string, part int) (place store.Place, ts string, err error) {
	err = d.one(ctx, `SELECT place, ts FROM outbox WHERE turn = $1 AND part = $2 AND sent`, []any{turn, part}, jsonColumn{&place}, &ts)
	return place, ts, err
}

// StandsAt tells which post became the message at ts in a channel; store.ErrNotFound when none of ours did. Of several
// posts, as edits stand where the message stood, it is the first.
func (d *DB) StandsAt(ctx context.Context, place store.Place, ts string) (store.Post, error) {
	list, err := all(ctx, d.conn, scanPost, `SELECT `+postColumns+` FROM outbox WHERE ts = $1 AND ts <> '' AND sent ORDER BY id`, clean(ts))
	if err != nil {
		return store.Post{}, err
	}
	for _, p := range list {
		if p.Place.Platform == place.Platform && p.Place.Team == place.Team && p.Place.Channel == place.Channel {
			return p, nil
		}
	}
	return store.Post{}, store.ErrNotFound
}
