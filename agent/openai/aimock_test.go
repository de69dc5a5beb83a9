package openai_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"aurora/agent"
	"aurora/agent/openai"
)

// missing skips with a name, or fails where everything must be there.
func missing(t *testing.T, what string, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}

// startAimock runs the independent model server and gives its address. It is installed when it is not there yet.
func startAimock(t *testing.T) string {
	t.Helper()
	const dir = "testdata/aimock"
	const entry = "node_modules/@copilotkit/aimock/dist/cli.js"
	if _, err := os.Stat(dir + "/" + entry); err != nil {
		install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = dir
		if out, err := install.CombinedOutput(); err != nil {
			missing(t, "aimock cannot be installed with npm", fmt.Errorf("%w: %s", err, out))
		}
	}
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not installed", err)
	}
	port := freePort(t)
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, node, entry, "-p", port, "-f", "fixtures.json", "--log-level", "warn")
	server.Dir = dir
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait() // it was killed
		if t.Failed() {
			t.Logf("aimock said:\n%s", log.String())
		}
	})
	base := "http://127.0.0.1:" + port
	listening(t, "127.0.0.1:"+port)
	return base
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// listening polls, since the process gives no sign of its own.
func listening(t *testing.T, addr string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("aimock does not listen: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestAimock speaks to a model server that nobody here wrote.
func TestAimock(t *testing.T) {
	t.Parallel()
	base := startAimock(t)
	c := client(t, base+"/v1", func(c *openai.Config) { c.Idle = 2 * time.Second })

	r := &echoRunner{output: "x"}
	if f := runTurn(t, c, r, turn("two reads")); f.Text != "One instance and two buckets." || f.Usage.Total() == 0 {
		t.Errorf("final %+v", f)
	}
	slices.Sort(r.ran)
	if want := []string{"aws ec2 describe-instances", "aws s3api list-buckets"}; !slices.Equal(r.ran, want) {
		t.Errorf("ran %v", r.ran)
	}
	for text, want := range map[string]agent.FailureKind{
		"cut": agent.FailTruncated, "length": agent.FailLength, "limited": agent.FailLimited, "broken": agent.FailUnavailable,
	} {
		expectFailure(t, c, text, want)
	}
	for chaos, want := range map[string][]agent.FailureKind{
		"dropRate":       {agent.FailUnavailable},
		"malformedRate":  {agent.FailMalformed},
		"disconnectRate": {agent.FailTruncated, agent.FailUnavailable, agent.FailMalformed},
		"rateLimitRate":  {agent.FailLimited},
	} {
		setChaos(t, base, fmt.Sprintf(`{%q:1}`, chaos))
		expectFailure(t, c, "chaos", want...)
	}
	setChaos(t, base, "")
	if got, err := agent.Whole(c.Reply(t.Context(), ask("chaos"))); err != nil || got.Text != "calm" {
		t.Errorf("after the chaos: %+v, %v", got, err)
	}
}

func ask(text string) agent.Request {
	r := request()
	r.Messages[0].Text = text
	return r
}

func expectFailure(t *testing.T, c *openai.Client, text string, want ...agent.FailureKind) {
	t.Helper()
	got, err := agent.Whole(c.Reply(t.Context(), ask(text)))
	var f *agent.Failure
	if !errors.As(err, &f) || !slices.Contains(want, f.Kind) {
		t.Errorf("%s: %v, want %v; reply %+v", text, err, want, got)
	}
}

// setChaos makes the server misbehave; an empty body ends that.
func setChaos(t *testing.T, base, body string) {
	t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodDelete
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+"/__aimock/chaos", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if out, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
		t.Fatalf("set chaos %s: %d %s", body, resp.StatusCode, out)
	}
}
