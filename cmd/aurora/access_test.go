package main

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"aurora/store"
)

func TestAccessReportFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	user, err := s.app.stores.sql.Person(t.Context(), store.Person{Platform: store.Slack, Team: s.sims.slack.TeamID(), ID: people["ada"]})
	if err != nil {
		t.Fatal(err)
	}
	formula := store.Connection{OrgID: user.OrgID, UserID: user.ID, Cloud: store.GCP, Account: `=HYPERLINK("x")`, Token: "vault:kv/data/x"}
	if _, err := s.app.stores.sql.Connect(t.Context(), formula, store.Person{}); err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	env := []string{"AURORA_DATA_DIR=" + s.cfg.DataDir}
	if status := run(t.Context(), []string{"access", "report", "--csv"}, env, streams{strings.NewReader(""), &out, &problems}); status != 0 {
		t.Fatalf("status %d: %s", status, &problems)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) < 10 || !slices.Equal(rows[0], accessColumns) {
		t.Fatalf("%v: %v", err, rows)
	}
	for _, row := range rows[1:] {
		if strings.HasPrefix(row[5], "=") {
			t.Errorf("a spreadsheet would run %s", row[5])
		}
		if row[6] != "user" || row[3] != "operator" || row[12] != "never" {
			t.Errorf("%v", row)
		}
	}
	out.Reset()
	if status := run(t.Context(), []string{"access", "report"}, env, streams{strings.NewReader(""), &out, &problems}); status != 0 || !strings.Contains(out.String(), "LAST_USE") || !strings.Contains(out.String(), people["ben"]) {
		t.Errorf("status %d: %s\n%s", status, &problems, &out)
	}
	if status := run(t.Context(), []string{"access"}, env, streams{strings.NewReader(""), &out, &problems}); status != 2 {
		t.Errorf("status %d without a word on what to tell", status)
	}
}
