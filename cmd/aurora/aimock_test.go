package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startAimock runs a model server that nobody here wrote, and gives its address. agent/openai keeps it installed.
func startAimock(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../agent/openai/testdata/aimock")
	if err != nil {
		t.Fatal(err)
	}
	needs(t, []string{"node", "npm"})
	entry := filepath.Join(dir, "node_modules/@copilotkit/aimock/dist/cli.js")
	if _, err := os.Stat(entry); err != nil {
		install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = dir
		if out, err := install.CombinedOutput(); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("aimock cannot be installed with npm: %v\n%s", err, out)
			}
			t.Skipf("aimock cannot be installed with npm: %v", err)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(address)
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, "node", entry, "-p", port, "-f", "testdata/aimock.json", "--log-level", "warn")
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
	await(t, "aimock", func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return "http://" + address
}

// setChaos makes aimock misbehave.
func setChaos(t *testing.T, base, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/__aimock/chaos", strings.NewReader(body))
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
