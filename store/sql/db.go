// Package sql keeps what must outlive a process in PostgreSQL or, embedded, in one SQLite file: identity, connections,
// the inbox, turns, intents, the outbox and the audit. cmd opens it; bot, agent and providers use it through interfaces
// of their own. Every method is one whole transaction. It never holds a credential and never decides who may do what.
package sql

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"aurora/store"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Lease is how long a claim or an open intent lives without being renewed, by the database's clock.
const Lease = 15 * time.Second

const defaultMaxConns = 16

// connLife is after what time a connection is made anew: behind a proxy one may lead to a server that was demoted.
const connLife = 5 * time.Minute

// Config says where the database is and how audit rows are signed.
type Config struct {
	URL      string       // postgres://... or postgresql://...; anything else is the path of a SQLite file
	AuditKey store.Secret // HMAC key of the audit chain; empty: plain SHA-256, which whoever can write the table can forge
	Runner   string       // this process's name, unique for its life: given to intents that carry none
	MaxConns int          // PostgreSQL connections at most; 0 means 16
}

// DB keeps everything of Aurora that must outlive a process, but credentials. It is safe for concurrent use.
type DB struct {
	conn
	pool   *dbsql.DB
	pg     *pgx.ConnConfig // nil on SQLite
	runner string
	wakes  wakes

	arrivals chan *arrival
	closed   <-chan struct{}
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// Open connects to PostgreSQL, whose tables `aurora migrate` has made, or opens a SQLite file, made and migrated when it
// is new. It fails with store.ErrUnavailable when the server cannot be reached.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	d := &DB{runner: cfg.Runner}
	open := d.openSQLite
	if isPostgres(cfg.URL) {
		open = d.openPostgres
	}
	if err := open(ctx, cfg); err != nil {
		return nil, err
	}
	most := d.pool.Stats().MaxOpenConnections
	d.conn = conn{run: d.pool, speech: d.speech, key: cfg.AuditKey, door: make(door, max(1, most-1)), patience: d.patience}
	background, stop := context.WithCancel(context.Background())
	d.stop = stop
	d.wakes.kick = make(chan struct{}, 1)
	d.arrivals, d.closed = make(chan *arrival, mostAtOnce), background.Done()
	d.done.Go(func() { d.commitArrivals(background) })
	if d.pg != nil {
		d.done.Go(func() { d.notify(background) })
	}
	return d, nil
}

// Close ends all work and closes every connection. Events that wait to be committed then are not taken.
func (d *DB) Close() error {
	d.stop()
	d.done.Wait()
	return d.pool.Close()
}

// Ready tells whether the database answers and, on PostgreSQL, takes writes.
func (d *DB) Ready(ctx context.Context) error {
	ask := `SELECT 0`
	if d.pg != nil {
		ask = `SELECT CASE WHEN pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' THEN 1 ELSE 0 END`
	}
	readOnly := 0
	if err := d.one(ctx, ask, nil, &readOnly); err != nil {
		return err
	}
	if readOnly == 1 {
		return errReadOnly
	}
	return nil
}

var errReadOnly = &store.Trouble{Kind: store.TroubleStandby, Advice: "PostgreSQL takes no writes: DATABASE_URL leads to a standby, or to a server that was set to read only, as when its disk is full"}

func (d *DB) openPostgres(ctx context.Context, cfg Config) error {
	pg, err := parsePostgres(cfg.URL)
	if err != nil {
		return err
	}
	conns := cfg.MaxConns
	if conns <= 0 {
		conns = defaultMaxConns
	}
	d.pg, d.speech, d.patience = pg, postgres, statementPatience
	d.pool = stdlib.OpenDB(*pg)
	d.pool.SetMaxOpenConns(conns)
	d.pool.SetMaxIdleConns(conns)
	d.pool.SetConnMaxLifetime(connLife)
	if err := fault(ctx, d.pool.PingContext(ctx)); err != nil {
		return errors.Join(fmt.Errorf("connect to PostgreSQL: %w", err), d.pool.Close())
	}
	return nil
}

func (d *DB) openSQLite(ctx context.Context, cfg Config) error {
	pool, err := openFile(cfg.URL)
	if err != nil {
		return err
	}
	d.speech, d.pool = sqlite, pool
	if _, err := migrate(ctx, pool, sqlite); err != nil {
		return errors.Join(err, pool.Close())
	}
	return nil
}

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// parsePostgres never puts the URL into its error: it holds the password.
func parsePostgres(url string) (*pgx.ConnConfig, error) {
	pg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database URL cannot be read: write it as postgres://role:password@host:5432/database?sslmode=verify-full")
	}
	if pg.ConnectTimeout == 0 {
		pg.ConnectTimeout = 5 * time.Second
	}
	pg.DialFunc = dialer.DialContext
	for name, value := range map[string]string{
		"application_name": "aurora", "timezone": "UTC",
		"statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s",
	} {
		if _, set := pg.RuntimeParams[name]; !set {
			pg.RuntimeParams[name] = value
		}
	}
	return pg, nil
}

// RoleOf gives the role a PostgreSQL URL connects as: what Migrate is told of the URL that serve will use.
func RoleOf(url string) (string, error) {
	pg, err := parsePostgres(url)
	if err != nil {
		return "", err
	}
	return pg.User, nil
}
