package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/vault/api"

	"aurora/store"
)

const mount = "kv"

// Get reads a credential and its version. store.ErrNotFound when there is none; the version that comes with it is what
// Put takes as cas, and is not 0 when somebody deleted the newest version by hand.
func (k *Keeper) Get(ctx context.Context, path string) (store.Credential, int64, error) {
	inner, err := relative(path)
	if err != nil {
		return store.Credential{}, 0, fmt.Errorf("read the credential: %w", err)
	}
	var secret *api.KVSecret
	err = k.do(ctx, "read the credential", func(ctx context.Context) (err error) {
		secret, err = k.client.KVv2(mount).Get(ctx, inner)
		return err
	})
	if err != nil {
		return store.Credential{}, 0, err
	}
	version := int64(secret.VersionMetadata.Version)
	if secret.Data == nil {
		return store.Credential{}, version, fmt.Errorf("read the credential: %w", store.ErrNotFound)
	}
	values := make(map[string]string, len(secret.Data))
	for name, value := range secret.Data {
		text, ok := value.(string)
		if !ok {
			return store.Credential{}, version, fmt.Errorf("read the credential: its value %q is not text; connect again", name)
		}
		values[name] = text
	}
	return store.NewCredential(values), version, nil
}

// Put writes a credential when its version is still cas (0: there must be none) and gives the new version.
// store.ErrConflict when somebody else wrote first.
func (k *Keeper) Put(ctx context.Context, path string, cred store.Credential, cas int64) (int64, error) {
	inner, err := relative(path)
	if err == nil {
		err = store.CheckCredential(cred)
	}
	if err == nil && cas < 0 {
		err = errors.New("the version must not be negative")
	}
	if err != nil {
		return 0, fmt.Errorf("keep the credential: %w", err)
	}
	values := make(map[string]any, len(cred.Reveal()))
	for name, value := range cred.Reveal() {
		values[name] = value
	}
	var secret *api.KVSecret
	err = k.do(ctx, "keep the credential", func(ctx context.Context) (err error) {
		secret, err = k.client.KVv2(mount).Put(ctx, inner, values, api.WithCheckAndSet(int(cas)))
		return err
	})
	if err != nil {
		return 0, err
	}
	return int64(secret.VersionMetadata.Version), nil
}

// Delete destroys all versions of a credential and what is known about them. Deleting what is not there is no error.
func (k *Keeper) Delete(ctx context.Context, path string) error {
	inner, err := relative(path)
	if err != nil {
		return fmt.Errorf("delete the credential: %w", err)
	}
	return k.do(ctx, "delete the credential", func(ctx context.Context) error {
		return k.client.KVv2(mount).DeleteMetadata(ctx, inner)
	})
}

// relative maps the API path to the one inside the mount.
func relative(path string) (string, error) {
	if err := store.CheckCredentialPath(path); err != nil {
		return "", err
	}
	return strings.TrimPrefix(path, mount+"/data/"), nil
}

// do runs a call within the time limit, and once more after signing in again when an AppRole's token has ended.
func (k *Keeper) do(ctx context.Context, doing string, call func(context.Context) error) error {
	ctx, done := context.WithTimeout(ctx, opTimeout)
	defer done()
	token := k.client.Token()
	err := call(ctx)
	if denied(err) && k.config.RoleID != "" {
		if _, err := k.signIn(ctx, token); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		err = call(ctx)
	}
	return k.explain(doing, err)
}

// Ready checks that Vault is unsealed, has the KV version 2 engine at kv/ and lets Aurora do what it needs there.
func (k *Keeper) Ready(ctx context.Context) error {
	return k.do(ctx, "use Vault", func(ctx context.Context) error {
		health, err := k.client.Sys().HealthWithContext(ctx)
		if err != nil {
			return err
		}
		if !health.Initialized {
			return k.trouble(store.TroubleMisfit, nil, "Vault at %s was never initialised: run `vault operator init`", k.addr)
		}
		if health.Sealed {
			return k.trouble(store.TroubleSealed, nil, "Vault at %s is sealed: unseal it with `vault operator unseal`", k.addr)
		}
		if err := k.checkPolicy(ctx); err != nil {
			return err
		}
		return k.checkMount(ctx)
	})
}

// needed is what the policy must allow, on paths that stand for all of their kind.
func needed() map[string][]string {
	return map[string][]string{
		"kv/data/aurora/users/probe/aws":     {"create", "read", "update"},
		"kv/data/aurora/orgs/probe/aws":      {"create", "read", "update"},
		"kv/metadata/aurora/users/probe/aws": {"delete"},
		"kv/metadata/aurora/orgs/probe/aws":  {"delete"},
	}
}

func (k *Keeper) checkPolicy(ctx context.Context) error {
	paths := slices.Sorted(maps.Keys(needed()))
	reply, err := k.client.Logical().WriteWithContext(ctx, "sys/capabilities-self", map[string]any{"paths": paths})
	if err != nil {
		return err
	}
	if reply == nil {
		return errors.New("it does not say what the token may do")
	}
	var lacking []string
	for _, path := range paths {
		granted, _ := reply.Data[path].([]any)
		for _, want := range needed()[path] {
			if !slices.Contains(granted, any(want)) && !slices.Contains(granted, any("root")) {
				lacking = append(lacking, want+" "+path)
			}
		}
	}
	if len(lacking) > 0 {
		return k.trouble(store.TroubleRefused, nil, "the token for Vault at %s may not %s: give it the policy of manifests/vault-policy.hcl",
			k.addr, strings.Join(lacking, ", "))
	}
	return nil
}

func (k *Keeper) checkMount(ctx context.Context) error {
	reply, err := k.client.Logical().ReadWithContext(ctx, "sys/internal/ui/mounts/"+mount)
	if err != nil && !denied(err) {
		return err
	}
	if reply == nil { // Vault refuses to say whether a mount exists; the policy was found to reach it
		return k.trouble(store.TroubleMisfit, nil, "Vault at %s has nothing at %s/: enable the KV version 2 engine there", k.addr, mount)
	}
	options, _ := reply.Data["options"].(map[string]any)
	if reply.Data["type"] != "kv" || options["version"] != "2" {
		return k.trouble(store.TroubleMisfit, nil, "the engine at %s/ of Vault at %s is not KV version 2: enable that one there", mount, k.addr)
	}
	return nil
}
