package sql_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"aurora/store"
	"aurora/store/sql"

	"github.com/jackc/pgx/v5/pgconn"
)

// Row level security is tested below the code that asks with WHERE: as serve's role, with queries that ask for everything.

func TestWithoutAUserThereAreNoRows(t *testing.T) {
	t.Parallel()
	e := postgresEngine(t)
	db := e.open(t, "r1")
	org, user := contact(t, db, ada, store.Viewer)
	connect(t, db, org.ID, user.ID, "1")
	shared := connect(t, db, org.ID, "", "2")
	must(t, db.Grant(t.Context(), org.ID, store.Grant{ConnectionID: shared.ID, MaxEffect: "read"}, ada))
	serve := openRaw(t, "pgx", e.url)
	serve.SetMaxOpenConns(1) // one pooled connection, used again and again
	count := func(settings ...string) (tokens, grants int) {
		t.Helper()
		tx, err := serve.BeginTx(t.Context(), nil)
		must(t, err)
		defer func() { _ = tx.Rollback() }()
		for i := 0; i < len(settings); i += 2 {
			_, err := tx.ExecContext(t.Context(), `SELECT set_config($1, $2, true)`, settings[i], settings[i+1])
			must(t, err)
		}
		must(t, tx.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM user_tokens), (SELECT count(*) FROM grants)`).Scan(&tokens, &grants))
		must(t, tx.Commit())
		return tokens, grants
	}
	for _, row := range []struct {
		what           string
		settings       []string
		tokens, grants int
	}{
		{"no settings at all", nil, 0, 0},
		{"organisation and user", []string{"app.org_id", org.ID, "app.user_id", user.ID}, 2, 1},
		{"no settings on a used connection", nil, 0, 0},
		{"organisation alone", []string{"app.org_id", org.ID}, 0, 0},
		{"user alone", []string{"app.user_id", user.ID}, 0, 0},
		{"another user", []string{"app.org_id", org.ID, "app.user_id", "usr_other"}, 1, 1},
		{"another organisation", []string{"app.org_id", "org_other", "app.user_id", user.ID}, 0, 0},
		{"empty settings", []string{"app.org_id", "", "app.user_id", ""}, 0, 0},
	} {
		if tokens, grants := count(row.settings...); tokens != row.tokens || grants != row.grants {
			t.Errorf("%s: %d connections and %d grants, want %d and %d", row.what, tokens, grants, row.tokens, row.grants)
		}
	}
}

func TestForeignRowsCannotBeWritten(t *testing.T) {
	t.Parallel()
	e := postgresEngine(t)
	db := e.open(t, "r1")
	org, user := contact(t, db, ada, store.Viewer)
	_, other := contact(t, db, bob, store.Viewer)
	foreign, _ := contact(t, db, store.Person{Platform: store.Slack, Team: "T2", ID: "U1"}, store.Viewer)
	own := connect(t, db, org.ID, user.ID, "1")
	serve := openRaw(t, "pgx", e.url)
	try := func(query string, args ...any) error {
		tx, err := serve.BeginTx(t.Context(), nil)
		must(t, err)
		defer func() { _ = tx.Rollback() }()
		_, err = tx.ExecContext(t.Context(), `SELECT set_config('app.org_id', $1, true), set_config('app.user_id', $2, true)`, org.ID, user.ID)
		must(t, err)
		_, err = tx.ExecContext(t.Context(), query, args...)
		return err
	}
	insert := `INSERT INTO user_tokens (id, org_id, user_id, owner, cloud, account, token, status) VALUES ($1, $2, $3, 'user', 'aws', $1, 'vault:x', 'active')`
	must(t, try(insert, "con_1", org.ID, user.ID))
	for what, err := range map[string]error{
		"insert for another user":         try(insert, "con_2", org.ID, other.ID),
		"insert for another organisation": try(insert, "con_3", foreign.ID, user.ID),
		"give away":                       try(`UPDATE user_tokens SET user_id = $1 WHERE id = $2`, other.ID, own.ID),
		"grant in another organisation":   try(`INSERT INTO grants (org_id, connection_id, max_effect) VALUES ($1, $2, 'read')`, foreign.ID, own.ID),
	} {
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != "42501" {
			t.Errorf("%s: %v, want SQLSTATE 42501", what, err)
		}
	}
}

// Any mix of users over a few pooled connections: each sees his own rows and no other's.
func TestPooledConnectionsNeverMixUsers(t *testing.T) {
	t.Parallel()
	e := postgresEngine(t)
	db := openDB(t, sql.Config{URL: e.url, MaxConns: 3})
	type account struct {
		org, user string
		own       map[string]bool
	}
	var accounts []account
	for _, team := range []string{"T1", "T2", "T3"} {
		for _, id := range []string{"U1", "U2", "U3", "U4"} { // the same ids in every workspace
			org, user := contact(t, db, store.Person{Platform: store.Slack, Team: team, ID: id}, store.Viewer)
			a := account{org.ID, user.ID, map[string]bool{}}
			for range rand.IntN(3) {
				a.own[connect(t, db, org.ID, user.ID, name(len(a.own))).ID] = true
			}
			accounts = append(accounts, a)
		}
	}
	for _, err := range race(8, func(int) error {
		for range 150 {
			me, other := accounts[rand.IntN(len(accounts))], accounts[rand.IntN(len(accounts))]
			list, err := db.Connections(t.Context(), me.org, me.user)
			if err != nil {
				return err
			}
			for _, c := range list {
				if !me.own[c.ID] || c.OrgID != me.org {
					return errors.New("saw a connection of another user: " + c.ID)
				}
			}
			if len(list) != len(me.own) {
				return errors.New("did not see all of his own")
			}
			for id := range other.own {
				if _, err := db.Connection(t.Context(), me.org, me.user, id); (err == nil) != me.own[id] {
					return errors.New("another user's connection by id: " + id)
				}
			}
			if rand.IntN(10) == 0 { // a query cut off in its transaction must leave nothing behind either
				cut, cancel := context.WithCancel(t.Context())
				cancel()
				_, _ = db.Connections(cut, other.org, other.user)
			}
		}
		return nil
	}) {
		must(t, err)
	}
}
