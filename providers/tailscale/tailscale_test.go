package tailscale

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/providers/policy"
	"aurora/store"
)

func TestEveryTypedCommandRuns(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range policy.Grammar("tailscale") {
		known[c.Name] = true
		if c.Effect == policy.Forbidden && verbs[c.Name] != nil {
			t.Errorf("%s is refused and has code", c.Name)
		}
		if c.Effect != policy.Forbidden && verbs[c.Name] == nil {
			t.Errorf("policy knows %q and nothing runs it", c.Name)
		}
	}
	for name := range verbs {
		if !known[name] {
			t.Errorf("%q runs and policy does not know it", name)
		}
	}
}

func connector(t *testing.T, base string) *Connector {
	t.Helper()
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Resolve: engine.ResolveCall, BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func simulated(t *testing.T) (*cloudsim.Server, *Connector) {
	t.Helper()
	sim := cloudsim.New(cloudsim.Config{})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	return sim, connector(t, sim.Endpoints().Tailscale)
}

func asked(client cloudsim.TailscaleClient, readOnly bool) providers.SessionAsk {
	return providers.SessionAsk{
		Connection: store.Connection{ID: "c1", Cloud: store.Tailscale, Account: cloudsim.Tailnet, Generation: 1, Settings: map[string]string{"scopes": "all"}},
		Credential: store.NewCredential(map[string]string{"client_id": client.ID, "client_secret": client.Secret}),
		ReadOnly:   readOnly,
	}
}

func call(t *testing.T, c *Connector, ask providers.SessionAsk, line string) providers.Output {
	t.Helper()
	out, err := c.Call(context.Background(), ask, strings.Fields(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return out
}

// devices gives the ids of the tailnet's devices by name.
func devices(t *testing.T, c *Connector, ask providers.SessionAsk) map[string]string {
	t.Helper()
	var doc struct {
		Devices []struct{ NodeID, ID, Hostname string }
	}
	if err := json.Unmarshal(call(t, c, ask, "tailscale device list").Stdout, &doc); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, d := range doc.Devices {
		ids[d.Hostname] = d.ID
	}
	return ids
}

func TestReadsAndChangesReachTheTailnet(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	ask := asked(sim.TailscaleClient(), false)
	ids := devices(t, c, ask)
	if len(ids) == 0 {
		t.Fatal("no devices")
	}
	var id string
	for _, id = range ids {
		break
	}
	for _, line := range []string{
		"tailscale device get " + id, "tailscale device routes " + id, "tailscale acl get", "tailscale dns get", "tailscale key list",
		"tailscale settings get", "tailscale device authorize " + id, "tailscale device rename " + id + " web-9", "tailscale device expire " + id,
		"tailscale dns nameservers set 1.1.1.1 9.9.9.9", "tailscale device delete " + id,
	} {
		out := call(t, c, ask, line)
		if out.ExitCode != 0 || !json.Valid(out.Stdout) {
			t.Errorf("%s: exit %d, %s%s", line, out.ExitCode, out.Stdout, out.Stderr)
		}
	}
	if sim.Executed("devices.delete") != 1 {
		t.Error("nothing was deleted")
	}
	if out := call(t, c, ask, "tailscale device get "+id); out.ExitCode != 1 || len(out.Stderr) == 0 {
		t.Errorf("a device that is gone: %+v", out)
	}
	if n := sim.Executed("oauth.token.client_credentials"); n != 1 {
		t.Errorf("signed in %d times", n)
	}
}

func TestAChangeWithoutAnAnswerIsNoFailure(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	ask := asked(sim.TailscaleClient(), false)
	var id string
	for _, id = range devices(t, c, ask) {
		break
	}
	for line, changes := range map[string]bool{"tailscale device rename " + id + " web-9": true, "tailscale device get " + id: false} {
		for _, fault := range []cloudsim.Fault{
			{Action: "devices.*", Kind: cloudsim.FaultCutAfter}, {Action: "devices.*", Kind: cloudsim.FaultStatus, Status: 502},
			{Action: "devices.*", Kind: cloudsim.FaultStatus, Status: 403}, {Action: "oauth.token.*", Kind: cloudsim.FaultStatus, Status: 503},
		} {
			fault.Cloud, fault.Times = "tailscale", -1
			if err := sim.Inject(fault); err != nil {
				t.Fatal(err)
			}
			ask.Connection.Generation++ // so that it signs in again
			out, err := c.Call(t.Context(), ask, strings.Fields(line))
			sim.ClearFaults()
			open := changes && fault.Status != 403 && fault.Status != 503
			if errors.Is(err, providers.ErrNoAnswer) != open || out.ExitCode != 1 || len(out.Stderr) == 0 {
				t.Errorf("%s, %+v: %+v, %v", line, fault, out, err)
			}
		}
	}
}

func TestASessionForReadingCannotChangeAnything(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	ask := asked(sim.TailscaleClient(), true)
	for name, id := range devices(t, c, ask) {
		if out := call(t, c, ask, "tailscale device delete "+id); out.ExitCode != 1 {
			t.Errorf("%s was deleted with a session for reading: %+v", name, out)
		}
	}
	if sim.Executed("devices.delete") != 0 {
		t.Error("something was deleted")
	}
}

func TestNothingButAnIDGetsIntoAPath(t *testing.T) {
	t.Parallel()
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths = append(paths, r.URL.EscapedPath()) }))
	defer server.Close()
	ask := asked(cloudsim.TailscaleClient{}, false)
	ask.Credential = store.NewCredential(map[string]string{"api_key": "tskey-api-x"})
	for _, id := range []string{"x/../../tailnet/-/keys/k1", "..", "%2e%2e", "a b", "", "a?b", "a#b", strings.Repeat("a", 65)} {
		c := connector(t, server.URL)
		// Also when policy's grammar let it through.
		c.resolve = func([]string) (policy.Call, *policy.Refusal) {
			return policy.Call{Command: &policy.GrammarCommand{Name: "device delete", Paths: []string{"device delete"}}, Args: map[string][]string{"device": {id}}}, nil
		}
		out, err := c.Call(context.Background(), ask, []string{"tailscale", "device", "delete", id})
		if err != nil || out.ExitCode != 2 {
			t.Errorf("%q: %+v, %v", id, out, err)
		}
	}
	if len(paths) > 0 {
		t.Errorf("asked for %v", paths)
	}
}

func TestACredentialThatNoLongerWorksIsTold(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	for name, values := range map[string]map[string]string{
		"wrong secret":  {"client_id": sim.TailscaleClient().ID, "client_secret": "tskey-client-wrong"},
		"wrong api key": {"api_key": "tskey-api-wrong"},
		"nothing":       {},
	} {
		ask := asked(cloudsim.TailscaleClient{}, false)
		ask.Connection.ID, ask.Credential = name, store.NewCredential(values)
		_, err := c.Call(context.Background(), ask, []string{"tailscale", "device", "list"})
		var p *providers.Problem
		if !errors.As(err, &p) || p.Code != providers.CodeExpired || !p.Broken {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConnectChecksTheCredential(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	client := sim.TailscaleClient()
	link, err := c.Connect(context.Background(), Setup{ClientID: client.ID, ClientSecret: client.Secret, Tailnet: cloudsim.Tailnet})
	if err != nil || link.Account != cloudsim.Tailnet || link.Credential.Get("client_secret") != client.Secret || link.Settings["scopes"] != "all" || link.ReadOnly {
		t.Errorf("%+v, %v", link, err)
	}
	if link, err = c.Connect(context.Background(), Setup{APIKey: sim.NewTailscaleKey(cloudsim.Tailnet)}); err != nil || !strings.Contains(link.Note, "all the rights") {
		t.Errorf("an API key: %+v, %v", link, err)
	}
	reader := sim.NewTailscaleClient(cloudsim.Tailnet, "devices:core:read", "dns:read")
	if link, err = c.Connect(context.Background(), Setup{ClientID: reader.ID, ClientSecret: reader.Secret}); err != nil || !link.ReadOnly || link.Settings["scopes"] != "devices:core:read dns:read" {
		t.Errorf("a client for reading: %+v, %v", link, err)
	}
	for name, s := range map[string]Setup{
		"nothing":  {},
		"both":     {ClientID: client.ID, ClientSecret: client.Secret, APIKey: "tskey-api-x"},
		"wrong":    {ClientID: client.ID, ClientSecret: "tskey-client-x"},
		"auth key": {APIKey: "tskey-auth-x"},
		"path":     {APIKey: "tskey-api-x", Tailnet: "../x"},
		"no such scope": func() Setup {
			n := sim.NewTailscaleClient(cloudsim.Tailnet, "dns")
			return Setup{ClientID: n.ID, ClientSecret: n.Secret}
		}(),
	} {
		var p *providers.Problem
		if _, err := c.Connect(context.Background(), s); !errors.As(err, &p) || p.Sentence == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATailnetThatNobodyNamedHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	sim.Change(func(w *cloudsim.World) {
		guest := cloudsim.Device{ID: "1", NodeID: "n1", Name: "printer.tail9999.ts.net", External: true}
		w.Tailscale[0].Devices = append(w.Tailscale[0].Devices, guest)
		w.Tailscale = append(w.Tailscale, cloudsim.TailnetState{Name: "other.example", Devices: []cloudsim.Device{{ID: "2", NodeID: "n2", Name: "web.tail5678.ts.net", Hostname: "web-2"}}},
			cloudsim.TailnetState{Name: "bare.example", Devices: []cloudsim.Device{guest}})
	})
	bare := sim.NewTailscaleClient("bare.example", "all")
	key := sim.NewTailscaleKey("bare.example")
	for name, row := range map[string]struct {
		client cloudsim.TailscaleClient
		key    string
		want   string
	}{
		"one":                    {client: sim.TailscaleClient(), want: "tail1234.ts.net"},
		"another":                {client: sim.NewTailscaleClient("other.example", "all"), want: "tail5678.ts.net"},
		"one by a key":           {key: sim.NewTailscaleKey(cloudsim.Tailnet), want: "tail1234.ts.net"},
		"without devices":        {client: bare, want: bare.ID},
		"without devices, a key": {key: key, want: strings.Split(key, "-")[2]},
	} {
		link, err := c.Connect(t.Context(), Setup{ClientID: row.client.ID, ClientSecret: row.client.Secret, APIKey: row.key})
		if err != nil || link.Account != row.want {
			t.Errorf("%s: %+v, %v, want %s", name, link, err, row.want)
			continue
		}
		out := call(t, c, providers.SessionAsk{
			Connection: store.Connection{ID: name, Cloud: store.Tailscale, Account: link.Account, Settings: link.Settings}, Credential: link.Credential, ReadOnly: true,
		}, "tailscale device list")
		if want := map[string]string{"one": "gateway", "another": "web-2"}[name]; out.ExitCode != 0 || !strings.Contains(string(out.Stdout), want) {
			t.Errorf("%s: %s%s", name, out.Stdout, out.Stderr)
		}
	}
}

func TestTheWholeAnswerIsNeverRead(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range 64 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	c := connector(t, server.URL)
	ask := asked(cloudsim.TailscaleClient{}, false)
	ask.Credential = store.NewCredential(map[string]string{"api_key": "tskey-api-x"})
	out, err := c.Call(context.Background(), ask, []string{"tailscale", "device", "list"})
	if err != nil || out.ExitCode != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestAnswersAreWrittenAsPeopleReadThem: a name with an ampersand or an angle bracket is not spelled in escapes.
func TestAnswersAreWrittenAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"devices":[{"id":"1","name":"R&D <old>"}]}`)
	}))
	defer server.Close()
	ask := asked(cloudsim.TailscaleClient{}, false)
	ask.Credential = store.NewCredential(map[string]string{"api_key": "tskey-api-x"})
	out, err := connector(t, server.URL).Call(context.Background(), ask, []string{"tailscale", "device", "list"})
	if err != nil || !strings.Contains(string(out.Stdout), `"R&D <old>"`) || strings.HasSuffix(string(out.Stdout), "\n\n") {
		t.Errorf("%s, %v", out.Stdout, err)
	}
}

func TestATailscaleThatIsAwayBreaksNothing(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	client := sim.TailscaleClient()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		if err := sim.Inject(cloudsim.Fault{Action: "oauth.token.client_credentials", Kind: cloudsim.FaultStatus, Status: status}); err != nil {
			t.Fatal(err)
		}
		out, err := c.Call(context.Background(), asked(client, true), []string{"tailscale", "device", "list"})
		if err != nil || out.ExitCode == 0 {
			t.Errorf("%d: %+v, %v", status, out, err)
		}
	}
	sim.Close()
	_, err := c.Connect(context.Background(), Setup{ClientID: client.ID, ClientSecret: client.Secret})
	var p *providers.Problem
	if !errors.As(err, &p) || p.Code != providers.CodeUnavailable || p.Broken {
		t.Errorf("%v", err)
	}
}

func TestAskNeverAsksForEverything(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	ask := asked(sim.TailscaleClient(), true)
	ask.Connection.Settings = nil
	_, err := c.Call(context.Background(), ask, []string{"tailscale", "device", "list"})
	var p *providers.Problem
	if !errors.As(err, &p) || !p.Broken || !strings.Contains(p.Sentence, "scopes") || sim.Executed("oauth.token.client_credentials") != 0 {
		t.Errorf("%v", err)
	}
}

func TestRevokeDeletesWhatWasMadeForAurora(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	whole, narrow := sim.TailscaleClient(), sim.NewTailscaleClient(cloudsim.Tailnet, "devices:core", "auth_keys")
	for name, s := range map[string]struct {
		setup   Setup
		says    string
		failed  bool
		deleted int
	}{
		"ours":       {Setup{ClientID: whole.ID, ClientSecret: whole.Secret, ForAurora: true}, "is deleted at Tailscale", false, 1},
		"an API key": {Setup{APIKey: sim.NewTailscaleKey(cloudsim.Tailnet), ForAurora: true}, "is deleted at Tailscale", false, 1},
		"theirs":     {Setup{APIKey: sim.NewTailscaleKey(cloudsim.Tailnet)}, "to be thorough", false, 0},
		"may not":    {Setup{ClientID: narrow.ID, ClientSecret: narrow.Secret, ForAurora: true}, "did not delete it", true, 0},
	} {
		link, err := c.Connect(context.Background(), s.setup)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := sim.Executed("keys.delete")
		left, err := c.Revoke(context.Background(), link.Credential)
		if !strings.Contains(left, s.says) || (err != nil) != s.failed || sim.Executed("keys.delete")-before != s.deleted {
			t.Errorf("%s: %q, %v", name, left, err)
		}
		if _, err := c.Connect(context.Background(), s.setup); (err == nil) != (s.deleted == 0) {
			t.Errorf("%s: afterwards it works: %v", name, err)
		}
	}
}
