package sealed

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"aurora/store"
)

// Get reads a credential and its version; store.ErrNotFound when there is none.
func (k *Keeper) Get(ctx context.Context, path string) (store.Credential, int64, error) {
	if err := store.CheckCredentialPath(path); err != nil {
		return store.Credential{}, 0, fmt.Errorf("read the credential: %w", err)
	}
	var found entry
	err := k.with(ctx, func() error {
		all, err := k.read()
		if err != nil {
			return err
		}
		var ok bool
		if found, ok = all.Credentials[path]; !ok {
			return store.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return store.Credential{}, 0, fmt.Errorf("read the credential: %w", err)
	}
	return store.NewCredential(found.Values), found.Version, nil
}

// Put writes a credential when its version is still cas (0: there must be none) and gives the new version.
// store.ErrConflict when somebody else wrote first.
func (k *Keeper) Put(ctx context.Context, path string, cred store.Credential, cas int64) (version int64, err error) {
	err = store.CheckCredentialPath(path)
	if err == nil {
		err = store.CheckCredential(cred)
	}
	if err == nil && cas < 0 {
		err = errors.New("the version must not be negative")
	}
	if err != nil {
		return 0, fmt.Errorf("keep the credential: %w", err)
	}
	err = k.with(ctx, func() error {
		all, err := k.read()
		if err != nil {
			return err
		}
		if all.Credentials[path].Version != cas {
			return store.ErrConflict
		}
		version = cas + 1
		all.Credentials[path] = entry{Version: version, Values: maps.Clone(cred.Reveal())}
		return k.write(all)
	})
	if err != nil {
		return 0, fmt.Errorf("keep the credential: %w", err)
	}
	return version, nil
}

// Delete erases a credential and its version. Deleting what is not there is no error.
func (k *Keeper) Delete(ctx context.Context, path string) error {
	if err := store.CheckCredentialPath(path); err != nil {
		return fmt.Errorf("delete the credential: %w", err)
	}
	err := k.with(ctx, func() error {
		all, err := k.read()
		if err != nil {
			return err
		}
		if _, ok := all.Credentials[path]; !ok {
			return nil
		}
		delete(all.Credentials, path)
		return k.write(all)
	})
	if err != nil {
		return fmt.Errorf("delete the credential: %w", err)
	}
	return nil
}

// Ready checks that the key still opens the file.
func (k *Keeper) Ready(ctx context.Context) error {
	return k.with(ctx, func() error {
		_, err := k.read()
		return err
	})
}

// with runs a deed alone. Once begun it is finished, whatever becomes of ctx: half a replacement helps nobody.
func (k *Keeper) with(ctx context.Context, deed func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if k.closed {
		return fmt.Errorf("%w: the sealed file is closed", store.ErrUnavailable)
	}
	return deed()
}
