package sql

import (
	dbsql "database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// A dialect is what the two engines say differently. Queries are written once, for both, with the words in braces.
// Times are always the database's own: {now} is the start of the transaction, {clock} this very moment.
type dialect struct {
	name  string
	words *strings.Replacer
	param func(time.Time) any
}

const sqliteTime = "2006-01-02 15:04:05.000"

var postgres = &dialect{
	name: "postgres",
	words: strings.NewReplacer(
		"{now}", "now()",
		"{clock}", "clock_timestamp()",
		"{lease}", "now() + interval '15 seconds'",
		"{hour ago}", "now() - interval '1 hour'",
		"{day ago}", "now() - interval '1 day'",
		"{week ago}", "now() - interval '7 days'",
		"{after $3}", "now() + $3::float8 * interval '1 second'",
		"{least}", "least",
		"{used connection}", "coalesce(detail::json->>'connection', '')",
		"{lock}", "FOR UPDATE",
		"{share}", "FOR SHARE",
		"{skip}", "FOR UPDATE SKIP LOCKED",
	),
	param: func(t time.Time) any { return t },
}

// SQLite needs no row locks: a transaction that writes is the only one (BEGIN IMMEDIATE).
var sqlite = &dialect{
	name: "sqlite",
	words: strings.NewReplacer(
		"{now}", sqliteNow(""),
		"{clock}", sqliteNow(""),
		"{lease}", sqliteNow(", '+15 seconds'"),
		"{hour ago}", sqliteNow(", '-1 hour'"),
		"{day ago}", sqliteNow(", '-1 day'"),
		"{week ago}", sqliteNow(", '-7 days'"),
		"{after $3}", sqliteNow(", $3 || ' seconds'"),
		"{least}", "min",
		"{used connection}", "coalesce(json_extract(detail, '$.connection'), '')",
		"{lock}", "",
		"{share}", "",
		"{skip}", "",
	),
	param: func(t time.Time) any { return t.UTC().Format(sqliteTime) },
}

func sqliteNow(modifier string) string {
	return "strftime('%Y-%m-%d %H:%M:%f', 'now'" + modifier + ")"
}

// openFile opens a SQLite file that only its owner may read. One connection: the engine has one writer anyway, and every
// transaction takes the write lock at its start, so none fails half-way for another.
func openFile(path string) (*dbsql.DB, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find database file: %w", err)
	}
	file, err := os.OpenFile(full, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open database file: %w", err)
	}
	// One that was there before may have been readable for all.
	if err := errors.Join(file.Chmod(0o600), file.Close()); err != nil {
		return nil, fmt.Errorf("open database file: %w", err)
	}
	options := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)"},
	}
	name := (&url.URL{Scheme: "file", Path: full, RawQuery: options.Encode()}).String()
	pool, err := dbsql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("open database file: %w", err)
	}
	pool.SetMaxOpenConns(1)
	return pool, nil
}
