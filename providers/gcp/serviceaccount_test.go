package gcp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"
)

func TestAKeySignsInForReadingAndForChanging(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	file := sim.ServiceAccountKey(cloudsim.GCPAccount)
	got, err := c.ConnectKey(t.Context(), "\n"+file+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if got.Account != cloudsim.GCPAccount || !slices.Equal(got.Projects, []string{"acme-prod"}) || got.Settings[store.SettingDefaultProject] != "acme-prod" || got.ReadOnly {
		t.Errorf("%+v", got)
	}
	for slot, scope := range map[providers.Slot]string{providers.ReadSlot: ScopeRead, providers.WideSlot: ScopeWide} {
		tokens, err := c.Renew(t.Context(), store.Connection{}, got.Credential, slot)
		if err != nil || tokens.Refresh != "" || !slices.Equal(tokens.Scopes, []string{scope}) {
			t.Errorf("%s: %v, %v", slot, tokens.Scopes, err)
		}
	}
	for name := range got.Credential.Reveal() {
		if strings.Contains(name, "uri") || strings.Contains(name, "url") {
			t.Errorf("the address %s of the file is kept", name)
		}
	}
	leftover, err := c.Revoke(t.Context(), got.Credential)
	if err != nil || !strings.Contains(leftover, "keys delete "+got.Credential.Get("private_key_id")) {
		t.Errorf("%q, %v", leftover, err)
	}
	if _, err := sim.Revoke("gcp", got.Credential.Get("private_key_id")); err != nil {
		t.Fatal(err)
	}
	var p *providers.Problem
	if _, err := c.Renew(t.Context(), store.Connection{}, got.Credential, providers.ReadSlot); !errors.As(err, &p) || !p.Broken {
		t.Errorf("with a deleted key: %v", err)
	}
	if _, err := c.ConnectKey(t.Context(), file); !errors.As(err, &p) || p.Broken || !strings.Contains(p.Sentence, "Make a new key") {
		t.Errorf("connecting a deleted key: %v", err)
	}
}

func pemOf(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestWhatIsNoKeyIsRefused(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	file := sim.ServiceAccountKey(cloudsim.GCPAccount)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		var all map[string]string
		if err := json.Unmarshal([]byte(file), &all); err != nil {
			t.Fatal(err)
		}
		all[name] = value
		raw, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for name, text := range map[string]string{
		"empty": "", "no JSON": "-----BEGIN", "a list": "[]", "too long": `{"type":"` + strings.Repeat("x", mostKey) + `"}`,
		"a person's":        with("type", "authorized_user"),
		"external":          with("type", "external_account"),
		"another universe":  with("universe_domain", "evil.example"),
		"no account":        with("client_email", "ada@example.com"),
		"a foreign domain":  with("client_email", "a@p.iam.gserviceaccount.com.evil.example"),
		"an odd project":    with("project_id", "../etc"),
		"an odd key id":     with("private_key_id", "x y"),
		"no key":            with("private_key", "hello"),
		"two keys":          with("private_key", pemOf(t, curve)+pemOf(t, curve)),
		"a curve":           with("private_key", pemOf(t, curve)),
		"a small key":       with("private_key", pemOf(t, small)),
		"another's address": with("client_email", "other@acme-prod.iam.gserviceaccount.com"),
	} {
		var p *providers.Problem
		_, err := c.ConnectKey(t.Context(), text)
		if !errors.As(err, &p) || p.Code != providers.CodeRefused || strings.Contains(fmt.Sprint(p.Sentence, p.Err), "PRIVATE") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An address in the file has no say in where the key's signature goes.
	if _, err := c.ConnectKey(t.Context(), with("token_uri", "http://127.0.0.1:1/steal")); err != nil {
		t.Errorf("a foreign token_uri: %v", err)
	}
}

func TestProjectsAreListedToTheEnd(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	sim.Change(func(w *cloudsim.World) {
		for i := range 1200 {
			state := "ACTIVE"
			if i%4 == 0 {
				state = "DELETE_REQUESTED"
			}
			w.GCP.Projects = append(w.GCP.Projects, cloudsim.Project{
				ID: fmt.Sprintf("many-%04d", i), Number: fmt.Sprint(700000000000 + i), State: state, Bindings: map[string]string{"ben@example.com": "roles/viewer"},
			})
		}
	})
	projects, more, err := c.Projects(t.Context(), sim.GoogleToken("ben@example.com", 0, ScopeRead))
	if err != nil || len(projects) != 901 || more != "" { // acme-prod and three quarters of 1,200
		t.Errorf("%d projects, %q, %v", len(projects), more, err)
	}
	sim.Change(func(w *cloudsim.World) {
		for i := range w.GCP.Projects {
			w.GCP.Projects[i].State = "ACTIVE"
		}
	})
	projects, more, err = c.Projects(t.Context(), sim.GoogleToken("ben@example.com", 0, ScopeRead))
	if err != nil || len(projects) != mostProjects || !strings.Contains(more, "first 1000") {
		t.Errorf("%d projects, %q, %v", len(projects), more, err)
	}
	var p *providers.Problem
	if _, _, err := c.Projects(t.Context(), sim.GoogleToken("ben@example.com", 0, "openid")); !errors.As(err, &p) || p.Code != providers.CodeRefused {
		t.Errorf("without the scope: %v", err)
	}
}

// FuzzKey: whatever is pasted, what is kept is one RSA key of a service account, and nothing pasted is repeated.
func FuzzKey(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, leastRSA)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "acme-prod", "private_key_id": "0123456789abcdef", "client_email": cloudsim.GCPAccount,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://evil.example",
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{string(good), "{}", "", "[1]", `{"type":"service_account"}`, `{"type":"service_account","type":"x"}`, strings.Repeat("{", 100)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := readKey(text)
		var p *providers.Problem
		if err != nil {
			if !errors.As(err, &p) || p.Err != nil || p.Sentence == "" || key != (keyFile{}) {
				t.Errorf("%v, %+v", err, p)
			}
			return
		}
		if key.Type != "service_account" || !accountEmail.MatchString(key.Email) || !projectID.MatchString(key.Project) {
			t.Errorf("taken: %s %s", key.Email, key.Project)
		}
		if clean, err := cleanKey(key.Key); err != nil || clean != key.Key {
			t.Errorf("what is kept is no key: %v", err)
		}
	})
}
