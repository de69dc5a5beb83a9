package sql_test

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"aurora/store"
	"aurora/store/sql"
	"aurora/store/storetest"
)

// engine is one fresh database: what a test gets, and a way around the code under test.
type engine struct {
	name string
	url  string // as serve opens it
	raw  *dbsql.DB
	past string // SQL for a moment ago
}

// onBoth runs one and the same test on PostgreSQL and on SQLite.
func onBoth(t *testing.T, test func(t *testing.T, e *engine)) {
	t.Helper()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, postgresEngine(t))
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, sqliteEngine(t))
	})
}

func postgresEngine(t testing.TB) *engine {
	t.Helper()
	_, serve := storetest.Postgres(t)
	return &engine{name: "postgres", url: serve, raw: openRaw(t, "pgx", storetest.PostgresAdmin(t, serve)), past: `now() - interval '1 second'`}
}

func sqliteEngine(t testing.TB) *engine {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aurora.db")
	return &engine{name: "sqlite", url: path, raw: openRaw(t, "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=synchronous(0)"),
		past: `strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 second')`}
}

func openRaw(t testing.TB, driver, url string) *dbsql.DB {
	t.Helper()
	raw, err := dbsql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	raw.SetMaxOpenConns(2)
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

// open opens the database as one process would.
func (e *engine) open(t testing.TB, runner string) *sql.DB {
	t.Helper()
	return openDB(t, sql.Config{URL: e.url, AuditKey: "key", Runner: runner})
}

func openDB(t testing.TB, cfg sql.Config) *sql.DB {
	t.Helper()
	db, err := sql.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func (e *engine) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := e.raw.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (e *engine) text(t testing.TB, query string, args ...any) string {
	t.Helper()
	var s dbsql.NullString
	if err := e.raw.QueryRowContext(t.Context(), query, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s.String
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}

var (
	ada = store.Person{Platform: store.Slack, Team: "T1", ID: "U1"}
	bob = store.Person{Platform: store.Slack, Team: "T1", ID: "U2"}
)

func event(key, thread string, by store.Person) store.Event {
	return store.Event{Key: key, Kind: store.EventMention, Thread: thread, Person: by, Text: "text of " + key,
		Place:   store.Place{Platform: store.Slack, Team: "T1", Channel: "C1", Thread: "1.2"},
		Payload: []byte(`{"key":"` + key + `"}`)}
}

func receive(t testing.TB, db *sql.DB, events ...store.Event) {
	t.Helper()
	for _, e := range events {
		if fresh, err := db.Receive(t.Context(), e); err != nil || !fresh {
			t.Fatalf("receive %s: fresh %v, error %v", e.Key, fresh, err)
		}
	}
}

func claim(t testing.TB, db *sql.DB, runner string) store.Claim {
	t.Helper()
	c, err := db.Claim(t.Context(), runner)
	must(t, err)
	return c
}

func pending(t testing.TB, db *sql.DB, c store.Claim) []store.Received {
	t.Helper()
	rows, err := db.Pending(t.Context(), c)
	must(t, err)
	return rows
}

// contact makes an organisation and a user for a person.
func contact(t testing.TB, db *sql.DB, p store.Person, role store.Role) (store.Organisation, store.User) {
	t.Helper()
	org, err := db.EnsureOrganisation(t.Context(), p.Platform, p.Team, "Team "+p.Team)
	must(t, err)
	user, _, err := db.EnsureUser(t.Context(), org, p, role)
	must(t, err)
	return org, user
}

// begin receives an event of a user's and begins a turn on it.
func begin(t testing.TB, db *sql.DB, org store.Organisation, user store.User, key, thread string) (store.Claim, store.Turn) {
	t.Helper()
	e := event(key, thread, user.DefaultWith)
	receive(t, db, e)
	c := claim(t, db, "r1")
	if c.Thread != thread {
		t.Fatalf("claimed %s, want %s", c.Thread, thread)
	}
	row := pending(t, db, c)[0]
	turn, err := db.BeginTurn(t.Context(), c, store.Turn{InboxID: row.ID, OrgID: org.ID, UserID: user.ID, Asker: row.Person,
		Place: row.Place, Mode: store.Agent, Text: row.Text})
	must(t, err)
	return c, turn
}

// race runs n functions at once and gives their errors.
func race(n int, do func(i int) error) []error {
	start, done := make(chan struct{}), make(chan struct{})
	errs := make([]error, n)
	for i := range n {
		go func() {
			<-start
			errs[i] = do(i)
			done <- struct{}{}
		}()
	}
	close(start)
	for range n {
		<-done
	}
	return errs
}

func name(i int) string { return fmt.Sprintf("n%03d", i) }

var background = context.Background()
