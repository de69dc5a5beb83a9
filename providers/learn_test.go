package providers_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aurora/providers"
	"aurora/providers/confine"
)

// TestWhatAProgramTellsOfItselfItTellsConfined has one that was tampered with look for a secret while it is at that.
func TestWhatAProgramTellsOfItselfItTellsConfined(t *testing.T) {
	t.Parallel()
	confiner := confine.Examine()
	if confiner.Strength.Landlock == 0 && os.Getenv("CI") == "" {
		t.Skipf("this kernel has only: %s", confiner.Strength)
	}
	root, secret := t.TempDir(), filepath.Join(t.TempDir(), "credentials.age")
	script := "#!" + root + "/bin/python3\nread -r loot < " + secret + "\necho \"found: $loot\" > \"$AZURE_CONFIG_DIR/index\"\n"
	for path, text := range map[string]string{secret: "canary\n", root + "/bin/az": script} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil { //nolint:gosec // it is run
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/bin/sh", root+"/bin/python3"); err != nil {
		t.Fatal(err)
	}
	az := providers.Locate(root + "/bin")["az"]
	if az.Err != nil {
		t.Fatal(az.Err)
	}
	az.Flags = nil // the interpreter is a shell here
	learn := func(confine providers.Sandbox) (string, error) {
		told, err := az.Learn(t.Context(), confine, providers.Session{FilesEnv: "AZURE_CONFIG_DIR"}, "index", "version")
		return string(told), err
	}
	if told, err := learn(nil); err != nil || !strings.Contains(told, "canary") { // the canary sings
		t.Fatalf("%q, %v", told, err)
	}
	if told, err := learn(confiner.Sandbox); strings.Contains(told, "canary") || !strings.Contains(told, "found:") {
		t.Errorf("%q, %v", told, err)
	}
	if err := os.WriteFile(root+"/bin/az", []byte(script+"echo loots\n"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	if told, err := learn(nil); err == nil {
		t.Errorf("an exchanged program was run: %q", told)
	}
}

// TestRealAzTellsItsIndexConfined has the real az make its index without a network.
func TestRealAzTellsItsIndexConfined(t *testing.T) {
	t.Parallel()
	az := needCLI(t, "az")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	session := providers.Session{FilesEnv: "AZURE_CONFIG_DIR", Env: map[string]string{"AZURE_CORE_COLLECT_TELEMETRY": "0"},
		Files: []providers.File{{Name: "versionCheck.json", Content: `{"versions": {"core": {"local": "0"}}}`}}}
	raw, err := az.Learn(ctx, confine.Examine().Sandbox, session, "commandIndex.json", "version")
	var index struct {
		Version string
		Index   map[string]any `json:"commandIndex"`
	}
	if err != nil || json.Unmarshal([]byte(strings.TrimPrefix(string(raw), "\xef\xbb\xbf")), &index) != nil || index.Version == "" || len(index.Index) < 50 {
		t.Errorf("%v, %q and %d commands", err, index.Version, len(index.Index))
	}
}
