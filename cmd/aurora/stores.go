package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"aurora/store"
	"aurora/store/redis"
	"aurora/store/sealed"
	"aurora/store/sql"
	"aurora/store/vault"
)

// keeper keeps credentials: Vault, or the sealed file.
type keeper interface {
	Get(ctx context.Context, path string) (store.Credential, int64, error)
	Put(ctx context.Context, path string, c store.Credential, cas int64) (int64, error)
	Delete(ctx context.Context, path string) error
	Ready(ctx context.Context) error
	Close() error
}

var (
	_ keeper = (*vault.Keeper)(nil)
	_ keeper = (*sealed.Keeper)(nil)
)

// stores is everything this process keeps things in.
type stores struct {
	runner string // this process's name among the replicas
	sql    *sql.DB
	redis  *redis.DB
	keeper keeper
}

// openStores opens what the configuration names; what cannot be opened is told all at once.
func openStores(ctx context.Context, c config) (*stores, error) {
	s := &stores{runner: runnerName()}
	var err error
	if c.embedded() {
		err = s.openEmbedded(ctx, c)
	} else {
		err = errors.Join(s.openSQL(ctx, c), s.openRedis(ctx, c), s.openVault(ctx, c))
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// runnerName is unique for the life of a process: two starts of one replica are two runners.
func runnerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "aurora"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:8])
}

// unopenedError says which setting leads to a store that cannot be used, and what to do.
type unopenedError struct {
	setting, what string
	err           error
}

func unopened(setting, what string, err error) error { return &unopenedError{setting, what, err} }

// Error is one line; drivers write several.
func (e *unopenedError) Error() string {
	if _, ok := errors.AsType[*store.Trouble](e.err); ok || !errors.Is(e.err, store.ErrUnavailable) {
		return fmt.Sprintf("%s: %s", e.setting, e.err)
	}
	return fmt.Sprintf("%s: %s cannot be used now: see that it runs and that the address is right, then try again (%s)", e.setting, e.what, cause(e.err))
}

func (e *unopenedError) Unwrap() error { return e.err }

// cause is the shortest true account of a lost connection, on one line.
func cause(err error) string {
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network.Error()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

func (s *stores) openEmbedded(ctx context.Context, c config) error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("make AURORA_DATA_DIR: %w; set it to a directory that may be written", err)
	}
	k, err := sealed.Open(sealed.Config{Dir: c.DataDir}) // takes the lock on the directory
	if err != nil {
		return err
	}
	s.keeper = k
	path := filepath.Join(c.DataDir, "aurora.db")
	if _, err := sql.Migrate(ctx, path, ""); err != nil {
		return fmt.Errorf("prepare the embedded database: %w", err)
	}
	if s.sql, err = sql.Open(ctx, sql.Config{URL: path, AuditKey: c.AuditKey, Runner: s.runner}); err != nil {
		return fmt.Errorf("open the embedded database: %w", err)
	}
	if err := s.sql.Inherit(ctx); err != nil { // the lock on the directory says that nobody else is alive
		return fmt.Errorf("take over the embedded database: %w", err)
	}
	if s.redis, err = redis.Embedded(); err != nil {
		return fmt.Errorf("start the embedded short-term memory: %w", err)
	}
	return nil
}

func (s *stores) openSQL(ctx context.Context, c config) error {
	db, err := sql.Open(ctx, sql.Config{URL: c.DatabaseURL.Reveal(), AuditKey: c.AuditKey, Runner: s.runner})
	if err != nil {
		return unopened("DATABASE_URL", "PostgreSQL", err)
	}
	s.sql = db
	var wrong []error
	for _, fault := range db.CheckRole(ctx) {
		wrong = append(wrong, errors.New("DATABASE_URL: "+fault))
	}
	return errors.Join(wrong...)
}

func (s *stores) openRedis(ctx context.Context, c config) error {
	db, err := redis.Open(ctx, c.RedisURL.Reveal())
	if err != nil {
		return unopened("REDIS_URL", "Redis", err)
	}
	s.redis = db
	return nil
}

func (s *stores) openVault(ctx context.Context, c config) error {
	k, err := vault.Open(ctx, vault.Config{Addr: c.VaultAddr, Token: c.VaultToken, RoleID: c.VaultRole, SecretID: c.VaultSecret})
	if err != nil {
		return unopened("VAULT_ADDR", "Vault", err)
	}
	s.keeper = k
	return nil
}

func (s *stores) close() {
	if s.sql != nil {
		_ = s.sql.Close()
	}
	if s.redis != nil {
		_ = s.redis.Close()
	}
	if s.keeper != nil {
		_ = s.keeper.Close()
	}
}
