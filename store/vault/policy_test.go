package vault_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aurora/store"
	"aurora/store/storetest"
	"aurora/store/vault"
)

// beyond is what a token with the policy of manifests/vault-policy.hcl must not be able to do, though it is signed in.
var beyond = []struct{ method, path string }{
	// other secrets: of other programs, beside ours, in other engines
	{"GET", "kv/data/other/secret"}, {"POST", "kv/data/other/secret"}, {"POST", "kv/data/aurora/other/u1/aws"}, {"GET", "kv/data/aurora"},
	{"POST", "kv/data/aurora/users"}, {"DELETE", "kv/metadata/other/secret"}, {"DELETE", "kv/metadata/aurora"},
	{"GET", "second/data/aurora/users/u1/aws"}, {"POST", "second/data/aurora/users/u1/aws"}, {"GET", "secret/data/x"}, {"POST", "cubbyhole/x"},
	// who is there, and what is known of a credential besides its value
	{"LIST", "kv/metadata"}, {"LIST", "kv/metadata/aurora"}, {"LIST", "kv/metadata/aurora/users"}, {"LIST", "kv/metadata/aurora/users/u1"},
	{"LIST", "kv/metadata/aurora/orgs"}, {"GET", "kv/metadata/aurora/users/u1/aws"}, {"POST", "kv/metadata/aurora/users/u1/aws"},
	// other ways to take a credential away or to bring an old one back
	{"DELETE", "kv/data/aurora/users/u1/aws"}, {"POST", "kv/delete/aurora/users/u1/aws"}, {"POST", "kv/destroy/aurora/users/u1/aws"},
	{"POST", "kv/undelete/aurora/users/u1/aws"}, {"PATCH", "kv/data/aurora/users/u1/aws"}, {"GET", "kv/config"}, {"POST", "kv/config"},
	{"GET", "kv/subkeys/aurora/users/u1/aws"},
	// Vault itself
	{"GET", "sys/mounts"}, {"POST", "sys/mounts/more"}, {"DELETE", "sys/mounts/kv"}, {"GET", "sys/policies/acl/aurora"}, {"PUT", "sys/policies/acl/aurora"},
	{"GET", "sys/auth"}, {"POST", "sys/auth/userpass"}, {"POST", "sys/seal"}, {"GET", "sys/audit"}, {"POST", "sys/capabilities"},
	{"POST", "sys/leases/revoke-prefix/auth"}, {"POST", "sys/wrapping/wrap"}, {"GET", "sys/config/state/sanitized"},
	// tokens and sign-ins, its own role included
	{"POST", "auth/token/create"}, {"POST", "auth/token/create-orphan"}, {"POST", "auth/token/lookup"}, {"POST", "auth/token/renew"}, {"POST", "auth/token/revoke"},
	{"LIST", "auth/token/accessors"}, {"GET", "auth/approle/role/aurora"}, {"POST", "auth/approle/role/aurora"}, {"GET", "auth/approle/role/aurora/role-id"},
	{"POST", "auth/approle/role/aurora/secret-id"}, {"LIST", "auth/approle/role"}, {"LIST", "identity/entity/id"},
}

func policyGivesNoMore(t *testing.T, v *storetest.VaultServer) {
	v.Call(t, "POST", "sys/mounts/second", map[string]any{"type": "kv", "options": map[string]string{"version": "2"}})
	other := map[string]any{"data": map[string]string{"a": "b"}}
	for _, path := range []string{"kv/data/other/secret", "kv/data/aurora/users/u1/aws", "second/data/aurora/users/u1/aws"} { // there is something to be had
		v.Call(t, "POST", path, other)
	}
	token := v.SignIn(t)
	for _, c := range beyond {
		if got := v.Status(t, c.method, c.path, token, other); got != 403 {
			t.Errorf("%s %s: status %d, want 403", c.method, c.path, got)
		}
	}
}

var (
	block      = regexp.MustCompile(`(?m)^path "([^"]+)" \{\s*capabilities = \[([^\]]+)\]`)
	capability = regexp.MustCompile(`"(\w+)"`)
)

// policyIsNeeded takes away one capability after the other: without any of them something that Aurora does fails.
func policyIsNeeded(t *testing.T, v *storetest.VaultServer) {
	rules := map[string][]string{}
	for _, found := range block.FindAllStringSubmatch(storetest.VaultPolicy(t), -1) {
		for _, c := range capability.FindAllStringSubmatch(found[2], -1) {
			rules[found[1]] = append(rules[found[1]], c[1])
		}
	}
	if len(rules) != 7 {
		t.Fatalf("%d paths were read from the policy: %v", len(rules), rules)
	}
	if err := everything(t, v, rules); err != nil {
		t.Fatalf("with the whole policy: %v", err)
	}
	for path, all := range rules {
		for _, without := range all {
			rules[path] = slices.DeleteFunc(slices.Clone(all), func(c string) bool { return c == without })
			if everything(t, v, rules) == nil {
				t.Errorf("nothing fails without %s on %s: it can go", without, path)
			}
		}
		rules[path] = all
	}
}

// everything does all that Aurora ever does in Vault, with a token that may do what rules say.
func everything(t *testing.T, v *storetest.VaultServer, rules map[string][]string) error {
	t.Helper()
	var policy strings.Builder
	for path, all := range rules {
		if len(all) > 0 {
			fmt.Fprintf(&policy, "path %q { capabilities = [\"%s\"] }\n", path, strings.Join(all, `", "`))
		}
	}
	v.Call(t, "PUT", "sys/policies/acl/part", map[string]any{"policy": policy.String()})
	reply := v.Call(t, "POST", "auth/token/create", map[string]any{"policies": []string{"part"}, "no_default_policy": true, "ttl": "1h"})
	token, _ := reply["auth"].(map[string]any)["client_token"].(string)
	k, err := vault.Open(t.Context(), vault.Config{Addr: v.Addr, Token: store.Secret(token)})
	if err != nil {
		return err
	}
	defer func() { _ = k.Close() }()
	if status := v.Status(t, "POST", "auth/token/renew-self", token, nil); status != 200 {
		return fmt.Errorf("renewing the token gives %d", status)
	}
	var failed error
	for _, path := range []string{store.CredentialPath("", "u9", store.AWS, "", true), store.CredentialPath("o9", "", store.AWS, "", true)} {
		for cas := range int64(2) {
			_, err := k.Put(t.Context(), path, store.NewCredential(map[string]string{"a": "b"}), cas)
			failed = errors.Join(failed, err)
		}
		_, _, err := k.Get(t.Context(), path)
		failed = errors.Join(failed, err, k.Delete(t.Context(), path))
	}
	return failed
}
