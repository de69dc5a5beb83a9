package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// page is an answer of Aurora's pages.
type page struct {
	status int
	header http.Header
	body   string
	raw    string // as it came
}

// visit is what a test's only person does in his only browser: what is posted is a form that the browser was shown before.
func visit(t *testing.T, method, address string, form url.Values) page {
	t.Helper()
	b := &surfer{t: t, jar: jarOf(t)}
	if method == http.MethodPost {
		return b.submit(address, form)
	}
	return b.load(method, address, nil)
}

func (p page) says(t *testing.T, status int, words ...string) {
	t.Helper()
	if p.status != status {
		t.Errorf("status %d, want %d", p.status, status)
	}
	for _, w := range words {
		if !strings.Contains(p.body, w) {
			t.Errorf("the page does not say %q:\n%s", w, p.body)
		}
	}
}

// mustSee waits until Aurora said text where the person (an id) reads.
func (s *story) mustSee(id, text string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.sims.slack.Wait(ctx, func() bool { return s.sees(id, text) }); err != nil {
		s.t.Fatalf("%s did not come to see %q: %v\n%s\nthat one sees: %s", id, text, err, s.dump(), s.all(id))
	}
}

// sees tells whether Aurora said text where the person reads.
func (s *story) sees(id, text string) bool { return strings.Contains(s.all(id), text) }

// all is everything Aurora said where the person reads.
func (s *story) all(id string) string {
	messages, err := s.sims.slack.Messages(id, s.channel)
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, m := range messages {
		if m.User == aurora {
			b.WriteString(flat(m.Plain) + "\n")
		}
	}
	return b.String()
}

// button is where a button stands.
type button struct{ ts, action string }

// button finds the newest button of an action that a person sees.
func (s *story) button(who, action string) button {
	s.t.Helper()
	var found button
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	err := s.sims.slack.Wait(ctx, func() bool {
		messages, err := s.sims.slack.Messages(who, s.channel)
		if err != nil {
			return false
		}
		for _, m := range messages {
			for _, b := range m.Buttons {
				if b.ActionID == action || strings.HasPrefix(b.ActionID, action+":") {
					found = button{m.TS, b.ActionID}
				}
			}
		}
		return found.ts != ""
	})
	if err != nil {
		s.t.Fatalf("no button %s: %v", action, err)
	}
	return found
}

// nowhere fails when a secret stands in anything but the sealed file: the database, the log, what the model was told, or
// what was said in chat.
func (s *story) nowhere(secret string) {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.cfg.DataDir, "*"))
	if err != nil || len(files) == 0 {
		s.t.Fatalf("no files in the data directory: %v", err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(string(raw), secret) {
			s.t.Errorf("%s holds the secret", filepath.Base(f))
		}
	}
	if strings.Contains(s.log.String(), secret) {
		s.t.Error("the log holds the secret")
	}
	for _, r := range s.sims.model.Requests() {
		if strings.Contains(string(r.Body), secret) {
			s.t.Error("the model was told the secret")
		}
	}
	for _, call := range s.sims.slack.Calls("") {
		for _, v := range call.Args {
			if text, ok := v.(string); ok && strings.Contains(text, secret) {
				s.t.Errorf("%s carried the secret", call.Method)
			}
		}
	}
}
