package sealed_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/sealed"
	"aurora/store/storetest"
)

// crashDir tells this test's program, started again by TestKilledWhileWriting, where to write until it is killed.
const crashDir = "AURORA_TEST_SEALED_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

func open(t *testing.T, cfg sealed.Config) *sealed.Keeper {
	t.Helper()
	k, err := sealed.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func TestKeepsCredentials(t *testing.T) {
	t.Parallel()
	storetest.Credentials(t, open(t, sealed.Config{Dir: t.TempDir()}))
}

// owner is long enough not to stand in a ciphertext by chance.
const owner = "user-whose-name-is-kept"

var path = store.CredentialPath("", owner, store.GCP, "", true)

func credential(value string) store.Credential {
	return store.NewCredential(map[string]string{"refresh_token": value})
}

func TestOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	elsewhere := filepath.Join(t.TempDir(), "key")
	for name, cfg := range map[string]sealed.Config{
		"key beside it": {Dir: filepath.Join(t.TempDir(), "made", "on first use")},
		"key elsewhere": {Dir: t.TempDir(), KeyFile: elsewhere},
		"passphrase":    {Dir: t.TempDir(), Passphrase: "correct horse battery"},
	} {
		t.Run(name, func(t *testing.T) {
			k := open(t, cfg)
			if _, err := k.Put(t.Context(), path, credential("1//hunter2"), 0); err != nil {
				t.Fatal(err)
			}
			if err := k.Close(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := k.Get(t.Context(), path); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("Get once closed: %v, want store.ErrUnavailable", err)
			}
			noneReadable(t, cfg.Dir)
			cred, version, err := open(t, cfg).Get(t.Context(), path)
			if err != nil || version != 1 || cred.Get("refresh_token") != "1//hunter2" {
				t.Errorf("after opening again: version %d, error %v", version, err)
			}
		})
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Errorf("the key elsewhere: %v", err)
	}
}

// noneReadable checks that no file shows the value or can be read by others.
func noneReadable(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s, want 0600", file.Name(), info.Mode())
		}
		raw := read(t, filepath.Join(dir, file.Name()))
		if bytes.Contains(raw, []byte("hunter2")) || bytes.Contains(raw, []byte(owner)) {
			t.Errorf("%s shows what is kept", file.Name())
		}
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, sealed.Config{Dir: dir})
	_, err := sealed.Open(sealed.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) {
		t.Fatalf("a second Open: %v, want to be told who has it", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, sealed.Config{Dir: dir})
}

// Each damage is refused with what to do, and the files are left as they are.
func TestRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm func(t *testing.T, dir string)
		want string
	}{
		"cut short":         {func(t *testing.T, dir string) { cut(t, dir) }, "damaged"},
		"emptied":           {func(t *testing.T, dir string) { write(t, dir, "credentials.age", nil) }, "damaged"},
		"one bit changed":   {func(t *testing.T, dir string) { flip(t, dir) }, "damaged"},
		"something else":    {func(t *testing.T, dir string) { write(t, dir, "credentials.age", []byte("{}")) }, "damaged"},
		"a foreign key":     {func(t *testing.T, dir string) { foreignKey(t, dir) }, "another key"},
		"no key":            {func(t *testing.T, dir string) { remove(t, dir, "credentials.key") }, "put the key back"},
		"no key in the key": {func(t *testing.T, dir string) { write(t, dir, "credentials.key", []byte("AGE-SECRET-KEY-1hunter2")) }, "right key"},
		"a public key file": {func(t *testing.T, dir string) { public(t, dir) }, "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			k := open(t, sealed.Config{Dir: dir})
			if _, err := k.Put(t.Context(), path, credential("1//hunter2"), 0); err != nil {
				t.Fatal(err)
			}
			_ = k.Close()
			c.harm(t, dir)
			before, _ := os.ReadFile(filepath.Join(dir, "credentials.age"))
			key, _ := os.ReadFile(filepath.Join(dir, "credentials.key"))
			_, err := sealed.Open(sealed.Config{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("Open: %v, want %q and no secret", err, c.want)
			}
			after, _ := os.ReadFile(filepath.Join(dir, "credentials.age"))
			keyAfter, _ := os.ReadFile(filepath.Join(dir, "credentials.key"))
			if !bytes.Equal(before, after) || !bytes.Equal(key, keyAfter) {
				t.Error("a file was changed")
			}
		})
	}
}

func TestDamageWhileOpenIsNotOverwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k := open(t, sealed.Config{Dir: dir})
	if _, err := k.Put(t.Context(), path, credential("1//hunter2"), 0); err != nil {
		t.Fatal(err)
	}
	flip(t, dir)
	before := read(t, filepath.Join(dir, "credentials.age"))
	_, _, getting := k.Get(t.Context(), path)
	_, putting := k.Put(t.Context(), path, credential("new"), 1)
	for what, err := range map[string]error{
		"Get": getting, "Put": putting, "Delete": k.Delete(t.Context(), path), "Ready": k.Ready(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "damaged") || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want to be told of the damage", what, err)
		}
	}
	if !bytes.Equal(before, read(t, filepath.Join(dir, "credentials.age"))) {
		t.Error("the damaged file was overwritten")
	}
}

func TestPassphraseMustFit(t *testing.T) {
	t.Parallel()
	plain, wrapped := t.TempDir(), t.TempDir()
	_ = open(t, sealed.Config{Dir: plain}).Close()
	_ = open(t, sealed.Config{Dir: wrapped, Passphrase: "right"}).Close()
	for name, c := range map[string]struct {
		cfg  sealed.Config
		want string
	}{
		"wrong":  {sealed.Config{Dir: wrapped, Passphrase: "wr0ng"}, "does not open the key"},
		"none":   {sealed.Config{Dir: wrapped}, "protected by a passphrase"},
		"excess": {sealed.Config{Dir: plain, Passphrase: "wr0ng"}, "not protected by a passphrase"},
		"nodir":  {sealed.Config{}, "no data directory"},
	} {
		_, err := sealed.Open(c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A full disk or a directory that cannot be written leaves the old state.
func TestFailedWriteLeavesTheOldState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k := open(t, sealed.Config{Dir: dir})
	if _, err := k.Put(t.Context(), path, credential("old"), 0); err != nil {
		t.Fatal(err)
	}
	moved := dir + "-moved"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Put(t.Context(), path, credential("new"), 1); err == nil {
		t.Error("Put without a directory was taken")
	}
	if err := os.Rename(moved, dir); err != nil {
		t.Fatal(err)
	}
	cred, version, err := k.Get(t.Context(), path)
	if err != nil || version != 1 || cred.Get("refresh_token") != "old" {
		t.Errorf("afterwards: version %d, error %v, want the old state", version, err)
	}
}

const (
	block = 256 << 10
	kills = 16
)

// writeUntilKilled writes one credential over and over, of a size that keeps a kill likely to hit the writing, and
// prints each version once Put has returned.
func writeUntilKilled(dir string) {
	ctx := context.Background()
	k, err := sealed.Open(sealed.Config{Dir: dir})
	die(err)
	_, version, err := k.Get(ctx, path)
	if !errors.Is(err, store.ErrNotFound) {
		die(err)
	}
	for {
		version, err = k.Put(ctx, path, filled(version+1), version)
		die(err)
		fmt.Println(version)
	}
}

func filled(version int64) store.Credential {
	return store.NewCredential(map[string]string{
		"version": fmt.Sprint(version), "filling": strings.Repeat(string('a'+rune(version%26)), block),
	})
}

func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var last int64
	interrupted := 0
	for round := range kills {
		told := killedWriter(t, dir, round%2 == 0)
		interrupted += leftovers(t, dir)
		k := open(t, sealed.Config{Dir: dir})
		if leftovers(t, dir) != 0 {
			t.Fatal("what a crash left behind was not removed")
		}
		cred, version, err := k.Get(t.Context(), path)
		if err != nil {
			t.Fatalf("after a kill: %v", err)
		}
		if told <= last || version < told || version > told+1 {
			t.Fatalf("after a kill: version %d, want %d or the one under way", version, told)
		}
		if want := filled(version); cred.Get("version") != want.Get("version") || cred.Get("filling") != want.Get("filling") {
			t.Fatalf("after a kill: version %d is mixed with another", version)
		}
		last = version
		_ = k.Close()
	}
	if interrupted == 0 {
		t.Error("no kill hit a file under way, so nothing was proven")
	}
	t.Logf("%d versions written, %d of %d kills hit a file under way", last, interrupted, kills)
}

// killedWriter lets a process of its own write, kills it (aimed: when a new file is under way, else at any moment), and
// gives the last version that it said was kept.
func killedWriter(t *testing.T, dir string, aimed bool) int64 {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var told int64
	for lines.Scan() {
		if told == 0 { // from the first kept version on, the kill may fall anywhere
			go killSoon(t, cmd.Process, dir, aimed)
		}
		if _, err := fmt.Sscan(lines.Text(), &told); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait()
	if problems.Len() > 0 {
		t.Fatalf("the writer: %s", problems.String())
	}
	return told
}

func killSoon(t *testing.T, writer *os.Process, dir string, aimed bool) {
	for wait := rand.IntN(400); aimed && leftovers(t, dir) == 0 || !aimed && wait > 0; wait-- {
		if t.Context().Err() != nil { // the writer ended by itself, and the test with it
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
	_ = writer.Kill()
}

func leftovers(t *testing.T, dir string) int {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".sealing-*"))
	if err != nil {
		t.Error(err)
	}
	return len(left)
}
