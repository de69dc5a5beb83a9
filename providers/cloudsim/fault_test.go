package cloudsim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"aurora/providers/cloudsim"
)

const stopPath = "/projects/acme-prod/zones/us-central1-a/instances/checkout-web-1/stop"

// stopper gives a function that asks for one instance to be stopped and gives the answer's status, 0 when there was none.
func stopper(t *testing.T, sim *cloudsim.Server) func() int {
	t.Helper()
	token := sim.GoogleToken(cloudsim.GCPUser, 0, cloudsim.ScopeCloudPlatform)
	return func() int {
		status, _ := call(t, http.MethodPost, sim.URL()+"/compute/v1"+stopPath, "", "Authorization", "Bearer "+token)
		return status
	}
}

func inject(t *testing.T, sim *cloudsim.Server, f cloudsim.Fault) {
	t.Helper()
	if err := sim.Inject(f); err != nil {
		t.Fatal(err)
	}
}

func TestFaultsHitBeforeOrAfterTheEffect(t *testing.T) {
	t.Parallel()
	rows := []struct {
		fault    cloudsim.Fault
		status   int
		executed int
	}{
		{cloudsim.Fault{Kind: cloudsim.FaultCutBefore}, 0, 0},
		{cloudsim.Fault{Kind: cloudsim.FaultCutAfter}, 0, 1},
		{cloudsim.Fault{Kind: cloudsim.FaultStatus, Status: 429, Code: "rateLimitExceeded"}, 429, 0},
		{cloudsim.Fault{Kind: cloudsim.FaultDelay, DelayMS: 1}, 200, 1},
		{cloudsim.Fault{Kind: cloudsim.FaultCutBefore, Action: "compute.instances.start"}, 200, 1},
		{cloudsim.Fault{Kind: cloudsim.FaultCutBefore, Action: "compute.instances.st*"}, 0, 0},
		{cloudsim.Fault{Kind: cloudsim.FaultCutBefore, Cloud: "aws"}, 200, 1},
		{cloudsim.Fault{Kind: cloudsim.FaultCutBefore, Skip: 1}, 200, 1},
	}
	for _, row := range rows {
		sim := start(t, cloudsim.Config{})
		inject(t, sim, row.fault)
		status, executed := stopper(t, sim)(), sim.Executed("compute.instances.stop")
		if status != row.status || executed != row.executed {
			t.Errorf("%+v: status %d, executed %d; want %d, %d", row.fault, status, executed, row.status, row.executed)
		}
	}
}

func TestFaultIsSpentAfterItsTimes(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	stop := stopper(t, sim)
	inject(t, sim, cloudsim.Fault{Kind: cloudsim.FaultStatus, Times: 2})
	for i, want := range []int{503, 503, 200} {
		if got := stop(); got != want {
			t.Errorf("request %d got %d, want %d", i+1, got, want)
		}
	}
	if err := sim.Inject(cloudsim.Fault{Kind: "explode"}); err == nil {
		t.Error("an unknown kind of fault was taken")
	}
}

func TestHeldRequestGoesOnWhenReleased(t *testing.T) {
	t.Parallel()
	for kind, executed := range map[cloudsim.FaultKind]int{cloudsim.FaultHoldBefore: 0, cloudsim.FaultHoldAfter: 1} {
		sim := start(t, cloudsim.Config{})
		inject(t, sim, cloudsim.Fault{Kind: kind})
		answered := make(chan int, 1)
		stop := stopper(t, sim)
		go func() { answered <- stop() }()
		held, err := sim.WaitHeld(within(t, 10*time.Second), "compute.instances.stop")
		if err != nil || sim.Executed("compute.instances.stop") != executed || held.Status != 0 {
			t.Errorf("%s: held %+v with %d executed, want %d: %v", kind, held, sim.Executed("compute.instances.stop"), executed, err)
		}
		sim.Release()
		if status := <-answered; status != 200 {
			t.Errorf("%s: after the release the answer is %d", kind, status)
		}
		if sim.Executed("compute.instances.stop") != 1 {
			t.Errorf("%s: the released request was not executed once", kind)
		}
	}
}

func TestCallerKilledWhileHeldBeforeChangesNothing(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	inject(t, sim, cloudsim.Fault{Kind: cloudsim.FaultHoldBefore})
	ctx, cancel := context.WithCancel(t.Context())
	token := sim.GoogleToken(cloudsim.GCPUser, 0, cloudsim.ScopeCloudPlatform)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, sim.URL()+"/compute/v1"+stopPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if response, err := http.DefaultTransport.RoundTrip(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	if _, err := sim.WaitHeld(within(t, 10*time.Second), "compute.instances.stop"); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-gone
	ended := func() bool { return !sim.Requests("compute.instances.stop")[0].Ended.IsZero() }
	if err := sim.Wait(within(t, 10*time.Second), ended); err != nil {
		t.Fatal(err)
	}
	if n := sim.Executed("compute.instances.stop"); n != 0 {
		t.Errorf("executed %d times", n)
	}
}

func TestHookSeesBothStagesAndMayStrike(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	var mu sync.Mutex
	var seen []cloudsim.Stage
	sim.SetHook(func(_ context.Context, stage cloudsim.Stage, e cloudsim.Entry) *cloudsim.Fault {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, stage)
		if stage == cloudsim.After && e.Action == "compute.instances.stop" && e.Done {
			return &cloudsim.Fault{Kind: cloudsim.FaultCutAfter}
		}
		return nil
	})
	if status := stopper(t, sim)(); status != 0 || sim.Executed("compute.instances.stop") != 1 {
		t.Errorf("status %d, executed %d", status, sim.Executed("compute.instances.stop"))
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 2 || seen[0] != cloudsim.Before || seen[1] != cloudsim.After {
		t.Errorf("the hook saw %v", seen)
	}
}

func TestControlInterfaceServesOtherProcesses(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	base := sim.URL() + "/sim/"
	post := func(path, body string) string {
		t.Helper()
		status, text := call(t, http.MethodPost, base+path, body)
		if status != 200 {
			t.Fatalf("POST /sim/%s %s: %d %s", path, body, status, text)
		}
		return text
	}
	token := decode[map[string]string](t, post("credentials/gcp", `{"email":"ada@example.com","scopes":["`+cloudsim.ScopeCloudPlatform+`"]}`))["access_token"]
	stop := func() int {
		status, _ := call(t, http.MethodPost, sim.URL()+"/compute/v1"+stopPath, "", "Authorization", "Bearer "+token)
		return status
	}
	post("faults", `{"kind":"status","status":500,"action":"compute.instances.stop"}`)
	if got := stop(); got != 500 {
		t.Errorf("the injected fault gave %d", got)
	}
	if got := stop(); got != 200 {
		t.Errorf("the stop gave %d", got)
	}
	_, text := call(t, http.MethodGet, base+"executed?action=compute.instances.stop", "")
	if decode[map[string]int](t, text)["executed"] != 1 {
		t.Errorf("executed: %s", text)
	}
	_, text = call(t, http.MethodGet, base+"wait?action=compute.instances.stop&n=2&timeout_ms=1", "")
	wantContains(t, text, "did not happen")
	post("credentials/expire", `{"cloud":"gcp","id":"`+token+`"}`)
	if got := stop(); got != 401 {
		t.Errorf("the expired token gave %d", got)
	}
	_, text = call(t, http.MethodGet, base+"state", "")
	world := decode[cloudsim.World](t, text)
	world.GCP.Projects[0].VMs = nil
	raw, err := json.Marshal(world)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := call(t, http.MethodPut, base+"state", string(raw)); status != 200 {
		t.Errorf("PUT state: %s", text)
	}
	if _, there := sim.VM(cloudsim.GCPProject, "checkout-web-1"); there {
		t.Error("the replaced state still has the instance")
	}
	post("trust", `{"role":"`+cloudsim.RoleAdmin+`","external_id":""}`)
	for path, body := range map[string]string{"trust": `{"role":"nobody"}`, "faults": `{"kind":"explode"}`, "nothing": `{}`, "consent": `{"colour":1}`, "hook": `{"url":"https://example.com"}`} {
		if status, text := call(t, http.MethodPost, base+path, body); status < 400 {
			t.Errorf("POST /sim/%s %s is taken: %s", path, body, text)
		}
	}
	if status, _ := call(t, http.MethodGet, base+"credentials", "", "Origin", "http://evil.example"); status != 403 {
		t.Errorf("a web page reads the credentials: %d", status)
	}
}

func TestHookOverHTTPMayStrike(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var told struct {
			Stage cloudsim.Stage
			Entry cloudsim.Entry
		}
		if json.NewDecoder(r.Body).Decode(&told) == nil && told.Stage == cloudsim.Before && told.Entry.Action == "compute.instances.stop" {
			_, _ = w.Write([]byte(`{"kind":"status","status":418}`))
		}
	}))
	defer hook.Close()
	if status, text := call(t, http.MethodPost, sim.URL()+"/sim/hook", `{"url":"`+hook.URL+`"}`); status != 200 {
		t.Fatal(text)
	}
	if status := stopper(t, sim)(); status != 418 {
		t.Errorf("the hook's fault gave %d", status)
	}
}

func TestOnlyLoopbackIsAnswered(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	request := httptest.NewRequest(http.MethodGet, "http://evil.example/sim/credentials", nil)
	recorder := httptest.NewRecorder()
	sim.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusMisdirectedRequest {
		t.Errorf("a rebound host name got %d", recorder.Code)
	}
	if err := cloudsim.New(cloudsim.Config{}).ListenAndServe(t.Context(), "0.0.0.0:0"); err == nil {
		t.Error("the simulator listens beyond loopback")
	}
}
