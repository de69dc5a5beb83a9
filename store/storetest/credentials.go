package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aurora/store"
)

// Keeper is what keeps credentials: Vault or the sealed file.
type Keeper interface {
	Get(ctx context.Context, path string) (store.Credential, int64, error)
	Put(ctx context.Context, path string, cred store.Credential, cas int64) (int64, error)
	Delete(ctx context.Context, path string) error
	Ready(ctx context.Context) error
}

// Credentials is the conformance suite of keepers of credentials. All of it runs on one keeper, each part below a user
// of its own.
func Credentials(t *testing.T, k Keeper) {
	t.Run("ready", func(t *testing.T) { must(t, k.Ready(t.Context())) })
	t.Run("what is put is what is got", func(t *testing.T) { putAndGet(t, k) })
	t.Run("an old version does not win", func(t *testing.T) { staleVersion(t, k) })
	t.Run("of 100 writers one wins each round", func(t *testing.T) { race(t, k) })
	t.Run("deleted is gone for good", func(t *testing.T) { deleteForGood(t, k) })
	t.Run("users and accounts are apart", func(t *testing.T) { apart(t, k) })
	t.Run("weird paths are refused", func(t *testing.T) { weirdPaths(t, k) })
	t.Run("what cannot be given back is refused", func(t *testing.T) { weirdValues(t, k) })
	t.Run("a caller who gave up is told so", func(t *testing.T) { gaveUp(t, k) })
}

func putAndGet(t *testing.T, k Keeper) {
	path := store.CredentialPath("", "u-put", store.GCP, "", true)
	want := map[string]string{
		"refresh_token": "1//0g-quite/secret", "empty": "", "odd name / ü": "line\nline\ttab \"quoted\" <&> \u2028 日本",
		"long": strings.Repeat("x", 100_000),
	}
	_, version, err := k.Get(t.Context(), path)
	if !errors.Is(err, store.ErrNotFound) || version != 0 {
		t.Fatalf("before any Put: version %d, error %v, want 0 and not found", version, err)
	}
	for round := int64(1); round <= 3; round++ {
		want["round"] = fmt.Sprint(round)
		version, err := k.Put(t.Context(), path, store.NewCredential(want), round-1)
		must(t, err)
		if version != round {
			t.Fatalf("Put gave version %d, want %d", version, round)
		}
		expect(t, k, path, want, round)
	}
}

func staleVersion(t *testing.T, k Keeper) {
	path := store.CredentialPath("", "u-stale", store.AWS, "", true)
	first, second := map[string]string{"a": "1"}, map[string]string{"a": "2"}
	put(t, k, path, first, 0)
	put(t, k, path, second, 1)
	for _, cas := range []int64{0, 1, 3, 99} {
		if _, err := k.Put(t.Context(), path, store.NewCredential(first), cas); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Put with cas %d on version 2: %v, want a conflict", cas, err)
		}
	}
	if _, err := k.Put(t.Context(), path, store.NewCredential(first), -1); err == nil || errors.Is(err, store.ErrConflict) {
		t.Errorf("Put with a negative version: %v, want a refusal", err)
	}
	expect(t, k, path, second, 2)
	absent := store.CredentialPath("", "u-stale-absent", store.AWS, "", true)
	if _, err := k.Put(t.Context(), absent, store.NewCredential(first), 1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Put with cas 1 where nothing is: %v, want a conflict", err)
	}
}

func race(t *testing.T, k Keeper) {
	path := store.CredentialPath("org-race", "", store.OVH, "", true)
	for round := range int64(3) {
		results := make([]error, 100)
		var writers sync.WaitGroup
		for i := range results {
			writers.Go(func() {
				_, results[i] = k.Put(t.Context(), path, store.NewCredential(map[string]string{"by": fmt.Sprint(i)}), round)
			})
		}
		writers.Wait()
		winner := -1
		for i, err := range results {
			if err == nil && winner >= 0 {
				t.Fatalf("round %d: writers %d and %d both won", round, winner, i)
			}
			if err == nil {
				winner = i
			}
			if err != nil && !errors.Is(err, store.ErrConflict) {
				t.Fatalf("round %d, writer %d: %v, want a conflict", round, i, err)
			}
		}
		expect(t, k, path, map[string]string{"by": fmt.Sprint(winner)}, round+1)
	}
}

func deleteForGood(t *testing.T, k Keeper) {
	path := store.CredentialPath("", "u-delete", store.Scaleway, "", true)
	must(t, k.Delete(t.Context(), path)) // nothing there: no error
	put(t, k, path, map[string]string{"secret_key": "one"}, 0)
	put(t, k, path, map[string]string{"secret_key": "two"}, 1)
	must(t, k.Delete(t.Context(), path))
	if _, version, err := k.Get(t.Context(), path); !errors.Is(err, store.ErrNotFound) || version != 0 {
		t.Errorf("after Delete: version %d, error %v, want 0 and not found", version, err)
	}
	put(t, k, path, map[string]string{"secret_key": "three"}, 0)
	expect(t, k, path, map[string]string{"secret_key": "three"}, 1)
}

func apart(t *testing.T, k Keeper) {
	paths := []string{
		store.CredentialPath("", "u-apart", store.AWS, "", true),
		store.CredentialPath("", "u-apart", store.AWS, "123456789012", false),
		store.CredentialPath("", "u-apart", store.GCP, "somebody@example.com", false),
		store.CredentialPath("", "U-APART", store.AWS, "", true),
		store.CredentialPath("u-apart", "", store.AWS, "", true),
	}
	for _, path := range paths {
		put(t, k, path, map[string]string{"path": path}, 0)
	}
	must(t, k.Delete(t.Context(), paths[0])) // takes neither what lies below it nor what is named alike
	if _, _, err := k.Get(t.Context(), paths[0]); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the deleted one: %v, want not found", err)
	}
	for _, path := range paths[1:] {
		expect(t, k, path, map[string]string{"path": path}, 1)
	}
}

func weirdPaths(t *testing.T, k Keeper) {
	paths := []string{
		"", "/", "kv", "kv/data/aurora/users", "kv/data/aurora/users/u1", "kv/data/aurora/users/u1/", "kv/data/aurora/users//aws",
		"kv/data/aurora/users/u1/aws/", "kv/data/aurora/users/u1/aws/a/b", "kv/data/aurora/users/../aws", "kv/data/aurora/users/u1/aws/..",
		"kv/data/aurora/users/./aws", "kv/data/aurora/users/u1/../../orgs/o1/aws", "kv/data/aurora/users/u1/heroku",
		"kv/data/aurora/teams/u1/aws", "kv/data/other/users/u1/aws", "secret/data/aurora/users/u1/aws", "kv/metadata/aurora/users/u1/aws",
		"/kv/data/aurora/users/u1/aws", "kv/data/aurora/users/u1%2F..%2Fu2/aws", "kv/data/aurora/users/u1?version=1/aws",
		"kv/data/aurora/users/u1#/aws", "kv/data/aurora/users/u 1/aws", "kv/data/aurora/users/u\x001/aws", "kv/data/aurora/users/u\n1/aws",
		"kv/data/aurora/users/u1\\aws/aws", "kv/data/aurora/users/*/aws", "kv/data/aurora/users/+/aws", "kv/data/aurora/users/ü/aws",
		"kv/data/aurora/users/\xff/aws", "KV/data/aurora/users/u1/aws", "kv/data/aurora/users/u1/aws/" + strings.Repeat("a", 600),
	}
	cred := store.NewCredential(map[string]string{"a": "b"})
	for _, path := range paths {
		_, _, getting := k.Get(t.Context(), path)
		_, putting := k.Put(t.Context(), path, cred, 0)
		deleting := k.Delete(t.Context(), path)
		for what, err := range map[string]error{"Get": getting, "Put": putting, "Delete": deleting} {
			if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s %q: %v, want a refusal", what, path, err)
			}
		}
	}
}

func weirdValues(t *testing.T, k Keeper) {
	path := store.CredentialPath("", "u-weird", store.GCP, "", true)
	for _, values := range []map[string]string{nil, {}, {"": "x"}, {"a": "secret\xff"}, {"a\xff": "secret"}} {
		_, err := k.Put(t.Context(), path, store.NewCredential(values), 0)
		if err == nil {
			t.Errorf("Put %q was taken", values)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("Put %q: the error shows the value: %v", values, err)
		}
	}
	if _, _, err := k.Get(t.Context(), path); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after refused Puts: %v, want not found", err)
	}
}

func gaveUp(t *testing.T, k Keeper) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := store.CredentialPath("", "u-gave-up", store.GCP, "", true)
	_, err := k.Put(ctx, path, store.NewCredential(map[string]string{"a": "b"}), 0)
	if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Put by a caller who gave up: %v, want context.Canceled alone", err)
	}
}

func put(t *testing.T, k Keeper, path string, values map[string]string, cas int64) {
	t.Helper()
	version, err := k.Put(t.Context(), path, store.NewCredential(values), cas)
	must(t, err)
	if version != cas+1 {
		t.Fatalf("Put over version %d gave version %d", cas, version)
	}
}

func expect(t *testing.T, k Keeper, path string, want map[string]string, version int64) {
	t.Helper()
	cred, got, err := k.Get(t.Context(), path)
	must(t, err)
	if got != version {
		t.Errorf("Get gave version %d, want %d", got, version)
	}
	if diff := cmp.Diff(want, cred.Reveal()); diff != "" {
		t.Errorf("Get gave other values (-want +got):\n%s", diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
