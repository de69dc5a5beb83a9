package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aurora/store"
)

// revokeTime bounds what a cloud may take to take a credential back.
const revokeTime = 20 * time.Second

// revoker takes a credential back at its cloud. What is left to do by hand, or what was done, comes back as a sentence
// also when it fails.
type revoker interface {
	Revoke(ctx context.Context, cred store.Credential) (leftover string, err error)
}

// forget revokes a connection's credential where its cloud can, erases every version of it whatever the cloud said, and
// tells what is left to do there.
func (a *app) forget(ctx context.Context, c store.Connection) (said string, err error) {
	path := strings.TrimPrefix(c.Token, "vault:")
	cred, _, err := a.stores.keeper.Get(ctx, path)
	if _, away := errors.AsType[*store.Trouble](err); away || errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
		return "", fmt.Errorf("read the credential to revoke it: %w", errors.Join(err, ctx.Err()))
	}
	said = byHand(c)
	switch revoker := a.revoker(c.Cloud); {
	case said != "":
	case revoker == nil:
		said = "Aurora cannot take it back at its cloud, where it goes on: delete there what was made for Aurora."
	case err != nil && !errors.Is(err, store.ErrNotFound):
		a.log.Warn().Err(err).Str("cloud", string(c.Cloud)).Str("connection", c.ID).Msg("a credential that is to be erased cannot be read")
		said = "What I kept for it could not be read, so it was not taken back at its cloud: look there for what was made for Aurora."
	case err != nil: // this is done again, after something broke in the middle
		said = "Its credential was erased before, and whether it was taken back at its cloud is not known: look there for what was made for Aurora."
	default:
		said = a.revoke(ctx, revoker, c, cred)
	}
	if err := a.stores.keeper.Delete(ctx, path); err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("erase the credential: %w", err)
	}
	return said, nil
}

func (a *app) revoke(ctx context.Context, r revoker, c store.Connection, cred store.Credential) string {
	ctx, cancel := context.WithTimeout(ctx, revokeTime)
	defer cancel()
	left, err := r.Revoke(ctx, cred)
	if err != nil {
		a.log.Warn().Err(err).Str("cloud", string(c.Cloud)).Str("connection", c.ID).Msg("revoke a credential at its cloud")
	}
	return left
}

// revoker is nil for clouds at which there is nothing that Aurora could revoke by itself.
func (a *app) revoker(cloud store.Cloud) revoker {
	switch cloud {
	case store.GCP:
		return a.clouds.gcp
	case store.OVH:
		if a.clouds.ovh == nil { // switched off after somebody connected
			return nil
		}
		return a.clouds.ovh
	case store.Scaleway:
		return a.clouds.scaleway
	case store.Tailscale:
		return a.clouds.tailscale
	}
	return nil
}

// byHand names what is to be deleted at the cloud by whoever made it.
func byHand(c store.Connection) string {
	switch c.Cloud {
	case store.AWS:
		if c.Spans() {
			return fmt.Sprintf("Aurora's External ID for it is gone, so nobody can use the roles through Aurora any more; sessions that run end within the hour. Delete the StackSet, or %s and %s in all %d accounts, in AWS to be thorough.",
				c.Settings["read_role"], c.Settings["operate_role"], len(c.Projects))
		}
		roles := c.Settings["role_arn"]
		if reader := c.Settings["reader_role_arn"]; reader != "" {
			roles += " and " + reader
		}
		return "Aurora's External ID for it is gone, so nobody can use the role through Aurora any more; sessions that run end within the hour. Delete " + roles + " in AWS to be thorough."
	case store.Azure:
		clients := c.Settings["client_id"]
		if reader := c.Settings["reader_client_id"]; reader != "" {
			clients += " and " + reader
		}
		return "Delete the client secrets or certificates of the applications " + clients + " in Entra (tenant " + c.Account + "), or the applications: tokens that were given out end within the hour."
	}
	return ""
}
