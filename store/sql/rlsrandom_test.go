package sql_test

import (
	"context"
	dbsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"aurora/store"
	"aurora/store/sql"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	randomQueries = 100_000
	perTurn       = 12 // queries of one user before the pooled connection goes to another
)

// tenant is one user with what row level security may let him see.
type tenant struct {
	org, user string
	rows      map[string]bool // connections: his own and the organisation's
	grants    int
}

// landlord is a database full of tenants, asked below the code that asks with WHERE.
type landlord struct {
	db      *sql.DB
	serve   *dbsql.DB
	tenants []tenant
	ids     []string // of every connection of everybody
	asked   atomic.Int64
	errors  atomic.Int64
	cut     atomic.Int64
}

// TestAHundredThousandRandomQueriesSeeNoForeignRow asks as random users, over a few pooled connections, for everything, for
// others' rows by id, with joins and counts, and tries to change and make them; queries fail and are cancelled in between.
func TestAHundredThousandRandomQueriesSeeNoForeignRow(t *testing.T) {
	t.Parallel()
	l := newLandlord(t)
	for _, err := range race(6, func(int) error {
		for l.asked.Load() < randomQueries {
			if err := l.turn(t.Context()); err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
	}
	l.unchanged(t)
	t.Logf("%d queries, of which %d failed and %d were cut off", l.asked.Load(), l.errors.Load(), l.cut.Load())
	if l.errors.Load() < 500 || l.cut.Load() < 100 {
		t.Error("too few went wrong to show that a pooled connection survives it")
	}
}

func newLandlord(t *testing.T) *landlord {
	t.Helper()
	e := postgresEngine(t)
	l := &landlord{db: openDB(t, sql.Config{URL: e.url, MaxConns: 3}), serve: openRaw(t, "pgx", e.url)}
	l.serve.SetMaxOpenConns(3)
	for team := range 4 {
		var shared []string
		for n := range 12 { // the same ids in every workspace
			p := store.Person{Platform: store.Slack, Team: fmt.Sprint("T", team), ID: fmt.Sprint("U", n)}
			org, user := contact(t, l.db, p, store.Viewer)
			if n == 0 {
				for i := range 3 {
					c := connect(t, l.db, org.ID, "", name(i))
					shared = append(shared, c.ID)
					for _, g := range []store.Grant{{Role: store.Viewer}, {Channel: "C1"}, {UserID: user.ID}}[:i+1] {
						g.ConnectionID, g.MaxEffect = c.ID, "read"
						must(t, l.db.Grant(t.Context(), org.ID, g, p))
					}
				}
			}
			own := tenant{org: org.ID, user: user.ID, rows: map[string]bool{}, grants: 6}
			for _, id := range shared {
				own.rows[id] = true
			}
			for i := range rand.IntN(4) {
				own.rows[connect(t, l.db, org.ID, user.ID, name(10+i)).ID] = true
			}
			l.tenants = append(l.tenants, own)
			for id := range own.rows {
				if !slices.Contains(l.ids, id) {
					l.ids = append(l.ids, id)
				}
			}
		}
	}
	return l
}

func (l *landlord) someone() tenant { return l.tenants[rand.IntN(len(l.tenants))] }

// foreign is the id of a connection that a tenant must never see.
func (l *landlord) foreign(me tenant) string {
	for {
		if id := l.ids[rand.IntN(len(l.ids))]; !me.rows[id] {
			return id
		}
	}
}

// turn is one user's transaction on a pooled connection; one in ten says not who it is, one in twenty is cut off.
func (l *landlord) turn(ctx context.Context) error {
	me, nobody := l.someone(), rand.IntN(10) == 0
	if rand.IntN(25) == 0 {
		return l.throughTheCode(ctx, me)
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	tx, err := l.serve.BeginTx(limited, nil)
	if errors.Is(err, driver.ErrBadConn) { // those in the pool were cut off a moment ago; nothing was asked
		return nil
	}
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if nobody {
		me = tenant{org: me.org, user: me.user}
	} else if _, err := tx.ExecContext(ctx, `SELECT set_config('app.org_id', $1, true), set_config('app.user_id', $2, true)`, me.org, me.user); err != nil {
		return fmt.Errorf("say who it is: %w", err)
	}
	for range perTurn {
		l.asked.Add(1)
		if !nobody && rand.IntN(300) == 0 {
			l.cut.Add(1)
			cancel() // somewhere in the next query, or before it
			_, _ = tx.ExecContext(limited, `SELECT pg_sleep(0.01) FROM user_tokens`)
			return nil
		}
		over, err := l.ask(ctx, tx, me)
		if err != nil || over {
			return err
		}
	}
	if rand.IntN(2) == 0 {
		return tx.Commit()
	}
	return nil
}

// ask is one query; over says that it failed, as was wanted, and took the transaction with it.
func (l *landlord) ask(ctx context.Context, tx *dbsql.Tx, me tenant) (over bool, err error) {
	other := l.foreign(me)
	switch rand.IntN(12) {
	case 0:
		return false, l.sees(ctx, tx, me, true, `SELECT id FROM user_tokens`)
	case 1:
		return false, l.sees(ctx, tx, me, true, `SELECT id FROM user_tokens WHERE org_id = $1 OR user_id = $2 OR true`, l.someone().org, l.someone().user)
	case 2:
		return false, l.sees(ctx, tx, me, false, `SELECT id FROM user_tokens WHERE id = $1`, other)
	case 3:
		return false, l.sees(ctx, tx, me, false, `SELECT id FROM user_tokens WHERE org_id = $1 AND user_id = $2`, l.someone().org, l.someone().user)
	case 4:
		return false, l.sees(ctx, tx, me, false, `SELECT connection_id FROM grants`)
	case 5:
		return false, l.sees(ctx, tx, me, false, `SELECT t.id FROM users u JOIN user_tokens t ON t.org_id = u.org_id LEFT JOIN grants g ON g.connection_id = t.id`)
	case 6:
		return false, l.counts(ctx, tx, me.grants, `SELECT count(*) FROM grants`)
	case 7:
		return false, l.counts(ctx, tx, len(me.rows), `SELECT count(*) FROM user_tokens`)
	case 8:
		return false, l.touches(ctx, tx, `UPDATE user_tokens SET label = 'stolen' WHERE id = $1`, other)
	case 9:
		return false, l.touches(ctx, tx, `DELETE FROM user_tokens WHERE id = $1`, other)
	case 10:
		return l.fails(ctx, tx, "22012", `SELECT 1 / (count(*) * 0) FROM user_tokens`)
	}
	him := l.someone()
	if him.user == me.user && me.rows != nil {
		return false, nil
	}
	return l.fails(ctx, tx, "42501", `INSERT INTO user_tokens (id, org_id, user_id, owner, cloud, account, token, status)
		VALUES ('con_x' || random(), $1, $2, 'user', 'aws', 'x' || random(), 'vault:x', 'active')`, him.org, him.user)
}

func (l *landlord) sees(ctx context.Context, tx *dbsql.Tx, me tenant, whole bool, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer func() { _ = rows.Close() }()
	n := 0
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		if n++; !me.rows[id] {
			return fmt.Errorf("%s saw %s as %s of %s", query, id, me.user, me.org)
		}
	}
	if whole && n != len(me.rows) {
		return fmt.Errorf("%s saw %d rows of %d", query, n, len(me.rows))
	}
	return rows.Err()
}

func (l *landlord) counts(ctx context.Context, tx *dbsql.Tx, want int, query string) error {
	var n int
	if err := tx.QueryRowContext(ctx, query).Scan(&n); err != nil || n != want {
		return fmt.Errorf("%s counted %d, want %d: %w", query, n, want, errors.Join(err, errors.New("row level security")))
	}
	return nil
}

func (l *landlord) touches(ctx context.Context, tx *dbsql.Tx, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 0 {
		return fmt.Errorf("%s changed %d rows of another: %w", query, n, errors.Join(err, errors.New("row level security")))
	}
	return nil
}

func (l *landlord) fails(ctx context.Context, tx *dbsql.Tx, code, query string, args ...any) (over bool, err error) {
	l.errors.Add(1)
	_, err = tx.ExecContext(ctx, query, args...)
	if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != code {
		return true, fmt.Errorf("%s: %w, want SQLSTATE %s", strings.Fields(query)[0], err, code)
	}
	return true, nil
}

// throughTheCode asks as Aurora itself does, on its own pool.
func (l *landlord) throughTheCode(ctx context.Context, me tenant) error {
	l.asked.Add(2)
	list, err := l.db.Connections(ctx, me.org, me.user)
	if err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	for _, c := range list {
		if !me.rows[c.ID] {
			return fmt.Errorf("%s saw %s", me.user, c.ID)
		}
	}
	if _, err := l.db.Connection(ctx, me.org, me.user, l.foreign(me)); !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("another's connection by id: %w", errors.Join(err, errors.New("row level security")))
	}
	return nil
}

// unchanged makes sure that all rows are still there and nobody's was written.
func (l *landlord) unchanged(t *testing.T) {
	t.Helper()
	for _, me := range l.tenants {
		list, err := l.db.Connections(t.Context(), me.org, me.user)
		must(t, err)
		for _, c := range list {
			if c.Label == "stolen" {
				t.Errorf("%s was changed", c.ID)
			}
		}
	}
}
