package store_test

import (
	"testing"

	"aurora/store"
)

func TestGrantCoversWhomItNames(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		grant store.Grant
		role  store.Role
		want  bool
	}{
		{store.Grant{}, store.Viewer, true},
		{store.Grant{}, store.Admin, true},
		{store.Grant{UserID: "usr_1"}, store.Viewer, true},
		{store.Grant{UserID: "usr_2"}, store.Approver, false},
		{store.Grant{UserID: "usr_1", Role: store.Operator}, store.Viewer, false},
		{store.Grant{Role: store.Operator}, store.Viewer, false},
		{store.Grant{Role: store.Operator}, store.Operator, true},
		{store.Grant{Role: store.Operator}, store.Approver, true},
		{store.Grant{Role: store.Operator}, store.Admin, false},
		{store.Grant{Role: store.Admin}, store.Admin, true},
		{store.Grant{Role: store.Admin}, store.Approver, false},
		{store.Grant{Role: "root"}, store.Approver, false},
		{store.Grant{Role: store.Viewer}, "", false},
	} {
		if got := row.grant.Covers("usr_1", row.role); got != row.want {
			t.Errorf("%+v covers a %s: %v, want %v", row.grant, row.role, got, row.want)
		}
	}
}
