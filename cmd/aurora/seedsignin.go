package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"
)

// signer is a cloud that people sign in to.
type signer interface {
	AuthURL(state string, in providers.SignIn) (string, error)
	Finish(ctx context.Context, in providers.SignIn, callback url.Values) (providers.SignedIn, error)
}

// linkGoogle signs the owner of acme-prod in twice: to read, and to change things.
func (s *sims) linkGoogle(ctx context.Context, a *app) (store.Connection, store.Credential, error) {
	var conn store.Connection
	var cred store.Credential
	for _, wide := range []bool{false, true} {
		linked, err := s.signIn(ctx, a.clouds.gcp, "gcp", cloudsim.GCPUser, providers.NewSignIn(seedCallback, wide))
		if err != nil {
			return conn, cred, err
		}
		linked.Settings[store.SettingDefaultProject] = cloudsim.GCPProject
		conn = store.Connection{Cloud: store.GCP, Account: linked.Account, Projects: linked.Projects, Settings: linked.Settings}
		cred = providers.MergeCredential(cred, linked.Credential)
	}
	return conn, cred, nil
}

func (s *sims) linkOVH(ctx context.Context, a *app) (store.Connection, store.Credential, error) {
	in := providers.NewSignIn(seedCallback, false)
	in.Region = "eu"
	linked, err := s.signIn(ctx, a.clouds.ovh, "ovh-eu", cloudsim.OVHUser, in)
	return store.Connection{Cloud: store.OVH, Account: linked.Account, Label: linked.Label, Projects: linked.Projects, Settings: linked.Settings}, linked.Credential, err
}

// seedCallback is where the simulated sign-in would send the browser; nobody goes there.
const seedCallback = "http://127.0.0.1/api/auth/callback"

// signIn does what a person does in a browser, and leaves the sign-in page to people again.
func (s *sims) signIn(ctx context.Context, at signer, client, who string, in providers.SignIn) (linked providers.SignedIn, err error) {
	if err := s.clouds.SetConsent(client, &cloudsim.Consent{Account: who}); err != nil {
		return linked, err
	}
	defer func() { _ = s.clouds.SetConsent(client, nil) }() // the client is known: it was just set
	address, err := at.AuthURL("seed", in)
	if err != nil {
		return linked, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return linked, fmt.Errorf("sign in to %s: %w", client, err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // a client would follow the redirect
	if err != nil {
		return linked, fmt.Errorf("sign in to %s: %w", client, err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		return linked, fmt.Errorf("sign in to %s: it answered %d", client, resp.StatusCode)
	}
	return at.Finish(ctx, in, back.Query())
}
