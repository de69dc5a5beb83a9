package sealed_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func write(t *testing.T, dir, name string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, dir string) {
	t.Helper()
	raw := read(t, filepath.Join(dir, "credentials.age"))
	write(t, dir, "credentials.age", raw[:len(raw)-10])
}

func flip(t *testing.T, dir string) {
	t.Helper()
	raw := read(t, filepath.Join(dir, "credentials.age"))
	raw[len(raw)-20] ^= 1
	write(t, dir, "credentials.age", raw)
}

func foreignKey(t *testing.T, dir string) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "credentials.key", []byte(key.String()+"\n"))
}

func public(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chmod(filepath.Join(dir, "credentials.key"), 0o640); err != nil {
		t.Fatal(err)
	}
}

// die ends the process that is started to be killed, where there is no test to fail.
func die(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
