package modelsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// answer is one reply on its way out.
type answer struct {
	Reply
	id    string
	in    int // tokens, roughly
	asked Conversation
	pace  time.Duration

	w   http.ResponseWriter
	req *http.Request
}

// plain answers the faults that are no stream; false when the reply is one.
func (a *answer) plain(w http.ResponseWriter, req *http.Request) bool {
	switch a.Fault {
	case Fault429, Fault500, Fault503, Fault401, Fault400:
		status := map[Fault]int{Fault429: 429, Fault500: 500, Fault503: 503, Fault401: 401, Fault400: 400}[a.Fault]
		if a.RetryAfter != "" {
			w.Header().Set("Retry-After", a.RetryAfter)
		}
		refuse(w, status, "simulated "+string(a.Fault)+" with secret-body-marker")
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<!doctype html><title>Sign in</title><p>secret-body-marker</p>")
	case FaultJSON:
		writeJSON(w, http.StatusOK, a.whole())
	case FaultRedirect:
		http.Redirect(w, req, "/v1/elsewhere", http.StatusTemporaryRedirect)
	case FaultSilent:
		<-req.Context().Done()
	default:
		return false
	}
	return true
}

// whole is the reply as a completion that is no stream.
func (a *answer) whole() map[string]any {
	message := map[string]any{"role": "assistant", "content": a.Text}
	var calls []any
	for i, c := range a.Calls {
		calls = append(calls, map[string]any{"id": a.callID(i, c), "type": "function", "function": map[string]any{"name": c.name(), "arguments": c.arguments()}})
	}
	if calls != nil {
		message["tool_calls"] = calls
	}
	return map[string]any{
		"id": a.id, "object": "chat.completion", "created": time.Now().Unix(), "model": "modelsim", "usage": a.usage(),
		"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": a.finish()}},
	}
}

func (a *answer) usage() map[string]any {
	out := len(a.Text) / 4
	for _, c := range a.Calls {
		out += len(c.arguments()) / 4
	}
	return map[string]any{"prompt_tokens": a.in + 1, "completion_tokens": out + 1, "total_tokens": a.in + out + 2}
}

func (a *answer) finish() string {
	switch {
	case a.Fault == FaultLength:
		return "length"
	case a.Fault == FaultFilter:
		return "content_filter"
	case a.Fault == FaultOddFinish:
		return "because"
	case len(a.Calls) > 0 || a.Fault == FaultAnnounced:
		return "tool_calls"
	}
	return "stop"
}

func (a *answer) callID(i int, c Call) string {
	switch {
	case c.ID != "":
		return c.ID
	case a.Fault == FaultEmptyIDs:
		return ""
	}
	return fmt.Sprintf("call_%s_%d", a.id[len(a.id)-8:], i)
}

// stream sends the reply chunk by chunk.
func (a *answer) stream(w http.ResponseWriter, req *http.Request) {
	a.w, a.req = w, req
	w.Header().Set("Content-Type", "text/event-stream")
	if a.Fault == FaultEmpty {
		return
	}
	a.delta(map[string]any{"role": "assistant", "content": ""})
	if a.Fault == FaultStall {
		<-req.Context().Done()
		return
	}
	pieces := a.deltas()
	if a.Fault == FaultCut || a.Fault == FaultLength {
		pieces = pieces[:max(len(pieces)*2/3, min(len(pieces), 1))]
	}
	for i, piece := range pieces {
		if i == len(pieces)/2 {
			a.interrupt()
		}
		if !a.delta(piece) {
			return
		}
	}
	a.end()
}

// interrupt does what some servers do in the middle.
func (a *answer) interrupt() {
	switch a.Fault {
	case FaultErrorNull:
		a.send(map[string]any{"id": a.id, "object": "chat.completion.chunk", "model": "modelsim", "error": nil, "choices": []any{}})
	case FaultErrorEvent:
		a.send(map[string]any{"error": map[string]any{"message": "secret-body-marker", "type": "server_error"}})
	case FaultIDChange:
		a.id += "x"
	case FaultFlood:
		for a.delta(map[string]any{"content": strings.Repeat("flood ", 10_000)}) {
		}
	}
}

// deltas cuts text and calls into pieces; the calls' pieces are interleaved, as servers may do.
func (a *answer) deltas() []map[string]any {
	size := 24
	if a.Fault == FaultTrickle {
		size = 1
	}
	var all []map[string]any
	for _, part := range cut(a.Text, size) {
		all = append(all, map[string]any{"content": part})
	}
	parts := make([][]string, len(a.Calls))
	longest := 0
	for i, c := range a.Calls {
		name := c.name()
		if a.Fault == FaultNoName && i == len(a.Calls)-1 {
			name = ""
		}
		all = append(all, callDelta(i, map[string]any{"id": a.callID(i, c), "type": "function", "function": map[string]any{"name": name, "arguments": ""}}))
		parts[i] = cut(c.arguments(), size)
		longest = max(longest, len(parts[i]))
	}
	for n := range longest {
		for i := range parts {
			if n < len(parts[i]) {
				all = append(all, callDelta(i, map[string]any{"function": map[string]any{"arguments": parts[i][n]}}))
			}
		}
	}
	return all
}

func callDelta(index int, call map[string]any) map[string]any {
	call["index"] = index
	return map[string]any{"tool_calls": []any{call}}
}

// cut parts text into pieces of about size bytes, between runes.
func cut(text string, size int) []string {
	var parts []string
	for text != "" {
		n := min(size, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n++
		}
		parts, text = append(parts, text[:n]), text[n:]
	}
	return parts
}

// end sends how it ended, unless the connection was to be cut.
func (a *answer) end() {
	if a.Fault == FaultCut {
		return
	}
	a.choice(map[string]any{}, a.finish())
	if a.Fault == FaultTwoChoices {
		a.send(a.chunk(map[string]any{"index": 1, "delta": map[string]any{"content": "or else"}, "finish_reason": a.finish()}))
	}
	if a.asked.Options.Usage && a.Fault != FaultNoUsage {
		last := a.chunk()
		last["usage"] = a.usage()
		a.send(last)
	}
	if a.Fault != FaultNoDone {
		_, _ = fmt.Fprint(a.w, "data: [DONE]\n\n")
	}
}

func (a *answer) delta(d map[string]any) bool { return a.choice(d, nil) }

func (a *answer) choice(delta map[string]any, finish any) bool {
	return a.send(a.chunk(map[string]any{"index": 0, "delta": delta, "finish_reason": finish}))
}

func (a *answer) chunk(choices ...any) map[string]any {
	if choices == nil {
		choices = []any{}
	}
	return map[string]any{"id": a.id, "object": "chat.completion.chunk", "created": time.Now().Unix(), "model": "modelsim", "choices": choices}
}

// send writes one event; false when the client is gone.
func (a *answer) send(v any) bool {
	raw, err := json.Marshal(v)
	if err != nil { // unreachable: maps and strings
		return false
	}
	if _, err := fmt.Fprintf(a.w, "data: %s\n\n", raw); err != nil {
		return false
	}
	if f, ok := a.w.(http.Flusher); ok {
		f.Flush()
	}
	if a.pace > 0 {
		select {
		case <-a.req.Context().Done():
		case <-time.After(a.pace):
		}
	}
	return a.req.Context().Err() == nil
}
