package providers_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/providers/gcp"
	"aurora/providers/ovh"
	"aurora/store"
	"aurora/store/redis"
	"aurora/store/sealed"
)

// signer is a connector that people sign in with.
type signer interface {
	AuthURL(state string, in providers.SignIn) (string, error)
	Finish(ctx context.Context, in providers.SignIn, callback url.Values) (providers.SignedIn, error)
}

// signedBench is an executor whose credentials came through a sign-in and lie in a real sealed file.
type signedBench struct {
	*cloudBench
	keeper *sealed.Keeper
	now    time.Time // moved on to let access tokens end
}

func newSignedBench(t *testing.T, judge providers.Policy) (*signedBench, *gcp.Connector, *ovh.Connector) {
	t.Helper()
	b := &signedBench{cloudBench: newCloudBench(t, judge, cloudsim.RoleReadOnly), now: time.Now()}
	keeper, err := sealed.Open(sealed.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	leases, err := redis.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = leases.Close()
		_ = keeper.Close()
	})
	at, clock := b.sim.Endpoints(), func() time.Time { return b.now }
	google := b.sim.OAuthClient("gcp")
	g := gcp.New(gcp.Config{
		ClientID: google.ID, ClientSecret: store.Secret(google.Secret), AuthURL: at.GoogleAuth, TokenURL: at.GoogleToken, RevokeURL: at.GoogleRevoke,
		Compute: at.GCPCompute, ResourceManager: at.GCPResourceManager, Now: clock,
	})
	eu := b.sim.OAuthClient("ovh-eu")
	o, err := ovh.New(ovh.Config{
		Resolve: realPolicy(t).ResolveCall, Clients: map[string]ovh.Client{"eu": {ID: eu.ID, Secret: store.Secret(eu.Secret)}},
		API: map[string]string{"eu": at.OVHEU}, Auth: at.OVHAuth, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.keeper, b.books.connections = keeper, nil
	b.secret = append(b.secret, google.Secret, eu.Secret)
	b.Drivers = map[store.Cloud]providers.Driver{store.GCP: g}
	b.Direct = map[store.Cloud]providers.Direct{store.OVH: o}
	b.Refresh = &providers.Refresher{
		Keeper: keeper, Leases: leases, Breaker: &rows{broken: map[string]bool{}}, Now: clock,
		Renewers: map[store.Cloud]providers.Renewer{store.GCP: g, store.OVH: o},
	}
	return b, g, o
}

// connect signs somebody in as a browser would and keeps what came of it as the connect page does.
func (b *signedBench) connect(t *testing.T, cloud store.Cloud, client string, s signer, in providers.SignIn, who string) {
	t.Helper()
	if err := b.sim.SetConsent(client, &cloudsim.Consent{Account: who}); err != nil {
		t.Fatal(err)
	}
	address, err := s.AuthURL("state-1", in)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp := get(t, browser, address)
	defer func() { _ = resp.Body.Close() }()
	back, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	linked, err := s.Finish(t.Context(), in, back.Query())
	if err != nil {
		t.Fatal(err)
	}
	path := store.CredentialPath("", "user", cloud, "", true)
	old, version, _ := b.keeper.Get(t.Context(), path) // none the first time
	cred := providers.MergeCredential(old, linked.Credential)
	if _, err := b.keeper.Put(t.Context(), path, cred, version); err != nil {
		t.Fatal(err)
	}
	_, wide := providers.TokensOf(cred, providers.WideSlot)
	conn := store.Connection{
		ID: "c-" + string(cloud), OrgID: "org", UserID: "user", Cloud: cloud, Account: linked.Account, Label: linked.Label, Projects: linked.Projects,
		Settings: linked.Settings, Token: "vault:" + path, Generation: version + 1, Status: store.ConnectionActive, ReadOnly: !wide,
	}
	kept := b.books.connections[:0]
	for _, c := range b.books.connections {
		if c.ID != conn.ID {
			kept = append(kept, c)
		}
	}
	b.books.connections = append(kept, conn)
	b.remember(t, path)
}

// remember has what is kept now count as secret.
func (b *signedBench) remember(t *testing.T, path string) {
	t.Helper()
	cred, _, err := b.keeper.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range cred.Reveal() {
		if strings.HasSuffix(name, "_token") {
			b.secret = append(b.secret, value)
		}
	}
}

func TestGoogleFromSignInToStop(t *testing.T) {
	t.Parallel()
	needCLI(t, "gcloud")
	b, g, _ := newSignedBench(t, realPolicy(t))
	b.connect(t, store.GCP, "gcp", g, providers.NewSignIn("http://127.0.0.1:1/api/auth/gcp/callback", false), cloudsim.GCPUser)
	const list, stop = "gcloud compute instances list --project=acme-prod", "gcloud compute instances stop checkout-web-1 --zone=us-central1-a --project=acme-prod"
	r := b.Run(t.Context(), wants(list, store.Ask))
	if r.Status != providers.StatusOK || !strings.Contains(r.Output, "checkout-web-1") {
		t.Fatalf("%s %s %s", r.Code, r.Error, r.Output)
	}
	if r := b.Run(t.Context(), wants(stop, store.Agent)); r.Code != providers.CodeRefused || !strings.Contains(r.Error, "can only read") {
		t.Errorf("before the wide consent: %s %s", r.Code, r.Error)
	}
	b.now = b.now.Add(2 * time.Hour) // the access token has ended: the next run renews it
	if _, err := b.sim.Expire("gcp", ""); err != nil {
		t.Fatal(err)
	}
	r = b.Run(t.Context(), wants(list, store.Ask))
	if r.Status != providers.StatusOK || !strings.Contains(r.Output, "checkout-web-1") {
		t.Fatalf("after two hours: %s %s %s", r.Code, r.Error, r.Output)
	}
	b.now = time.Now() // who signs in is told by the simulator's clock
	b.connect(t, store.GCP, "gcp", g, providers.NewSignIn("http://127.0.0.1:1/api/auth/gcp/callback", true), cloudsim.GCPUser)
	r = b.Run(t.Context(), wants(stop, store.Agent))
	if r.Proposal == nil {
		t.Fatalf("no proposal: %s %s", r.Code, r.Error)
	}
	done := b.RunConfirmed(t.Context(), wants(stop, store.Agent).Caller, *r.Proposal, 0)
	if vm, _ := b.sim.VM("acme-prod", "checkout-web-1"); done.Status != providers.StatusOK || vm.Status != "TERMINATED" && vm.Becomes != "TERMINATED" {
		t.Errorf("%+v, %s", done, vm.Status)
	}
	b.clean(t, r.Output, done.Output, r.Error)
	if err := b.sim.RevokeGrants("gcp", cloudsim.GCPUser); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(5 * time.Hour)
	for i := range 2 {
		r := b.Run(t.Context(), wants(list, store.Ask))
		if r.Code != providers.CodeExpired || !strings.Contains(r.Error, "/aurora connect gcp") || !r.Sections[0].Broken {
			t.Errorf("taken back, time %d: %s %s %+v", i, r.Code, r.Error, r.Sections)
		}
	}
}

// The second wall: policy that would let a change through in Ask meets a token that cannot change anything.
func TestAnAskRunCannotChangeAnythingAtGoogle(t *testing.T) {
	t.Parallel()
	needCLI(t, "gcloud")
	b, g, _ := newSignedBench(t, trusting{})
	for _, wide := range []bool{false, true} {
		b.connect(t, store.GCP, "gcp", g, providers.NewSignIn("http://127.0.0.1:1/api/auth/gcp/callback", wide), cloudsim.GCPUser)
	}
	const stop = "gcloud compute instances stop checkout-web-1 --zone=us-central1-a --project=acme-prod"
	r := b.Run(t.Context(), wants(stop, store.Ask))
	if r.Status != providers.StatusFailed || b.sim.Executed("compute.instances.stop") != 0 {
		t.Errorf("in Ask: %s %s", r.Status, r.Output)
	}
	r = b.Run(t.Context(), wants(stop, store.Agent))
	if r.Status != providers.StatusOK || b.sim.Executed("compute.instances.stop") == 0 {
		t.Errorf("in Agent: %s %s", r.Status, r.Output)
	}
}

func TestOVHFromSignInToStop(t *testing.T) {
	t.Parallel()
	b, _, o := newSignedBench(t, realPolicy(t))
	in := providers.NewSignIn("http://127.0.0.1:1/api/auth/ovh/callback", false)
	in.Region = "eu"
	b.connect(t, store.OVH, "ovh-eu", o, in, cloudsim.OVHUser)
	path := store.CredentialPath("", "user", store.OVH, "", true)
	project := b.sim.World().OVH[0].Projects[0]
	stop := "ovhcloud cloud instance stop " + project.Instances[0].ID
	for i, line := range []string{"ovhcloud cloud instance list", "ovhcloud vps list", "ovhcloud cloud instance list --region GRA11 --cloud-project " + project.ID, "ovhcloud me"} {
		b.now = b.now.Add(time.Duration(i) * 2 * time.Hour) // every command but the first finds its token at its end
		r := b.Run(t.Context(), wants(line, store.Ask))
		if r.Status != providers.StatusOK || len(r.Sections) != 1 {
			t.Fatalf("%s: %s %s %s", line, r.Code, r.Error, r.Output)
		}
		b.remember(t, path)
		b.clean(t, r.Output)
	}
	if n := b.sim.RefreshTokens("ovh-eu"); n != 1 {
		t.Errorf("%d refresh tokens work", n)
	}
	if r := b.Run(t.Context(), wants(stop, store.Ask)); r.Code != providers.CodeRefused {
		t.Errorf("in Ask: %s %s", r.Code, r.Error)
	}
	r := b.Run(t.Context(), wants(stop, store.Agent))
	if r.Proposal == nil {
		t.Fatalf("no proposal: %s %s", r.Code, r.Error)
	}
	done := b.RunConfirmed(t.Context(), wants(stop, store.Agent).Caller, *r.Proposal, 0)
	if done.Status != providers.StatusOK || b.sim.World().OVH[0].Projects[0].Instances[0].Status != "SHUTOFF" {
		t.Errorf("%+v", done)
	}
	if r := b.Run(t.Context(), wants("ovhcloud cloud instance list --cloud-project 0123456789abcdef", store.Ask)); r.Code != providers.CodeRefused {
		t.Errorf("a stranger's project: %s %s", r.Code, r.Error)
	}
}

// TestASignInLostInTheMiddleOfRenewingIsSaid has a process die between the cloud's answer and the note of it: the refresh
// token that was rotated away is refused for ever, and whoever asks next hears what to do.
func TestASignInLostInTheMiddleOfRenewingIsSaid(t *testing.T) {
	t.Parallel()
	b, _, o := newSignedBench(t, realPolicy(t))
	in := providers.NewSignIn("http://127.0.0.1:1/api/auth/ovh/callback", false)
	in.Region = "eu"
	b.connect(t, store.OVH, "ovh-eu", o, in, cloudsim.OVHUser)
	b.now = b.now.Add(2 * time.Hour)
	marked := &rows{broken: map[string]bool{}}
	b.Refresh.Breaker = marked
	alive, killed := b.Refresh.Keeper, errors.New("the process is no more")
	b.Refresh.Keeper = &faulty{CredentialKeeper: alive, puts: func(func() error) error { return killed }}
	const list = "ovhcloud cloud instance list"
	if r := b.Run(t.Context(), wants(list, store.Ask)); r.Code != providers.CodeUnavailable || marked.broken["c-ovh"] {
		t.Fatalf("the one that dies: %s %s", r.Code, r.Error)
	}
	b.Refresh.Keeper = alive // the next process
	for range 2 {
		r := b.Run(t.Context(), wants(list, store.Ask))
		if r.Code != providers.CodeExpired || !r.Sections[0].Broken ||
			!strings.Contains(r.Error, "lost when Aurora was stopped in the middle of renewing it: connect again with /aurora connect ovh") {
			t.Errorf("the next one: %s %s", r.Code, r.Error)
		}
	}
	if !marked.broken["c-ovh"] {
		t.Error("the connection is not marked")
	}
}
