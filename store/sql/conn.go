package sql

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"time"

	"aurora/store"
)

// conn runs statements, in a transaction or outside of one.
type conn struct {
	run interface {
		ExecContext(ctx context.Context, query string, args ...any) (dbsql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*dbsql.Rows, error)
	}
	speech *dialect
	key    store.Secret // of the audit chain
	door   door         // nil in a transaction, which has passed it

	patience time.Duration // for one statement; 0 for as long as the caller's
}

// bound ends a statement whose answer never comes. The server ends what takes long by itself and says so; one that is
// frozen, or cut off behind a proxy that is not, says nothing.
func (c conn) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.patience)
}

// door lets in as many as there are connections, but for the one that arrivals are committed with: an event must not
// wait to be acknowledged until whoever works on older ones is done. nil is open to all.
type door chan struct{}

func (d door) enter(ctx context.Context) error {
	if d == nil {
		return nil
	}
	select {
	case d <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault(ctx, ctx.Err())
	}
}

func (d door) leave() {
	if d != nil {
		<-d
	}
}

type scanner interface{ Scan(dest ...any) error }

// exec runs a statement and gives the number of rows it changed.
func (c conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := c.door.enter(ctx); err != nil {
		return 0, err
	}
	defer c.door.leave()
	ctx, end := c.bound(ctx)
	defer end()
	result, err := c.run.ExecContext(ctx, c.speech.words.Replace(query), args...)
	if err != nil {
		return 0, fault(ctx, err)
	}
	n, err := result.RowsAffected()
	return n, fault(ctx, err)
}

// one reads the first row, store.ErrNotFound when there is none.
func (c conn) one(ctx context.Context, query string, args []any, dest ...any) error {
	found := false
	err := c.each(ctx, query, args, func(row scanner) error {
		if found {
			return nil
		}
		found = true
		return row.Scan(dest...)
	})
	if err == nil && !found {
		return store.ErrNotFound
	}
	return err
}

// has tells whether a query gives a row at all.
func (c conn) has(ctx context.Context, query string, args ...any) (bool, error) {
	var one int
	err := c.one(ctx, query, args, &one)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (c conn) each(ctx context.Context, query string, args []any, row func(scanner) error) (err error) {
	if err := c.door.enter(ctx); err != nil {
		return err
	}
	defer c.door.leave()
	ctx, end := c.bound(ctx)
	defer end()
	rows, err := c.run.QueryContext(ctx, c.speech.words.Replace(query), args...)
	if err != nil {
		return fault(ctx, err)
	}
	defer func() { err = fault(ctx, errors.Join(err, rows.Close())) }()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func all[T any](ctx context.Context, c conn, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	var list []T
	err := c.each(ctx, query, args, func(row scanner) error {
		v, err := scan(row)
		list = append(list, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// first is all's first row, store.ErrNotFound when there is none.
func first[T any](ctx context.Context, c conn, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	var zero T
	list, err := all(ctx, c, scan, query, args...)
	if err != nil {
		return zero, err
	}
	if len(list) == 0 {
		return zero, store.ErrNotFound
	}
	return list[0], nil
}

const attempts = 4

// transactionTimes is how many slow statements a transaction may have; few have more than three at all.
const transactionTimes = 4

// tx runs fn in one transaction. What PostgreSQL gave up to end a deadlock is run again: nothing of it was written.
func (d *DB) tx(ctx context.Context, fn func(conn) error) error {
	if err := d.door.enter(ctx); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer d.door.leave()
	return d.urgent(ctx, fn)
}

// urgent is tx on the connection kept free for arrivals.
func (d *DB) urgent(ctx context.Context, fn func(conn) error) error {
	for n := 1; ; n++ {
		err := d.once(ctx, fn)
		if err == nil || n == attempts || !isDeadlock(err) {
			return err
		}
	}
}

func (d *DB) once(ctx context.Context, fn func(conn) error) error {
	ctx, end := conn{patience: transactionTimes * d.patience}.bound(ctx)
	defer end()
	raw, err := d.pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", fault(ctx, err))
	}
	if err := fn(conn{run: raw, speech: d.speech, key: d.key, patience: d.patience}); err != nil {
		_ = raw.Rollback() // the first error says more; a lost connection rolls back by itself
		return err
	}
	err = fault(ctx, raw.Commit())
	if errors.Is(err, store.ErrUnavailable) { // its answer was lost, maybe not the commit
		return fmt.Errorf("commit: %w: %w", store.ErrUncertain, err)
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// as runs fn where row level security lets rows of this user and of the organisation through. The settings end with the
// transaction, so a pooled connection carries nothing over.
func (d *DB) as(ctx context.Context, orgID, userID string, fn func(conn) error) error {
	return d.tx(ctx, func(tx conn) error {
		if d.pg == nil {
			return fn(tx)
		}
		var org, user string
		err := tx.one(ctx, `SELECT set_config('app.org_id', $1, true), set_config('app.user_id', $2, true)`,
			[]any{orgID, userID}, &org, &user)
		if err != nil {
			return err
		}
		return fn(tx)
	})
}

// held runs fn while the claim is sure to stay: its thread's row is locked, so nobody can take it over before fn's writes
// are committed. A claim that is over gives store.ErrFenced.
func (d *DB) held(ctx context.Context, c store.Claim, fn func(conn) error) error {
	return d.tx(ctx, func(tx conn) error {
		if err := tx.holds(ctx, c, `{lock}`); err != nil {
			return err
		}
		return fn(tx)
	})
}

// seen runs a reading fn for a claim that stood when it began. It takes no lock and so writes nothing.
func (d *DB) seen(ctx context.Context, c store.Claim, fn func(conn) error) error {
	return d.tx(ctx, func(tx conn) error {
		if err := tx.holds(ctx, c, ``); err != nil {
			return err
		}
		return fn(tx)
	})
}

func (c conn) holds(ctx context.Context, claim store.Claim, lock string) error {
	ok, err := c.has(ctx, `SELECT 1 FROM threads WHERE key = $1 AND fence = $2 AND runner = $3 AND runner <> '' `+lock,
		claim.Thread, claim.Fence, claim.Runner)
	if err == nil && !ok {
		return store.ErrFenced
	}
	return err
}
