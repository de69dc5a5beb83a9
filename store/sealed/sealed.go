// Package sealed keeps credentials in one file that is encrypted with age: the embedded default, for one process on
// one machine. cmd opens the Keeper; providers uses it through the same interfaces as Vault. It never writes a value
// unencrypted, never overwrites a file it cannot read, and never logs or prints a value.
package sealed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"filippo.io/age"

	"aurora/store"
)

// The files in the data directory.
const (
	dataFile = "credentials.age"
	keyFile  = "credentials.key"
	lockFile = "credentials.lock"
)

// Config says where the file lies and what opens it.
type Config struct {
	Dir        string       // the data directory, made with mode 0700 when it is missing
	KeyFile    string       // where the key lies; empty: beside the file, which protects copies of the file alone
	Passphrase store.Secret // when set, the key file itself is encrypted with it
}

// Keeper keeps credentials in the file. All methods may be called side by side.
type Keeper struct {
	dir  string
	key  *age.X25519Identity
	lock *os.File

	mu     sync.Mutex // held from reading the file to replacing it
	closed bool
}

// Open takes the data directory for this process, makes the key on first use, and checks that the key opens the file.
// Another process that has the directory, a key file others can read, a missing or foreign key and a damaged file are
// each refused with what to do; nothing is changed then.
func Open(cfg Config) (*Keeper, error) {
	if cfg.Dir == "" {
		return nil, errors.New("open the sealed file: no data directory is named")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the sealed file: %w", err)
	}
	lock, err := takeLock(filepath.Join(cfg.Dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("open the sealed file: %w", err)
	}
	k := &Keeper{dir: cfg.Dir, lock: lock}
	if err := k.unlock(cfg); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("open the sealed file: %w", err)
	}
	return k, nil
}

// unlock loads or makes the key and tries it on the file.
func (k *Keeper) unlock(cfg Config) error {
	if err := sweep(k.dir); err != nil {
		return err
	}
	path := cfg.KeyFile
	if path == "" {
		path = filepath.Join(k.dir, keyFile)
	}
	key, err := loadKey(path, cfg.Passphrase)
	if errors.Is(err, os.ErrNotExist) {
		key, err = k.firstKey(path, cfg.Passphrase)
	}
	if err != nil {
		return err
	}
	k.key = key
	_, err = k.read()
	return err
}

// firstKey makes a key, but never beside credentials that another key has sealed.
func (k *Keeper) firstKey(path string, passphrase store.Secret) (*age.X25519Identity, error) {
	if _, err := os.Stat(k.file()); err == nil {
		return nil, fmt.Errorf("the key %s is gone but %s needs it: put the key back, or move the sealed file away to start with none", path, k.file())
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return makeKey(path, passphrase)
}

func (k *Keeper) file() string { return filepath.Join(k.dir, dataFile) }

// Close gives the data directory free.
func (k *Keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	k.closed = true
	return k.lock.Close()
}
