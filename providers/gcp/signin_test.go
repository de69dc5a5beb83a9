package gcp

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"
)

const callback = "http://127.0.0.1:1/api/auth/gcp/callback"

func simulated(t *testing.T) (*cloudsim.Server, *Connector) {
	t.Helper()
	sim := cloudsim.New(cloudsim.Config{})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	e, client := sim.Endpoints(), sim.OAuthClient("gcp")
	return sim, New(Config{
		ClientID: client.ID, ClientSecret: store.Secret(client.Secret), AuthURL: e.GoogleAuth, TokenURL: e.GoogleToken, RevokeURL: e.GoogleRevoke,
		Compute: e.GCPCompute, ResourceManager: e.GCPResourceManager, Credentials: e.GCPCredentials,
	})
}

// browse walks a sign-in as a browser does, with this consent, and gives what comes back.
func browse(t *testing.T, sim *cloudsim.Server, c *Connector, in providers.SignIn, says cloudsim.Consent) url.Values {
	t.Helper()
	if err := sim.SetConsent("gcp", &says); err != nil {
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

func signIn(t *testing.T, sim *cloudsim.Server, c *Connector, wide bool, says cloudsim.Consent) (providers.SignedIn, error) {
	t.Helper()
	in := providers.NewSignIn(callback, wide)
	return c.Finish(t.Context(), in, browse(t, sim, c, in, says))
}

func ada() cloudsim.Consent { return cloudsim.Consent{Account: cloudsim.GCPUser} }

func TestTheAddressAsksForNoMoreThanNeeded(t *testing.T) {
	t.Parallel()
	c := New(Config{ClientID: "client", ClientSecret: "hidden"})
	for _, wide := range []bool{false, true} {
		in := providers.NewSignIn("https://aurora.example/api/auth/gcp/callback", wide)
		in.LoginHint = "ada@example.com"
		text, err := c.AuthURL("the-state", in)
		if err != nil {
			t.Fatal(err)
		}
		address, err := url.Parse(text)
		if err != nil || address.Host != "accounts.google.com" || address.Path != "/o/oauth2/v2/auth" {
			t.Fatalf("%s: %v", text, err)
		}
		q := address.Query()
		for name, want := range map[string]string{
			"client_id": "client", "redirect_uri": in.Redirect, "response_type": "code", "state": "the-state", "access_type": "offline",
			"prompt": "consent", "code_challenge_method": "S256", "nonce": in.Nonce(), "login_hint": "ada@example.com",
			"scope": scopeFor(wide) + " openid email", "include_granted_scopes": fmt.Sprint(wide),
		} {
			if q.Get(name) != want {
				t.Errorf("wide %t: %s is %q, want %q", wide, name, q.Get(name), want)
			}
		}
		if strings.Contains(text, in.Verifier) || strings.Contains(text, "hidden") || len(q.Get("code_challenge")) != 43 {
			t.Errorf("wide %t: %s", wide, text)
		}
	}
	if _, err := New(Config{}).AuthURL("state", providers.NewSignIn(callback, false)); err == nil || !strings.Contains(err.Error(), "GOOGLE_CLIENT_ID") {
		t.Errorf("without a client: %v", err)
	}
}

func TestReadingAndChangingAreTwoConsents(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	read, err := signIn(t, sim, c, false, ada())
	if err != nil {
		t.Fatal(err)
	}
	if !read.ReadOnly || read.Account != cloudsim.GCPUser || !slices.Equal(read.Projects, []string{"acme-prod", "acme-staging"}) || read.Reduced != "" {
		t.Errorf("%+v", read)
	}
	wide, err := signIn(t, sim, c, true, ada())
	if err != nil || wide.ReadOnly {
		t.Fatalf("%+v, %v", wide, err)
	}
	both := providers.MergeCredential(read.Credential, wide.Credential)
	for slot, scope := range map[providers.Slot]string{providers.ReadSlot: ScopeRead, providers.WideSlot: ScopeWide} {
		tokens, ok := providers.TokensOf(both, slot)
		if !ok || tokens.Refresh == "" || !slices.Contains(tokens.Scopes, scope) {
			t.Errorf("%s has the scopes %v", slot, tokens.Scopes)
		}
		renewed, err := c.Renew(t.Context(), store.Connection{Account: "x"}, both, slot)
		if err != nil || renewed.Refresh != "" || renewed.Access == tokens.Access || slices.Contains(renewed.Scopes, ScopeWide) != (slot == providers.WideSlot) {
			t.Errorf("%s renewed has the scopes %v: %v", slot, renewed.Scopes, err)
		}
	}
	// After the wide consent the read-only one is still no more than that.
	again, err := signIn(t, sim, c, false, ada())
	if err != nil || !again.ReadOnly {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestAskNeverGetsTheWideTokens(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	conn := store.Connection{Account: "ada@example.com"}
	filled := func(slots ...providers.Slot) store.Credential {
		cred := store.NewCredential(map[string]string{"kind": providers.KindOAuth})
		for _, s := range slots {
			cred = providers.WithTokens(cred, s, providers.Tokens{Access: "a", Refresh: "r"})
		}
		return cred
	}
	for _, row := range []struct {
		name     string
		cred     store.Credential
		readOnly bool
		want     providers.Slot
	}{
		{"Ask, both", filled(providers.ReadSlot, providers.WideSlot), true, providers.ReadSlot},
		{"Ask, read alone", filled(providers.ReadSlot), true, providers.ReadSlot},
		{"Ask, wide alone", filled(providers.WideSlot), true, ""},
		{"Agent, both", filled(providers.ReadSlot, providers.WideSlot), false, providers.WideSlot},
		{"Agent, read alone", filled(providers.ReadSlot), false, providers.ReadSlot},
		{"nothing", filled(), false, ""},
		{"Ask, key", store.NewCredential(map[string]string{"kind": providers.KindServiceAccount}), true, providers.ReadSlot},
		{"Agent, key", store.NewCredential(map[string]string{"kind": providers.KindServiceAccount}), false, providers.WideSlot},
	} {
		got, err := c.Slot(conn, row.cred, row.readOnly)
		if got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%s: %q, %v, want %q", row.name, got, err, row.want)
		}
	}
}

// Every row is a sign-in that must come to nothing, with a sentence that says what to do and no word of the server's.
func TestBadSignInsComeToNothing(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		wide bool
		says cloudsim.Consent
		harm func(q url.Values, in *providers.SignIn)
		want string
	}{
		"the person says no":            {says: cloudsim.Consent{Deny: true}, want: "You said no at Google"},
		"another issuer":                {says: cloudsim.Consent{Account: cloudsim.GCPUser, Issuer: "https://evil.example"}, want: "did not come from Google"},
		"an issuer that begins like it": {says: cloudsim.Consent{Account: cloudsim.GCPUser, Issuer: "https://accounts.google.com.evil.example"}, want: "did not come from Google"},
		"no code":                       {says: ada(), harm: func(q url.Values, _ *providers.SignIn) { q.Del("code") }, want: "lacks its code"},
		"two codes":                     {says: ada(), harm: func(q url.Values, _ *providers.SignIn) { q.Add("code", "4/other") }, want: "lacks its code"},
		"an error of its own":           {says: ada(), harm: func(q url.Values, _ *providers.SignIn) { q.Set("error", "<script>") }, want: "did not let you sign in"},
		"a foreign code":                {says: ada(), harm: func(q url.Values, _ *providers.SignIn) { q.Set("code", "4/foreign") }, want: "is over or was used before"},
		"another verifier":              {says: ada(), harm: func(_ url.Values, in *providers.SignIn) { in.Verifier = providers.NewSignIn("", false).Verifier }, want: "is over or was used before"},
		"another redirect":              {says: ada(), harm: func(_ url.Values, in *providers.SignIn) { in.Redirect += "/x" }, want: "refused the sign-in"},
		"reading left out":              {says: cloudsim.Consent{Account: cloudsim.GCPUser, Scopes: []string{"openid", "email"}}, want: "leave that box ticked"},
		"changing left out":             {wide: true, says: cloudsim.Consent{Account: "ben@example.com", Scopes: []string{"openid", "email"}}, want: "leave that box ticked"},
		"the e-mail left out":           {says: cloudsim.Consent{Account: cloudsim.GCPUser, Scopes: []string{"openid", ScopeRead}}, want: "e-mail address"},
		"nobody told":                   {says: cloudsim.Consent{Account: cloudsim.GCPUser, Scopes: []string{ScopeRead}}, want: "who signed in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, c := simulated(t)
			in := providers.NewSignIn(callback, row.wide)
			back := browse(t, sim, c, in, row.says)
			if row.harm != nil {
				row.harm(back, &in)
			}
			got, err := c.Finish(t.Context(), in, back)
			var p *providers.Problem
			if !errors.As(err, &p) || !strings.Contains(p.Sentence, row.want) || p.Broken || !got.Credential.IsZero() {
				t.Errorf("%v, want %q", err, row.want)
			}
			if p != nil && (strings.Contains(fmt.Sprint(p.Sentence, p.Err), "script") || strings.Contains(fmt.Sprint(p.Err), "Bad Request")) {
				t.Errorf("the server's words are repeated: %v", p.Err)
			}
		})
	}
}

func TestTheWiderConsentIsOfTheAccountItWasAskedFor(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	in := providers.NewSignIn(callback, true)
	in.LoginHint = "Ada@example.com"
	var p *providers.Problem
	got, err := c.Finish(t.Context(), in, browse(t, sim, c, in, cloudsim.Consent{Account: "ben@example.com"}))
	if !errors.As(err, &p) || !strings.Contains(p.Sentence, "Ada@example.com") || !strings.Contains(p.Sentence, "ben@example.com") || !got.Credential.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := c.Finish(t.Context(), in, browse(t, sim, c, in, ada())); err != nil || got.ReadOnly {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestACodeWorksOnce(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	in := providers.NewSignIn(callback, false)
	back := browse(t, sim, c, in, ada())
	if _, err := c.Finish(t.Context(), in, back); err != nil {
		t.Fatal(err)
	}
	var p *providers.Problem
	if _, err := c.Finish(t.Context(), in, back); !errors.As(err, &p) || p.Code != providers.CodeRefused {
		t.Errorf("the second time: %v", err)
	}
}

func TestLessThanAskedIsSaid(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	if _, err := signIn(t, sim, c, false, ada()); err != nil {
		t.Fatal(err)
	}
	got, err := signIn(t, sim, c, true, cloudsim.Consent{Account: cloudsim.GCPUser, Scopes: []string{"openid", "email"}})
	if err != nil || !got.ReadOnly || !strings.Contains(got.Reduced, "can only read") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, ok := providers.TokensOf(got.Credential, providers.WideSlot); ok {
		t.Error("tokens that only read are kept as wide ones")
	}
}

// fixed answers every request for tokens with one body.
func fixed(t *testing.T, status int, body string) *Connector {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return New(Config{ClientID: "client", ClientSecret: "hidden", TokenURL: server.URL, RevokeURL: server.URL})
}

// What a token endpoint says is neither shown nor in the error that is logged; what it means decides.
func TestTheServersWordsAreNotRepeated(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status int
		body   string
		code   providers.Code
		broken bool
	}{
		"taken back":      {400, `{"error":"invalid_grant","error_description":"s3cret"}`, providers.CodeExpired, true},
		"re-authenticate": {400, `{"error":"invalid_grant","error_subtype":"invalid_rapt s3cret"}`, providers.CodeExpired, true},
		"our client":      {401, `{"error":"invalid_client","error_description":"s3cret"}`, providers.CodeUnavailable, false},
		"down":            {503, `s3cret`, providers.CodeUnavailable, false},
		"too often":       {429, `{"error":"s3cret"}`, providers.CodeUnavailable, false},
		"invented code":   {400, `{"error":"s3cret <b>"}`, providers.CodeUnavailable, false},
		"no JSON":         {200, `<html>s3cret`, providers.CodeUnavailable, false},
		"no token":        {200, `{"token_type":"Bearer","refresh_token":"s3cret"}`, providers.CodeUnavailable, false},
		"odd token":       {200, `{"token_type":"Bearer","access_token":"s3cret\nX: y"}`, providers.CodeUnavailable, false},
		"odd type":        {200, `{"token_type":"mac","access_token":"s3cret"}`, providers.CodeUnavailable, false},
	} {
		cred := providers.WithTokens(store.NewCredential(map[string]string{"kind": "oauth"}), providers.ReadSlot, providers.Tokens{Refresh: "1//r"})
		_, err := fixed(t, row.status, row.body).Renew(t.Context(), store.Connection{Account: "ada"}, cred, providers.ReadSlot)
		var p *providers.Problem
		if !errors.As(err, &p) || p.Code != row.code || p.Broken != row.broken || p.Sentence == "" {
			t.Errorf("%s: %v", name, err)
		}
		if p != nil && strings.Contains(fmt.Sprintf("%s %v %+v", p.Sentence, p.Err, p.Err), "s3cret") {
			t.Errorf("%s: the body is repeated: %v", name, p.Err)
		}
	}
}

func TestAReadOnlySignInThatGrewIsNotUsed(t *testing.T) {
	t.Parallel()
	c := fixed(t, 200, `{"access_token":"ya29.x","token_type":"Bearer","expires_in":3599,"scope":"`+ScopeRead+" "+ScopeWide+`"}`)
	cred := providers.WithTokens(store.NewCredential(map[string]string{"kind": "oauth"}), providers.ReadSlot, providers.Tokens{Refresh: "1//r"})
	var p *providers.Problem
	if _, err := c.Renew(t.Context(), store.Connection{Account: "ada"}, cred, providers.ReadSlot); !errors.As(err, &p) || !p.Broken {
		t.Errorf("%v", err)
	}
}

func TestRevokingEndsTheConsent(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	read, err := signIn(t, sim, c, false, ada())
	if err != nil {
		t.Fatal(err)
	}
	wide, err := signIn(t, sim, c, true, ada())
	if err != nil {
		t.Fatal(err)
	}
	cred := providers.MergeCredential(read.Credential, wide.Credential)
	if sim.RefreshTokens("gcp") != 2 {
		t.Fatalf("%d refresh tokens", sim.RefreshTokens("gcp"))
	}
	for range 2 { // the second time there is nothing left to revoke, which is no error
		if leftover, err := c.Revoke(t.Context(), cred); err != nil || leftover != "" {
			t.Errorf("%q, %v", leftover, err)
		}
	}
	if sim.RefreshTokens("gcp") != 0 {
		t.Error("a refresh token is left")
	}
	if leftover, err := fixed(t, 503, "").Revoke(t.Context(), cred); err == nil || !strings.Contains(leftover, "myaccount.google.com") {
		t.Errorf("Google down: %q, %v", leftover, err)
	}
}
