package cloudsim_test

import (
	"net/http"
	"strings"
	"testing"

	"aurora/providers/cloudsim"
)

// TestWhoAsksTooOftenIsToldSoInTheCloudsWords holds that a limit is a principal's own, comes back with time, and that nothing
// is done beyond it.
func TestWhoAsksTooOftenIsToldSoInTheCloudsWords(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{Limit: cloudsim.Limit{Burst: 1}})
	stop := stopper(t, sim)
	if status := stop(); status != http.StatusOK {
		t.Fatalf("the first call got %d", status)
	}
	token := sim.GoogleToken(cloudsim.GCPUser, 0, cloudsim.ScopeCloudPlatform)
	status, body := call(t, http.MethodPost, sim.URL()+"/compute/v1"+stopPath, "", "Authorization", "Bearer "+token)
	if status != http.StatusTooManyRequests || !strings.Contains(body, `"RESOURCE_EXHAUSTED"`) || !strings.Contains(body, `"rateLimitExceeded"`) {
		t.Errorf("the second got %d %s", status, body)
	}
	if n := sim.Executed("compute.instances.stop"); n != 1 {
		t.Errorf("%d were carried out", n)
	}
	if status, _ := call(t, http.MethodGet, sim.URL()+"/cloudresourcemanager/v1/projects", "", "Authorization", "Bearer "+token); status != http.StatusOK {
		t.Errorf("another service got %d", status)
	}
	quick := start(t, cloudsim.Config{Limit: cloudsim.Limit{Burst: 1, PerSecond: 1e9}})
	if first, again := stopper(t, quick)(), stopper(t, quick)(); first != http.StatusOK || again != http.StatusOK {
		t.Errorf("with time between them: %d, %d", first, again)
	}
}
