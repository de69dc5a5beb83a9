package cloudsim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aurora/providers/cloudsim"
)

func startGcloud(t *testing.T) *manyRuns {
	return startMany(t, "gcloud", "googlecloudsdk.gcloud_main", false)
}

func gcloudEnv(t *testing.T, sim *cloudsim.Server, token string) []string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"CLOUDSDK_CONFIG=" + filepath.Join(dir, "config"), "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE=" + file,
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=" + sim.Endpoints().GCPCompute,
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER=" + sim.Endpoints().GCPResourceManager,
		"CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1",
		"CLOUDSDK_CORE_DISABLE_FILE_LOGGING=1", "CLOUDSDK_CORE_CHECK_GCE_METADATA=0",
	}
}

func TestRealGcloudListsAndChanges(t *testing.T) {
	t.Parallel()
	gcloud := startGcloud(t)
	sim := start(t, cloudsim.Config{})
	env := gcloudEnv(t, sim, sim.GoogleToken(cloudsim.GCPUser, 0, cloudsim.ScopeCloudPlatform))
	rows := []struct {
		line string
		ok   bool
		want string
	}{
		{"compute instances list --project acme-prod", true, "checkout-web-1  us-central1-a"},
		{"compute instances list --project acme-prod --filter=status=TERMINATED --format=value(name)", true, "batch-1\n"},
		{"compute instances describe checkout-web-1 --zone us-central1-a --project acme-prod", true, "status: RUNNING"},
		{"compute instances describe nothing --zone us-central1-a --project acme-prod", false, "was not found"},
		{"compute instances stop checkout-web-1 checkout-web-2 --zone us-central1-a --project acme-prod", true, ""},
		{"compute instances start checkout-web-1 --zone us-central1-a --project acme-prod", true, "Instance internal IP is 10.128.0.11"},
		{"compute instances delete batch-1 --zone europe-west1-b --project acme-prod", true, "Deleted"},
		{"compute instances stop staging-web-1 --zone europe-west1-c --project acme-staging", false, "Required 'compute.instances.stop' permission"},
		// gcloud lists what it can and ends with status 0 even when everything was refused.
		{"compute instances list --project other-corp", true, "Required 'compute.instances.list' permission"},
		{"compute instances list --project no-such-project", true, "was not found"},
		{"projects list --format=value(projectId)", true, "acme-prod\nacme-staging\n"},
		{"projects describe acme-prod", true, "lifecycleState: ACTIVE"},
	}
	for _, row := range rows {
		out, errs, ok := gcloud.run(t, env, strings.Fields(row.line)...)
		if ok != row.ok || !strings.Contains(out+errs, row.want) {
			t.Errorf("gcloud %s: ok %v, want %v with %q in:\n%s%s", row.line, ok, row.ok, row.want, out, errs)
		}
	}
	for action, want := range map[string]int{"compute.instances.stop": 2, "compute.instances.start": 1, "compute.instances.delete": 1} {
		if got := sim.Executed(action); got != want {
			t.Errorf("%s was executed %d times, want %d", action, got, want)
		}
	}
	if vm, _ := sim.VM(cloudsim.GCPProject, "checkout-web-2"); vm.Status != "TERMINATED" {
		t.Errorf("the stopped instance is %s", vm.Status)
	}
	if _, there := sim.VM(cloudsim.GCPProject, "batch-1"); there {
		t.Error("the deleted instance is still there")
	}
}

func TestRealGcloudIsHeldToScopeAndExpiry(t *testing.T) {
	t.Parallel()
	gcloud := startGcloud(t)
	sim := start(t, cloudsim.Config{})
	stop := strings.Fields("compute instances stop checkout-web-1 --zone us-central1-a --project acme-prod")
	list := strings.Fields("compute instances list --project acme-prod")
	readOnly := gcloudEnv(t, sim, sim.GoogleToken(cloudsim.GCPUser, 0, cloudsim.ScopeCloudPlatformReadOnly))
	if out, errs, ok := gcloud.run(t, readOnly, list...); !ok {
		t.Errorf("the read-only scope cannot read: %s%s", out, errs)
	}
	_, errs, ok := gcloud.run(t, readOnly, stop...)
	if ok || sim.Executed("compute.instances.stop") != 0 {
		t.Error("the read-only scope could stop an instance")
	}
	wantContains(t, errs, "insufficient authentication scopes")
	expired := gcloudEnv(t, sim, sim.GoogleToken(cloudsim.GCPUser, time.Nanosecond, cloudsim.ScopeCloudPlatform))
	_, errs, ok = gcloud.run(t, expired, strings.Fields("compute instances describe checkout-web-1 --zone us-central1-a --project acme-prod")...)
	if ok {
		t.Error("an expired token still describes")
	}
	wantContains(t, errs, "invalid authentication credentials")
}
