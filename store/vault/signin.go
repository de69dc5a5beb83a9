package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"aurora/store"
)

// retryPause counts as the life of a token that could not be renewed; shortestLease keeps one that is about to reach
// its longest life from being renewed without a pause.
const (
	retryPause    = 10 * time.Second
	shortestLease = time.Second
)

// signIn makes the client's token a good one and gives its time to live, 0 when it never ends. refused is the token
// Vault did not take: when it is no longer the client's, somebody else has just signed in.
func (k *Keeper) signIn(ctx context.Context, refused string) (time.Duration, error) {
	ctx, done := context.WithTimeout(ctx, opTimeout)
	defer done()
	k.signing.Lock()
	defer k.signing.Unlock()
	if k.client.Token() != refused {
		return 0, nil
	}
	if k.config.RoleID == "" {
		k.client.SetToken(k.config.Token.Reveal())
		return k.lookUp(ctx)
	}
	secret, err := k.client.Logical().WriteWithContext(ctx, "auth/approle/login", map[string]any{
		"role_id": k.config.RoleID, "secret_id": k.config.SecretID.Reveal(),
	})
	if badLogin(err) {
		return 0, k.trouble(store.TroubleRefused, nil, "Vault at %s does not accept VAULT_ROLE_ID and VAULT_SECRET_ID: make a new secret id with `vault write -f auth/approle/role/<role>/secret-id`", k.addr)
	}
	if err != nil {
		return 0, k.explain("sign in to Vault", err)
	}
	if secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "" {
		return 0, k.trouble(store.TroubleMisfit, nil, "Vault at %s gave no token: see that the AppRole method is enabled at auth/approle", k.addr)
	}
	k.client.SetToken(secret.Auth.ClientToken)
	return time.Duration(secret.Auth.LeaseDuration) * time.Second, nil
}

// lookUp checks the token that was given and says how long it lasts.
func (k *Keeper) lookUp(ctx context.Context) (time.Duration, error) {
	secret, err := k.client.Auth().Token().LookupSelfWithContext(ctx)
	if denied(err) {
		return 0, k.trouble(store.TroubleRefused, nil, "Vault at %s does not accept the token of VAULT_TOKEN: make a new one with the policy of manifests/vault-policy.hcl", k.addr)
	}
	if err != nil {
		return 0, k.explain("sign in to Vault", err)
	}
	lease, err := secret.TokenTTL()
	if err != nil {
		return 0, fmt.Errorf("sign in to Vault: read the token's time to live: %w", err)
	}
	return lease, nil
}

// keepSignedIn renews the token when two thirds of its life are over, until ctx ends.
func (k *Keeper) keepSignedIn(ctx context.Context, lease time.Duration) {
	defer close(k.done)
	for full := lease; full > 0; {
		if !rest(ctx, lease*2/3) {
			return
		}
		lease = k.extend(ctx, full)
		full = max(full, lease)
	}
	<-ctx.Done()
}

// extend renews the token. Where that no longer helps (it nears the longest life it may have, or is gone) an AppRole
// signs in again. When neither is possible the next try is soon; until then calls fail and say why.
func (k *Keeper) extend(ctx context.Context, full time.Duration) time.Duration {
	short, done := context.WithTimeout(ctx, opTimeout)
	defer done()
	old := k.client.Token()
	secret, err := k.client.Auth().Token().RenewSelfWithContext(short, int(full.Seconds()))
	if err == nil && secret != nil && secret.Auth != nil {
		lease := time.Duration(secret.Auth.LeaseDuration) * time.Second
		if lease > full/2 || k.config.RoleID == "" {
			return max(lease, shortestLease)
		}
	}
	if k.config.RoleID == "" {
		return retryPause
	}
	lease, err := k.signIn(ctx, old)
	if err != nil || lease <= 0 {
		return retryPause
	}
	return lease
}

// rest waits; false when ctx ended.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// denied tells a 403: the token is not (or no longer) good, or its policy does not reach.
func denied(err error) bool {
	var reply *api.ResponseError
	return errors.As(err, &reply) && reply.StatusCode == 403
}

// badLogin tells that Vault did not accept the two ids, which it answers with 400 or 403 by version.
func badLogin(err error) bool {
	var reply *api.ResponseError
	return errors.As(err, &reply) && (reply.StatusCode == 400 || reply.StatusCode == 403)
}
