package sql_test

import (
	"errors"
	"testing"

	"aurora/store"
	"aurora/store/sql"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func connect(t testing.TB, db *sql.DB, orgID, userID, account string) store.Connection {
	t.Helper()
	by := ada
	if userID == "" {
		by = chief(t, db, orgID)
	}
	c, err := db.Connect(t.Context(), store.Connection{OrgID: orgID, UserID: userID, Cloud: store.AWS, Account: account,
		Token: "vault:" + store.CredentialPath(orgID, userID, store.AWS, account, true)}, by)
	must(t, err)
	return c
}

// chief is an admin of an organisation: Ada where she is one, else somebody who is nowhere else in the tests.
func chief(t testing.TB, db *sql.DB, orgID string) store.Person {
	t.Helper()
	if u, err := db.Person(t.Context(), ada); err == nil && u.OrgID == orgID && u.Role == store.Admin {
		return ada
	}
	p := store.Person{Platform: store.Slack, Team: orgID, ID: "UCHIEF"}
	_, _, err := db.EnsureUser(t.Context(), store.Organisation{ID: orgID}, p, store.Admin)
	must(t, err)
	return p
}

func ids(list []store.Connection) []string {
	got := []string{}
	for _, c := range list {
		got = append(got, c.ID)
	}
	return got
}

func TestReconnectingGrowsTheGeneration(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Viewer)
		in := store.Connection{OrgID: org.ID, UserID: user.ID, Cloud: store.GCP, Account: "ada@example.com", Label: "Ada", Region: "europe-west1",
			Projects: []string{"p1", "p2"}, Settings: map[string]string{"scope": "read"}, Token: "vault:kv/data/x", ReadOnly: true}
		first, err := db.Connect(t.Context(), in, ada)
		must(t, err)
		want := in
		want.ID, want.CreatedAt, want.Generation, want.Status = first.ID, first.CreatedAt, 1, store.ConnectionActive
		if diff := cmp.Diff(want, first); diff != "" {
			t.Error(diff)
		}
		must(t, db.BreakConnection(t.Context(), first))
		in.Token, in.Projects = "vault:kv/data/y", nil
		second, err := db.Connect(t.Context(), in, ada)
		must(t, err)
		if second.ID != first.ID || second.Generation != 2 || second.Status != store.ConnectionActive || second.Token != in.Token {
			t.Errorf("connected again it is %+v", second)
		}
		got, err := db.Connection(t.Context(), org.ID, user.ID, first.ID)
		must(t, err)
		if diff := cmp.Diff(second, got, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if n := e.text(t, `SELECT count(*) FROM audit WHERE kind = 'connect' AND subject = $1`, first.ID); n != "2" {
			t.Errorf("%s connects in the audit, want 2", n)
		}
	})
}

func TestConnectionHoldsNoSecret(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Viewer)
		_, err := db.Connect(t.Context(), store.Connection{OrgID: org.ID, UserID: user.ID, Cloud: store.AWS, Account: "1", Token: "AKIA..."}, ada)
		if err == nil {
			t.Error("a token that is no path was kept")
		}
	})
}

func TestOrganisationConnectionsNeedAGrant(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		_, viewer := contact(t, db, bob, store.Viewer)
		own, shared, bobs := connect(t, db, org.ID, user.ID, "1"), connect(t, db, org.ID, "", "2"), connect(t, db, org.ID, viewer.ID, "3")
		check := func(when, userID string, want ...string) {
			t.Helper()
			got, err := db.Connections(t.Context(), org.ID, userID)
			must(t, err)
			if diff := cmp.Diff(want, ids(got)); diff != "" {
				t.Errorf("%s: %s", when, diff)
			}
		}
		check("before the grant", user.ID, own.ID)
		grant := store.Grant{ConnectionID: shared.ID, Role: store.Operator, Project: "2", MaxEffect: "write"}
		must(t, db.Grant(t.Context(), org.ID, grant, ada))
		grant.MaxEffect = "read"
		must(t, db.Grant(t.Context(), org.ID, grant, ada))
		check("granted to operators", user.ID, own.ID, shared.ID)
		check("granted to operators", viewer.ID, bobs.ID)
		grants, err := db.Grants(t.Context(), org.ID, shared.ID)
		must(t, err)
		if diff := cmp.Diff([]store.Grant{grant}, grants); diff != "" {
			t.Error(diff)
		}
		_, err = db.Connection(t.Context(), org.ID, viewer.ID, shared.ID)
		want(t, err, store.ErrNotFound)
		want(t, db.Grant(t.Context(), org.ID, store.Grant{ConnectionID: own.ID, MaxEffect: "read"}, ada), store.ErrNotFound)
		must(t, db.Revoke(t.Context(), org.ID, grant, ada))
		want(t, db.Revoke(t.Context(), org.ID, grant, ada), store.ErrNotFound)
		check("revoked", user.ID, own.ID)
		organisations, err := db.OrganisationConnections(t.Context(), org.ID)
		must(t, err)
		if diff := cmp.Diff([]string{shared.ID}, ids(organisations)); diff != "" {
			t.Error(diff)
		}
		must(t, db.Grant(t.Context(), org.ID, grant, ada))
		_, err = db.Disconnect(t.Context(), shared, ada)
		must(t, err)
		if n := e.text(t, `SELECT count(*) FROM grants`); n != "0" {
			t.Errorf("%s grants outlive their connection", n)
		}
	})
}

func TestNobodyTouchesAnothersConnection(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Admin)
		_, other := contact(t, db, bob, store.Admin)
		foreign, _ := contact(t, db, store.Person{Platform: store.Slack, Team: "T2", ID: "U1"}, store.Admin)
		own, shared := connect(t, db, org.ID, user.ID, "1"), connect(t, db, org.ID, "", "2")
		for _, row := range []struct{ what, org, user, id string }{
			{"another user's", org.ID, other.ID, own.ID},
			{"the organisation's, as a user", org.ID, user.ID, shared.ID},
			{"a user's, as the organisation", org.ID, "", own.ID},
			{"from another organisation", foreign.ID, user.ID, own.ID},
		} {
			theirs := store.Connection{ID: row.id, OrgID: row.org, UserID: row.user, Generation: 1}
			if _, err := db.Disconnect(t.Context(), theirs, ada); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s was disconnected: %v", row.what, err)
			}
			if _, err := db.Connection(t.Context(), row.org, row.user, row.id); err == nil {
				t.Errorf("%s was read", row.what)
			}
		}
		again := connect(t, db, org.ID, user.ID, "1")
		_, err := db.Disconnect(t.Context(), own, ada)
		want(t, err, store.ErrConflict)
		gone, err := db.Disconnect(t.Context(), again, ada)
		must(t, err)
		if gone.Token != own.Token {
			t.Errorf("the removed connection says %q, so its credential cannot be found", gone.Token)
		}
		if list, err := db.Connections(t.Context(), org.ID, ""); err != nil || len(list) != 0 {
			t.Errorf("nobody sees %v, error %v", list, err)
		}
	})
}

func TestGrantsOfAChannelStandBesideOthers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Admin)
		shared := connect(t, db, org.ID, "", "2")
		everywhere := store.Grant{ConnectionID: shared.ID, MaxEffect: "read"}
		here := store.Grant{ConnectionID: shared.ID, Channel: "C1", Project: "p1", MaxEffect: "write"}
		for _, g := range []store.Grant{everywhere, here} {
			must(t, db.Grant(t.Context(), org.ID, g, ada))
		}
		here.MaxEffect = "disrupt"
		must(t, db.Grant(t.Context(), org.ID, here, ada))
		got, err := db.Grants(t.Context(), org.ID, shared.ID)
		must(t, err)
		if diff := cmp.Diff([]store.Grant{everywhere, here}, got); diff != "" {
			t.Error(diff)
		}
		must(t, db.Revoke(t.Context(), org.ID, here, ada))
		want(t, db.Revoke(t.Context(), org.ID, here, ada), store.ErrNotFound)
		must(t, db.SetActive(t.Context(), org.ID, bob, user.ID, true))
		admins, err := db.Admins(t.Context(), org.ID)
		must(t, err)
		if diff := cmp.Diff([]store.Person{ada}, admins); diff != "" {
			t.Error(diff)
		}
	})
}
