package sql

import (
	"context"
	dbsql "database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

const migrationTable = "aurora_migrations"

// Migrate brings the database at ownerURL up to this binary's tables and gives the names of the steps it took. On
// PostgreSQL ownerURL must be the role that owns (or shall own) the tables; serveRole, the role that serve connects as,
// is then granted what serve needs and nothing else. Several may run at once: they take turns. On SQLite serveRole is
// ignored.
func Migrate(ctx context.Context, ownerURL, serveRole string) (applied []string, err error) {
	if !isPostgres(ownerURL) {
		pool, err := openFile(ownerURL)
		if err != nil {
			return nil, err
		}
		applied, err = migrate(ctx, pool, sqlite)
		return applied, errors.Join(err, pool.Close())
	}
	pg, err := parsePostgres(ownerURL)
	if err != nil {
		return nil, err
	}
	if serveRole == "" || serveRole == pg.User {
		return nil, fmt.Errorf("the role of DATABASE_URL must be another one than the owner %q: create one with CREATE ROLE aurora_serve LOGIN PASSWORD '...' and put it into DATABASE_URL", pg.User)
	}
	// A migration may take longer than serve would ever wait.
	delete(pg.RuntimeParams, "statement_timeout")
	delete(pg.RuntimeParams, "lock_timeout")
	pool := stdlib.OpenDB(*pg)
	defer func() { err = errors.Join(err, pool.Close()) }()
	if applied, err = migrate(ctx, pool, postgres); err != nil {
		return applied, err
	}
	return applied, grantServe(ctx, pool, serveRole)
}

func migrate(ctx context.Context, pool *dbsql.DB, speech *dialect) (applied []string, err error) {
	provider, err := newProvider(pool, speech)
	if err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		applied = append(applied, r.Source.Path)
	}
	if err != nil {
		return applied, fmt.Errorf("migrate database: %w", fault(ctx, err))
	}
	return applied, nil
}

func newProvider(pool *dbsql.DB, speech *dialect) (*goose.Provider, error) {
	steps, err := fs.Sub(migrations, "migrations/"+speech.name)
	if err != nil {
		return nil, fmt.Errorf("find migrations: %w", err)
	}
	options := []goose.ProviderOption{goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true)}
	kind := goose.DialectSQLite3
	if speech == postgres {
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
		if err != nil {
			return nil, fmt.Errorf("prepare migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(kind, pool, steps, options...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return provider, nil
}

// newest is the version of the last migration this binary knows.
func newest(pool *dbsql.DB, speech *dialect) (int64, error) {
	provider, err := newProvider(pool, speech)
	if err != nil {
		return 0, err
	}
	sources := provider.ListSources()
	return sources[len(sources)-1].Version, nil
}
