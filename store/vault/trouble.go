package vault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/vault/api"

	"aurora/store"
)

// trouble makes a store.Trouble that says where and what to do.
func (k *Keeper) trouble(kind store.TroubleKind, cause error, advice string, args ...any) error {
	return &store.Trouble{Kind: kind, Err: cause, Advice: fmt.Sprintf(advice, args...)}
}

// explain turns what the library returns into Aurora's errors. It quotes Vault's own messages only: they hold paths
// and reasons, never values.
func (k *Keeper) explain(doing string, err error) error {
	var known *store.Trouble
	var reply *api.ResponseError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.Is(err, api.ErrSecretNotFound):
		return fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	case errors.Is(err, context.Canceled): // the caller gave up; that says nothing about Vault
		return fmt.Errorf("%s: %w", doing, err)
	case errors.As(err, &reply):
		return fmt.Errorf("%s: %w", doing, k.refusal(reply))
	}
	if lost := k.lost(err); lost != nil {
		return fmt.Errorf("%s: %w", doing, lost)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// lost tells what it is when no answer came; nil when that is not so.
func (k *Keeper) lost(err error) error {
	var call *url.Error
	var network net.Error
	away, slow := errors.As(err, &call), errors.Is(err, context.DeadlineExceeded)
	if errors.As(err, &network) {
		away, slow = true, slow || network.Timeout()
	}
	switch {
	case !away && !slow:
		return nil
	case call != nil && k.elsewhere(call.URL):
		return k.trouble(store.TroubleStandby, cause(err), "Vault at %s stands by for another server that cannot be reached: look after that one, or let Vault choose another", k.addr)
	case slow:
		return k.trouble(store.TroubleSlow, nil, "Vault at %s does not answer within %s: look whether it is overloaded or its storage hangs", k.addr, opTimeout)
	}
	return k.trouble(store.TroubleUnreachable, cause(err), "Vault at %s cannot be reached: see that it runs and that VAULT_ADDR is right", k.addr)
}

// elsewhere tells whether a call went to another server: the active one that a standby names.
func (k *Keeper) elsewhere(called string) bool {
	ours, err := url.Parse(k.addr)
	theirs, bad := url.Parse(called)
	return err == nil && bad == nil && theirs.Host != "" && theirs.Host != ours.Host
}

// cause is the shortest true account of a broken connection, without the path that was asked for.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	var call *url.Error
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}

// inactive is what a standby says while it knows of no active server.
const inactive = "active cluster node not found"

func (k *Keeper) refusal(reply *api.ResponseError) error {
	said := strings.Join(reply.Errors, "; ")
	switch code := reply.StatusCode; {
	case code == http.StatusBadRequest && strings.Contains(said, "check-and-set"):
		return store.ErrConflict
	case code == http.StatusForbidden:
		return k.trouble(store.TroubleRefused, nil, "refused by Vault at %s: the token has ended or lacks the policy of manifests/vault-policy.hcl", k.addr)
	case code == http.StatusNotFound:
		return k.trouble(store.TroubleMisfit, nil, "nothing is mounted there in Vault at %s: enable the KV version 2 engine at %s/", k.addr, mount)
	case strings.Contains(said, inactive):
		return k.trouble(store.TroubleStandby, nil, "Vault at %s stands by and knows of no active server: start or unseal enough of the others", k.addr)
	case code == http.StatusServiceUnavailable && !strings.Contains(said, "sealed"):
		return k.trouble(store.TroubleFailing, nil, "Vault at %s is not ready (503)", k.addr)
	case code == http.StatusServiceUnavailable:
		return k.trouble(store.TroubleSealed, nil, "Vault at %s is sealed: unseal it with `vault operator unseal`", k.addr)
	case reply.RawError && code < 472: // not Vault's own words, so perhaps anything
		return k.trouble(store.TroubleMisfit, nil, "what answers at %s is not Vault (status %d): see that VAULT_ADDR is right", k.addr, code)
	case code == http.StatusTooManyRequests || code >= 472:
		return k.trouble(store.TroubleFailing, nil, "Vault at %s answers %d: see its log", k.addr, code)
	}
	return fmt.Errorf("answered by Vault at %s with %d: %s", k.addr, reply.StatusCode, said)
}
