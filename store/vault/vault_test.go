package vault_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/storetest"
	"aurora/store/vault"
)

func open(t *testing.T, cfg vault.Config) *vault.Keeper {
	t.Helper()
	k, err := vault.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func role(v *storetest.VaultServer) vault.Config {
	return vault.Config{Addr: v.Addr, RoleID: v.RoleID, SecretID: store.Secret(v.SecretID)}
}

// The suites run with our policy and nothing else, so it is sufficient.
func TestKeepsCredentials(t *testing.T) {
	v := storetest.Vault(t)
	t.Run("AppRole", func(t *testing.T) {
		storetest.Credentials(t, open(t, role(v)))
	})
	t.Run("token", func(t *testing.T) {
		k := open(t, vault.Config{Addr: v.Addr, Token: store.Secret(v.SignIn(t))})
		path := store.CredentialPath("", "u-token", store.AWS, "", true)
		if _, err := k.Put(t.Context(), path, store.NewCredential(map[string]string{"a": "b"}), 0); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("delete leaves no version or metadata behind", func(t *testing.T) { leavesNothing(t, v) })
	t.Run("the policy gives nothing else", func(t *testing.T) { policyGivesNoMore(t, v) })
	t.Run("the policy gives nothing too much", func(t *testing.T) { policyIsNeeded(t, v) })
	t.Run("a version deleted by hand is not found but counted", func(t *testing.T) { deletedByHand(t, v) })
	t.Run("a value that is not text", func(t *testing.T) { notText(t, v) })
}

func leavesNothing(t *testing.T, v *storetest.VaultServer) {
	k := open(t, role(v))
	path := store.CredentialPath("", "u-erased", store.AWS, "", true)
	for cas := range int64(3) {
		if _, err := k.Put(t.Context(), path, store.NewCredential(map[string]string{"a": "b"}), cas); err != nil {
			t.Fatal(err)
		}
	}
	if got := v.Status(t, "GET", "kv/metadata/aurora/users/u-erased/aws", v.RootToken, nil); got != 200 {
		t.Fatalf("metadata before Delete: status %d, want 200", got)
	}
	if err := k.Delete(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	for _, rest := range []string{"kv/metadata/aurora/users/u-erased/aws", "kv/data/aurora/users/u-erased/aws?version=1"} {
		if got := v.Status(t, "GET", rest, v.RootToken, nil); got != 404 {
			t.Errorf("%s after Delete: status %d, want 404", rest, got)
		}
	}
}

func deletedByHand(t *testing.T, v *storetest.VaultServer) {
	k := open(t, role(v))
	path := store.CredentialPath("", "u-by-hand", store.GCP, "", true)
	if _, err := k.Put(t.Context(), path, store.NewCredential(map[string]string{"a": "b"}), 0); err != nil {
		t.Fatal(err)
	}
	v.Call(t, "DELETE", "kv/data/aurora/users/u-by-hand/gcp", nil)
	_, version, err := k.Get(t.Context(), path)
	if !errors.Is(err, store.ErrNotFound) || version != 1 {
		t.Fatalf("Get: version %d, error %v, want 1 and not found", version, err)
	}
	if _, err := k.Put(t.Context(), path, store.NewCredential(map[string]string{"a": "c"}), version); err != nil {
		t.Errorf("Put over it: %v", err)
	}
}

func notText(t *testing.T, v *storetest.VaultServer) {
	k := open(t, role(v))
	v.Call(t, "POST", "kv/data/aurora/users/u-number/gcp", map[string]any{"data": map[string]any{"pin": 424242}})
	_, _, err := k.Get(t.Context(), store.CredentialPath("", "u-number", store.GCP, "", true))
	if err == nil || !strings.Contains(err.Error(), `"pin"`) || strings.Contains(err.Error(), "424242") {
		t.Errorf("Get: %v, want the name of the value and not the value", err)
	}
}

func TestRefusesWhatCannotWork(t *testing.T) {
	v := storetest.Vault(t)
	v.Call(t, "PUT", "sys/policies/acl/half", map[string]any{"policy": `path "kv/data/aurora/users/*" { capabilities = ["create", "read", "update"] }
path "auth/token/lookup-self" { capabilities = ["read"] }
path "sys/capabilities-self" { capabilities = ["update"] }`})
	half := v.Call(t, "POST", "auth/token/create", map[string]any{"policies": []string{"half"}, "no_default_policy": true})
	halfToken, _ := half["auth"].(map[string]any)["client_token"].(string)
	for name, c := range map[string]struct {
		cfg  vault.Config
		want string
	}{
		"no way to sign in":      {vault.Config{Addr: v.Addr}, "either a token or an AppRole"},
		"two ways to sign in":    {vault.Config{Addr: v.Addr, Token: "x", RoleID: "x", SecretID: "x"}, "either a token or an AppRole"},
		"half an AppRole":        {vault.Config{Addr: v.Addr, RoleID: "x"}, "both"},
		"an address that is not": {vault.Config{Addr: "127.0.0.1:8200", Token: "x"}, "https://host:8200"},
		"a wrong token":          {vault.Config{Addr: v.Addr, Token: "hvs.wrong-secret"}, "does not accept the token"},
		"a wrong secret id":      {vault.Config{Addr: v.Addr, RoleID: v.RoleID, SecretID: "wrong-secret"}, "make a new secret id"},
		"a policy that lacks":    {vault.Config{Addr: v.Addr, Token: store.Secret(halfToken)}, "delete kv/metadata/aurora/users/probe/aws"},
	} {
		_, err := vault.Open(t.Context(), c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wrong-secret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v is no outage", name, err)
		}
	}
	t.Run("no engine, then one of version 1", func(t *testing.T) {
		v.Call(t, "DELETE", "sys/mounts/kv", nil)
		if _, err := vault.Open(t.Context(), role(v)); err == nil || !strings.Contains(err.Error(), "KV version 2") {
			t.Errorf("without the engine: %v", err)
		}
		v.Call(t, "POST", "sys/mounts/kv", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
		if _, err := vault.Open(t.Context(), role(v)); err == nil || !strings.Contains(err.Error(), "not KV version 2") {
			t.Errorf("with version 1: %v", err)
		}
	})
}

func TestSignsInAgain(t *testing.T) {
	v := storetest.Vault(t)
	path := store.CredentialPath("", "u1", store.GCP, "", true)
	t.Run("when the token was revoked", func(t *testing.T) {
		k := open(t, role(v))
		v.Call(t, "POST", "sys/leases/revoke-prefix/auth/approle", nil)
		done := make(chan error, 20)
		for range cap(done) {
			go func() {
				_, _, err := k.Get(t.Context(), path)
				done <- err
			}()
		}
		for range cap(done) {
			if err := <-done; !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Get after the token was revoked: %v, want not found", err)
			}
		}
	})
	t.Run("when the token can be renewed no more", func(t *testing.T) {
		v.SetRole(t, 2*time.Second, 3*time.Second)
		defer v.SetRole(t, time.Hour, 4*time.Hour)
		k := open(t, role(v))
		for end := time.Now().Add(7 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			if _, _, err := k.Get(t.Context(), path); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("Get: %v, want not found", err)
			}
		}
	})
	t.Run("a token is kept alive", func(t *testing.T) {
		reply := v.Call(t, "POST", "auth/token/create", map[string]any{"policies": []string{"aurora"}, "ttl": "2s", "renewable": true})
		token, _ := reply["auth"].(map[string]any)["client_token"].(string)
		k := open(t, vault.Config{Addr: v.Addr, Token: store.Secret(token)})
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			if _, _, err := k.Get(t.Context(), path); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("Get: %v, want not found", err)
			}
		}
	})
	t.Run("a token that ended is told as such", func(t *testing.T) {
		token := v.SignIn(t)
		k := open(t, vault.Config{Addr: v.Addr, Token: store.Secret(token)})
		v.Call(t, "POST", "auth/token/revoke", map[string]string{"token": token})
		_, _, err := k.Get(t.Context(), path)
		if err == nil || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "token has ended") {
			t.Errorf("Get: %v, want to be told that the token has ended", err)
		}
	})
}

func TestAwayIsUnavailable(t *testing.T) {
	v := storetest.Vault(t)
	k := open(t, role(v))
	v.Seal(t)
	unavailable(t, k, "sealed")
	if _, err := vault.Open(t.Context(), role(v)); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "unseal") {
		t.Errorf("Open while sealed: %v", err)
	}
	v.Unseal(t)
	path := store.CredentialPath("", "u1", store.GCP, "", true)
	if _, _, err := k.Get(t.Context(), path); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get once unsealed: %v, want not found", err)
	}
	v.Pause(t)
	unavailable(t, k, "answering nothing")
	v.Resume(t)
	v.Kill(t)
	unavailable(t, k, "gone")
}

func unavailable(t *testing.T, k *vault.Keeper, how string) {
	t.Helper()
	path := store.CredentialPath("", "u1", store.GCP, "", true)
	begun := time.Now()
	_, _, getting := k.Get(t.Context(), path)
	_, putting := k.Put(t.Context(), path, store.NewCredential(map[string]string{"key": "hunter2"}), 0)
	for what, err := range map[string]error{"Get": getting, "Put": putting, "Ready": k.Ready(t.Context())} {
		if !errors.Is(err, store.ErrUnavailable) || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s while Vault is %s: %v, want store.ErrUnavailable without the value", what, how, err)
		}
	}
	if took := time.Since(begun); took > 17*time.Second {
		t.Errorf("three calls while Vault is %s took %s", how, took)
	}
}

// A listener that never answers and a port where nothing is.
func TestOpenEndsInTime(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for _, addr := range []string{"http://" + listener.Addr().String(), "http://127.0.0.1:1"} {
		if _, err := vault.Open(ctx, vault.Config{Addr: addr, Token: "x"}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Open %s: %v, want store.ErrUnavailable", addr, err)
		}
	}
}
