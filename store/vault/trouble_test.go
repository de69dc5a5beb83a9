package vault_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aurora/store"
	"aurora/store/storetest"
	"aurora/store/vault"
)

// inTrouble checks that reading a credential and Ready both say what is the matter, and whether it may pass.
func inTrouble(t *testing.T, k *vault.Keeper, want store.TroubleKind, says string) {
	t.Helper()
	path := store.CredentialPath("", "u1", store.GCP, "", true)
	_, _, err := k.Get(t.Context(), path)
	for what, err := range map[string]error{"Get": err, "Ready": k.Ready(t.Context())} {
		trouble, ok := errors.AsType[*store.Trouble](err)
		passes := want != store.TroubleRefused && want != store.TroubleMisfit
		if !ok || trouble.Kind != want || !strings.Contains(trouble.Advice, says) || errors.Is(err, store.ErrUnavailable) != passes {
			t.Errorf("%s: %v, want %s and %q", what, err, want, says)
		}
	}
}

func TestTroublesAreToldApart(t *testing.T) {
	t.Parallel()
	v := storetest.Vault(t)
	k := open(t, role(v))
	v.Seal(t)
	inTrouble(t, k, store.TroubleSealed, "unseal it with `vault operator unseal`")
	v.Unseal(t)
	v.Call(t, "PUT", "sys/policies/acl/aurora", map[string]any{"policy": `path "auth/token/lookup-self" { capabilities = ["read"] }`})
	inTrouble(t, k, store.TroubleRefused, "manifests/vault-policy.hcl")
	v.Call(t, "PUT", "sys/policies/acl/aurora", map[string]any{"policy": storetest.VaultPolicy(t)})
	v.Call(t, "POST", "auth/approle/role/aurora/secret-id/destroy", map[string]string{"secret_id": v.SecretID})
	v.Call(t, "POST", "sys/leases/revoke-prefix/auth/approle", nil)
	inTrouble(t, k, store.TroubleRefused, "make a new secret id")
	v.Pause(t)
	inTrouble(t, k, store.TroubleSlow, "does not answer within 5s")
	v.Resume(t)
	v.Kill(t)
	inTrouble(t, k, store.TroubleUnreachable, "see that it runs")
}

func TestStandbyWithoutActiveServer(t *testing.T) {
	t.Parallel()
	pair := storetest.NewVaultPair(t)
	path := store.CredentialPath("", "u1", store.GCP, "", true)
	k := open(t, role(pair.Standby))
	if _, err := k.Put(t.Context(), path, store.NewCredential(map[string]string{"a": "b"}), 0); err != nil {
		t.Fatalf("by way of the standby: %v", err)
	}
	pair.Active.Kill(t)
	inTrouble(t, k, store.TroubleStandby, "stands by")
	if _, err := vault.Open(t.Context(), role(pair.Standby)); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "stands by") {
		t.Errorf("Open: %v", err)
	}
	pair.Restart(t)
	pair.AwaitStandby(t)
	if cred, _, err := k.Get(t.Context(), path); err != nil || cred.Get("a") != "b" {
		t.Errorf("once there is an active server again: %v", err)
	}
}

// What stands between: a balancer without a backend, and something that is no Vault at all.
func TestOthersInVaultsPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   store.TroubleKind
	}{
		"a balancer without a backend":  {http.StatusBadGateway, "<html>bad gateway</html>", store.TroubleFailing},
		"a web page":                    {http.StatusTeapot, "<html>hello</html>", store.TroubleMisfit},
		"a Vault that is overloaded":    {http.StatusTooManyRequests, `{"errors":["request path is rate limited"]}`, store.TroubleFailing},
		"a Vault with a broken storage": {http.StatusInternalServerError, `{"errors":["internal error"]}`, store.TroubleFailing},
		"a standby that knows of none":  {http.StatusInternalServerError, `{"errors":["local node not active but active cluster node not found"]}`, store.TroubleStandby},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		_, err := vault.Open(t.Context(), vault.Config{Addr: server.URL, Token: "x"})
		if trouble, ok := errors.AsType[*store.Trouble](err); !ok || trouble.Kind != c.want || strings.Contains(err.Error(), "<html>") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		server.Close()
	}
}
