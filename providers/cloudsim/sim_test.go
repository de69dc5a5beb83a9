package cloudsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"aurora/providers/cloudsim"
)

const externalID = "aurora-3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"

// start gives a running simulator whose roles demand externalID.
func start(t *testing.T, config cloudsim.Config) *cloudsim.Server {
	t.Helper()
	sim := cloudsim.New(config)
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	for _, role := range []string{cloudsim.RoleReadOnly, cloudsim.RoleAdmin, cloudsim.RoleStaging} {
		if err := sim.SetTrust(role, externalID); err != nil {
			t.Fatal(err)
		}
	}
	return sim
}

// needCLI skips the test when the tool is missing; in CI a missing one that must be there is a failure.
func needCLI(t *testing.T, name string, inCI bool) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if inCI && os.Getenv("CI") == "true" {
		t.Fatalf("the %s command line tool is missing: CI must install it", name)
	}
	t.Skipf("the %s command line tool is not installed", name)
}

// tool runs a command line tool with this environment and nothing else of ours but PATH and HOME.
func tool(t *testing.T, env []string, argv ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	return out.String(), errs.String(), err == nil
}

// call sends one request and gives the status and the body.
func call(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	if location := response.Header.Get("Location"); location != "" {
		return response.StatusCode, location
	}
	return response.StatusCode, string(raw)
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func wantContains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}
