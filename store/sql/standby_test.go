package sql_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/sql"
	"aurora/store/storetest"
)

func TestAServerThatTakesNoWritesIsNotReady(t *testing.T) {
	t.Parallel()
	e := postgresEngine(t)
	must(t, e.open(t, "r1").Ready(t.Context()))
	e.exec(t, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	var trouble *store.Trouble
	if err := e.open(t, "r2").Ready(t.Context()); !errors.As(err, &trouble) || !strings.Contains(trouble.Advice, "takes no writes") {
		t.Errorf("ready: %v", err)
	}
}

func TestAsynchronousStandbysAreTold(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts servers")
	}
	pair := storetest.NewPostgresPair(t)
	db := openDB(t, sql.Config{URL: pair.ServeURL, AuditKey: "key", Runner: "r1"})
	if advice, err := db.CheckStandbys(t.Context()); err != nil || advice != "" {
		t.Fatalf("of a synchronous one: %q, %v", advice, err)
	}
	pair.Asynchronous(t)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // servers read their settings when they get round to it
		advice, err := db.CheckStandbys(t.Context())
		must(t, err)
		if strings.Contains(advice, "synchronous_standby_names") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("told %q", advice)
		}
	}
	lone := postgresEngine(t).open(t, "r1")
	if advice, err := lone.CheckStandbys(t.Context()); err != nil || advice != "" {
		t.Errorf("without standbys: %q, %v", advice, err)
	}
}
