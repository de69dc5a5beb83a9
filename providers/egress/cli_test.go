package egress

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aurora/providers"
	"aurora/store"
)

// TestRealCLIsTakeTheWay runs the real programs against the clouds' own names: each asks the proxy, and nobody else.
func TestRealCLIsTakeTheWay(t *testing.T) {
	t.Parallel()
	found := providers.Locate(withBuilt(t, os.Getenv("PATH")))
	for _, c := range []struct {
		cloud store.Cloud
		argv  []string
		env   []string
		host  string
	}{
		{store.AWS, []string{"aws", "ec2", "describe-instances", "--region", "eu-west-1"},
			[]string{"AWS_ACCESS_KEY_ID=AKIAAAAAAAAAAAAAAAAA", "AWS_SECRET_ACCESS_KEY=x", "AWS_MAX_ATTEMPTS=1"}, "ec2.eu-west-1.amazonaws.com"},
		{store.AWS, []string{"aws", "s3api", "list-objects-v2", "--bucket", "orders", "--region", "eu-west-1"},
			[]string{"AWS_ACCESS_KEY_ID=AKIAAAAAAAAAAAAAAAAA", "AWS_SECRET_ACCESS_KEY=x", "AWS_MAX_ATTEMPTS=1"}, "s3.eu-west-1.amazonaws.com"},
		{store.GCP, []string{"gcloud", "compute", "instances", "list", "--project=shop-prod"},
			[]string{"CLOUDSDK_AUTH_ACCESS_TOKEN=ya29.x", "CLOUDSDK_CORE_CHECK_GCE_METADATA=0", "CLOUDSDK_CORE_DISABLE_PROMPTS=1"}, "compute.googleapis.com"},
		{store.Azure, []string{"az", "login", "--service-principal", "--username", "11111111-1111-4111-8111-111111111111", "--password", "x",
			"--tenant", "22222222-2222-4222-8222-222222222222"}, []string{"AZURE_CORE_COLLECT_TELEMETRY=0"}, "login.microsoftonline.com"},
		{store.Scaleway, []string{"scw", "instance", "server", "list"},
			[]string{"SCW_ACCESS_KEY=SCWAAAAAAAAAAAAAAAAA", "SCW_SECRET_KEY=11111111-1111-4111-8111-111111111111",
				"SCW_DEFAULT_PROJECT_ID=11111111-1111-4111-8111-111111111111", "SCW_DEFAULT_ORGANIZATION_ID=11111111-1111-4111-8111-111111111111"}, "api.scaleway.com"},
	} {
		program := found[c.argv[0]]
		t.Run(strings.Join(c.argv[:2], " "), func(t *testing.T) {
			t.Parallel()
			if program.Err != nil {
				t.Skipf("%s: %v", c.argv[0], program.Err)
			}
			w := newWorld(t)
			_, way := w.open(t, providers.Route{Cloud: c.cloud, Service: c.argv[1]})
			home := t.TempDir()
			env := append([]string{"HOME=" + home, "PATH=", "CLOUDSDK_CONFIG=" + home, "AZURE_CONFIG_DIR=" + home, "AWS_EC2_METADATA_DISABLED=true"}, c.env...)
			config := home + "/aws-config"
			if err := os.WriteFile(config, []byte("[default]\ns3 =\n  addressing_style = path\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			env = append(env, "AWS_CONFIG_FILE="+config)
			for k, v := range program.Env {
				env = append(env, k+"="+v)
			}
			for k, v := range way.Env {
				env = append(env, k+"="+v)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
			defer cancel()
			full := program.Command(c.argv)
			cmd := exec.CommandContext(ctx, full[0], full[1:]...)
			cmd.Env, cmd.Dir = env, home
			cmd.WaitDelay = time.Second
			w.awaitName(ctx, cancel, c.host)
			out, _ := cmd.CombinedOutput() // it fails: the host has another's certificate
			w.mu.Lock()
			defer w.mu.Unlock()
			if !slices.Contains(w.resolved, c.host) {
				t.Errorf("asked for %v, refused %v\n%s", w.resolved, way.Close(), out)
			}
		})
	}
}

// withBuilt adds what `make tools` built to a search path.
func withBuilt(t *testing.T, path string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		return path
	}
	built, err := filepath.Glob(filepath.Join(cache, "aurora-test", "scw-cli-*"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(append(built, path), string(filepath.ListSeparator))
}

// awaitName ends the program as soon as it has asked for the host: some of them try again for minutes.
func (w *world) awaitName(ctx context.Context, cancel func(), host string) {
	tick := time.NewTicker(20 * time.Millisecond)
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			w.mu.Lock()
			there := slices.Contains(w.resolved, host)
			w.mu.Unlock()
			if there {
				cancel()
				return
			}
		}
	}()
}
