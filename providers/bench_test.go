package providers_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/providers/policy"
	"aurora/store"
)

// BenchmarkExecutorBesideRawCLI runs the same command as a person would and through the gate; the goal is at most 1.1
// times the wall time.
func BenchmarkExecutorBesideRawCLI(b *testing.B) {
	for _, c := range []struct{ program, line string }{
		{"aws", "aws ec2 describe-instances"},
		{"gcloud", "gcloud compute instances list --format=json"},
	} {
		p := needCLI(b, c.program)
		bench := newCloudBench(b, trusting{}, cloudsim.RoleReadOnly)
		bench.connectGCP(b)
		command, _ := trusting{}.Parse(c.line)
		env := append(os.Environ(), bench.rawEnv(b, p, c.program)...)
		b.Run(c.program, func(b *testing.B) {
			var raw, gated []time.Duration
			for b.Loop() { // in turn, so that both see the same machine
				began := time.Now()
				cmd := exec.CommandContext(context.Background(), command.Argv[0], command.Argv[1:]...)
				cmd.Env = env
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				raw, began = append(raw, time.Since(began)), time.Now()
				if r := bench.Run(context.Background(), wants(c.line, store.Ask)); r.Status != providers.StatusOK {
					b.Fatalf("%+v", r)
				}
				gated = append(gated, time.Since(began))
			}
			slices.Sort(raw)
			slices.Sort(gated)
			mid := len(raw) / 2
			b.ReportMetric(float64(raw[mid].Milliseconds()), "raw-ms")
			b.ReportMetric(float64(gated[mid].Milliseconds()), "aurora-ms")
			b.ReportMetric(float64(gated[mid])/float64(raw[mid]), "ratio")
		})
	}
}

// rawEnv is the environment the executor would give, without its limits.
func (b *cloudBench) rawEnv(t testing.TB, _ providers.Program, program string) []string {
	t.Helper()
	cloud, _ := providers.CloudOf(program)
	for _, conn := range b.books.connections {
		if conn.Cloud != cloud {
			continue
		}
		cred, _, err := b.books.Get(context.Background(), conn.Token[len("vault:"):])
		if err != nil {
			t.Fatal(err)
		}
		project := ""
		if len(conn.Projects) > 0 {
			project = conn.Projects[0]
		}
		s, err := b.Drivers[cloud].Session(context.Background(), providers.SessionAsk{
			Connection: conn, Credential: cred, Region: conn.Region, Project: project, UserID: "user", Turn: "turn_1", ReadOnly: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		env := []string{"CLOUDSDK_CONFIG=" + t.TempDir()}
		for k, v := range s.Env {
			env = append(env, k+"="+v)
		}
		for _, f := range s.Files {
			file := t.TempDir() + "/" + f.Name
			if err := os.WriteFile(file, []byte(f.Content), 0o600); err != nil {
				t.Fatal(err)
			}
			env = append(env, f.Env+"="+file)
		}
		return env
	}
	t.Fatalf("no connection for %s", program)
	return nil
}

var _ providers.Policy = (*policy.Engine)(nil)
