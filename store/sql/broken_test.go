package sql_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aurora/store"
)

func TestAConnectionBreaksOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Admin)
		_, other := contact(t, db, bob, store.Admin)
		own, shared := connect(t, db, org.ID, user.ID, "1"), connect(t, db, org.ID, "", "2")
		breaks := func(c store.Connection, news string) {
			t.Helper()
			must(t, db.BreakConnection(t.Context(), c))
			if n := e.text(t, `SELECT count(*) FROM inbox WHERE kind = 'broken'`); n != news {
				t.Errorf("there are %s news, want %s", n, news)
			}
		}
		stolen := own
		stolen.UserID = other.ID
		breaks(stolen, "0")
		breaks(own, "1")
		breaks(own, "1")
		breaks(shared, "2")
		again := connect(t, db, org.ID, user.ID, "1")
		breaks(own, "2") // it was connected again since
		kept, err := db.Connection(t.Context(), org.ID, user.ID, own.ID)
		must(t, err)
		if kept.Status != store.ConnectionActive {
			t.Error("what was connected again is broken by the news of the old one")
		}
		breaks(again, "3")
	})
}

func TestTheNewsOfABrokenConnectionLeadsToWhoeverCanMendIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Admin)
		contact(t, db, bob, store.Viewer)
		own, shared := connect(t, db, org.ID, user.ID, "1"), connect(t, db, org.ID, "", "2")
		for _, c := range []store.Connection{own, shared} {
			must(t, db.BreakConnection(t.Context(), c))
			claim, err := db.Claim(t.Context(), "r1")
			must(t, err)
			rows, err := db.Pending(t.Context(), claim)
			must(t, err)
			if len(rows) != 1 || rows[0].Kind != store.EventBroken {
				t.Fatalf("there is %v", rows)
			}
			var news store.BrokenNews
			must(t, json.Unmarshal(rows[0].Payload, &news))
			found, err := db.BrokenConnection(t.Context(), news)
			must(t, err)
			c.Status = store.ConnectionBroken
			if diff := cmp.Diff(c, found); diff != "" {
				t.Error(diff)
			}
			news.Generation++
			_, err = db.BrokenConnection(t.Context(), news)
			want(t, err, store.ErrNotFound)
			must(t, db.Settle(t.Context(), claim, rows[0].ID, nil))
			must(t, db.Release(t.Context(), claim))
		}
		people, err := db.PersonsOf(t.Context(), org.ID, user.ID)
		must(t, err)
		admins, err := db.Admins(t.Context(), org.ID)
		must(t, err)
		if diff := cmp.Diff([][]store.Person{{ada}, {ada}}, [][]store.Person{people, admins}); diff != "" {
			t.Error(diff)
		}
	})
}
