package sql_test

import (
	"testing"
	"time"

	"aurora/store"
)

func TestRecentTurnsAreTheUsersOwnNewestFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, other := contact(t, db, bob, store.Operator)
		_, first := begin(t, db, org, user, "k1", "one")
		_, theirs := begin(t, db, org, other, "k2", "two")
		_, latest := begin(t, db, org, user, "k3", "three")
		e.exec(t, `UPDATE turns SET id = 'cont_' || id WHERE id = '`+theirs.ID+`'`)
		for _, id := range []string{first.ID, latest.ID} {
			_, err := db.BeginIntent(t.Context(), intentOf(store.Turn{ID: id, OrgID: org.ID, UserID: user.ID}, "int_"+id, "a", "read"))
			must(t, err)
		}
		got, err := db.RecentTurns(t.Context(), org.ID, user.ID, 10)
		must(t, err)
		if len(got) != 2 || got[0].ID != latest.ID || got[1].ID != first.ID {
			t.Errorf("recent turns %+v", got)
		}
		if got, err = db.RecentTurns(t.Context(), org.ID, user.ID, 1); err != nil || len(got) != 1 || got[0].ID != latest.ID {
			t.Errorf("the newest is %+v, %v", got, err)
		}
		if got, err = db.RecentTurns(t.Context(), org.ID, other.ID, 10); err != nil || len(got) != 0 {
			t.Errorf("what went on by itself is listed: %+v, %v", got, err)
		}
		used, err := db.LastUsed(t.Context(), org.ID, user.ID)
		must(t, err)
		for id, at := range used {
			if time.Since(at).Abs() > time.Hour || id == "" {
				t.Errorf("%s was last used at %s", id, at)
			}
		}
		if len(used) != 1 {
			t.Errorf("used %v, want one connection", used)
		}
		if used, err = db.LastUsed(t.Context(), org.ID, other.ID); err != nil || len(used) != 0 {
			t.Errorf("somebody else used %v, %v", used, err)
		}
	})
}
