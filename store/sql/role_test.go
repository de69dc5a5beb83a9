package sql_test

import (
	"strings"
	"testing"

	"aurora/store/sql"
	"aurora/store/storetest"
)

func TestCheckRoleNamesEachFault(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		do   []string // as the superuser; $role is the role that is checked
		want []string // one for each sentence
	}{
		{"as migrated", nil, nil},
		{"superuser", []string{"ALTER ROLE $role SUPERUSER"}, []string{"is a superuser"}},
		{"bypass", []string{"ALTER ROLE $role BYPASSRLS"}, []string{"NOBYPASSRLS"}},
		{"makes roles", []string{"ALTER ROLE $role CREATEROLE"}, []string{"NOCREATEROLE"}},
		{"owns a table", []string{"ALTER TABLE turns OWNER TO $role"}, []string{"owns the table"}},
		{"is a member of the owner", []string{"GRANT aurora_owner TO $role"}, []string{"owns the table"}},
		{"owns the schema", []string{"ALTER SCHEMA public OWNER TO $role"}, []string{"owns the schema public"}},
		{"may update the audit", []string{"GRANT UPDATE ON audit TO $role"}, []string{"the right UPDATE on the table audit"}},
		{"may update a column of the audit", []string{"GRANT UPDATE (detail) ON audit TO $role"}, []string{"the right UPDATE on the table audit"}},
		{"may delete from the audit", []string{"GRANT DELETE, TRUNCATE ON audit TO PUBLIC"}, []string{"DELETE", "TRUNCATE"}},
		{"policies switched off", []string{"ALTER TABLE user_tokens DISABLE ROW LEVEL SECURITY", "ALTER TABLE grants NO FORCE ROW LEVEL SECURITY"},
			[]string{"table grants", "table user_tokens"}},
		{"migration pending", []string{"DELETE FROM aurora_migrations WHERE version_id > 0"}, []string{"run `aurora migrate`"}},
		{"newer tables", []string{"INSERT INTO aurora_migrations (version_id, is_applied) VALUES (999, true)"}, []string{"newer than"}},
		{"nothing granted", []string{"REVOKE ALL ON aurora_migrations FROM $role"}, []string{"never granted"}},
		{"no tables", []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO $role"}, []string{"no tables of Aurora yet"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			owner, _ := storetest.Postgres(t)
			admin := openRaw(t, "pgx", storetest.PostgresAdmin(t, owner))
			role := "role_" + strings.ReplaceAll(row.name, " ", "_")
			run := func(statement string) {
				t.Helper()
				if _, err := admin.ExecContext(background, statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			run("CREATE ROLE " + role + " LOGIN")
			t.Cleanup(func() {
				run("REASSIGN OWNED BY " + role + " TO postgres; DROP OWNED BY " + role + "; DROP ROLE " + role)
			})
			_, err := sql.Migrate(t.Context(), owner, role)
			must(t, err)
			for _, statement := range row.do {
				run(strings.ReplaceAll(statement, "$role", role))
			}
			db := openDB(t, sql.Config{URL: strings.Replace(owner, storetest.OwnerRole, role, 1)})
			faults := db.CheckRole(t.Context())
			if len(faults) != len(row.want) {
				t.Fatalf("found %q, want %d faults", faults, len(row.want))
			}
			for i, says := range row.want {
				if !strings.Contains(faults[i], says) || !strings.HasSuffix(faults[i], ".") {
					t.Errorf("it says %q, want a sentence with %q", faults[i], says)
				}
			}
		})
	}
}

func TestServeMayDoNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	e := postgresEngine(t)
	serve := openRaw(t, "pgx", e.url)
	for _, statement := range []string{
		"UPDATE audit SET detail = ''", "DELETE FROM audit", "TRUNCATE audit", "DROP TABLE audit", "ALTER TABLE audit DISABLE TRIGGER ALL",
		"TRUNCATE user_tokens", "ALTER TABLE user_tokens DISABLE ROW LEVEL SECURITY", "DELETE FROM organisations", "DELETE FROM users",
		"UPDATE steps SET reply = '{}'", "UPDATE results SET result = '{}'", "DELETE FROM freezes", "INSERT INTO aurora_migrations (version_id, is_applied) VALUES (9, true)",
		"CREATE TABLE mine (id int)", "SET ROLE aurora_owner",
	} {
		if _, err := serve.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("serve may %s", statement)
		}
	}
}
