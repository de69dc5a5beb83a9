package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"aurora/store"
	"aurora/store/storetest"
)

// TestServeWaitsForItsStores: a database that is not up yet is waited for, readyz names it, and then Aurora serves.
func TestServeWaitsForItsStores(t *testing.T) {
	t.Parallel()
	needsServers(t)
	database, redis, vault := storetest.OwnPostgres(t), storetest.Redis(t), storetest.Vault(t)
	database.Crash(t)
	environ, slack, _ := healthy(t)
	ops := unused(t)
	environ = append(environ, "DATABASE_URL="+database.ServeURL, "REDIS_URL="+redis.URL, "VAULT_ADDR="+vault.Addr,
		"VAULT_ROLE_ID="+vault.RoleID, "VAULT_SECRET_ID="+vault.SecretID, "AURORA_OPS_LISTEN="+ops)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	var errs safeBuffer
	go func() {
		ended <- run(ctx, []string{"serve"}, environ, streams{strings.NewReader(""), io.Discard, &errs})
	}()
	await(t, "readyz to name the database", func() bool {
		status, body := fetched(t, "http://"+ops+"/readyz")
		return status == http.StatusServiceUnavailable && strings.HasPrefix(body, "not ready\npostgresql: cannot be reached") && !strings.Contains(body, "redis")
	})
	if status, _ := fetched(t, "http://"+ops+"/healthz"); status != http.StatusOK {
		t.Errorf("healthz answers %d", status)
	}
	database.Start(t)
	if err := slack.WaitSockets(ctx, 2); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	await(t, "readyz", func() bool { status, _ := fetched(t, "http://"+ops+"/readyz"); return status == http.StatusOK })
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("serve ended with %d:\n%s", code, errs.String())
	}
}

// TestServeIsToldToEndWhileItWaits: then it ends well, and at once.
func TestServeIsToldToEndWhileItWaits(t *testing.T) {
	t.Parallel()
	environ, _, _ := healthy(t)
	ops := unused(t)
	environ = append(environ, "DATABASE_URL=postgres://aurora@"+unused(t)+"/aurora", "REDIS_URL=redis://"+unused(t), "VAULT_ADDR=http://"+unused(t),
		"VAULT_TOKEN=t", "AURORA_OPS_LISTEN="+ops)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	var errs safeBuffer
	go func() {
		ended <- run(ctx, []string{"serve"}, environ, streams{strings.NewReader(""), io.Discard, &errs})
	}()
	await(t, "all three to be named", func() bool {
		_, body := fetched(t, "http://"+ops+"/readyz")
		return strings.Contains(body, "\npostgresql: ") && strings.Contains(body, "\nredis: ") && strings.Contains(body, "\nvault: ")
	})
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("serve ended with %d:\n%s", code, errs.String())
	}
}

func TestWhatMayPassIsWaitedFor(t *testing.T) {
	t.Parallel()
	away := fmt.Errorf("use it: %w", store.ErrUnavailable)
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"away":                 {unopened("DATABASE_URL", "PostgreSQL", away), true},
		"sealed":               {unopened("VAULT_ADDR", "Vault", &store.Trouble{Kind: store.TroubleSealed}), true},
		"refused":              {unopened("VAULT_ADDR", "Vault", &store.Trouble{Kind: store.TroubleRefused}), false},
		"two away":             {errors.Join(unopened("REDIS_URL", "Redis", away), unopened("DATABASE_URL", "PostgreSQL", away)), true},
		"one away, one wrong":  {errors.Join(unopened("REDIS_URL", "Redis", away), errors.New("DATABASE_URL: is a superuser")), false},
		"a password not taken": {unopened("REDIS_URL", "Redis", fmt.Errorf("%w: WRONGPASS invalid username-password pair", store.ErrUnavailable)), false},
		"a wrong setting":      {unopened("DATABASE_URL", "PostgreSQL", errors.New("no such address")), false},
	} {
		if got := passing(c.err); got != c.want {
			t.Errorf("%s: waited for: %v", name, got)
		}
	}
}

// unused is an address nothing listens on.
func unused(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// fetched is what a page answers; 0 while nobody does.
func fetched(t *testing.T, address string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	return resp.StatusCode, string(raw)
}
