package azure

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"
)

const subject = "system:serviceaccount:aurora:aurora"

// world is a simulated Azure with principals of every kind.
type world struct {
	sim         *cloudsim.Server
	azure       *Connector
	tenant      string
	full, read  cloudsim.AzurePrincipal   // by secret
	certified   cloudsim.AzurePrincipal   // a Reader
	federated   cloudsim.AzurePrincipal   // a Reader
	certificate string                    // with its key
	spotted     []cloudsim.AzurePrincipal // Readers with a role more on something of acme-prod
}

func simulated(t *testing.T) *world {
	t.Helper()
	public, both := selfSigned(t)
	w := &world{
		full:        cloudsim.AzurePrincipal{ClientID: "aaaaaaaa-0000-4000-8000-000000000001", Secret: "Abc8Q~" + strings.Repeat("f", 34), Role: "Contributor"},
		read:        cloudsim.AzurePrincipal{ClientID: "aaaaaaaa-0000-4000-8000-000000000002", Secret: "Abc8Q~" + strings.Repeat("r", 34), Role: "Reader"},
		certified:   cloudsim.AzurePrincipal{ClientID: "aaaaaaaa-0000-4000-8000-000000000003", Certificate: public, Role: "Reader"},
		federated:   cloudsim.AzurePrincipal{ClientID: "aaaaaaaa-0000-4000-8000-000000000004", Federated: subject, Role: "Reader"},
		certificate: both,
	}
	for i, grants := range spots() {
		w.spotted = append(w.spotted, cloudsim.AzurePrincipal{ClientID: fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", i+10), Secret: "Abc8Q~" + strings.Repeat("s", 34), Role: "Reader", Grants: grants})
	}
	w.sim = cloudsim.New(cloudsim.Config{AzurePrincipals: append([]cloudsim.AzurePrincipal{w.full, w.read, w.certified, w.federated}, w.spotted...)})
	if err := w.sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.sim.Close)
	ca, err := w.sim.StartTLS()
	if err != nil {
		t.Fatal(err)
	}
	at := w.sim.Endpoints()
	w.azure, err = New(Config{Login: at.AzureLoginTLS, ARM: at.AzureARMTLS, CA: ca, Federated: func() (string, error) { return w.sim.FederatedToken(subject) }})
	if err != nil {
		t.Fatal(err)
	}
	w.tenant = w.sim.World().Azure.Tenant
	return w
}

// spots are what may stand besides the Reader role: harmless, on a resource group, on one resource, on the subscription.
func spots() [][]cloudsim.AzureGrant {
	world := cloudsim.New(cloudsim.Config{}).World()
	top := "/subscriptions/" + world.Azure.Subscriptions[0].ID
	group, vault := top+"/resourceGroups/checkout", top+"/resourceGroups/checkout/providers/Microsoft.KeyVault/vaults/acme"
	return [][]cloudsim.AzureGrant{
		{{Scope: group, Role: "Reader"}, {Scope: vault, Role: "Reader"}},
		{{Scope: vault, Role: "Reader"}, {Scope: vault + "/keys/one", Role: "Reader"}, {Scope: group, Role: "Contributor"}},
		{{Scope: vault, Role: "Key Vault Administrator"}},
		{{Scope: top, Role: "Contributor"}},
	}
}

func TestARoleOnOneThingIsSeen(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	link, err := w.azure.Connect(t.Context(), Setup{Tenant: w.tenant, Principal: bySecret(w.spotted[0])})
	if err != nil || !link.ReadOnly {
		t.Errorf("Reader on more than one level: %+v, %v", link, err)
	}
	for i, words := range map[int]string{1: "* on /resourceGroups/checkout)", 2: "vaults/* on /resourceGroups/checkout/providers/Microsoft.KeyVault/vaults/acme)", 3: "things (*)"} {
		_, err := w.azure.Connect(t.Context(), Setup{Tenant: w.tenant, Principal: bySecret(w.spotted[i])})
		says(t, err, providers.CodeRefused, words)
		says(t, err, providers.CodeRefused, "Ask mode needs a second one")
		_, err = w.azure.Connect(t.Context(), Setup{Tenant: w.tenant, Principal: bySecret(w.full), Reader: bySecret(w.spotted[i])})
		says(t, err, providers.CodeRefused, words)
		says(t, err, providers.CodeRefused, "The read-only service principal may change things")
	}
	for _, list := range []string{"permissions", "roleAssignments", "roleDefinitions"} {
		for status, code := range map[int]providers.Code{403: providers.CodeRefused, 503: providers.CodeUnavailable} {
			fault := cloudsim.Fault{Action: "Microsoft.Authorization/" + list + "/read", Kind: cloudsim.FaultStatus, Status: status, Code: "AuthorizationFailed"}
			if err := w.sim.Inject(fault); err != nil {
				t.Fatal(err)
			}
			_, err := w.azure.Connect(t.Context(), Setup{Tenant: w.tenant, Principal: bySecret(w.spotted[0]), Subscriptions: []string{"acme-prod"}})
			says(t, err, code, "")
		}
	}
	if _, err := (token{value: "at-opaque"}).object(); err == nil {
		t.Error("a token of nobody is taken")
	}
}

// selfSigned makes a certificate as somebody would for a service principal.
func selfSigned(t *testing.T) (public, both string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "aurora"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return public, public + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func bySecret(p cloudsim.AzurePrincipal) SignIn {
	return SignIn{ClientID: p.ClientID, Secret: p.Secret}
}

func says(t *testing.T, err error, code providers.Code, words string) {
	t.Helper()
	var p *providers.Problem
	if !errors.As(err, &p) || p.Code != code || !strings.Contains(p.Sentence, words) {
		t.Errorf("error is %v, want %s saying %q", err, code, words)
	}
}

func TestAskNeedsAPrincipalThatCannotChange(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	link, err := w.azure.Connect(t.Context(), Setup{Tenant: strings.ToUpper(w.tenant), Principal: bySecret(w.full), Reader: bySecret(w.read)})
	if err != nil {
		t.Fatal(err)
	}
	if link.Account != w.tenant || len(link.Projects) != 2 || link.ReadOnly || link.Credential.Get("reader_client_secret") != w.read.Secret {
		t.Errorf("link is %+v", link)
	}
	if text := fmt.Sprintf("%+v %v", link, bySecret(w.full)); strings.Contains(text, w.full.Secret) || strings.Contains(text, w.read.Secret) {
		t.Error("a secret is printed")
	}
	for name, alone := range map[string]SignIn{
		"secret":      bySecret(w.read),
		"certificate": {ClientID: w.certified.ClientID, Certificate: w.certificate},
		"federation":  {ClientID: w.federated.ClientID, Federated: true},
	} {
		link, err := w.azure.Connect(t.Context(), Setup{Tenant: w.tenant, Principal: alone, Subscriptions: []string{"ACME-prod"}})
		if err != nil || !link.ReadOnly || len(link.Projects) != 1 || link.Note == "" {
			t.Errorf("a Reader alone by %s: %+v, %v", name, link, err)
		}
	}
}

func TestConnectRefusesWithAdvice(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	wrong := w.full
	wrong.Secret = "Abc8Q~" + strings.Repeat("x", 34)
	stranger := cloudsim.AzurePrincipal{ClientID: "aaaaaaaa-0000-4000-8000-00000000000f", Secret: "whatever~1"}
	_, foreign := selfSigned(t)
	for name, c := range map[string]struct {
		setup Setup
		says  string
	}{
		"no tenant":              {Setup{Principal: bySecret(w.read)}, "not the id of an Entra tenant"},
		"no client id":           {Setup{Tenant: w.tenant, Principal: SignIn{ClientID: "aurora", Secret: "x"}}, "not the client id"},
		"nothing to sign in by":  {Setup{Tenant: w.tenant, Principal: SignIn{ClientID: w.read.ClientID}}, "exactly one way"},
		"two ways":               {Setup{Tenant: w.tenant, Principal: SignIn{ClientID: w.read.ClientID, Secret: "x", Federated: true}}, "exactly one way"},
		"the secret's id":        {Setup{Tenant: w.tenant, Principal: SignIn{ClientID: w.read.ClientID, Secret: w.full.ClientID}}, "not its Secret ID"},
		"wrong secret":           {Setup{Tenant: w.tenant, Principal: bySecret(wrong)}, "client secret is wrong"},
		"nobody":                 {Setup{Tenant: w.tenant, Principal: bySecret(stranger)}, "no such application"},
		"half a certificate":     {Setup{Tenant: w.tenant, Principal: SignIn{ClientID: w.certified.ClientID, Certificate: w.certified.Certificate}}, "both the certificate"},
		"another certificate":    {Setup{Tenant: w.tenant, Principal: SignIn{ClientID: w.certified.ClientID, Certificate: foreign}}, "not one of the application's"},
		"writes, nobody to read": {Setup{Tenant: w.tenant, Principal: bySecret(w.full)}, "Ask mode needs a second one"},
		"reader is the same":     {Setup{Tenant: w.tenant, Principal: bySecret(w.full), Reader: bySecret(w.full)}, "are the same"},
		"reader writes":          {Setup{Tenant: w.tenant, Principal: bySecret(w.read), Reader: bySecret(w.full)}, "read-only service principal may change things (*)"},
		"no such subscription":   {Setup{Tenant: w.tenant, Principal: bySecret(w.read), Subscriptions: []string{"acme-lab"}}, "It sees: acme-prod ("},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.azure.Connect(t.Context(), c.setup)
			says(t, err, providers.CodeRefused, c.says)
			if strings.Contains(fmt.Sprint(err), "Abc8Q~") {
				t.Errorf("the sentence shows a secret: %v", err)
			}
		})
	}
	w.sim.Change(func(now *cloudsim.World) { now.Azure.Subscriptions = nil })
	_, err := w.azure.Connect(t.Context(), Setup{Tenant: w.tenant, Principal: bySecret(w.read)})
	says(t, err, providers.CodeRefused, "sees no subscription")
	w.sim.Close()
	_, err = w.azure.Connect(t.Context(), Setup{Tenant: w.tenant, Principal: bySecret(w.read)})
	says(t, err, providers.CodeUnavailable, "cannot be reached")
}

func TestThrottlingProvesNothing(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	for _, action := range []string{"oauth.token.client_credentials", "Microsoft.Resources/subscriptions/read"} {
		if err := w.sim.Inject(cloudsim.Fault{Action: action, Kind: cloudsim.FaultStatus, Status: 429, Code: "TooManyRequests"}); err != nil {
			t.Fatal(err)
		}
		_, err := w.azure.Connect(t.Context(), Setup{Tenant: w.tenant, Principal: bySecret(w.read)})
		says(t, err, providers.CodeUnavailable, "Try again")
	}
}

func (w *world) ask(t *testing.T, readOnly bool) providers.SessionAsk {
	t.Helper()
	link, err := w.azure.Connect(t.Context(), Setup{Tenant: w.tenant, Principal: bySecret(w.full), Reader: bySecret(w.read)})
	if err != nil {
		t.Fatal(err)
	}
	return providers.SessionAsk{
		Connection: store.Connection{ID: "c1", Cloud: store.Azure, Account: link.Account, Projects: link.Projects, Settings: link.Settings, Generation: 1},
		Credential: link.Credential, Project: link.Projects[0], Argv: []string{"az", "vm", "list"}, ReadOnly: readOnly,
	}
}

func TestTheFullPrincipalCannotBeReachedFromAsk(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	for readOnly, want := range map[bool]cloudsim.AzurePrincipal{true: w.read, false: w.full} {
		s, err := w.azure.Session(t.Context(), w.ask(t, readOnly))
		if err != nil {
			t.Fatal(err)
		}
		all := fmt.Sprint(s.Env)
		for _, f := range s.Files {
			all += f.Name + f.Content
		}
		for _, p := range []cloudsim.AzurePrincipal{w.full, w.read} {
			if strings.Contains(all, p.Secret) {
				t.Errorf("read only %v: a client secret is handed to az", readOnly)
			}
			if (p.ClientID == want.ClientID) != strings.Contains(all, p.ClientID) {
				t.Errorf("read only %v: principal %s is there: %v", readOnly, p.Role, !(p.ClientID == want.ClientID))
			}
		}
		if len(s.Secrets) != 1 || !strings.Contains(all, s.Secrets[0]) {
			t.Errorf("read only %v: %d secrets are known", readOnly, len(s.Secrets))
		}
	}
	without := w.ask(t, true)
	without.Credential = store.NewCredential(map[string]string{"tenant_id": w.tenant, "client_id": w.full.ClientID, "client_secret": w.full.Secret})
	_, err := w.azure.Session(t.Context(), without)
	says(t, err, providers.CodeExpired, "/aurora connect azure")
}

func TestASessionKnowsOneSubscription(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	for _, project := range []bool{true, false} {
		ask := w.ask(t, true)
		want := 1
		if !project {
			ask.Project, want = "", 2
		}
		s, err := w.azure.Session(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		var profile struct{ Subscriptions []struct{ ID, Name string } }
		for _, f := range s.Files {
			if f.Name == "azureProfile.json" {
				if err := json.Unmarshal([]byte(f.Content), &profile); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(profile.Subscriptions) != want || profile.Subscriptions[0].ID != ask.Connection.Projects[0] || profile.Subscriptions[0].Name != "acme-prod" {
			t.Errorf("with a project %v the profile is %+v", project, profile)
		}
	}
}

func TestTokensAreAskedForOnceAndNoneIsTooOld(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	asks := map[bool]providers.SessionAsk{true: w.ask(t, true), false: w.ask(t, false)}
	w.sim.Forget()
	now := time.Now()
	at := func(ahead time.Duration) { w.azure.tokens.now = func() time.Time { return now.Add(ahead) } }
	at(0)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			if _, err := w.azure.Session(context.Background(), asks[i%2 == 0]); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	const action = "oauth.token.client_credentials"
	for _, step := range []struct {
		ahead time.Duration
		asked int
	}{{0, 2}, {48 * time.Minute, 2}, {50 * time.Minute, 3}} {
		at(step.ahead)
		if _, err := w.azure.Session(t.Context(), asks[true]); err != nil {
			t.Fatal(err)
		}
		if n := w.sim.Executed(action); n != step.asked {
			t.Errorf("after %s Entra was asked %d times, want %d", step.ahead, n, step.asked)
		}
	}
}

func TestARevokedPrincipalIsTold(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	ask := w.ask(t, true)
	ask.Credential = store.NewCredential(map[string]string{"tenant_id": w.tenant, "reader_client_id": w.read.ClientID, "reader_client_secret": "Abc8Q~" + strings.Repeat("o", 34)})
	_, err := w.azure.Session(t.Context(), ask)
	says(t, err, providers.CodeExpired, "client secret is wrong")
	var p *providers.Problem
	if !errors.As(err, &p) || !p.Broken {
		t.Error("the connection is not marked broken")
	}
	w.sim.Close()
	_, err = w.azure.Session(t.Context(), ask)
	says(t, err, providers.CodeUnavailable, "cannot be reached")
	if errors.As(err, &p) && p.Broken {
		t.Error("an outage marks the connection broken")
	}
}

func TestCommandsWithTokensOfTheirOwn(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"az vm list": "", "az ad user list": "https://graph.microsoft.com//.default", "az adp account list": "", "az storage blob list -c x": "https://storage.azure.com/.default",
		"az keyvault list": "", "az keyvault secret list --vault-name v": "https://vault.azure.net/.default", "az": "",
	} {
		if got, _ := needs(strings.Fields(line)); got != want {
			t.Errorf("%s needs %q, want %q", line, got, want)
		}
	}
}

func TestTheIndexIsLearnedOnceWithoutACredential(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	ask := w.ask(t, true)
	made := `{"version": "2.45.0", "cloudProfile": "latest", "commandIndex": {}}`
	var learned int
	handed := make(chan providers.Session, 2)
	w.azure.config.Learn = func(_ context.Context, s providers.Session, _ string) ([]byte, error) {
		learned++
		handed <- s
		return []byte("\xef\xbb\xbf" + made), nil
	}
	holds := func() (index bool, version string) {
		s, err := w.azure.Session(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range s.Files {
			index = index || f.Name == indexFile && strings.HasSuffix(f.Content, made)
			if f.Name == "versionCheck.json" {
				version = f.Content
			}
		}
		return index, version
	}
	_, version := holds()
	if version == "" {
		t.Error("without a version az would look for a newer one on the network")
	}
	for _, f := range (<-handed).Files {
		if strings.Contains(f.Content, w.read.ClientID) || strings.Contains(f.Name, "token") {
			t.Errorf("%s is handed out for learning", f.Name)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for found := false; !found; found, version = holds() {
		if time.Now().After(deadline) {
			t.Fatal("the index is not used")
		}
	}
	if !strings.Contains(version, "2.45.0") || learned != 1 {
		t.Errorf("version %s, learned %d times", version, learned)
	}
}

func FuzzCertificate(f *testing.F) {
	f.Add("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")
	f.Fuzz(func(t *testing.T, text string) {
		certificate, key, err := parsePEM(text)
		if err == nil && (certificate == nil || key == nil) {
			t.Error("half a pair is accepted")
		}
	})
}
