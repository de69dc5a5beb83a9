package gcp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aurora/providers"
	"aurora/store"
)

func sessionAsk(cred store.Credential, project string) providers.SessionAsk {
	return providers.SessionAsk{
		Connection: store.Connection{Cloud: store.GCP, Account: "ada@example.com"}, Credential: cred, Project: project, ReadOnly: true,
	}
}

func TestTheTokenIsInAFileAndNowhereElse(t *testing.T) {
	t.Parallel()
	cred, err := NewCredential(" ya29.token\n", "ada@example.com", time.Now().Add(time.Hour), []string{"acme-prod"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Compute: "http://127.0.0.1:1/compute/v1/"}).Session(context.Background(), sessionAsk(cred, "acme-prod"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(fmt.Sprint(s.Env), "ya29") {
		t.Errorf("environment is %v", s.Env)
	}
	if len(s.Files) != 1 || s.Files[0].Content != "ya29.token" || s.Files[0].Env != "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE" {
		t.Errorf("%d files", len(s.Files))
	}
	for name, want := range map[string]string{
		"CLOUDSDK_CORE_PROJECT": "acme-prod", "CLOUDSDK_CORE_ACCOUNT": "ada@example.com", "CLOUDSDK_CORE_CHECK_GCE_METADATA": "0",
		"CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "1", "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": "http://127.0.0.1:1/compute/v1/",
	} {
		if s.Env[name] != want {
			t.Errorf("%s is %q, want %q", name, s.Env[name], want)
		}
	}
	if _, there := s.Env["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER"]; there {
		t.Error("an empty override is set")
	}
}

func TestATokenThatEndsIsNotUsed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	c := New(Config{Now: func() time.Time { return now }})
	for expiry, ok := range map[string]bool{
		"": true, "2026-03-02T13:00:00Z": true, "2026-03-02T12:00:30Z": false, "2026-03-02T11:00:00Z": false, "soon": false,
	} {
		cred := store.NewCredential(map[string]string{"access_token": "ya29.token", "expiry": expiry})
		_, err := c.Session(context.Background(), sessionAsk(cred, ""))
		var p *providers.Problem
		if ok != (err == nil) || !ok && (!errors.As(err, &p) || !p.Broken || !strings.Contains(p.Sentence, "/aurora connect gcp")) {
			t.Errorf("%q: %v", expiry, err)
		}
	}
}

func TestWhatIsNoTokenOrProjectIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		token   string
		project string
	}{{"", "acme-prod"}, {"ya29.a b", "acme-prod"}, {"ya29.a\nb", "acme-prod"}, {"ya29.x", "-evil"}, {"ya29.x", "a/../b"}, {"ya29.x", ""}, {"ya29.x", "UPPER-case"}} {
		if _, err := NewCredential(c.token, "a@b", time.Time{}, []string{c.project}); err == nil {
			t.Errorf("%q in %q was taken", c.token, c.project)
		}
	}
	for _, project := range []string{"acme-prod", "example.com:acme-prod"} {
		if _, err := NewCredential("ya29.x", "a@b", time.Time{}, []string{project}); err != nil {
			t.Errorf("%s: %v", project, err)
		}
	}
}
