package sql_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"aurora/store"
	"aurora/store/sql"

	"github.com/google/go-cmp/cmp"
)

func auditEntry(i int) store.AuditEntry {
	return store.AuditEntry{Kind: store.AuditRefused, OrgID: "org_1", UserID: "usr_1", Person: ada.String(), Turn: "turn_" + name(i),
		Subject: "int_é", Detail: json.RawMessage(fmt.Sprintf(`{ "n": %d, "why": "<a> & 'b'" }`, i))}
}

func fill(t testing.TB, db *sql.DB, n int) {
	t.Helper()
	for i := range n {
		must(t, db.Audit(t.Context(), auditEntry(i)))
	}
}

func verify(t testing.TB, db *sql.DB, heads ...sql.Head) sql.Report {
	t.Helper()
	report, err := db.VerifyAudit(t.Context(), heads...)
	must(t, err)
	return report
}

func TestAuditChainsAcrossReplicas(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		replicas := []*sql.DB{e.open(t, "r0")}
		for i := 1; i < 3 && e.name == "postgres"; i++ {
			replicas = append(replicas, e.open(t, name(i)))
		}
		const writers, rows = 3, 200
		for _, err := range race(writers, func(i int) error {
			for n := range rows {
				if err := replicas[i%len(replicas)].Audit(t.Context(), auditEntry(n)); err != nil {
					return err
				}
			}
			return nil
		}) {
			must(t, err)
		}
		seq, hash, err := replicas[0].AuditHead(t.Context())
		must(t, err)
		report := verify(t, replicas[0], sql.Head{Seq: seq, Hash: hash})
		if diff := cmp.Diff(sql.Report{Rows: writers * rows, Head: sql.Head{Seq: writers * rows, Hash: hash}}, report); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAuditNeverSplitsOnRollback(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Viewer)
		if err := db.SetRole(t.Context(), org.ID, ada, user.ID, "root"); err == nil {
			t.Fatal("a role that does not exist was set")
		}
		fill(t, db, 2)
		if report := verify(t, db); report.Rows != 3 || len(report.Faults) > 0 {
			t.Errorf("%+v", report)
		}
	})
}

// Every byte of every column of every row, changed by one bit.
func TestEveryChangedByteShows(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		fill(t, db, 3)
		flips := 0
		for seq := 1; seq <= 3; seq++ {
			for _, column := range []string{"kind", "org_id", "user_id", "person", "turn", "subject", "detail", "prev", "hash", "at"} {
				if column == "at" && e.name == "postgres" {
					continue // not text there: see below
				}
				row := fmt.Sprintf(` WHERE seq = %d`, seq)
				was := e.text(t, `SELECT `+column+` FROM audit`+row)
				for i := range len(was) {
					changed := []byte(was)
					changed[i] ^= 1 << (i % 8)
					if _, err := e.raw.ExecContext(t.Context(), `UPDATE audit SET `+column+` = CAST($1 AS text)`+row, string(changed)); err != nil {
						continue // PostgreSQL keeps no such text
					}
					if flips++; len(verify(t, db).Faults) == 0 {
						t.Errorf("row %d, %s: byte %d of %q changed unseen", seq, column, i, was)
					}
				}
				e.exec(t, `UPDATE audit SET `+column+` = CAST($1 AS text)`+row, was)
			}
		}
		if report := verify(t, db); len(report.Faults) > 0 || flips < 500 {
			t.Errorf("after %d flips were undone: %q", flips, report.Faults)
		}
	})
}

func TestMovedMissingAndAddedRowsShow(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		later := `at + interval '1 microsecond'`
		if e.name == "sqlite" {
			later = `strftime('%Y-%m-%d %H:%M:%f', at, '+0.001 seconds')`
		}
		forged := `INSERT INTO audit SELECT 6, at, kind, org_id, user_id, person, turn, subject, detail, hash, CASE substr(hash, 1, 1) WHEN 'f' THEN '0' ELSE 'f' END || substr(hash, 2) FROM audit WHERE seq = 5`
		for _, row := range []struct {
			what  string
			do    []string
			heads bool // shows only by a head that was logged
			says  string
		}{
			{"two rows swapped", []string{`UPDATE audit SET seq = 99 WHERE seq = 2`, `UPDATE audit SET seq = 2 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 99`}, false, "does not follow"},
			{"content of two rows swapped", []string{`UPDATE audit SET turn = CASE seq WHEN 2 THEN 'turn_n002' ELSE 'turn_n001' END WHERE seq IN (2, 3)`}, false, "was changed"},
			{"a row missing", []string{`DELETE FROM audit WHERE seq = 3`}, false, "rows 3 to 3 are missing"},
			{"a row missing, the rest moved up", []string{`DELETE FROM audit WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 5`}, false, "does not follow"},
			{"the first row missing", []string{`DELETE FROM audit WHERE seq = 1`}, false, "rows 1 to 1 are missing"},
			{"a row forged without the key", []string{forged}, false, "was changed"},
			{"a time changed", []string{`UPDATE audit SET at = ` + later + ` WHERE seq = 4`}, false, "was changed"},
			{"the tail cut", []string{`DELETE FROM audit WHERE seq > 3`}, true, "were cut off"},
			{"all cut", []string{`DELETE FROM audit`}, true, "were cut off"},
		} {
			t.Run(row.what, func(t *testing.T) {
				db := e.open(t, "r1")
				e.exec(t, `DELETE FROM audit`)
				fill(t, db, 5)
				seq, hash, err := db.AuditHead(t.Context())
				must(t, err)
				if faults := verify(t, db, sql.Head{Seq: seq, Hash: hash}).Faults; len(faults) > 0 {
					t.Fatalf("before: %q", faults)
				}
				for _, statement := range row.do {
					e.exec(t, statement)
				}
				if faults := verify(t, db).Faults; (len(faults) == 0) != row.heads {
					t.Errorf("without heads it says %q", faults)
				}
				faults := verify(t, db, sql.Head{Seq: seq, Hash: hash}).Faults
				if !strings.Contains(strings.Join(faults, "\n"), row.says) {
					t.Errorf("it says %q, want %q", faults, row.says)
				}
			})
		}
	})
}

func TestCutTailThatGrewAgainShows(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		fill(t, db, 5)
		seq, hash, err := db.AuditHead(t.Context())
		must(t, err)
		e.exec(t, `DELETE FROM audit WHERE seq > 3`)
		fill(t, db, 5) // by somebody who has the key
		if faults := verify(t, db).Faults; len(faults) > 0 {
			t.Errorf("the chain itself is whole, but it says %q", faults)
		}
		if faults := verify(t, db, sql.Head{Seq: seq, Hash: hash}).Faults; len(faults) != 1 || !strings.Contains(faults[0], "logged as the head") {
			t.Errorf("it says %q", faults)
		}
	})
}

func TestAuditNeedsItsKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		fill(t, e.open(t, "r1"), 3)
		other := openDB(t, sql.Config{URL: e.url, AuditKey: "another key"})
		if faults := verify(t, other).Faults; len(faults) != 3 {
			t.Errorf("with another key it says %q, want a fault for each row", faults)
		}
	})
}

func TestExportVerifiesElsewhere(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		fill(t, db, 3)
		var lines [][]byte
		for entry, err := range db.AuditWalk(t.Context(), 1) {
			must(t, err)
			line, err := json.Marshal(entry)
			must(t, err)
			lines = append(lines, line)
		}
		report, err := sql.VerifyChain(parse(lines), "key")
		if err != nil || report.Rows != 3 || len(report.Faults) > 0 {
			t.Errorf("%+v, error %v", report, err)
		}
		lines[1] = []byte(strings.Replace(string(lines[1]), `"n":1`, `"n":7`, 1))
		if report, _ = sql.VerifyChain(parse(lines), "key"); len(report.Faults) != 1 {
			t.Errorf("a changed export: %+v", report)
		}
	})
}

func parse(lines [][]byte) iter.Seq2[store.AuditEntry, error] {
	return func(yield func(store.AuditEntry, error) bool) {
		for _, line := range lines {
			var e store.AuditEntry
			err := json.Unmarshal(line, &e)
			if !yield(e, err) {
				return
			}
		}
	}
}

func TestAuditWalkLeavesTheDatabaseFree(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		fill(t, db, 3)
		var seen []int64
		for entry, err := range db.AuditWalk(t.Context(), 2) {
			must(t, err)
			must(t, db.Ready(t.Context()))
			seen = append(seen, entry.Seq)
		}
		if !slices.Equal(seen, []int64{2, 3}) {
			t.Errorf("walked %v", seen)
		}
	})
}

func TestAskedGivesTheLastDigest(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		for _, digest := range []string{"old", "new"} {
			must(t, db.Audit(t.Context(), store.AuditEntry{Kind: store.AuditAsked, Subject: "conf_1", Detail: []byte(`{"digest":"` + digest + `"}`)}))
		}
		must(t, db.Audit(t.Context(), store.AuditEntry{Kind: store.AuditClick, Subject: "conf_1", Detail: []byte(`{"digest":"click"}`)}))
		if digest, err := db.Asked(t.Context(), "conf_1"); err != nil || digest != "new" {
			t.Errorf("digest %q, error %v", digest, err)
		}
		_, err := db.Asked(t.Context(), "conf_2")
		want(t, err, store.ErrNotFound)
	})
}
