package gcp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"aurora/providers"
	"aurora/store"
)

// Slot gives a run in Ask the tokens that only read, and none other; in Agent the wide ones where there are any.
func (c *Connector) Slot(conn store.Connection, cred store.Credential, readOnly bool) (providers.Slot, error) {
	_, read := providers.TokensOf(cred, providers.ReadSlot)
	_, wide := providers.TokensOf(cred, providers.WideSlot)
	key := cred.Get("kind") == providers.KindServiceAccount
	switch {
	case readOnly && (read || key):
		return providers.ReadSlot, nil
	case readOnly && wide:
		return "", &providers.Problem{Code: providers.CodeRefused, Sentence: "The connection " + conn.Account +
			" was only made for Agent mode: connect it for reading too, with /aurora connect gcp."}
	case wide || key:
		return providers.WideSlot, nil
	case read:
		return providers.ReadSlot, nil
	}
	return "", &providers.Problem{Code: providers.CodeExpired, Broken: true,
		Sentence: "The stored credential of " + conn.Account + " is empty: " + providers.Mend(conn) + "."}
}

// Renew gets a new access token. Google does not rotate refresh tokens.
func (c *Connector) Renew(ctx context.Context, conn store.Connection, cred store.Credential, slot providers.Slot) (providers.Tokens, error) {
	if cred.Get("kind") == providers.KindServiceAccount {
		return c.sign(ctx, cred, slot)
	}
	old, _ := providers.TokensOf(cred, slot)
	g, err := c.oauth.Renew(ctx, old.Refresh)
	if err != nil {
		return providers.Tokens{}, err
	}
	if g.Scopes == nil {
		g.Scopes = old.Scopes
	}
	if slot == providers.ReadSlot && slices.Contains(g.Scopes, ScopeWide) {
		return providers.Tokens{}, &providers.Problem{Code: providers.CodeExpired, Broken: true,
			Sentence: "Google now gives the read-only sign-in of " + conn.Account + " more than reading, so it is not used: " + providers.Mend(conn) + "."}
	}
	return providers.Tokens{Access: g.Access, Refresh: g.Refresh, Expiry: g.Expiry, Scopes: g.Scopes}, nil
}

// Revoke ends what the credential can do, as far as Google lets us. leftover says what is to be deleted by hand.
// Revoking one token ends the whole consent that this Google account gave Aurora's client, whoever's connection it is.
func (c *Connector) Revoke(ctx context.Context, cred store.Credential) (leftover string, err error) {
	switch cred.Get("kind") {
	case providers.KindServiceAccount:
		return fmt.Sprintf("Delete the key %s of %s in Google Cloud: gcloud iam service-accounts keys delete %[1]s --iam-account=%[2]s",
			cred.Get("private_key_id"), cred.Get("email")), nil
	case providers.KindOAuth:
		for _, slot := range []providers.Slot{providers.WideSlot, providers.ReadSlot} {
			if t, ok := providers.TokensOf(cred, slot); ok && t.Refresh != "" {
				err = errors.Join(err, c.oauth.Revoke(ctx, t.Refresh))
			}
		}
		if err != nil {
			leftover = "Remove Aurora at https://myaccount.google.com/connections: Google could not be reached to do that."
		}
		return leftover, err
	}
	return "The access token ends by itself within the hour.", nil
}
