package sql_test

import (
	"errors"
	"slices"
	"testing"

	"aurora/store"
	"aurora/store/sql"
)

func TestWhoLeftHasNoRightsAndReturnsWithoutAny(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Approver)
		_, other := contact(t, db, bob, store.Operator)
		shared := connect(t, db, org.ID, "", "2")
		for _, id := range []string{user.ID, other.ID} {
			must(t, db.Grant(t.Context(), org.ID, store.Grant{ConnectionID: shared.ID, UserID: id, MaxEffect: "write"}, bob))
			must(t, db.SetSelection(t.Context(), id, store.Selection{Cloud: store.AWS, Project: "2"}))
		}
		begin(t, db, org, user, "k1", "th1")
		if open, err := db.OpenTurns(t.Context(), org.ID, user.ID); err != nil || len(open) != 1 {
			t.Fatalf("%v, %v", open, err)
		}
		for range 2 {
			must(t, db.Depart(t.Context(), org.ID, user.ID, store.Person{}))
		}
		gone, err := db.UserByID(t.Context(), org.ID, user.ID)
		must(t, err)
		grants, err := db.Grants(t.Context(), org.ID, shared.ID)
		must(t, err)
		chosen, err := db.Selections(t.Context(), user.ID)
		must(t, err)
		if gone.Active || gone.Role != store.Viewer || len(grants) != 1 || grants[0].UserID != other.ID || len(chosen) != 0 {
			t.Errorf("%+v, %v, %v", gone, grants, chosen)
		}
		if n := e.text(t, `SELECT count(*) FROM audit WHERE kind = 'role' AND subject = $1`, user.ID); n != "1" {
			t.Errorf("%s rows in the audit", n)
		}
		if people, err := db.ActivePersons(t.Context()); err != nil || !slices.Contains(people, bob) || slices.Contains(people, ada) {
			t.Errorf("%v, %v", people, err)
		}
		for _, early := range []bool{true, false} {
			back, err := db.Return(t.Context(), org.ID, user.ID, store.Viewer, ada)
			if must(t, err); back == early {
				t.Errorf("returned %v, early %v", back, early)
			}
			e.exec(t, `UPDATE users SET left_at = $1 WHERE left_at IS NOT NULL`, "2026-01-01 00:00:00.000")
		}
		if back, err := db.Return(t.Context(), org.ID, other.ID, store.Admin, ada); err != nil || back {
			t.Errorf("who never left returned: %v, %v", back, err)
		}
	})
}

func TestNothingIsKeptForWhoLeft(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Admin)
		_, viewer := contact(t, db, bob, store.Viewer)
		must(t, db.Depart(t.Context(), org.ID, user.ID, store.Person{}))
		for what, row := range map[string]struct {
			user string
			by   store.Person
		}{"who left": {user.ID, ada}, "who left, by somebody else": {user.ID, bob}, "everyone, by who left": {"", ada},
			"everyone, by who is no admin": {"", bob}, "everyone, by nobody": {"", store.Person{}}, "nobody known": {"usr_nobody", bob}} {
			_, err := db.Connect(t.Context(), link(org.ID, row.user), row.by)
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("for %s: %v", what, err)
			}
		}
		waits := store.PendingConnection{ID: db.NewPendingID(), Person: ada, Connection: link(org.ID, user.ID)}
		want(t, db.AddPending(t.Context(), waits), store.ErrNotFound)
		_, err := db.Connect(t.Context(), link(org.ID, viewer.ID), bob)
		must(t, err)
		if n := e.text(t, `SELECT (SELECT count(*) FROM user_tokens) + (SELECT count(*) FROM pending_connections)`); n != "1" {
			t.Errorf("%s are kept", n)
		}
	})
}

func link(orgID, userID string) store.Connection {
	return store.Connection{OrgID: orgID, UserID: userID, Cloud: store.AWS, Account: "1", Token: "vault:kv/data/x"}
}

func TestNothingIsKeptOnceTheDepartureIsNoted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Viewer)
		var found []store.Connection // what is there when the departure has returned
		begun := make(chan struct{})
		for _, err := range race(2, func(i int) (err error) {
			if i == 0 {
				<-begun
				err = db.Depart(t.Context(), org.ID, user.ID, store.Person{})
				if err == nil {
					found, err = db.Connections(t.Context(), org.ID, user.ID)
				}
				return err
			}
			return connectUntilRefused(t, db, link(org.ID, user.ID), begun)
		}) {
			must(t, err)
		}
		left, err := db.Connections(t.Context(), org.ID, user.ID)
		if must(t, err); len(left) != len(found) || len(left) == 0 {
			t.Errorf("%d connections stay, of which %d were there when the user had left", len(left), len(found))
		}
	})
}

// connectUntilRefused connects one account after the other, and says when the first one stands.
func connectUntilRefused(t *testing.T, db *sql.DB, c store.Connection, begun chan<- struct{}) error {
	for n := 0; ; n++ {
		c.Account = name(n)
		_, err := db.Connect(t.Context(), c, ada)
		if n == 0 {
			close(begun)
		}
		if err != nil {
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			return err
		}
	}
}
