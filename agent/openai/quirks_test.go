package openai_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aurora/agent"
)

// server answers every request the same way.
func server(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if status != http.StatusOK {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// events writes a stream of those deltas that ends as finish says.
func events(finish string, deltas ...string) string {
	var out strings.Builder
	for _, d := range deltas {
		fmt.Fprintf(&out, "data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", d)
	}
	fmt.Fprintf(&out, "data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":%q}]}\n\ndata: [DONE]\n\n", finish)
	return out.String()
}

// TestCallsUnderOneIndexAreToldApart: some servers number every call 0, or none; a call in pieces stays one.
func TestCallsUnderOneIndexAreToldApart(t *testing.T) {
	t.Parallel()
	const name = `"function":{"name":"cloud_tool","arguments":`
	for what, c := range map[string]struct {
		deltas []string
		want   string
	}{
		"one index": {[]string{`{"tool_calls":[{"index":0,"id":"a",` + name + `"{\"n\":1}"}}]}`, `{"tool_calls":[{"index":0,"id":"b",` + name + `"{\"n\":2}"}}]}`}, `{"n":1} {"n":2}`},
		"no index":  {[]string{`{"tool_calls":[{"id":"a",` + name + `"{\"n\":1}"}},{"id":"b",` + name + `"{\"n\":2}"}}]}`}, `{"n":1} {"n":2}`},
		"one index, then another": {[]string{`{"tool_calls":[{"index":0,"id":"a",` + name + `"{\"n\":1}"}}]}`, `{"tool_calls":[{"index":0,"id":"b",` + name + `"{\"n\":2}"}}]}`,
			`{"tool_calls":[{"index":1,"id":"c",` + name + `"{\"n\":3}"}}]}`}, `{"n":1} {"n":2} {"n":3}`},
		"pieces": {[]string{`{"tool_calls":[{"index":0,"id":"a",` + name + `""}}]}`, `{"tool_calls":[{"index":0,"function":{"arguments":"{\"n\""}}]}`,
			`{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}`}, `{"n":1}`},
		"pieces with new ids": {[]string{`{"tool_calls":[{"index":0,"id":"a",` + name + `""}}]}`, `{"tool_calls":[{"index":0,"id":"a2","function":{"arguments":"{\"n\""}}]}`,
			`{"tool_calls":[{"index":0,"id":"a3","function":{"arguments":":1}"}}]}`}, `{"n":1}`},
		"interleaved": {[]string{`{"tool_calls":[{"index":0,"id":"a",` + name + `"{\"n\""}}]}`, `{"tool_calls":[{"index":1,"id":"b",` + name + `"{\"n\""}}]}`,
			`{"tool_calls":[{"index":0,"function":{"arguments":":1}"}},{"index":1,"function":{"arguments":":2}"}}]}`}, `{"n":1} {"n":2}`},
	} {
		got, err := agent.Whole(client(t, server(t, http.StatusOK, events("tool_calls", c.deltas...)), nil).Reply(t.Context(), request()))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		var args []string
		for _, call := range got.Calls {
			args = append(args, string(call.Arguments))
		}
		if all := strings.Join(args, " "); all != c.want {
			t.Errorf("%s: %s, want %s", what, all, c.want)
		}
	}
}

// TestThoughtsAreNotTheAnswer: neither the pieces nor the whole has what stands between the marks at the head.
func TestThoughtsAreNotTheAnswer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<think>let me see</think>\n\nTwo run.": "Two run.", "\n<think></think>Two run.": "Two run.", "<think>no end": "",
		"<thinking> is a tag": "<thinking> is a tag", "a <think>b</think> c": "a <think>b</think> c", "<": "<", "<thi": "<thi", " \n": " \n",
	} {
		for _, size := range []int{1, 3, 100} {
			var deltas []string
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				deltas, rest = append(deltas, fmt.Sprintf(`{"content":%q}`, rest[:n])), rest[n:]
			}
			var said strings.Builder
			var whole *agent.Reply
			for p, err := range client(t, server(t, http.StatusOK, events("stop", deltas...)), nil).Reply(t.Context(), request()) {
				if err != nil {
					t.Fatal(err)
				}
				said.WriteString(p.Text)
				whole = p.Reply
			}
			if whole == nil || whole.Text != want || said.String() != want {
				t.Errorf("%q in pieces of %d: said %q, the whole is %+v", text, size, said.String(), whole)
			}
		}
	}
}

func TestRefusalsAreToldApart(t *testing.T) {
	t.Parallel()
	for body, c := range map[string]struct {
		status int
		want   agent.FailureKind
	}{
		`{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}`:                 {http.StatusTooManyRequests, agent.FailQuota},
		`{"error":{"message":"slow down","code":"rate_limit_exceeded"}}`:                                      {http.StatusTooManyRequests, agent.FailLimited},
		`{"error":{"message":"too long","code":"context_length_exceeded"}}`:                                   {http.StatusBadRequest, agent.FailContext},
		`{"error":{"message":"This model's maximum context length is 8192 tokens","type":"BadRequestError"}}`: {http.StatusBadRequest, agent.FailContext},
		`{"error":{"message":"too large"}}`:                                                                   {http.StatusRequestEntityTooLarge, agent.FailContext},
		`{"error":{"message":"no such field"}}`:                                                               {http.StatusBadRequest, agent.FailRejected},
	} {
		_, err := agent.Whole(client(t, server(t, c.status, body), nil).Reply(t.Context(), request()))
		var f *agent.Failure
		if !errors.As(err, &f) || f.Kind != c.want {
			t.Errorf("%s: %v, want %s", body, err, c.want)
		}
	}
}
