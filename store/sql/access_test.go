package sql_test

import (
	"errors"
	"testing"
	"time"

	"aurora/store"
)

func TestAccessListsOwnAndGrantedConnections(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, other := contact(t, db, bob, store.Viewer)
		own := connect(t, db, org.ID, user.ID, "111111111111")
		shared := connect(t, db, org.ID, "", "222222222222")
		must(t, db.Grant(t.Context(), org.ID, store.Grant{ConnectionID: shared.ID, Role: store.Operator, Channel: "C1", MaxEffect: "write"}, ada))
		must(t, db.Grant(t.Context(), org.ID, store.Grant{ConnectionID: shared.ID, UserID: other.ID, MaxEffect: "delete"}, ada))
		_, turn := begin(t, db, org, user, "k1", "thread")
		intent := intentOf(turn, "int_1", "a", "read")
		intent.ConnectionID = own.ID
		_, err := db.BeginIntent(t.Context(), intent)
		must(t, err)
		list, err := db.Access(t.Context())
		must(t, err)
		type line struct{ who, account, effect, channel string }
		got := map[line]bool{}
		for _, a := range list {
			l := line{a.Persons[0].ID, a.Connection.Account, a.Effect(), ""}
			if a.Grant != nil {
				l.channel = a.Grant.Channel
			}
			got[l] = true
			if used := !a.LastUse.IsZero(); used != (a.Connection.ID == own.ID) {
				t.Errorf("%v was used: %v", l, used)
			}
		}
		for _, want := range []line{{ada.ID, "111111111111", "delete", ""}, {ada.ID, "222222222222", "write", "C1"}, {bob.ID, "222222222222", "read", ""}} {
			if !got[want] {
				t.Errorf("%v is missing in %v", want, got)
			}
		}
		if len(list) != 3 {
			t.Errorf("%d lines", len(list))
		}
	})
}

func TestAConnectionWaitsUntilOneWordEndsIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Admin)
		p := store.PendingConnection{ID: db.NewPendingID(), Person: ada, Place: store.Place{Platform: store.Slack, Channel: "C1"},
			Connection: store.Connection{OrgID: org.ID, UserID: user.ID, Cloud: store.AWS, Account: "1", Token: "vault:kv/data/x", Projects: []string{"a"}}}
		must(t, db.AddPending(t.Context(), p))
		kept, err := db.PendingConnection(t.Context(), org.ID, p.ID)
		must(t, err)
		if kept.Connection.Account != "1" || kept.Person != ada || kept.Place != p.Place || time.Since(kept.CreatedAt) > time.Minute {
			t.Errorf("kept %+v", kept)
		}
		if _, err := db.PendingConnection(t.Context(), "org_other", p.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another organisation finds it: %v", err)
		}
		if conns, err := db.Connections(t.Context(), org.ID, user.ID); err != nil || len(conns) != 0 {
			t.Errorf("it can be used: %v, %v", conns, err)
		}
		if due, err := db.DuePending(t.Context()); err != nil || len(due) != 0 {
			t.Errorf("due: %v, %v", due, err)
		}
		ended := 0
		for _, err := range race(4, func(int) error { return db.EndPending(t.Context(), kept, "refused", ada) }) {
			if err == nil {
				ended++
			} else if !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
		}
		if list, err := db.PendingOf(t.Context(), org.ID, user.ID); err != nil || ended != 1 || len(list) != 0 {
			t.Errorf("%d ended it; left: %v, %v", ended, list, err)
		}
		if admins, err := db.Admins(t.Context(), org.ID); err != nil || len(admins) != 1 || admins[0] != ada {
			t.Errorf("admins: %v, %v", admins, err)
		}
	})
}

func TestOneWordOfManyPutsWhatWaitsIntoUse(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Admin)
		c := store.Connection{OrgID: org.ID, UserID: user.ID, Cloud: store.AWS, Account: "1", Token: "vault:kv/data/x"}
		p := store.PendingConnection{ID: db.NewPendingID(), Person: ada, Connection: c}
		must(t, db.AddPending(t.Context(), p))
		done := 0
		for _, err := range race(8, func(i int) error {
			if i%2 == 0 {
				return db.EndPending(t.Context(), p, "refused", bob)
			}
			_, err := db.ApprovePending(t.Context(), p, c, ada)
			return err
		}) {
			if err == nil {
				done++
			} else if !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
		}
		conns, err := db.Connections(t.Context(), org.ID, user.ID)
		must(t, err)
		approved := e.text(t, `SELECT count(*) FROM audit WHERE subject = $1 AND detail LIKE '%approved%'`, p.ID)
		if done != 1 || (len(conns) == 1) != (approved == "1") || len(conns) == 1 && conns[0].Generation != 1 {
			t.Errorf("%d words were carried out; approved %s times, in use: %v", done, approved, conns)
		}
	})
}

func TestTheDefaultProjectIsOneOfTheConnections(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Viewer)
		_, other := contact(t, db, bob, store.Viewer)
		c, err := db.Connect(t.Context(), store.Connection{OrgID: org.ID, UserID: user.ID, Cloud: store.GCP, Account: "a", Projects: []string{"p1", "p2"}, Token: "vault:kv/data/x"}, ada)
		must(t, err)
		must(t, db.SetDefaultProject(t.Context(), org.ID, user.ID, c.ID, "p2"))
		for _, err := range []error{
			db.SetDefaultProject(t.Context(), org.ID, user.ID, c.ID, "p3"), db.SetDefaultProject(t.Context(), org.ID, other.ID, c.ID, "p1"),
			db.SetDefaultProject(t.Context(), org.ID, "", c.ID, "p1"), db.SetDefaultProject(t.Context(), org.ID, user.ID, "con_none", "p1"),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%v", err)
			}
		}
		kept, err := db.Connection(t.Context(), org.ID, user.ID, c.ID)
		must(t, err)
		if kept.Settings[store.SettingDefaultProject] != "p2" || kept.Generation != 1 {
			t.Errorf("kept %+v", kept)
		}
	})
}
