package slacksim_test

import (
	"bufio"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"aurora/bot/slack/slacksim"
)

// fetch gets an address with a client, under another host name when one is given.
func fetch(t *testing.T, client *http.Client, address, host, bearer string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func TestPageAndControlNeedTheToken(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{PageToken: "open-sesame"})
	base := strings.TrimSuffix(s.URL(), "/api/")
	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"/", "/archives/" + ops + "/p1700000000000001", "/page/app.js", "/sim/state", "/sim/calls", "/sim/messages", "/sim/stream", "/files/F1", "/?token=wrong", "/?token="} {
		if got := fetch(t, plain, base+path, "", ""); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("GET %s without the token: %d", path, got.StatusCode)
		}
	}
	for _, path := range []string{"say", "slash", "click", "revoke", "inject", "say?token=open-sesame"} {
		if got, _ := send(t, s.ControlURL()+path, "application/json", "", []byte("{}")); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("POST /sim/%s without the token: %d", path, got.StatusCode)
		}
	}
	if got := fetch(t, plain, base+"/sim/state", "", s.BotToken("")); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the bot token opens the control API: %d", got.StatusCode)
	}
	if got := fetch(t, plain, base+"/sim/state", "", "open-sesame"); got.StatusCode != http.StatusOK {
		t.Errorf("bearer: %d", got.StatusCode)
	}
	first := fetch(t, plain, s.PageURL(), "", "")
	cookie := first.Header.Get("Set-Cookie")
	if first.StatusCode != http.StatusSeeOther || first.Header.Get("Location") != "/" || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") || strings.Contains(cookie, "open-sesame") {
		t.Errorf("first load: %d to %q with %q", first.StatusCode, first.Header.Get("Location"), cookie)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	fetch(t, browser, s.PageURL(), "", "")
	if got := fetch(t, browser, base+"/sim/state", "", ""); got.StatusCode != http.StatusOK {
		t.Errorf("after the first load: %d", got.StatusCode)
	}
}

func TestPageIsServedStrictly(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	base := strings.TrimSuffix(s.URL(), "/api/")
	for path, kind := range map[string]string{"/": "text/html", "/page/app.css": "text/css", "/page/app.js": "text/javascript", "/page/blocks.js": "text/javascript", "/page/icon.svg": "image/svg+xml"} {
		got := fetch(t, http.DefaultClient, base+path, "", "")
		csp := got.Header.Get("Content-Security-Policy")
		if got.StatusCode != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), kind) || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %d %s %q", path, got.StatusCode, got.Header.Get("Content-Type"), csp)
		}
	}
	for _, host := range []string{"evil.example", "evil.example:80", "10.0.0.1:80"} {
		if got := fetch(t, http.DefaultClient, base+"/sim/state", host, ""); got.StatusCode != http.StatusForbidden {
			t.Errorf("host %s: %d", host, got.StatusCode)
		}
	}
	if got, _ := send(t, s.ControlURL()+"say", "text/plain", "", []byte(`{"user":"x"}`)); got.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a form from another site could act: %d", got.StatusCode)
	}
}

func TestServerStaysOnLoopback(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "nonsense"} {
		if err := slacksim.ListenAndServe(t.Context(), addr, slacksim.Config{}, nil); err == nil {
			t.Errorf("served on %s", addr)
		}
	}
}

func TestControlAPIDoesWhatTheGoAPIDoes(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	connect(t, s).serve()
	control := func(deed string, body string) object {
		t.Helper()
		_, answer := send(t, s.ControlURL()+deed, "application/json", "", []byte(body))
		return answer
	}
	said := control("say", `{"user":"`+ada+`","channel":"`+ops+`","text":"@aurora hi"}`)
	if said["ok"] != true || text(said, "ts") == "" {
		t.Fatalf("say: %v", said)
	}
	if got := control("wait", `{"wait":{"quiet":true,"sockets":1}}`); got["ok"] != true {
		t.Errorf("wait: %v", got)
	}
	if got := control("wait", `{"wait":{"method":"chat.postMessage"},"timeout_ms":1}`); got["ok"] != false || !strings.Contains(text(got, "error"), "did not happen") {
		t.Errorf("wait for what never comes: %v", got)
	}
	if got := control("slash", `{"user":"`+ada+`","channel":"`+ops+`","line":"/aurora help","thread":"`+text(said, "ts")+`"}`); got["ok"] != false || !strings.Contains(text(got, "error"), "threads") {
		t.Errorf("slash in a thread: %v", got)
	}
	if got := control("slash", `{"user":"`+ada+`","channel":"`+ops+`","line":"/aurora help"}`); text(got, "outcome", "acked") != "true" {
		t.Errorf("slash: %v", got)
	}
	if got := control("inject", `{"new_fault":{"method":"chat.postMessage","kind":"500"}}`); got["ok"] != true {
		t.Errorf("inject: %v", got)
	}
	if got := control("inject", `{"new_fault":{"kind":"gremlins"}}`); got["ok"] != false {
		t.Errorf("an unknown fault was taken: %v", got)
	}
	if response := tryPost(t, s); response == nil || response.StatusCode != 500 {
		t.Errorf("the fault did nothing: %v", response)
	}
	if got := control("say", `{"user":"x","chanel":"y"}`); got["ok"] != false || !strings.Contains(text(got, "error"), "chanel") {
		t.Errorf("a misspelt field: %v", got)
	}
	if got := control("revoke", `{}`); got["ok"] != true || text(bot(t, s, "auth.test", object{}), "error") != "token_revoked" {
		t.Errorf("revoke: %v", got)
	}
	for _, path := range []string{"state?as=T0NIMBUS01:" + ada, "messages?as=" + ada + "&channel=" + ops, "calls", "deliveries", "sockets", "modals?as=" + ada} {
		if got := fetch(t, http.DefaultClient, s.ControlURL()+path, "", ""); got.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %d", path, got.StatusCode)
		}
	}
}

func TestStreamTellsOfChanges(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	lines := bufio.NewReader(fetch(t, http.DefaultClient, s.ControlURL()+"stream", "", "").Body)
	next := func() string {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, "data: ") {
				return line
			}
		}
	}
	before := next()
	if _, err := s.Say(ada, ops, "hello"); err != nil {
		t.Fatal(err)
	}
	if after := next(); after == before {
		t.Errorf("the stream repeats %q", after)
	}
}
