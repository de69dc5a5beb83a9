package providers_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/providers/gcp"
	"aurora/providers/policy"
	"aurora/store"
)

// TestRealGoogleToolsRunAsTheConnection runs bq and gsutil the way Aurora does: no PATH, confined, through the gate, judged
// by the real policy.
func TestRealGoogleToolsRunAsTheConnection(t *testing.T) {
	t.Parallel()
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newCloudBench(t, engine, cloudsim.RoleReadOnly)
	b.connectGCP(t)
	for _, row := range []struct {
		line, want, action string
	}{
		{"bq ls", "orders", "bigquery.datasets.list"},
		{"bq --format=json ls orders", `"tableId":"carts"`, "bigquery.tables.list"},
		{"bq show --format=prettyjson orders.carts", `"numRows": "[masked]"`, "bigquery.tables.get"},
		{"bq ls -j", "", "bigquery.jobs.list"},
		{"bq head orders.carts", "c-2", "bigquery.tabledata.list"},
		{"bq show nothing.there", "Not found: Dataset acme-prod:nothing", "bigquery.tables.get"},
		{"gsutil ls", "gs://acme-reports/", "storage.buckets.list"},
		{"gsutil ls gs://acme-reports", "gs://acme-reports/2026/", "storage.objects.list"},
		{"gsutil ls -l gs://acme-reports/2026/*.csv", "gs://acme-reports/2026/march.csv", "storage.objects.list"},
		{"gsutil cat gs://acme-reports/readme.txt", "Reports, by year.", "storage.objects.get"},
		{"gsutil ls gs://not-there", "does not exist", "storage.objects.list"},
	} {
		program, _, _ := strings.Cut(row.line, " ")
		t.Run(row.line, func(t *testing.T) {
			needCLI(t, program)
			r := b.Run(context.Background(), wants(row.line, store.Ask))
			if !strings.Contains(r.Output, row.want) || strings.Contains(r.Output, "gcloud") {
				t.Fatalf("%+v", r)
			}
			b.clean(t, r.Output, string(r.ModelJSON()))
			asked := b.sim.Requests(row.action)
			if len(asked) == 0 {
				t.Errorf("%s was not asked", row.action)
			}
			for _, e := range asked {
				if e.Principal != cloudsim.GCPUser {
					t.Errorf("asked as %q", e.Principal)
				}
			}
		})
	}
}

// TestRealBigQueryQueries has the consents of Ask and Agent: what only reads starts no job, whatever policy thinks.
func TestRealBigQueryQueries(t *testing.T) {
	t.Parallel()
	needCLI(t, "bq")
	b := newCloudBench(t, trusting{}, cloudsim.RoleReadOnly)
	b.connectGCP(t)
	query := func(words ...string) providers.Ask {
		ask := wants("", store.Agent)
		ask.Argv = append([]string{"bq", "query", "--use_legacy_sql=false"}, words...)
		return ask
	}
	r := b.Run(t.Context(), query("--dry_run", "SELECT * FROM orders.carts"))
	if r.Status != providers.StatusOK || !strings.Contains(r.Output, "will process 22 bytes") || b.sim.Executed("bigquery.jobs.insert") != 0 {
		t.Errorf("dry run: %+v", r)
	}
	r = b.Run(t.Context(), query("SELECT * FROM orders.carts"))
	if r.Status != providers.StatusOK || !strings.Contains(r.Output, "c-2") || b.sim.Executed("bigquery.jobs.insert") != 1 {
		t.Errorf("query: %+v", r)
	}
	b.linkGCP(t, cloudsim.ScopeCloudPlatformReadOnly)
	r = b.Run(t.Context(), query("SELECT 1"))
	if r.Status != providers.StatusFailed || !strings.Contains(r.Output, "insufficient authentication") || b.sim.Executed("bigquery.jobs.insert") != 1 {
		t.Errorf("with a consent that only reads: %+v", r)
	}
}

// TestAGoogleTokenThatEndedIsSaidInWords: gsutil would like to fetch another, and has nothing to fetch it for.
func TestAGoogleTokenThatEndedIsSaidInWords(t *testing.T) {
	t.Parallel()
	b := newCloudBench(t, trusting{}, cloudsim.RoleReadOnly)
	b.connectGCP(t)
	cred, err := gcp.NewCredential("ya29.ended", cloudsim.GCPUser, time.Now().Add(time.Hour), []string{cloudsim.GCPProject})
	if err != nil {
		t.Fatal(err)
	}
	b.books.credentials["kv/gcp"] = cred
	for _, line := range []string{"bq ls orders", "gsutil ls gs://acme-reports", "gcloud projects describe acme-prod"} {
		program, _, _ := strings.Cut(line, " ")
		t.Run(program, func(t *testing.T) {
			needCLI(t, program)
			r := b.Run(t.Context(), wants(line, store.Ask))
			if r.Code != providers.CodeExpired || !strings.Contains(r.Error, "connect again with /aurora connect gcp") || !r.Sections[0].Broken {
				t.Errorf("%+v", r)
			}
			b.clean(t, r.Output, string(r.ModelJSON()))
		})
	}
}
