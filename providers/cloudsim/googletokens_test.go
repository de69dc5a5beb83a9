package cloudsim_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"aurora/providers/cloudsim"
)

// keyOf reads a service account's key file.
func keyOf(t *testing.T, file string) (id string, key *rsa.PrivateKey) {
	t.Helper()
	parts := decode[map[string]string](t, file)
	block, _ := pem.Decode([]byte(parts["private_key"]))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return parts["private_key_id"], parsed.(*rsa.PrivateKey)
}

// Every row is one thing that Google refuses about an assertion.
func TestAssertionsAreCheckedAsGoogleDoes(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	id, key := keyOf(t, sim.ServiceAccountKey(cloudsim.GCPAccount))
	_, foreign := keyOf(t, sim.ServiceAccountKey(cloudsim.GCPAccount))
	now := time.Now()
	for name, row := range map[string]struct {
		harm func(c jwt.MapClaims, header map[string]any)
		key  *rsa.PrivateKey
		want string
	}{
		"good":             {want: ""},
		"another key":      {key: foreign, want: "invalid_grant"},
		"an unknown key":   {harm: func(_ jwt.MapClaims, h map[string]any) { h["kid"] = "0123" }, want: "invalid_grant"},
		"another account":  {harm: func(c jwt.MapClaims, _ map[string]any) { c["iss"] = "other@acme-prod.iam.gserviceaccount.com" }, want: "invalid_grant"},
		"another audience": {harm: func(c jwt.MapClaims, _ map[string]any) { c["aud"] = "https://evil.example" }, want: "invalid_grant"},
		"over":             {harm: func(c jwt.MapClaims, _ map[string]any) { c["exp"] = now.Add(-time.Minute).Unix() }, want: "invalid_grant"},
		"too long":         {harm: func(c jwt.MapClaims, _ map[string]any) { c["exp"] = now.Add(2 * time.Hour).Unix() }, want: "invalid_grant"},
		"of the future":    {harm: func(c jwt.MapClaims, _ map[string]any) { c["iat"] = now.Add(10 * time.Minute).Unix() }, want: "invalid_grant"},
		"without a scope":  {harm: func(c jwt.MapClaims, _ map[string]any) { delete(c, "scope") }, want: "invalid_scope"},
	} {
		claims := jwt.MapClaims{
			"iss": cloudsim.GCPAccount, "aud": "https://oauth2.googleapis.com/token", "scope": cloudsim.ScopeCloudPlatformReadOnly,
			"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		}
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		token.Header["kid"] = id
		if row.harm != nil {
			row.harm(claims, token.Header)
		}
		if row.key == nil {
			row.key = key
		}
		text, err := token.SignedString(row.key)
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {text}}.Encode()
		status, answer := call(t, http.MethodPost, sim.Endpoints().GoogleToken, form, "Content-Type", "application/x-www-form-urlencoded")
		if (status == http.StatusOK) != (row.want == "") || !strings.Contains(answer, row.want) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}

func TestGrantedScopesAreIncludedWhenAsked(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	consent(t, sim, "gcp", cloudsim.Consent{Account: cloudsim.GCPUser})
	scopes := func(scope string, include string) string {
		config, verifier := googleConfig(sim), oauth2.GenerateVerifier()
		config.Scopes = []string{scope}
		back := signInWith(t, config, oauth2.S256ChallengeOption(verifier), oauth2.AccessTypeOffline, oauth2.ApprovalForce, oauth2.SetAuthURLParam("include_granted_scopes", include))
		if back.Get("iss") != "https://accounts.google.com" {
			t.Errorf("the issuer came back as %q", back.Get("iss"))
		}
		token, err := config.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := token.Extra("scope").(string)
		return got
	}
	if got := scopes(cloudsim.ScopeCloudPlatform, "true"); got != cloudsim.ScopeCloudPlatform {
		t.Errorf("first: %s", got)
	}
	if got := scopes(cloudsim.ScopeCloudPlatformReadOnly, "false"); got != cloudsim.ScopeCloudPlatformReadOnly {
		t.Errorf("not included: %s", got)
	}
	if got := scopes("email", "true"); !strings.Contains(got, cloudsim.ScopeCloudPlatform) || !strings.Contains(got, "userinfo.email") {
		t.Errorf("included: %s", got)
	}
}

func TestTheIDTokenNamesTheSignIn(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	consent(t, sim, "gcp", cloudsim.Consent{Account: cloudsim.GCPUser})
	config, verifier := googleConfig(sim), oauth2.GenerateVerifier()
	config.Scopes = []string{"openid", "email"}
	back := signInWith(t, config, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "n-1"))
	token, err := config.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := token.Extra("id_token").(string)
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(text, claims); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"iss": "https://accounts.google.com", "aud": config.ClientID, "nonce": "n-1", "email": cloudsim.GCPUser, "email_verified": true} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
}

func TestOVHTakesNoTokenBack(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	if status, _ := call(t, http.MethodPost, sim.Endpoints().OVHAuth+"/eu/auth/oauth2/revoke", "token=x", "Content-Type", "application/x-www-form-urlencoded"); status != http.StatusNotFound {
		t.Errorf("revoking gives %d", status)
	}
}
