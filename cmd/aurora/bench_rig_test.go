package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/store"
	"aurora/store/storetest"
)

// rig is a real `aurora serve` in a process of its own, with a Slack, a model and clouds to measure it by.
type rig struct {
	tb    testing.TB
	sims  *sims
	cfg   config
	serve *replica
}

type rigOptions struct {
	durable bool // PostgreSQL that waits for its disk, Redis and Vault instead of the embedded stores
	slack   slacksim.Config
	model   modelsim.Config
	path    string // PATH of the process: with an empty one it finds no CLI
}

// newRig starts the simulators and gives Ada and Ben their connections; serving begins with start.
func newRig(tb testing.TB, o rigOptions) *rig {
	tb.Helper()
	if _, err := auroraBinary(); err != nil { // built before anything is timed
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tb.Cleanup(cancel)
	none := ""
	cfg, err := (&settings{environ: []string{"PATH=" + o.path}, file: &none}).load()
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{tb: tb}
	if r.sims, err = startSims(ctx, cfg, "127.0.0.1:0", o.slack, o.model); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.sims.close)
	r.cfg = r.sims.configure(cfg, tb.TempDir())
	if o.durable {
		_, database := storetest.PostgresDurable(tb)
		v := storetest.Vault(tb)
		r.cfg.DatabaseURL, r.cfg.RedisURL = store.Secret(database), store.Secret(storetest.Redis(tb).URL)
		r.cfg.VaultAddr, r.cfg.VaultRole, r.cfg.VaultSecret = v.Addr, v.RoleID, store.Secret(v.SecretID)
	}
	a, err := newApp(ctx, r.cfg, newLogger(&safeBuffer{}))
	if err != nil {
		tb.Fatal(err)
	}
	defer a.stores.close()
	if err := r.sims.connectPeople(ctx, a); err != nil {
		tb.Fatal(err)
	}
	return r
}

// settings are the environment of the process.
func (r *rig) settings() []string {
	c := r.cfg
	set := []string{
		"PATH=" + c.Path, "HOME=" + r.tb.TempDir(), "TMPDIR=" + r.tb.TempDir(), "AURORA_DATA_DIR=" + c.DataDir, "AURORA_LISTEN=127.0.0.1:0",
		"AURORA_OPS_LISTEN=" + c.OpsListen, "AURORA_DEFAULT_ROLE=" + c.DefaultRole,
		"SLACK_API_URL=" + c.SlackAPIURL, "SLACK_APP_TOKEN=" + c.SlackAppToken.Reveal(), "SLACK_BOT_TOKEN=" + c.SlackBotToken.Reveal(),
		"OPENAI_BASE_URL=" + c.OpenAIBase, "OPENAI_API_KEY=" + c.OpenAIKey.Reveal(), "AURORA_MODEL=" + c.Model,
		"AWS_ACCESS_KEY_ID=" + c.identity.id, "AWS_SECRET_ACCESS_KEY=" + c.identity.secret.Reveal(), "AWS_EC2_METADATA_DISABLED=true",
		"AURORA_ENDPOINT_AWS=" + c.EndpointAWS, "AURORA_ENDPOINT_AWS_STS=" + c.EndpointSTS, "AURORA_ENDPOINT_GCP_COMPUTE=" + c.EndpointCompute,
		"AURORA_ENDPOINT_GCP_RESOURCEMANAGER=" + c.EndpointProjects, "AURORA_ENDPOINT_TAILSCALE=" + c.EndpointTailscale,
	}
	if c.embedded() {
		return set
	}
	return append(set, "DATABASE_URL="+c.DatabaseURL.Reveal(), "REDIS_URL="+c.RedisURL.Reveal(),
		"VAULT_ADDR="+c.VaultAddr, "VAULT_ROLE_ID="+c.VaultRole, "VAULT_SECRET_ID="+c.VaultSecret.Reveal())
}

// start runs the process and returns how long it took until readyz said yes.
func (r *rig) start() time.Duration {
	r.tb.Helper()
	l, err := new(net.ListenConfig).Listen(r.tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		r.tb.Fatal(err)
	}
	r.cfg.OpsListen = l.Addr().String()
	if err := l.Close(); err != nil {
		r.tb.Fatal(err)
	}
	r.serve = newReplica(r.tb, "measured")
	environ, began := r.settings(), time.Now()
	r.serve.start(r.tb, environ)
	r.await("readiness", func() bool {
		answer, err := http.Get("http://" + r.cfg.OpsListen + "/readyz") //nolint:noctx // it listens or it does not
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return time.Since(began)
}

// await looks every other millisecond whether something has come true in another process.
func (r *rig) await(what string, come func() bool) {
	r.tb.Helper()
	for end := time.Now().Add(2 * time.Minute); !come(); time.Sleep(2 * time.Millisecond) {
		if r.serve.dead() || time.Now().After(end) {
			r.tb.Fatalf("%s does not come:\n%s", what, tail(r.serve.log.String()))
		}
	}
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

// status reads a line of /proc/<pid>/status in MB.
func (r *rig) status(name string) float64 {
	r.tb.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.serve.cmd.Process.Pid))
	if err != nil {
		r.tb.Skipf("there is no /proc: %v", err)
	}
	_, rest, _ := strings.Cut(string(raw), name+":")
	kb, err := strconv.ParseFloat(strings.Fields(rest + " 0")[0], 64)
	if err != nil {
		r.tb.Fatal(err)
	}
	return kb / 1024
}

// manyRooms are channels with Ada in them.
func manyRooms(n int) []slacksim.Channel {
	all := make([]slacksim.Channel, n)
	for i := range all {
		all[i] = slacksim.Channel{ID: roomID(i), Name: fmt.Sprintf("room-%d", i), Members: []string{people["ada"]}}
	}
	return all
}

func roomID(i int) string { return fmt.Sprintf("C%09d", i) }

// percentiles reports the median and the 99th percentile in milliseconds.
func percentiles(b *testing.B, name string, took []time.Duration) {
	b.Helper()
	if len(took) == 0 {
		b.Fatalf("nothing was measured for %s", name)
	}
	slices.Sort(took)
	b.ReportMetric(millis(took[len(took)/2]), name+"-p50-ms")
	b.ReportMetric(millis(took[len(took)*99/100]), name+"-p99-ms")
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
