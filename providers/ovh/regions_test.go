package ovh

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
)

func connector(t *testing.T, c Config) *Connector {
	t.Helper()
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Resolve = engine.ResolveCall
	out, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The hosts as OVHcloud documents them. A region whose token host is wrong loses its accounts after the first hour.
func TestEveryRegionHasItsHosts(t *testing.T) {
	t.Parallel()
	c := connector(t, Config{Clients: map[string]Client{"eu": {"e", "s"}, "ca": {"c", "s"}, "us": {"u", "s"}}})
	for name, want := range map[string][3]string{
		"eu": {"https://eu.api.ovh.com/1.0", "https://www.ovh.com/auth/oauth2/authorize", "https://www.ovh.com/auth/oauth2/token"},
		"ca": {"https://ca.api.ovh.com/1.0", "https://ca.ovh.com/auth/oauth2/authorize", "https://ca.ovh.com/auth/oauth2/token"},
		"us": {"https://api.us.ovhcloud.com/1.0", "https://us.ovhcloud.com/auth/oauth2/authorize", "https://us.ovhcloud.com/auth/oauth2/token"},
	} {
		server, r, err := c.server(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]string{r.api + apiVersion, server.AuthURL, server.TokenURL}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if server.ClientID != name[:1] || !strings.Contains(server.Settings, "OVH_"+strings.ToUpper(name)+"_CLIENT_ID") {
			t.Errorf("%s signs in as %q, set by %s", name, server.ClientID, server.Settings)
		}
		if regionOf(r.endpoint()) != name {
			t.Errorf("%s is read back from %s as %s", name, r.endpoint(), regionOf(r.endpoint()))
		}
	}
	if len(regions) != 3 {
		t.Errorf("%d regions", len(regions))
	}
}

func TestAnUnknownRegionIsRefused(t *testing.T) {
	t.Parallel()
	c := connector(t, Config{Clients: map[string]Client{"eu": {"e", "s"}}})
	for _, name := range []string{"", "de", "EU", "ovh-eu", "eu/../us", "evil.example"} {
		in := providers.NewSignIn("http://127.0.0.1:1/cb", false)
		in.Region = name
		var p *providers.Problem
		if _, err := c.AuthURL("state", in); !errors.As(err, &p) || !strings.Contains(p.Sentence, "eu, ca or us") {
			t.Errorf("%q: %v", name, err)
		}
	}
	in := providers.NewSignIn("http://127.0.0.1:1/cb", false)
	in.Region = "us"
	if _, err := c.AuthURL("state", in); err == nil || !strings.Contains(err.Error(), "OVH_US_CLIENT_ID") {
		t.Errorf("a region without a client: %v", err)
	}
	if got := c.Regions(); len(got) != 1 || got[0] != "eu" {
		t.Errorf("people can sign in to %v", got)
	}
	if _, err := New(Config{Resolve: c.config.Resolve, Clients: map[string]Client{"de": {}}}); err == nil {
		t.Error("a client for an unknown region was taken")
	}
}

func TestTheAddressHasPKCE(t *testing.T) {
	t.Parallel()
	c := connector(t, Config{Clients: map[string]Client{"ca": {"client", store.Secret("hidden")}}})
	in := providers.NewSignIn("https://aurora.example/api/auth/ovh/callback", false)
	in.Region = "ca"
	text, err := c.AuthURL("the-state", in)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"client_id": "client", "redirect_uri": in.Redirect, "response_type": "code", "state": "the-state", "code_challenge_method": "S256", "scope": "all",
	} {
		if got := address.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if address.Host != "ca.ovh.com" || strings.Contains(text, in.Verifier) || strings.Contains(text, "hidden") {
		t.Error(text)
	}
}
