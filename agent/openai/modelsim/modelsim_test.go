package modelsim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aurora/agent"
)

func TestScriptIsReadLineByLine(t *testing.T) {
	t.Parallel()
	got, err := ParseScript(`
# two clouds in one turn
on list .* both
call aws aws ec2 describe-instances
call gcp/acme-prod ["gcloud","compute","instances","list"]

on both
after "status"
say First line.
say Second line.

say once, whatever is asked
times 2

any
fault 429

after x
tool run_shell {"cmd": "id"}
`)
	want := Script{
		{User: "list .* both", Reply: Reply{Calls: []Call{{Provider: "aws", Command: "aws ec2 describe-instances"}, {Provider: "gcp", Project: "acme-prod", Argv: []string{"gcloud", "compute", "instances", "list"}}}}},
		{User: "both", Tool: `"status"`, Reply: Reply{Text: "First line.\nSecond line."}},
		{Any: true, Times: 2, Reply: Reply{Text: "once, whatever is asked"}},
		{Any: true, Reply: Reply{Fault: Fault429}},
		{Tool: "x", Reply: Reply{Calls: []Call{{Name: "run_shell", Raw: `{"cmd": "id"}`}}}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"shout x", "times many", "call aws", `call aws ["a"`, "fault nonesuch", "on ("} {
		if _, err := ParseScript(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func start(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// send does one HTTP request; path begins with /.
func send(t *testing.T, s *Server, method, path, kind, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(s.URL(), "/v1")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

const hello = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`

func TestControlFromAnotherProcess(t *testing.T) {
	t.Parallel()
	s := start(t, Config{NoBrain: true})
	if status, _ := send(t, s, "PUT", "/sim/script", "text/plain", "on hello\nsay good day"); status != 204 {
		t.Fatalf("script: %d", status)
	}
	if status, body := send(t, s, "POST", "/v1/chat/completions", "application/json", hello); status != 200 || !strings.Contains(body, "good day") {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := send(t, s, "GET", "/sim/await/1", "", ""); status != 204 {
		t.Errorf("await: %d", status)
	}
	if _, body := send(t, s, "GET", "/sim/requests", "", ""); !strings.Contains(body, `"content":"hello"`) || !strings.Contains(body, `"n":1`) {
		t.Errorf("journal: %s", body)
	}
	if status, _ := send(t, s, "PUT", "/sim/script", "application/json", `[{"user":"hello","reply":{"text":"from JSON"}}]`); status != 204 {
		t.Errorf("JSON script: %d", status)
	}
	if _, body := send(t, s, "POST", "/v1/chat/completions", "application/json", hello); !strings.Contains(body, "from JSON") {
		t.Errorf("%s", body)
	}
	if status, body := send(t, s, "PUT", "/sim/script", "text/plain", "shout"); status != 400 || !strings.Contains(body, "shout") {
		t.Errorf("bad script: %d %s", status, body)
	}
	if status, body := send(t, s, "POST", "/v1/chat/completions", "application/json", strings.Replace(hello, "hello", "bye", 1)); status != 500 || !strings.Contains(body, "bye") {
		t.Errorf("unscripted: %d %s", status, body)
	}
	send(t, s, "POST", "/sim/reset", "", "")
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests after a reset", n)
	}
}

func TestHeldReplyWaitsForRelease(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Script: Script{{Reply: Reply{Text: "late", Fault: FaultHold}}}})
	got := make(chan string, 1)
	go func() {
		resp, err := http.Post(s.URL()+"/chat/completions", "application/json", strings.NewReader(hello)) //nolint:noctx // ends with the server
		if err != nil {
			got <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		raw, _ := io.ReadAll(resp.Body)
		got <- string(raw)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Await(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for {
		send(t, s, "POST", "/sim/release", "", "") // the request is journaled a moment before it is held
		select {
		case body := <-got:
			if !strings.Contains(body, "late") {
				t.Errorf("%s", body)
			}
			return
		case <-ctx.Done():
			t.Fatal("it was never let go")
		default:
		}
	}
}

func TestConversationsAreCheckedAsRealServersDo(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	const call = `{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"t","arguments":"{}"}}]}`
	for body, want := range map[string]int{
		hello: 200,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}`:                                          200,
		`{"model":"m","messages":[` + call + `,{"role":"tool","tool_call_id":"a","content":"x"}]}`:                                    200,
		`{"model":"m","messages":[` + call + `]}`:                                                                                     400,
		`{"model":"m","messages":[` + call + `,{"role":"user","content":"x"}]}`:                                                       400,
		`{"model":"m","messages":[` + call + `,{"role":"tool","tool_call_id":"b","content":"x"}]}`:                                    400,
		`{"model":"m","messages":[{"role":"tool","tool_call_id":"a","content":"x"}]}`:                                                 400,
		`{"model":"m","messages":[{"role":"boss","content":"x"}]}`:                                                                    400,
		`{"model":"m","messages":[]}`:                                                                                                 400,
		`{"messages":[{"role":"user","content":"x"}]}`:                                                                                400,
		`{"model":"m","messages":[` + strings.Replace(call, `"{}"`, `"{"`, 1) + `,{"role":"tool","tool_call_id":"a","content":"x"}]}`: 400,
		`not json`: 400,
	} {
		if status, answer := send(t, s, "POST", "/v1/chat/completions", "application/json", body); status != want {
			t.Errorf("%s: %d %s, want %d", body, status, answer, want)
		}
	}
}

func TestHooksSeeRequestAndReply(t *testing.T) {
	t.Parallel()
	var seen bytes.Buffer
	done := make(chan struct{})
	s := start(t, Config{
		Script: Script{{Reply: Reply{Text: "good day"}}},
		Before: func(r Request) { seen.WriteString(r.Conversation.Asked() + "|") },
		After:  func(_ Request, r Reply) { seen.WriteString(r.Text); close(done) },
	})
	send(t, s, "POST", "/v1/chat/completions", "application/json", hello)
	<-done
	if seen.String() != "hello|good day" {
		t.Errorf("hooks saw %s", seen.String())
	}
}

func TestServesOnLoopbackAlone(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.com:0"} {
		if _, err := Start(t.Context(), addr, Config{}); err == nil {
			t.Errorf("%s was taken", addr)
		}
	}
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Start(ctx, "127.0.0.1:0", Config{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := http.Get(s.URL() + "/models"); err == nil { //nolint:noctx,bodyclose // there is nobody to answer
		t.Error("it still answers")
	}
}

func TestHostileIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	a, b, c := NewHostile(7), NewHostile(7), NewHostile(8)
	same, other := 0, 0
	kinds := map[string]int{}
	for range 500 {
		x, _ := agent.Whole(a.Reply(t.Context(), agent.Request{}))
		y, _ := agent.Whole(b.Reply(t.Context(), agent.Request{}))
		z, _ := agent.Whole(c.Reply(t.Context(), agent.Request{}))
		if text(x) == text(y) {
			same++
		}
		if text(x) != text(z) {
			other++
		}
		for _, call := range x.Calls {
			if !json.Valid(call.Arguments) || !agent.CallIDOK(call.ID) {
				t.Fatalf("call %+v", call)
			}
			kinds[string(call.Arguments)]++
		}
	}
	if same != 500 || other < 400 || len(kinds) < 300 {
		t.Errorf("%d same, %d other, %d kinds of calls", same, other, len(kinds))
	}
}

func text(r agent.Reply) string {
	raw, err := json.Marshal(r)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
