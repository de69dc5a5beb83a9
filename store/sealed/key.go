package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"

	"aurora/store"
)

// maxKey is the size in bytes above which a file is no key.
const maxKey = 64 << 10

// loadKey reads an age identity; os.ErrNotExist when the file is missing.
func loadKey(path string, passphrase store.Secret) (*age.X25519Identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others can read the key %s: chmod 600 %s", path, path)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKey {
		return nil, fmt.Errorf("%s is not a key: name a file with an age identity", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text, err := openKey(path, raw, passphrase)
	if err != nil {
		return nil, err
	}
	key, err := age.ParseX25519Identity(identityLine(text))
	if err != nil { // the cause may quote the key
		return nil, fmt.Errorf("%s holds no age identity (AGE-SECRET-KEY-1...): put the right key there", path)
	}
	return key, nil
}

// openKey takes the passphrase off a key file, and tells when there is one but should be none, or the reverse.
func openKey(path string, raw []byte, passphrase store.Secret) (string, error) {
	wrapped := bytes.HasPrefix(raw, []byte("age-encryption.org/"))
	if wrapped && passphrase == "" {
		return "", fmt.Errorf("the key %s is protected by a passphrase: give it", path)
	}
	if !wrapped && passphrase != "" {
		return "", fmt.Errorf("the key %s is not protected by a passphrase: take the passphrase out of the configuration", path)
	}
	if !wrapped {
		return string(raw), nil
	}
	identity, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return "", err
	}
	plain, err := age.Decrypt(bytes.NewReader(raw), identity)
	if err != nil {
		return "", fmt.Errorf("the passphrase does not open the key %s", path)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxKey))
	if err != nil {
		return "", fmt.Errorf("the key %s is damaged: put back a copy", path)
	}
	return string(text), nil
}

// identityLine finds the identity among comments, as age-keygen writes them.
func identityLine(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return ""
}

// makeKey writes a fresh key. It is on disk for good before anything is sealed with it.
func makeKey(path string, passphrase store.Secret) (*age.X25519Identity, error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	text := []byte("# Aurora's key to its credentials: keep a copy, show it to nobody\n" + key.String() + "\n")
	if passphrase != "" {
		if text, err = wrapKey(text, passphrase); err != nil {
			return nil, err
		}
	}
	if err := replace(path, text); err != nil {
		return nil, fmt.Errorf("write the key %s: %w", path, err)
	}
	return key, nil
}

func wrapKey(text []byte, passphrase store.Secret) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return nil, errors.New("the passphrase cannot be used")
	}
	return encrypt(text, recipient)
}
