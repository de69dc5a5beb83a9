package sql_test

import (
	"path/filepath"
	"strings"
	"testing"

	"aurora/store/sql"
	"aurora/store/storetest"
)

func TestMigrateFromEmptyAndAgain(t *testing.T) {
	t.Parallel()
	owner, serve := storetest.PostgresEmpty(t)
	for name, url := range map[string]string{"postgres": owner, "sqlite": filepath.Join(t.TempDir(), "aurora.db")} {
		for _, first := range []bool{true, false} {
			applied, err := sql.Migrate(t.Context(), url, storetest.ServeRole)
			must(t, err)
			if (len(applied) > 0) != first {
				t.Errorf("%s: applied %v, first run: %v", name, applied, first)
			}
		}
	}
	db := openDB(t, sql.Config{URL: serve})
	if faults := db.CheckRole(t.Context()); len(faults) != 0 {
		t.Errorf("after Migrate serve still finds %q", faults)
	}
}

func TestMigrationsTakeTurns(t *testing.T) {
	t.Parallel()
	owner, _ := storetest.PostgresEmpty(t)
	applied := make([]int, 4)
	for _, err := range race(len(applied), func(i int) error {
		steps, err := sql.Migrate(t.Context(), owner, storetest.ServeRole)
		applied[i] = len(steps)
		return err
	}) {
		must(t, err)
	}
	ran := 0
	for _, n := range applied {
		if n > 0 {
			ran++
		}
	}
	if ran != 1 {
		t.Errorf("%d of %d migrated, want one", ran, len(applied))
	}
}

func TestMigrateSaysWhichRoleIsMissing(t *testing.T) {
	t.Parallel()
	owner, _ := storetest.PostgresEmpty(t)
	for role, says := range map[string]string{
		"":                  "CREATE ROLE",
		storetest.OwnerRole: "another one than the owner",
		"nobody":            `CREATE ROLE "nobody" LOGIN`,
	} {
		if _, err := sql.Migrate(t.Context(), owner, role); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("role %q: %v, want it to say %q", role, err, says)
		}
	}
}

func TestRoleOfURL(t *testing.T) {
	t.Parallel()
	role, err := sql.RoleOf("postgres://aurora_serve:pw@db/aurora")
	if err != nil || role != "aurora_serve" {
		t.Errorf("role %q, error %v", role, err)
	}
	_, err = sql.RoleOf("postgres://aurora:hunter2@db:notaport/aurora")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error is %v; it must be there and hold no password", err)
	}
}
