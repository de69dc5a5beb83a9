package cloudsim_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"aurora/providers/cloudsim"
)

// signInWith walks a sign-in as a browser does and gives the code, or the error the page sent back.
func signInWith(t *testing.T, config *oauth2.Config, options ...oauth2.AuthCodeOption) url.Values {
	t.Helper()
	status, location := call(t, http.MethodGet, config.AuthCodeURL("state-1", options...), "")
	if status != http.StatusFound {
		t.Fatalf("the sign-in answered %d: %s", status, location)
	}
	back, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	if back.Query().Get("state") != "state-1" {
		t.Errorf("the state came back as %q", back.Query().Get("state"))
	}
	return back.Query()
}

func googleConfig(sim *cloudsim.Server) *oauth2.Config {
	client := sim.OAuthClient("gcp")
	return &oauth2.Config{
		ClientID: client.ID, ClientSecret: client.Secret, RedirectURL: "http://127.0.0.1:1/api/auth/gcp/callback",
		Scopes:   []string{cloudsim.ScopeCloudPlatform, "openid"},
		Endpoint: oauth2.Endpoint{AuthURL: sim.Endpoints().GoogleAuth, TokenURL: sim.Endpoints().GoogleToken, AuthStyle: oauth2.AuthStyleInParams},
	}
}

func consent(t *testing.T, sim *cloudsim.Server, client string, c cloudsim.Consent) {
	t.Helper()
	if err := sim.SetConsent(client, &c); err != nil {
		t.Fatal(err)
	}
}

func TestGoogleSignInWithPKCE(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	consent(t, sim, "gcp", cloudsim.Consent{Account: cloudsim.GCPUser, Scopes: []string{cloudsim.ScopeCloudPlatform}})
	config, verifier := googleConfig(sim), oauth2.GenerateVerifier()
	offline := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier), oauth2.AccessTypeOffline, oauth2.ApprovalForce}
	code := signInWith(t, config, offline...).Get("code")
	if _, err := config.Exchange(t.Context(), code, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Fatal("another verifier was taken")
	}
	code = signInWith(t, config, offline...).Get("code")
	token, err := config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil || token.RefreshToken == "" || token.Extra("scope") != cloudsim.ScopeCloudPlatform {
		t.Fatalf("the token is %v with scope %v: %v", token, token.Extra("scope"), err)
	}
	_, info := call(t, http.MethodGet, sim.Endpoints().GoogleUserinfo, "", "Authorization", "Bearer "+token.AccessToken)
	wantContains(t, info, cloudsim.GCPUser)
	fresh, err := config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil || fresh.AccessToken == token.AccessToken {
		t.Fatalf("refresh: %v", err)
	}
	if _, err := config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
		t.Fatal("a code was taken twice")
	}
	_, err = config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		t.Errorf("after the code was used twice its refresh token gives %v, want invalid_grant", err)
	}
}

func TestGoogleRevocationEndsEveryToken(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	consent(t, sim, "gcp", cloudsim.Consent{Account: cloudsim.GCPUser})
	config, verifier := googleConfig(sim), oauth2.GenerateVerifier()
	code := signInWith(t, config, oauth2.S256ChallengeOption(verifier), oauth2.AccessTypeOffline, oauth2.ApprovalForce).Get("code")
	token, err := config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"token": {token.RefreshToken}}.Encode()
	if status, text := call(t, http.MethodPost, sim.Endpoints().GoogleRevoke, form, "Content-Type", "application/x-www-form-urlencoded"); status != 200 {
		t.Fatalf("revoke: %s", text)
	}
	if status, _ := call(t, http.MethodGet, sim.Endpoints().GCPCompute+"projects/acme-prod/zones", "", "Authorization", "Bearer "+token.AccessToken); status != 401 {
		t.Errorf("the access token of a revoked grant gives %d", status)
	}
	if sim.RefreshTokens("gcp") != 0 {
		t.Error("a refresh token outlived the revocation")
	}
}

func TestSignInRefusesWhatItMust(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	consent(t, sim, "gcp", cloudsim.Consent{Account: cloudsim.GCPUser})
	challenge := oauth2.S256ChallengeOption(oauth2.GenerateVerifier())
	if got := signInWith(t, googleConfig(sim)).Get("error"); got != "invalid_request" {
		t.Errorf("without PKCE: %q", got)
	}
	stranger := googleConfig(sim)
	stranger.ClientID = "somebody-else"
	elsewhere := googleConfig(sim)
	elsewhere.RedirectURL = "https://evil.example/callback"
	for name, config := range map[string]*oauth2.Config{"unknown client": stranger, "foreign redirect": elsewhere} {
		if status, text := call(t, http.MethodGet, config.AuthCodeURL("s", challenge), ""); status != 400 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	consent(t, sim, "gcp", cloudsim.Consent{Deny: true})
	if got := signInWith(t, googleConfig(sim), challenge).Get("error"); got != "access_denied" {
		t.Errorf("denied: %q", got)
	}
	if err := sim.SetConsent("gcp", nil); err != nil {
		t.Fatal(err)
	}
	status, page := call(t, http.MethodGet, googleConfig(sim).AuthCodeURL("s", challenge), "")
	if status != 200 {
		t.Errorf("the page for people: %d", status)
	}
	wantContains(t, page, cloudsim.GCPUser, "Allow", "Deny")
}

func TestOVHRotatesAndPunishesReuse(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	consent(t, sim, "ovh-ca", cloudsim.Consent{Account: "ac12345-ovh"})
	client, base := sim.OAuthClient("ovh-ca"), sim.Endpoints().OVHAuth+"/ca/auth/oauth2/"
	config := &oauth2.Config{
		ClientID: client.ID, ClientSecret: client.Secret, RedirectURL: "http://localhost:1/cb", Scopes: []string{"all"},
		Endpoint: oauth2.Endpoint{AuthURL: base + "authorize", TokenURL: base + "token", AuthStyle: oauth2.AuthStyleInHeader},
	}
	verifier := oauth2.GenerateVerifier()
	code := signInWith(t, config, oauth2.S256ChallengeOption(verifier)).Get("code")
	first, err := config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	_, ids := call(t, http.MethodGet, sim.Endpoints().OVHCA+"/1.0/cloud/project", "", "Authorization", "Bearer "+first.AccessToken)
	project := decode[[]string](t, ids)[0]
	_, list := call(t, http.MethodGet, sim.Endpoints().OVHCA+"/1.0/cloud/project/"+project+"/instance", "", "Authorization", "Bearer "+first.AccessToken)
	wantContains(t, list, "web-1", "SHUTOFF")
	if status, _ := call(t, http.MethodGet, sim.Endpoints().OVHEU+"/1.0/me", "", "Authorization", "Bearer "+first.AccessToken); status != 401 {
		t.Errorf("a token of one region works in another: %d", status)
	}
	refresh := func(token string) (*oauth2.Token, error) {
		return config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token}).Token()
	}
	second, err := refresh(first.RefreshToken)
	if err != nil || second.RefreshToken == first.RefreshToken {
		t.Fatalf("the refresh token was not rotated: %v", err)
	}
	if _, err := refresh(first.RefreshToken); err == nil {
		t.Fatal("a spent refresh token was taken")
	}
	if _, err := refresh(second.RefreshToken); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("after a reuse the family lives on: %v", err)
	}
}
