package sql_test

import (
	"testing"

	"aurora/store"
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
		if people, err := db.ActivePersons(t.Context()); err != nil || len(people) != 1 || people[0] != bob {
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
