package ovh

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/providers/policy"
	"aurora/store"
)

func TestEveryTypedCommandRuns(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range policy.Grammar("ovhcloud") {
		known[c.Name] = true
		if c.Effect != policy.Forbidden && verbs[c.Name] == nil {
			t.Errorf("policy knows %q and nothing runs it", c.Name)
		}
		if c.Effect == policy.Forbidden && verbs[c.Name] != nil {
			t.Errorf("%q is forbidden and runs", c.Name)
		}
	}
	for name := range verbs {
		if !known[name] {
			t.Errorf("%q runs and policy does not know it", name)
		}
	}
}

func simulated(t *testing.T) (*cloudsim.Server, *Connector) {
	t.Helper()
	sim := cloudsim.New(cloudsim.Config{})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	e, clients := sim.Endpoints(), map[string]Client{}
	for _, name := range []string{"eu", "ca", "us"} {
		client := sim.OAuthClient("ovh-" + name)
		clients[name] = Client{client.ID, store.Secret(client.Secret)}
	}
	return sim, connector(t, Config{Clients: clients, API: map[string]string{"eu": e.OVHEU, "ca": e.OVHCA, "us": e.OVHUS}, Auth: e.OVHAuth})
}

func begin(region string) providers.SignIn {
	in := providers.NewSignIn("http://127.0.0.1:1/api/auth/ovh/callback", false)
	in.Region = region
	return in
}

// browse walks a sign-in as a browser does, with this consent, and gives what comes back.
func browse(t *testing.T, sim *cloudsim.Server, c *Connector, in providers.SignIn, says cloudsim.Consent) url.Values {
	t.Helper()
	if err := sim.SetConsent("ovh-"+in.Region, &says); err != nil {
		t.Fatal(err)
	}
	address, err := c.AuthURL("state-1", in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	back, err := resp.Location()
	if err != nil || back.Query().Get("state") != "state-1" {
		t.Fatalf("the sign-in answered %d to %v: %v", resp.StatusCode, back, err)
	}
	return back.Query()
}

func ada() cloudsim.Consent { return cloudsim.Consent{Account: cloudsim.OVHUser} }

func linked(t *testing.T, sim *cloudsim.Server, c *Connector, region string) providers.SignedIn {
	t.Helper()
	in := begin(region)
	out, err := c.Finish(t.Context(), in, browse(t, sim, c, in, ada()))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEachRegionIsAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	seen := map[string]bool{}
	for _, region := range []string{"eu", "ca", "us"} {
		got := linked(t, sim, c, region)
		if got.Account != region+":ac12345-ovh" || len(got.Projects) != 1 || got.Settings["endpoint"] != "ovh-"+region || got.ReadOnly || got.Reduced != "" ||
			got.Settings[store.SettingDefaultProject] != got.Projects[0] || providers.ProjectNames(store.Connection{Settings: got.Settings})[got.Projects[0]] != "acme-"+region {
			t.Errorf("%s: %+v", region, got)
		}
		seen[got.Projects[0]] = true
		renewed, err := c.Renew(t.Context(), store.Connection{}, got.Credential, providers.WideSlot)
		if err != nil || renewed.Refresh == "" {
			t.Errorf("%s: renew: %v", region, err)
		}
		if _, err := c.Renew(t.Context(), store.Connection{}, got.Credential, providers.WideSlot); !broken(err) {
			t.Errorf("%s: a spent refresh token: %v", region, err)
		}
		fresh := providers.WithTokens(got.Credential, providers.WideSlot, renewed)
		if _, err := c.Renew(t.Context(), store.Connection{}, fresh, providers.WideSlot); !broken(err) {
			t.Errorf("%s: after that the family lives on: %v", region, err)
		}
	}
	if len(seen) != 3 {
		t.Errorf("the regions share projects: %v", seen)
	}
}

func broken(err error) bool {
	var p *providers.Problem
	return errors.As(err, &p) && p.Broken && p.Code == providers.CodeExpired
}

func TestBadSignInsComeToNothing(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		says cloudsim.Consent
		harm func(q url.Values, in *providers.SignIn)
		want string
	}{
		"the person says no": {says: cloudsim.Consent{Deny: true}, want: "You said no at OVHcloud CA"},
		"another issuer":     {says: cloudsim.Consent{Account: cloudsim.OVHUser, Issuer: "https://evil.example"}, want: "did not come from OVHcloud CA"},
		"no code":            {says: ada(), harm: func(q url.Values, _ *providers.SignIn) { q.Del("code") }, want: "lacks its code"},
		"another verifier":   {says: ada(), harm: func(_ url.Values, in *providers.SignIn) { in.Verifier = begin("ca").Verifier }, want: "is over or was used before"},
		"another region":     {says: ada(), harm: func(_ url.Values, in *providers.SignIn) { in.Region = "us" }, want: "is over or was used before"},
		"no region":          {says: ada(), harm: func(_ url.Values, in *providers.SignIn) { in.Region = "" }, want: "eu, ca or us"},
		"nothing granted":    {says: cloudsim.Consent{Account: cloudsim.OVHUser, Scopes: []string{}}, want: "does not let Aurora see your account"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, c := simulated(t)
			in := begin("ca")
			back := browse(t, sim, c, in, row.says)
			if row.harm != nil {
				row.harm(back, &in)
			}
			got, err := c.Finish(t.Context(), in, back)
			var p *providers.Problem
			if !errors.As(err, &p) || !strings.Contains(p.Sentence, row.want) || p.Broken || !got.Credential.IsZero() {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
}

func TestLessThanAskedIsSaid(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		scopes   []string
		refused  bool
		readOnly bool
	}{
		"all": {[]string{"all"}, false, false}, "not said": {nil, false, false}, "reading": {[]string{"account:read"}, false, true}, "something else": {[]string{"openid"}, true, false},
	} {
		reduced, readOnly, err := granted(providers.Issued{Refresh: "r", Scopes: row.scopes})
		if (err != nil) != row.refused || readOnly != row.readOnly || (reduced != "") != row.readOnly {
			t.Errorf("%s: %q, %t, %v", name, reduced, readOnly, err)
		}
	}
	if _, _, err := granted(providers.Issued{}); err == nil {
		t.Error("a grant that does not last was taken")
	}
}

// asked is a run of the region's connection, as the refresher hands it over.
func asked(s providers.SignedIn, readOnly bool) providers.SessionAsk {
	tokens, _ := providers.TokensOf(s.Credential, providers.WideSlot)
	ask := providers.SessionAsk{
		Connection: store.Connection{Cloud: store.OVH, Account: s.Account, Projects: s.Projects, Settings: s.Settings}, ReadOnly: readOnly,
		Credential: store.NewCredential(map[string]string{"access_token": tokens.Access, "expiry": tokens.Expiry.Format(time.RFC3339Nano), "endpoint": s.Settings["endpoint"]}),
	}
	if len(s.Projects) > 0 {
		ask.Project = s.Projects[0]
	}
	return ask
}

func run(t *testing.T, c *Connector, ask providers.SessionAsk, line string) providers.Output {
	t.Helper()
	out, err := c.Call(t.Context(), ask, strings.Fields(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return out
}

func TestWhatIsReadComesAsJSON(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	ask := asked(linked(t, sim, c, "eu"), true)
	world := sim.World().OVH[0].Projects[0]
	kube, database := world.Things["kube"][0]["id"], world.Things["database/service"][0]["id"]
	for line, want := range map[string]string{
		"ovhcloud me": "ac12345-ovh", "ovhcloud cloud project list": `"projectName": "acme-eu"`, "ovhcloud cloud instance list": "old-1",
		"ovhcloud instances --region GRA11": "web-1", "ovhcloud cloud instance get " + world.Instances[0].ID: "web-1",
		"ovhcloud cloud kube list": "acme-kube", fmt.Sprintf("ovhcloud cloud kube nodepool list %s", kube): "default",
		fmt.Sprintf("ovhcloud cloud kube node list %s", kube): "default-node-1", "ovhcloud cloud volume list": "data-1", "ovhcloud cloud snapshot list": "before-upgrade",
		"ovhcloud cloud network private list": "backend", "ovhcloud cloud network private get pn-1042_0": "backend", "ovhcloud cloud loadbalancer list": "front",
		"ovhcloud cloud database-service list": "orders", fmt.Sprintf("ovhcloud cloud database-service get %s", database): "postgresql",
		"ovhcloud cloud storage-s3 list": "acme-backups", "ovhcloud cloud storage-s3 get acme-backups": "acme-backups", "ovhcloud cloud region list": "GRA11",
		"ovhcloud cloud flavor list": "d2-4", "ovhcloud cloud image list": "Debian", "ovhcloud cloud ssh-key list": "ops-key", "ovhcloud cloud operation list": "instance#create",
		"ovhcloud cloud quota get": "maxInstances", "ovhcloud cloud usage get": "lastUpdate", "ovhcloud vps list": "vps-1a2b3c", "ovhcloud baremetal list": "ns1.ip",
		"ovhcloud ip list": "203.0.113.60/32", "ovhcloud ip get 203.0.113.60": "203.0.113.60/32", "ovhcloud ip get 203.0.113.60/32": "203.0.113.60/32", "ovhcloud domain-zone list": "example.net",
		"ovhcloud domain-zone record list example.net": "mail.example.net", "ovhcloud domain-name get example.net": "ok", "ovhcloud vrack list": "pn-77001",
		"ovhcloud iploadbalancing list": "203.0.113.90",
	} {
		out := run(t, c, ask, line)
		if out.ExitCode != 0 || !json.Valid(out.Stdout) || !strings.Contains(string(out.Stdout), want) {
			t.Errorf("%s: %d %s%s, want %q", line, out.ExitCode, out.Stdout, out.Stderr, want)
		}
	}
	for line, not := range map[string]string{"ovhcloud cloud flavor list --region GRA11": "d2-4", "ovhcloud cloud instance list --region BHS5": "web-1"} {
		if out := run(t, c, ask, line); strings.Contains(string(out.Stdout), not) {
			t.Errorf("%s lists %s", line, not)
		}
	}
}

func TestWhatChangesDoesSoInAgentAlone(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	link := linked(t, sim, c, "ca")
	id := sim.World().OVH[1].Projects[0].Instances[0].ID
	lines := []string{
		"ovhcloud cloud instance stop " + id, "ovhcloud cloud instance start " + id, "ovhcloud cloud instance reboot " + id, "ovhcloud cloud instance reboot --hard " + id,
		"ovhcloud cloud instance snapshot create " + id + " before-fix", "ovhcloud vps reboot vps-1a2b3c.vps.ovh.net", "ovhcloud vps stop vps-1a2b3c.vps.ovh.net",
		"ovhcloud vps start vps-1a2b3c.vps.ovh.net", "ovhcloud baremetal reboot ns1.ip-203-0-113.net",
	}
	for _, line := range lines {
		var p *providers.Problem
		if _, err := c.Call(t.Context(), asked(link, true), strings.Fields(line)); !errors.As(err, &p) || p.Code != providers.CodeRefused {
			t.Errorf("in Ask, %s: %v", line, err)
		}
	}
	for _, e := range sim.Journal() {
		if e.Cloud == "ovh" && e.Method != http.MethodGet && !strings.Contains(e.Path, "oauth2") {
			t.Errorf("in Ask %s %s was sent", e.Method, e.Path)
		}
	}
	for _, line := range lines {
		if out := run(t, c, asked(link, false), line); out.ExitCode != 0 || !json.Valid(out.Stdout) {
			t.Errorf("%s: %s%s", line, out.Stdout, out.Stderr)
		}
	}
	if got := sim.World().OVH[1].Projects[0].Things["snapshot"]; len(got) != 2 {
		t.Errorf("snapshots: %v", got)
	}
	if out := run(t, c, asked(link, false), "ovhcloud vps start vps-1a2b3c.vps.ovh.net"); out.ExitCode != 1 || !strings.Contains(string(out.Stderr), "not allowed in state") {
		t.Errorf("a refusal: %d %s", out.ExitCode, out.Stderr)
	}
}

func TestAChangeWithoutAnAnswerIsNoFailure(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	link := linked(t, sim, c, "ca")
	lines := map[string]bool{"ovhcloud vps stop vps-1a2b3c.vps.ovh.net": true, "ovhcloud vps get vps-1a2b3c.vps.ovh.net": false}
	for line, changes := range lines {
		for _, fault := range []cloudsim.Fault{{Kind: cloudsim.FaultCutAfter}, {Kind: cloudsim.FaultStatus, Status: 502}, {Kind: cloudsim.FaultStatus, Status: 403}} {
			fault.Cloud, fault.Times = "ovh", -1
			if err := sim.Inject(fault); err != nil {
				t.Fatal(err)
			}
			out, err := c.Call(t.Context(), asked(link, false), strings.Fields(line))
			sim.ClearFaults()
			if open := changes && fault.Status != 403; errors.Is(err, providers.ErrNoAnswer) != open || out.ExitCode != 1 || len(out.Stderr) == 0 {
				t.Errorf("%s, %+v: %+v, %v", line, fault, out, err)
			}
		}
	}
}

func TestATokenReachesItsOwnRegionAlone(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	ask := asked(linked(t, sim, c, "eu"), true)
	values := ask.Credential.Reveal()
	values["endpoint"] = "ovh-us"
	if _, err := c.Call(t.Context(), ask, strings.Fields("ovhcloud me")); !broken(err) {
		t.Errorf("a token of another region: %v", err)
	}
	values["endpoint"] = "ovh-eu.evil.example"
	var p *providers.Problem
	if _, err := c.Call(t.Context(), ask, strings.Fields("ovhcloud me")); !errors.As(err, &p) || p.Code != providers.CodeRefused {
		t.Errorf("an invented endpoint: %v", err)
	}
}

func TestACredentialThatEndedIsToldAsSuch(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	ask := asked(linked(t, sim, c, "eu"), true)
	if _, err := sim.Revoke("ovh", ""); err != nil {
		t.Fatal(err)
	}
	for name, harm := range map[string]func(map[string]string){
		"revoked": func(map[string]string) {}, "over": func(v map[string]string) { v["expiry"] = time.Now().Add(-time.Second).Format(time.RFC3339Nano) },
		"odd": func(v map[string]string) { v["expiry"] = "soon" }, "none": func(v map[string]string) { delete(v, "access_token") },
	} {
		harm(ask.Credential.Reveal())
		if _, err := c.Call(t.Context(), ask, strings.Fields("ovhcloud me")); !broken(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzPath: whatever stands in a part of a path, the request stays below what was meant.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"web-1", "..", "a/../../x", "203.0.113.60/32", "%2e%2e", "a?x=1", "a#b", "", ".", "a/..", "x\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, part string) {
		var seen string
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.URL.EscapedPath() + "?" + r.URL.RawQuery }))
		defer server.Close()
		c := client{base: server.URL + apiVersion, token: "t", http: server.Client()}
		if _, err := c.get(t.Context(), nil, "vps", part); errors.Is(err, errBadArgument) {
			return
		}
		if want := "/1.0/vps/" + url.PathEscape(part) + "?"; seen != want || slices.Contains(strings.Split(part, "/"), "..") {
			t.Errorf("%q asked for %s", part, seen)
		}
	})
}

// TestAListOfNamesIsReadOneByOne has the API refuse one of them, and then find that it is asked too often.
func TestAListOfNamesIsReadOneByOne(t *testing.T) {
	t.Parallel()
	var inside, most, asked atomic.Int32
	var often atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := inside.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer inside.Add(-1)
		asked.Add(1)
		switch name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; {
		case name == "vps":
			_, _ = fmt.Fprint(w, `["a1","a2","a3","a4","a5","a6"]`)
		case name == "a2":
			w.WriteHeader(http.StatusForbidden)
		case name == "a4" && often.Load():
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			_, _ = fmt.Fprintf(w, `{"name":%q}`, name)
		}
	}))
	t.Cleanup(server.Close)
	c := connector(t, Config{API: map[string]string{"eu": server.URL}})
	ask := providers.SessionAsk{Credential: store.NewCredential(map[string]string{
		"access_token": "t", "endpoint": "ovh-eu", "expiry": time.Now().Add(time.Hour).Format(time.RFC3339Nano)})}
	out := run(t, c, ask, "ovhcloud vps list")
	if out.ExitCode != 0 || !strings.Contains(string(out.Stdout), "HTTP 403") || !strings.Contains(string(out.Stdout), `"a6"`) || most.Load() != 1 {
		t.Errorf("%d at once: %+v", most.Load(), out)
	}
	often.Store(true)
	asked.Store(0)
	if out := run(t, c, ask, "ovhcloud vps list"); out.ExitCode != 1 || !strings.Contains(string(out.Stderr), "HTTP 429") || asked.Load() != 5 {
		t.Errorf("asked %d times: %+v", asked.Load(), out)
	}
}

func TestAnAnswerThatIsNoneIsToldAsSuch(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"down":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"too many": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) },
		"no JSON":  func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>") },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/steal", http.StatusFound)
		},
	} {
		server := httptest.NewServer(answer)
		t.Cleanup(server.Close)
		c := connector(t, Config{API: map[string]string{"eu": server.URL}})
		ask := providers.SessionAsk{Credential: store.NewCredential(map[string]string{
			"access_token": "t", "endpoint": "ovh-eu", "expiry": time.Now().Add(time.Hour).Format(time.RFC3339Nano)})}
		out, err := c.Call(t.Context(), ask, strings.Fields("ovhcloud me"))
		if err != nil || out.ExitCode != 1 || len(out.Stderr) == 0 || strings.Contains(string(out.Stderr), "127.0.0.1") {
			t.Errorf("%s: %d %s %v", name, out.ExitCode, out.Stderr, err)
		}
	}
}
