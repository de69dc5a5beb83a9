package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	goredis "github.com/redis/go-redis/v9"

	"aurora/store/redis"
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

// nowhere fails when a secret stands, in any form, in anything but the sealed file: the database and what SQLite keeps
// beside it, the short-term memory, the log, the audit's export, what the model was told, or what was said in chat.
func (s *story) nowhere(secret string) {
	s.t.Helper()
	for where, text := range s.everywhere() {
		absent(s.t, where, text, "the secret", secret)
	}
}

// everywhere is all that a world with embedded stores keeps, writes or sends, by where it is.
func (s *story) everywhere() map[string]string {
	s.t.Helper()
	export := call(s.t, []string{"AURORA_DATA_DIR=" + s.cfg.DataDir}, "audit", "export")
	if export.code != 0 {
		s.t.Errorf("the export ended with %d: %s", export.code, export.err)
	}
	places := map[string]string{
		"the files": filesIn(s.t, s.cfg.DataDir), "the log": s.log.String(), "the short-term memory": everyKey(s.t, clientOf(s.app.stores.redis)),
		"the export": export.out + export.err,
	}
	for _, r := range s.sims.model.Requests() {
		places["what the model was told"] += string(r.Body) + "\n"
	}
	for _, c := range s.sims.slack.Calls("") {
		raw, err := json.Marshal(c.Args)
		if err != nil {
			s.t.Fatal(err)
		}
		places["what was said in Slack"] += c.Method + string(raw) + "\n"
	}
	if !strings.Contains(places["the files"], "SQLite format 3") {
		s.t.Error("the database was not searched")
	}
	return places
}

// clientOf gives the connection to the embedded server, whose password nobody is told.
func clientOf(memory *redis.DB) goredis.UniversalClient {
	field := reflect.ValueOf(memory).Elem().FieldByName("client")
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface().(goredis.UniversalClient)
}
