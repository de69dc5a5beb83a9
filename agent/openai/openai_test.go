package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aurora/agent"
	"aurora/agent/openai"
	"aurora/agent/openai/modelsim"
	"aurora/store"
)

func startSim(t *testing.T, c modelsim.Config) *modelsim.Server {
	t.Helper()
	s, err := modelsim.Start(t.Context(), "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func client(t *testing.T, url string, change func(*openai.Config)) *openai.Client {
	t.Helper()
	cfg := openai.Config{BaseURL: url, Key: "sk-secret-key-marker", Model: "modelsim", Retries: -1}
	if change != nil {
		change(&cfg)
	}
	c, err := openai.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request() agent.Request {
	return agent.Request{
		System: "Be short.", Messages: []agent.Message{{Role: agent.RoleUser, Text: "go"}},
		Tools: []agent.Tool{agent.CloudTool(nil)}, Parallel: true, User: "usr_1", MaxReply: 100,
	}
}

var twoCalls = []modelsim.Call{
	{ID: "call_1", Provider: "aws", Command: "aws ec2 describe-instances"},
	{ID: "call_2", Provider: "gcp", Argv: []string{"gcloud", "compute", "instances", "list"}, Project: "p"},
}

func TestWholeReplyPassesTheGate(t *testing.T) {
	t.Parallel()
	for _, fault := range []modelsim.Fault{modelsim.FaultNone, modelsim.FaultTrickle, modelsim.FaultNoDone} {
		s := startSim(t, modelsim.Config{Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: "Looking: ä€😀", Calls: twoCalls, Fault: fault}}}})
		got, err := agent.Whole(client(t, s.URL(), nil).Reply(t.Context(), request()))
		if err != nil {
			t.Fatalf("%s: %v", fault, err)
		}
		want := agent.Reply{Text: "Looking: ä€😀", Model: "modelsim", Finish: "tool_calls", Usage: got.Usage, Calls: []agent.Call{
			{ID: "call_1", Name: "cloud_tool", Arguments: json.RawMessage(`{"command":"aws ec2 describe-instances","provider":"aws"}`)},
			{ID: "call_2", Name: "cloud_tool", Arguments: json.RawMessage(`{"command":["gcloud","compute","instances","list"],"provider":"gcp","selected_project_id":"p"}`)},
		}}
		if diff := cmp.Diff(want, got); diff != "" || got.Usage.Estimated || got.Usage.In == 0 || got.Usage.Out == 0 {
			t.Errorf("%s: usage %+v (-want +got):\n%s", fault, got.Usage, diff)
		}
	}
}

func TestGateLetsNothingElseThrough(t *testing.T) {
	t.Parallel()
	for fault, want := range map[modelsim.Fault]agent.FailureKind{
		modelsim.FaultCut: agent.FailTruncated, modelsim.FaultErrorNull: agent.FailTruncated, modelsim.FaultErrorEvent: agent.FailTruncated,
		modelsim.FaultHTML: agent.FailMalformed, modelsim.FaultJSON: agent.FailMalformed, modelsim.FaultEmpty: agent.FailMalformed,
		modelsim.FaultIDChange: agent.FailMalformed, modelsim.FaultLength: agent.FailLength, modelsim.FaultFilter: agent.FailFiltered,
		modelsim.FaultOddFinish: agent.FailMalformed, modelsim.FaultBadArguments: agent.FailMalformed, modelsim.FaultNoName: agent.FailMalformed,
		modelsim.FaultTwoChoices: agent.FailMalformed, modelsim.FaultFlood: agent.FailTooLarge,
		modelsim.Fault429: agent.FailLimited, modelsim.Fault500: agent.FailUnavailable, modelsim.Fault503: agent.FailUnavailable,
		modelsim.Fault401: agent.FailRejected, modelsim.Fault400: agent.FailRejected, modelsim.FaultRedirect: agent.FailRejected,
		modelsim.FaultStall: agent.FailIdle, modelsim.FaultSilent: agent.FailIdle,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			s := startSim(t, modelsim.Config{Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: "Looking.", Calls: twoCalls, Fault: fault}}}})
			c := client(t, s.URL(), func(c *openai.Config) {
				c.First, c.Idle, c.MaxBytes = 300*time.Millisecond, 300*time.Millisecond, 1<<20
			})
			got, err := agent.Whole(c.Reply(t.Context(), request()))
			var f *agent.Failure
			if !errors.As(err, &f) || f.Kind != want {
				t.Fatalf("error %v, want %s; reply %+v", err, want, got)
			}
			if len(got.Calls) != 0 || got.Text != "" {
				t.Errorf("something came through: %+v", got)
			}
			for _, marker := range []string{"secret-body-marker", "secret-key-marker", "127.0.0.1"} {
				if strings.Contains(fmt.Sprintf("%v %+v %q", err, f, f.Sentence()), marker) {
					t.Errorf("the error holds %s: %+v", marker, f)
				}
			}
		})
	}
	s := startSim(t, modelsim.Config{Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: "I will call.", Fault: modelsim.FaultAnnounced}}}})
	if _, err := agent.Whole(client(t, s.URL(), nil).Reply(t.Context(), request())); err == nil {
		t.Error("calls were announced, none came, and nobody minds")
	}
}

func TestIdsAreMadeUsable(t *testing.T) {
	t.Parallel()
	for _, fault := range []modelsim.Fault{modelsim.FaultDuplicateIDs, modelsim.FaultEmptyIDs, modelsim.FaultOddIDs} {
		calls := []modelsim.Call{{Provider: "aws", Command: "a"}, {Provider: "aws", Command: "b"}, {Provider: "aws", Command: "c"}}
		s := startSim(t, modelsim.Config{Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Calls: calls, Fault: fault}}}})
		r := request()
		r.Messages = append(r.Messages,
			agent.Message{Role: agent.RoleAssistant, Calls: []agent.Call{{ID: "call_same", Name: "cloud_tool", Arguments: json.RawMessage(`{}`)}}},
			agent.Message{Role: agent.RoleTool, CallID: "call_same", Text: "{}"})
		got, err := agent.Whole(client(t, s.URL(), nil).Reply(t.Context(), r))
		if err != nil || len(got.Calls) != 3 {
			t.Fatalf("%s: %+v, %v", fault, got, err)
		}
		seen := map[string]bool{"call_same": true}
		for i, c := range got.Calls {
			if seen[c.ID] || !agent.CallIDOK(c.ID) || !strings.Contains(string(c.Arguments), fmt.Sprintf("%q", string(rune('a'+i)))) {
				t.Errorf("%s: call %d is %+v", fault, i, c)
			}
			seen[c.ID] = true
		}
	}
}

func TestMissingUsageIsMarked(t *testing.T) {
	t.Parallel()
	s := startSim(t, modelsim.Config{Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: strings.Repeat("word ", 100), Fault: modelsim.FaultNoUsage}}}})
	got, err := agent.Whole(client(t, s.URL(), nil).Reply(t.Context(), request()))
	if err != nil || !got.Usage.Estimated || got.Usage.Out < 100 || got.Usage.In < 100 {
		t.Errorf("usage %+v, %v", got.Usage, err)
	}
}

func TestBusyServerIsAskedAgain(t *testing.T) {
	t.Parallel()
	for fault, after := range map[modelsim.Fault]string{modelsim.Fault429: "0.02", modelsim.Fault500: "", modelsim.Fault503: "0.01"} {
		s := startSim(t, modelsim.Config{Script: modelsim.Script{
			{Any: true, Times: 1, Reply: modelsim.Reply{Fault: fault, RetryAfter: after}}, {Any: true, Reply: modelsim.Reply{Text: "hello"}},
		}})
		got, err := agent.Whole(client(t, s.URL(), func(c *openai.Config) { c.Retries = 1 }).Reply(t.Context(), request()))
		if err != nil || got.Text != "hello" || len(s.Requests()) != 2 {
			t.Errorf("%s: %+v, %v after %d requests", fault, got, err, len(s.Requests()))
		}
	}
}

func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply modelsim.Reply
		want  int
	}{
		"tries":            {modelsim.Reply{Fault: modelsim.Fault503, RetryAfter: "0.01"}, 3},
		"a long wait":      {modelsim.Reply{Fault: modelsim.Fault429, RetryAfter: "3600"}, 1},
		"a started stream": {modelsim.Reply{Text: "half", Fault: modelsim.FaultCut}, 1},
		"a wrong key":      {modelsim.Reply{Fault: modelsim.Fault401}, 1},
	} {
		s := startSim(t, modelsim.Config{Script: modelsim.Script{{Any: true, Reply: tc.reply}}})
		_, err := agent.Whole(client(t, s.URL(), func(c *openai.Config) { c.Retries = 2 }).Reply(t.Context(), request()))
		if err == nil || len(s.Requests()) != tc.want {
			t.Errorf("%s: %d requests, %v", name, len(s.Requests()), err)
		}
	}
}

func TestSimpleServersAreServedSimply(t *testing.T) {
	t.Parallel()
	s := startSim(t, modelsim.Config{Strict: true, Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: "hello"}}}})
	c := client(t, s.URL(), nil)
	for range 2 {
		if got, err := agent.Whole(c.Reply(t.Context(), request())); err != nil || got.Text != "hello" {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if n := len(s.Requests()); n != 3 {
		t.Errorf("%d requests: the client should remember what the server takes", n)
	}
	full := string(s.Requests()[0].Body)
	for _, field := range []string{`"stream_options":{"include_usage":true}`, `"parallel_tool_calls":true`, `"max_completion_tokens":100`, `"safety_identifier":"`} {
		if !strings.Contains(full, field) {
			t.Errorf("the full request lacks %s", field)
		}
	}
	if strings.Contains(full, "usr_1") {
		t.Error("the server is told our user's id")
	}
}

func TestLastWordForbidsCalls(t *testing.T) {
	t.Parallel()
	s := startSim(t, modelsim.Config{})
	r := request()
	r.NoCalls, r.Parallel = true, false
	if _, err := agent.Whole(client(t, s.URL(), nil).Reply(t.Context(), r)); err != nil {
		t.Fatal(err)
	}
	if body := string(s.Requests()[0].Body); !strings.Contains(body, `"tool_choice":"none"`) || !strings.Contains(body, `"parallel_tool_calls":false`) || !strings.Contains(body, `"tools":`) {
		t.Errorf("request %s", body)
	}
}

func TestEnvironmentIsNotRead(t *testing.T) {
	decoy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the environment's server was asked") }))
	defer decoy.Close()
	t.Setenv("OPENAI_BASE_URL", decoy.URL)
	t.Setenv("OPENAI_API_KEY", "sk-of-the-environment")
	t.Setenv("OPENAI_ORG_ID", "org-of-the-environment")
	t.Setenv("OPENAI_CUSTOM_HEADERS", "X-Leak: yes")
	t.Setenv("HTTP_PROXY", decoy.URL)
	s := startSim(t, modelsim.Config{Key: "sk-secret-key-marker"})
	if _, err := agent.Whole(client(t, s.URL(), nil).Reply(t.Context(), request())); err != nil {
		t.Fatal(err)
	}
	if r := s.Requests()[0]; r.Organization != "" || !r.Authorized {
		t.Errorf("request %+v", r)
	}
	bare := startSim(t, modelsim.Config{})
	if _, err := agent.Whole(client(t, bare.URL(), func(c *openai.Config) { c.Key = "" }).Reply(t.Context(), request())); err != nil || bare.Requests()[0].Authorized {
		t.Errorf("without a key: %v, %+v", err, bare.Requests()[0])
	}
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"": true, "https://api.openai.com/v1": true, "https://RES.openai.azure.com/openai/v1/": true, "http://127.0.0.1:8000/v1": true,
		"http://localhost:11434/v1": true, "http://[::1]:1/v1": true, "http://127.9.9.9/v1": true,
		"http://example.com/v1": false, "http://127.0.0.1.evil.example/v1": false, "http://localhost.evil.example": false, "ftp://127.0.0.1/": false,
		"https://user:pass@example.com/v1": false, "https://example.com/v1?key=x": false, "example.com/v1": false, "https://": false, "http://0.0.0.0/v1": false, "://": false,
	} {
		_, err := openai.New(openai.Config{BaseURL: url, Model: "m"})
		if (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "pass") && strings.Contains(err.Error(), "user:") {
			t.Errorf("%q is repeated: %v", url, err)
		}
	}
	if _, err := openai.New(openai.Config{Key: store.Secret("k")}); err == nil {
		t.Error("no model, no complaint")
	}
}

// TestCancelClosesTheStream sees from the server's side that nobody listens any more.
func TestCancelClosesTheStream(t *testing.T) {
	t.Parallel()
	started, gone := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"}}]}`+"\n\n")
		w.(http.Flusher).Flush()
		close(started)
		<-r.Context().Done()
		close(gone)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-started; cancel(store.ErrStopped) }()
	if _, err := agent.Whole(client(t, server.URL+"/v1", nil).Reply(ctx, request())); !errors.Is(err, store.ErrStopped) {
		t.Errorf("error %v", err)
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("the stream is still open")
	}
}

func TestWholeReplyHasADeadline(t *testing.T) {
	t.Parallel()
	s := startSim(t, modelsim.Config{Pace: 20 * time.Millisecond, Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: strings.Repeat("slow ", 500), Fault: modelsim.FaultTrickle}}}})
	start := time.Now()
	_, err := agent.Whole(client(t, s.URL(), func(c *openai.Config) { c.Whole = 200 * time.Millisecond }).Reply(t.Context(), request()))
	var f *agent.Failure
	if !errors.As(err, &f) || f.Kind != agent.FailUnavailable || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestNoServerIsUnavailable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL
	server.Close()
	_, err := agent.Whole(client(t, url+"/v1", nil).Reply(t.Context(), request()))
	var f *agent.Failure
	if !errors.As(err, &f) || f.Kind != agent.FailUnavailable || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("error %v", err)
	}
}

func TestReachTellsWhetherTheServerIsThere(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]agent.FailureKind{
		http.StatusOK: "", http.StatusNotFound: "", http.StatusUnauthorized: agent.FailRejected, http.StatusForbidden: agent.FailRejected,
		http.StatusTooManyRequests: agent.FailLimited, http.StatusBadGateway: agent.FailUnavailable, http.StatusFound: agent.FailUnavailable,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/models" || r.Header.Get("Authorization") != "Bearer sk-secret-key-marker" {
				t.Errorf("asked for %s with %q", r.URL.Path, r.Header.Get("Authorization"))
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		err := client(t, server.URL+"/v1/", nil).Reach(t.Context())
		failure, _ := errors.AsType[*agent.Failure](err)
		if (err == nil) != (want == "") || failure != nil && failure.Kind != want {
			t.Errorf("%d: %v, want %q", status, err, want)
		}
		server.Close()
		if err := client(t, server.URL+"/v1", nil).Reach(t.Context()); err == nil || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("a server that is gone: %v", err)
		}
	}
}
