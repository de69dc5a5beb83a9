package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aurora/store"
)

const turnColumns = `id, thread, inbox_id, org_id, user_id, person_platform, person_team, person_id, place, mode, state, text, created_at`

func scanTurn(row scanner) (t store.Turn, err error) {
	err = row.Scan(&t.ID, &t.Thread, &t.InboxID, &t.OrgID, &t.UserID, &t.Asker.Platform, &t.Asker.Team, &t.Asker.ID,
		jsonColumn{&t.Place}, &t.Mode, &t.State, &t.Text, timeColumn{&t.CreatedAt})
	return t, err
}

// OpenTurn gives the thread's running turn, which a worker that died may have left, and the row it began on; or
// store.ErrNotFound.
func (d *DB) OpenTurn(ctx context.Context, c store.Claim) (t store.Turn, row store.Received, err error) {
	err = d.seen(ctx, c, func(tx conn) error {
		t, err = first(ctx, tx, scanTurn, `SELECT `+turnColumns+` FROM turns WHERE thread = $1 AND state = 'running'`, c.Thread)
		if err != nil {
			return err
		}
		row, err = first(ctx, tx, scanReceived, `SELECT `+eventColumns+` FROM inbox WHERE id = $1`, t.InboxID)
		if errors.Is(err, store.ErrNotFound) { // to say that no turn is open would leave it open for ever
			return fmt.Errorf("turn %s is open, but its row %d is gone", t.ID, t.InboxID)
		}
		return err
	})
	return t, row, err
}

// BeginTurn starts a turn on the inbox row t.InboxID of the claimed thread. A row has one turn: a repeat gives that one.
// store.ErrConflict when the row is settled, has joined another turn, or when a turn runs in the thread already.
func (d *DB) BeginTurn(ctx context.Context, c store.Claim, t store.Turn) (begun store.Turn, err error) {
	if t.ID == "" {
		t.ID = newID("turn")
	}
	place, err := encode(t.Place)
	if err != nil {
		return begun, err
	}
	err = d.held(ctx, c, func(tx conn) error {
		begun, err = first(ctx, tx, scanTurn, `SELECT `+turnColumns+` FROM turns WHERE inbox_id = $1 AND thread = $2`, t.InboxID, c.Thread)
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n, err := tx.exec(ctx, `UPDATE inbox SET turn_id = $1 WHERE id = $2 AND thread = $3 AND turn_id IS NULL AND settled_at IS NULL`,
			t.ID, t.InboxID, c.Thread)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("begin turn on row %d: it is not open: %w", t.InboxID, store.ErrConflict)
		}
		begun, err = first(ctx, tx, scanTurn, `INSERT INTO turns
			(id, thread, inbox_id, org_id, user_id, person_platform, person_team, person_id, place, mode, state, text)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'running', $11) ON CONFLICT DO NOTHING RETURNING `+turnColumns,
			t.ID, c.Thread, t.InboxID, t.OrgID, t.UserID, t.Asker.Platform, clean(t.Asker.Team), clean(t.Asker.ID), place, t.Mode, clean(t.Text))
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("begin turn: another one runs in the thread: %w", store.ErrConflict)
		}
		return err
	})
	return begun, err
}

// FinishTurn ends a turn, settles its row and the rows that joined it, and appends the last posts, in one transaction. A
// waiting turn has asked for a confirmation. Finishing again in the same state changes nothing.
func (d *DB) FinishTurn(ctx context.Context, c store.Claim, turnID string, state store.TurnState, posts []store.Post) error {
	if !slices.Contains([]store.TurnState{store.TurnWaiting, store.TurnDone, store.TurnStopped}, state) {
		return fmt.Errorf("a turn cannot end as %q", state)
	}
	return d.held(ctx, c, func(tx conn) error {
		n, err := tx.exec(ctx, `UPDATE turns SET state = $1, ended_at = {now} WHERE id = $2 AND thread = $3 AND state = 'running'`,
			state, turnID, c.Thread)
		if err != nil {
			return err
		}
		if n == 0 {
			return tx.finished(ctx, c, turnID, state)
		}
		if _, err := tx.exec(ctx, erase+`turn_id = $1`, turnID); err != nil {
			return err
		}
		return tx.addPosts(ctx, c, posts)
	})
}

func (c conn) finished(ctx context.Context, claim store.Claim, turnID string, state store.TurnState) error {
	var before store.TurnState
	err := c.one(ctx, `SELECT state FROM turns WHERE id = $1 AND thread = $2`, []any{turnID, claim.Thread}, &before)
	if err == nil && before != state {
		return fmt.Errorf("finish turn as %s: it ended as %s: %w", state, before, store.ErrConflict)
	}
	return err
}

// Turn gives a turn by its id.
func (d *DB) Turn(ctx context.Context, id string) (store.Turn, error) {
	return first(ctx, d.conn, scanTurn, `SELECT `+turnColumns+` FROM turns WHERE id = $1`, id)
}

// stopSkew is how much later than a stop an ask may seem to be that came before it: slash commands carry this machine's
// time, messages the platform's.
const stopSkew = 5 * time.Second

// RunningTurns lists the turns that a stop said there at that time would mean: a person's (anybody's when p is empty) in
// a thread, or in a whole channel when the place names no thread. What was asked after it is not meant: a stop can be
// delivered again much later. Those that wait for a click count for an hour, as long as a click can come; oldest first.
func (d *DB) RunningTurns(ctx context.Context, p store.Person, place store.Place, said time.Time) ([]store.Turn, error) {
	list, err := all(ctx, d.conn, scanTurn, `SELECT `+turnColumns+` FROM turns
		WHERE (state = 'running' OR (state = 'waiting' AND ended_at > {hour ago}))
		AND ($1 = '' OR (person_id = $1 AND person_team = $2 AND person_platform = $3))
		AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.id = turns.inbox_id AND at > $4) ORDER BY created_at, id`,
		clean(p.ID), clean(p.Team), p.Platform, d.speech.param(said.Add(stopSkew)))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(t store.Turn) bool {
		return t.Place.Platform != place.Platform || t.Place.Team != place.Team || t.Place.Channel != place.Channel ||
			place.Thread != "" && t.Place.Thread != place.Thread
	}), nil
}
