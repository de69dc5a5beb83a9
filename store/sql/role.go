package sql

import (
	"context"
	dbsql "database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// rights are all that serve may do, table by table. A row lock needs UPDATE. Audit rows can be added and read, never
// changed; no table can be truncated, altered or dropped.
var rights = [][2]string{
	{"organisations", "SELECT, INSERT, UPDATE"},
	{"users", "SELECT, INSERT, UPDATE"},
	{"persons", "SELECT, INSERT, UPDATE"},
	{"selections", "SELECT, INSERT, UPDATE, DELETE"},
	{"channel_rules", "SELECT, INSERT, UPDATE, DELETE"},
	{"user_tokens", "SELECT, INSERT, UPDATE, DELETE"},
	{"grants", "SELECT, INSERT, UPDATE, DELETE"},
	{"pending_connections", "SELECT, INSERT, DELETE"},
	{"threads", "SELECT, INSERT, UPDATE, DELETE"},
	{"inbox", "SELECT, INSERT, UPDATE, DELETE"},
	{"turns", "SELECT, INSERT, UPDATE, DELETE"},
	{"steps", "SELECT, INSERT, DELETE"},
	{"results", "SELECT, INSERT, DELETE"},
	{"intents", "SELECT, INSERT, UPDATE, DELETE"},
	{"outbox", "SELECT, INSERT, UPDATE, DELETE"},
	{"freezes", "SELECT, INSERT, UPDATE"},
	{"audit", "SELECT, INSERT"},
	{migrationTable, "SELECT"},
}

// grantLock keeps two migrations from granting at once, which PostgreSQL answers with "tuple concurrently updated".
const grantLock = 0x6175726f7201

func grantServe(ctx context.Context, pool *dbsql.DB, serveRole string) error {
	raw, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("grant to serve: %w", fault(ctx, err))
	}
	defer func() { _ = raw.Rollback() }() // does nothing once committed
	tx := conn{run: raw, speech: postgres}
	ok, err := tx.has(ctx, `SELECT 1 FROM pg_roles WHERE rolname = $1`, serveRole)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("role %q of DATABASE_URL does not exist: create it with CREATE ROLE %s LOGIN PASSWORD '...', then migrate again",
			serveRole, pgx.Identifier{serveRole}.Sanitize())
	}
	for _, statement := range grantStatements(serveRole) {
		if _, err := tx.exec(ctx, statement); err != nil {
			return fmt.Errorf("grant to %q: %w", serveRole, err)
		}
	}
	if err := raw.Commit(); err != nil {
		return fmt.Errorf("grant to %q: %w", serveRole, fault(ctx, err))
	}
	return nil
}

func grantStatements(serveRole string) []string {
	role := pgx.Identifier{serveRole}.Sanitize()
	list := []string{fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, grantLock)}
	for _, r := range rights {
		list = append(list,
			fmt.Sprintf(`REVOKE ALL ON %s FROM PUBLIC, %s`, r[0], role),
			fmt.Sprintf(`GRANT %s ON %s TO %s`, r[1], r[0], role))
	}
	return list
}

// CheckRole tells what is wrong with the role this process connects as, or with the tables it finds, each in a sentence
// that says what to do. Serve starts only when there is nothing. On SQLite there never is.
func (d *DB) CheckRole(ctx context.Context) []string {
	if d.pg == nil {
		return nil
	}
	faults, err := d.roleFaults(ctx)
	if err != nil {
		return append(faults, fmt.Sprintf("The database role could not be checked: %v. Look whether the database at DATABASE_URL is up, then start again.", err))
	}
	return faults
}

func (d *DB) roleFaults(ctx context.Context) (faults []string, err error) {
	ok, err := d.has(ctx, `SELECT 1 FROM pg_class WHERE oid = to_regclass($1)`, migrationTable)
	if err != nil {
		return nil, err
	}
	if !ok {
		return []string{"The database has no tables of Aurora yet: run `aurora migrate` with AURORA_MIGRATE_URL set to the owner's role."}, nil
	}
	for _, check := range []func(context.Context) ([]string, error){d.versionFaults, d.powerFaults, d.tableFaults} {
		found, err := check(ctx)
		faults = append(faults, found...)
		if err != nil {
			return faults, err
		}
	}
	return faults, nil
}

func (d *DB) versionFaults(ctx context.Context) ([]string, error) {
	known, err := newest(d.pool, d.speech)
	if err != nil {
		return nil, err
	}
	readable := false
	if err := d.one(ctx, `SELECT has_table_privilege($1::text, 'SELECT')`, []any{migrationTable}, &readable); err != nil {
		return nil, err
	}
	if !readable {
		return []string{fmt.Sprintf("The database role %q was never granted its rights: run `aurora migrate`, which grants them to the role of DATABASE_URL.", d.pg.User)}, nil
	}
	var there int64
	err = d.one(ctx, `SELECT coalesce(max(version_id), 0) FROM `+migrationTable+` WHERE is_applied`, nil, &there)
	if err != nil {
		return nil, err
	}
	switch {
	case there < known:
		return []string{fmt.Sprintf("The database's tables are at version %d, this Aurora needs %d: run `aurora migrate`.", there, known)}, nil
	case there > known:
		return []string{fmt.Sprintf("The database's tables are at version %d, newer than the %d this Aurora knows: start the newer Aurora that migrated them.", there, known)}, nil
	}
	return nil, nil
}

func (d *DB) powerFaults(ctx context.Context) (faults []string, err error) {
	var super, bypass, creates bool
	err = d.one(ctx, `SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user`, nil,
		&super, &bypass, &creates)
	if err != nil {
		return nil, err
	}
	for _, power := range []struct {
		has        bool
		name, lose string
	}{
		{super, "is a superuser", "NOSUPERUSER"},
		{bypass, "may bypass row level security", "NOBYPASSRLS"},
		{creates, "may create roles and so give itself any right", "NOCREATEROLE"},
	} {
		if power.has {
			faults = append(faults, fmt.Sprintf("The database role %q %s: take that away with ALTER ROLE %s %s, or put another role into DATABASE_URL.",
				d.pg.User, power.name, pgx.Identifier{d.pg.User}.Sanitize(), power.lose))
		}
	}
	if super {
		return faults, nil // a superuser fails all further checks for the same reason
	}
	owned, err := d.owned(ctx)
	if err == nil && owned != "" {
		faults = append(faults, fmt.Sprintf("The database role %q owns %s or is a member of the role that does: let another role own them (put that one into AURORA_MIGRATE_URL) and run `aurora migrate`.",
			d.pg.User, owned))
	}
	return faults, err
}

// owned names the first thing of ours that the role owns, itself or by membership.
func (d *DB) owned(ctx context.Context) (what string, err error) {
	err = d.one(ctx, `SELECT coalesce(
		(SELECT 'the table ' || relname FROM pg_class
			WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
			AND pg_has_role(current_user, relowner, 'MEMBER') ORDER BY relname LIMIT 1),
		(SELECT 'the schema ' || nspname FROM pg_namespace
			WHERE nspname = current_schema() AND pg_has_role(current_user, nspowner, 'MEMBER')),
		(SELECT 'the database ' || datname FROM pg_database
			WHERE datname = current_database() AND pg_has_role(current_user, datdba, 'MEMBER')), '')`, nil, &what)
	return what, err
}

func (d *DB) tableFaults(ctx context.Context) (faults []string, err error) {
	for _, verb := range []string{"UPDATE", "DELETE", "TRUNCATE", "TRIGGER"} {
		ok := false
		right := "has_table_privilege"
		if verb == "UPDATE" {
			right = "has_any_column_privilege"
		}
		// A superuser and the owner have every right; powerFaults has said so.
		query := `SELECT ` + right + `('audit', $1::text) AND NOT pg_has_role(current_user, relowner, 'MEMBER')
			FROM pg_class WHERE oid = to_regclass('audit')`
		if err := d.one(ctx, query, []any{verb}, &ok); err != nil {
			return faults, err
		}
		if ok {
			faults = append(faults, fmt.Sprintf("The database role %q has the right %s on the table audit, so the audit could be rewritten: run `aurora migrate`, or REVOKE %s ON audit FROM %s and from every role it is a member of.",
				d.pg.User, verb, verb, pgx.Identifier{d.pg.User}.Sanitize()))
		}
	}
	open, err := all(ctx, d.conn, scanText, `SELECT relname FROM pg_class
		WHERE oid IN (to_regclass('user_tokens'), to_regclass('grants')) AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY relname`)
	for _, name := range open {
		faults = append(faults, fmt.Sprintf("Row level security is switched off for the table %s: have its owner run ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY.", name, name))
	}
	return faults, err
}

func scanText(row scanner) (s string, err error) { return s, row.Scan(&s) }
