package sql

import (
	"context"
	"errors"
	"time"

	"aurora/store"
)

// Claim gives the right to work on the thread whose work has waited longest and that nobody holds: one with an unsettled
// inbox row, a running turn or an unsent post. Of any number of replicas exactly one gets it, for Lease unless renewed.
// store.ErrNotFound when there is nothing to do.
func (d *DB) Claim(ctx context.Context, runner string) (c store.Claim, err error) {
	if runner == "" {
		return c, errors.New("a claim needs the name of its runner")
	}
	err = d.one(ctx, `UPDATE threads SET runner = $1, fence = fence + 1, lease_until = {lease}, touched_at = {now}
		WHERE key = (SELECT key FROM threads WHERE due_at <= {now} AND (lease_until IS NULL OR lease_until <= {now})
			ORDER BY due_at LIMIT 1 {skip})
		RETURNING key, runner, fence`, []any{runner}, &c.Thread, &c.Runner, &c.Fence)
	return c, err
}

// Renew makes a claim last Lease from now.
func (d *DB) Renew(ctx context.Context, c store.Claim) error {
	n, err := d.exec(ctx, `UPDATE threads SET lease_until = {lease}, touched_at = {now}
		WHERE key = $1 AND fence = $2 AND runner = $3 AND runner <> ''`, c.Thread, c.Fence, c.Runner)
	if err == nil && n == 0 {
		return store.ErrFenced
	}
	return err
}

// Release gives a thread back. Work that is left on it goes to the end of the queue, so that one thread that cannot get
// on does not keep the others waiting.
func (d *DB) Release(ctx context.Context, c store.Claim) error { return d.Postpone(ctx, c, 0) }

// Postpone gives a thread back and lets the work that is left rest for a while, as when the platform asks for patience.
// Something new in the thread ends the rest.
func (d *DB) Postpone(ctx context.Context, c store.Claim, wait time.Duration) error {
	left := false
	err := d.held(ctx, c, func(tx conn) (err error) {
		// held has locked the row, and this is a statement of its own: it sees every row that Receive committed before,
		// and whoever comes later finds the thread free and makes it due again.
		left, err = tx.has(ctx, `SELECT 1 WHERE
			EXISTS (SELECT 1 FROM inbox WHERE thread = $1 AND settled_at IS NULL AND turn_id IS NULL)
			OR EXISTS (SELECT 1 FROM turns WHERE thread = $1 AND state = 'running')
			OR EXISTS (SELECT 1 FROM outbox WHERE thread = $1 AND NOT sent)`, c.Thread)
		if err != nil {
			return err
		}
		if !left {
			_, err = tx.exec(ctx, `UPDATE threads SET runner = '', lease_until = NULL, due_at = NULL, touched_at = {now}
				WHERE key = $1 AND fence = $2`, c.Thread, c.Fence)
			return err
		}
		_, err = tx.exec(ctx, `UPDATE threads SET runner = '', lease_until = NULL, due_at = {after $3}, touched_at = {now}
			WHERE key = $1 AND fence = $2`, c.Thread, c.Fence, wait.Seconds())
		return err
	})
	if err == nil && left && wait == 0 {
		d.wakes.signal()
	}
	return err
}

// Inherit ends every lease that is held, of threads and of commands. Only who knows that no other process is alive may
// call it: the embedded store, which has the data directory to itself, at its start. It need not wait then for leases of
// the process that was there before.
func (d *DB) Inherit(ctx context.Context) error {
	return d.tx(ctx, func(tx conn) error {
		if _, err := tx.exec(ctx, `UPDATE threads SET runner = '', lease_until = NULL WHERE lease_until IS NOT NULL`); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `UPDATE intents SET lease_until = {now} WHERE outcome IS NULL`)
		return err
	})
}
