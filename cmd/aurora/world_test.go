package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"aurora/agent/openai/modelsim"
)

// newWorld starts a whole Aurora as the playground does and ends it with the test.
func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	none := ""
	cfg, err := (&settings{environ: []string{"PATH=" + os.Getenv("PATH")}, file: &none}).load()
	if err != nil {
		t.Fatal(err)
	}
	s, err := startSims(ctx, cfg, "127.0.0.1:0", modelsim.Config{Script: o.script})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg = s.configure(cfg, dir)
	if o.policy != nil {
		cfg.PolicyFile = filepath.Join(dir, "policy.yaml")
		if err := os.WriteFile(cfg.PolicyFile, o.policy, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, sims: s, log: &safeBuffer{}}
	if w.app, err = newApp(ctx, cfg, newLogger(w.log)); err != nil {
		t.Fatal(err)
	}
	if err := s.connectPeople(ctx, w.app); err != nil {
		t.Fatal(err)
	}
	w.run(ctx, cancel)
	return w
}

// run runs the app until the test ends.
func (w *world) run(ctx context.Context, cancel context.CancelFunc) {
	ended := make(chan error, 1)
	go func() { ended <- w.app.run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("aurora ended with: %v", err)
		}
		w.app.stores.close()
		w.sims.close()
	})
	if err := w.sims.slack.WaitSockets(w.t.Context(), 1); err != nil {
		w.t.Fatal(err)
	}
}

// needs skips a test whose program is not there; in CI that is a failure.
func needs(t *testing.T, programs []string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" && p != "gcloud" {
			t.Fatalf("%s is not installed", p)
		}
		t.Skipf("%s is not installed", p)
	}
}

// safeBuffer is a log several goroutines write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
