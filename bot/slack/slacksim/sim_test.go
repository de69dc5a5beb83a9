package slacksim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"

	"github.com/gorilla/websocket"
)

const (
	ada, ben, gus = "U0ADA00001", "U0BEN00001", "U0GUS00001"
	ops           = "C0OPS00001"
)

// start serves a Slack for the length of a test.
func start(t *testing.T, c slacksim.Config) *slacksim.Server {
	t.Helper()
	s := slacksim.New(c)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// deadline is a context that ends well before the test binary does.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

type object = map[string]any

// post calls a Web API method with a JSON body and returns the decoded answer.
func post(t *testing.T, s *slacksim.Server, token, method string, body object) object {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	_, answer := send(t, s.URL()+method, "application/json; charset=utf-8", token, raw)
	return answer
}

// bot calls a method with the bot token.
func bot(t *testing.T, s *slacksim.Server, method string, body object) object {
	t.Helper()
	return post(t, s, s.BotToken(""), method, body)
}

// must calls a method with the bot token and ends the test when it is refused.
func must(t *testing.T, s *slacksim.Server, method string, body object) object {
	t.Helper()
	answer := bot(t, s, method, body)
	if answer["ok"] != true {
		t.Fatalf("%s: %v", method, answer)
	}
	return answer
}

func send(t *testing.T, url, kind, token string, body []byte) (*http.Response, object) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer object
	_ = json.NewDecoder(response.Body).Decode(&answer)
	return response, answer
}

// app is a bare Socket Mode client: it shows frames as they come and acks what the test says.
type app struct {
	t    *testing.T
	conn *websocket.Conn
}

// connect opens a socket and reads its hello.
func connect(t *testing.T, s *slacksim.Server) *app {
	t.Helper()
	a := dial(t, s)
	if hello := a.read(); hello["type"] != "hello" {
		t.Fatalf("first frame is %v, want hello", hello)
	}
	return a
}

func dial(t *testing.T, s *slacksim.Server) *app {
	t.Helper()
	answer := post(t, s, s.AppToken(), "apps.connections.open", object{})
	url, _ := answer["url"].(string)
	conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatalf("dial %v: %v", answer, err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &app{t: t, conn: conn}
}

func (a *app) read() object {
	a.t.Helper()
	_ = a.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var frame object
	if err := a.conn.ReadJSON(&frame); err != nil {
		a.t.Fatalf("read from the socket: %v", err)
	}
	return frame
}

// take reads an envelope and acks it.
func (a *app) take() object {
	a.t.Helper()
	frame := a.read()
	a.ack(frame, nil)
	return frame
}

func (a *app) ack(frame object, payload any) {
	a.t.Helper()
	ack := object{"envelope_id": frame["envelope_id"]}
	if payload != nil {
		ack["payload"] = payload
	}
	if err := a.conn.WriteJSON(ack); err != nil {
		a.t.Fatal(err)
	}
}

// serve acks everything until the socket ends.
func (a *app) serve() { go ackUntilClosed(a.conn) }

func ackUntilClosed(conn *websocket.Conn) {
	for {
		var frame object
		if conn.ReadJSON(&frame) != nil {
			return
		}
		if frame["envelope_id"] != nil && conn.WriteJSON(object{"envelope_id": frame["envelope_id"]}) != nil {
			return
		}
	}
}

// ackAll opens a socket for a benchmark and acks whatever comes.
func ackAll(b *testing.B, s *slacksim.Server) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.URL()+"apps.connections.open", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.AppToken())
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var opened struct{ URL string }
	if err := json.NewDecoder(response.Body).Decode(&opened); err != nil {
		b.Fatal(err)
	}
	conn, upgrade, err := websocket.DefaultDialer.DialContext(b.Context(), opened.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	_ = upgrade.Body.Close()
	b.Cleanup(func() { _ = conn.Close() })
	go ackUntilClosed(conn)
}

// at walks into decoded JSON: at(frame, "payload", "event", "text").
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			o, _ := v.(object)
			v = o[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func text(v any, path ...any) string {
	if v = at(v, path...); v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func section(words string) object {
	return object{"type": "section", "text": object{"type": "mrkdwn", "text": words}}
}

func button(id string) object {
	return object{"type": "actions", "elements": []object{{"type": "button", "action_id": id, "value": "v1", "text": object{"type": "plain_text", "text": "Go"}}}}
}

func repeat(n int) string { return strings.Repeat("x", n) }
