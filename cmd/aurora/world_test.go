package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/store"
	"aurora/store/storetest"
)

// world is a whole Aurora on simulators.
type world struct {
	t    *testing.T
	sims *sims
	app  *app
	log  *safeBuffer
	cfg  config
	end  func() // ends the app that runs now
}

// worldOptions is how a world differs from the playground's.
type worldOptions struct {
	script      modelsim.Script
	policy      []byte        // the organisation's rules
	real        bool          // PostgreSQL, Redis and Vault instead of the embedded stores: the app can be restarted
	confirmWait time.Duration // how long a click is waited for
	slack       slacksim.Config
	change      func(*config) // the settings, before the first start
}

// newWorld starts a whole Aurora as the playground does and ends it with the test.
func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	none := ""
	cfg, err := (&settings{environ: []string{"PATH=" + os.Getenv("PATH")}, file: &none}).load()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, log: &safeBuffer{}}
	if w.sims, err = startSims(ctx, cfg, "127.0.0.1:0", o.slack, modelsim.Config{Script: o.script}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.sims.close)
	w.cfg = w.sims.configure(cfg, t.TempDir())
	w.cfg.confirmWait = o.confirmWait
	w.setPolicy(o.policy)
	if o.real {
		w.useRealStores()
	}
	if o.change != nil {
		o.change(&w.cfg)
	}
	w.start()
	t.Cleanup(func() { w.end() })
	if err := w.sims.connectPeople(ctx, w.app); err != nil {
		t.Fatal(err)
	}
	return w
}

// useRealStores puts PostgreSQL, Redis and Vault in place of the embedded ones.
func (w *world) useRealStores() {
	_, serve := storetest.Postgres(w.t)
	v := storetest.Vault(w.t)
	w.cfg.DatabaseURL, w.cfg.RedisURL = store.Secret(serve), store.Secret(storetest.Redis(w.t).URL)
	w.cfg.VaultAddr, w.cfg.VaultRole, w.cfg.VaultSecret = v.Addr, v.RoleID, store.Secret(v.SecretID)
}

// setPolicy writes the rules that the next start reads.
func (w *world) setPolicy(rules []byte) {
	if rules == nil {
		return
	}
	w.cfg.PolicyFile = filepath.Join(w.cfg.DataDir, "policy.yaml")
	if err := os.WriteFile(w.cfg.PolicyFile, rules, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// start runs an app until end is called.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	if w.app, err = newApp(ctx, w.cfg, newLogger(w.log)); err != nil {
		cancel()
		w.t.Fatal(err)
	}
	running, ended := w.app, make(chan error, 1)
	go func() { ended <- running.run(ctx) }()
	w.end = sync.OnceFunc(func() { // a restart that fails leaves it to the test's end, too
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("aurora ended with: %v", err)
		}
		running.close()
	})
	if err := w.sims.slack.WaitSockets(w.t.Context(), 1); err != nil {
		w.t.Fatal(err)
	}
}

// restart ends the app and starts another on the same stores.
func (w *world) restart() {
	w.end()
	w.start()
}

// needs skips a test whose program is not there; in CI that is a failure.
func needs(t testing.TB, programs []string) {
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
