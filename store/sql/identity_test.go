package sql_test

import (
	"sync/atomic"
	"testing"

	"aurora/store"

	"github.com/google/go-cmp/cmp"
)

func TestFirstContactMakesOneUser(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		var made atomic.Int32
		for _, err := range race(16, func(int) error {
			org, err := db.EnsureOrganisation(t.Context(), store.Slack, "T1", "Acme")
			if err != nil {
				return err
			}
			_, created, err := db.EnsureUser(t.Context(), org, ada, store.Viewer)
			if created {
				made.Add(1)
			}
			return err
		}) {
			must(t, err)
		}
		if n := e.text(t, `SELECT count(*) FROM audit WHERE kind = 'login'`); made.Load() != 1 || n != "1" {
			t.Errorf("%d users were made and %s logins audited, want one of each", made.Load(), n)
		}
		if n := e.text(t, `SELECT count(*) FROM users`); n != "1" {
			t.Errorf("%s users, want 1", n)
		}
	})
}

func TestEqualIDsInTwoWorkspacesAreTwoPersons(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Admin)
		elsewhere := store.Person{Platform: store.Slack, Team: "T2", ID: ada.ID}
		_, err := db.Person(t.Context(), elsewhere)
		want(t, err, store.ErrNotFound)
		other, stranger := contact(t, db, elsewhere, store.Viewer)
		if other.ID == org.ID || stranger.ID == user.ID {
			t.Error("two workspaces share an organisation or a user")
		}
		_, err = db.UserByID(t.Context(), other.ID, user.ID)
		want(t, err, store.ErrNotFound)
		want(t, db.SetRole(t.Context(), other.ID, elsewhere, user.ID, store.Admin), store.ErrNotFound)
	})
}

func TestUserKeepsWhatIsSet(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Viewer)
		must(t, db.SetRole(t.Context(), org.ID, bob, user.ID, store.Approver))
		if err := db.SetRole(t.Context(), org.ID, bob, user.ID, "root"); err == nil {
			t.Error("a role that does not exist was set")
		}
		must(t, db.SetActive(t.Context(), org.ID, bob, user.ID, false))
		must(t, db.SetPrefer(t.Context(), user.ID, []store.Cloud{store.AWS, store.GCP}))
		must(t, db.LinkPerson(t.Context(), org.ID, user.ID, bob, ada))
		want(t, db.SetPrefer(t.Context(), "usr_none", nil), store.ErrNotFound)
		user.Role, user.Active, user.Prefer = store.Approver, false, []store.Cloud{store.AWS, store.GCP}
		for _, p := range []store.Person{ada, bob} {
			got, err := db.Person(t.Context(), p)
			must(t, err)
			if diff := cmp.Diff(user, got); diff != "" {
				t.Errorf("%v: %s", p, diff)
			}
		}
		tail, err := db.AuditTail(t.Context(), org.ID, 3)
		must(t, err)
		if len(tail) != 3 || tail[0].Kind != store.AuditRole || string(tail[0].Detail) != `{"from":"viewer","to":"approver"}` ||
			tail[0].Person != bob.String() || tail[0].Subject != user.ID {
			t.Errorf("the audit says %+v", tail)
		}
	})
}

func TestSelectionsAndRulesComeAndGo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Viewer)
		for _, s := range []store.Selection{{Cloud: store.GCP, Project: "a"}, {Cloud: store.GCP, Project: "b"}, {Cloud: store.AWS, Project: "1"}} {
			must(t, db.SetSelection(t.Context(), user.ID, s))
		}
		must(t, db.SetSelection(t.Context(), user.ID, store.Selection{Cloud: store.AWS}))
		got, err := db.Selections(t.Context(), user.ID)
		must(t, err)
		if diff := cmp.Diff([]store.Selection{{Cloud: store.GCP, Project: "b"}}, got); diff != "" {
			t.Error(diff)
		}
		must(t, db.SetChannelRule(t.Context(), org.ID, "C1", []byte(`{"mode":"ask"}`), ada))
		rule, err := db.ChannelRule(t.Context(), org.ID, "C1")
		if err != nil || string(rule) != `{"mode":"ask"}` {
			t.Errorf("the rule is %s, error %v", rule, err)
		}
		must(t, db.SetChannelRule(t.Context(), org.ID, "C1", nil, ada))
		_, err = db.ChannelRule(t.Context(), org.ID, "C1")
		want(t, err, store.ErrNotFound)
	})
}

func TestOrganisationKeepsItsName(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		for _, row := range [][2]string{{"", ""}, {"Acme", "Acme"}, {"", "Acme"}, {"Acme Inc", "Acme Inc"}} {
			org, err := db.EnsureOrganisation(t.Context(), store.Teams, "tenant", row[0])
			if err != nil || org.Name != row[1] {
				t.Errorf("named %q it is called %q, want %q (error %v)", row[0], org.Name, row[1], err)
			}
		}
	})
}
