package slacksim_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"

	"github.com/gorilla/websocket"
)

// tab is a page in a real browser, driven over its debugging protocol.
type tab struct {
	t    *testing.T
	conn *websocket.Conn
	n    int
}

// open shows an address in a headless Chromium that lives as long as the test.
func open(t *testing.T, address string, flags ...string) *tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("chromium is needed in CI")
	}
	if err != nil {
		t.Skip("no browser: chromium is not installed")
	}
	profile, err := os.MkdirTemp("", "slacksim-browser")
	if err != nil {
		t.Fatal(err)
	}
	args := append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir="+profile, "--remote-debugging-port=0", "about:blank")
	browser := exec.CommandContext(t.Context(), program, args...)
	// A group of its own, so that its helpers end with it and leave the profile alone.
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := browser.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL)
		_ = browser.Wait()
		_ = os.RemoveAll(profile)
	})
	port := ""
	for lines := bufio.NewScanner(said); port == "" && lines.Scan(); {
		if m := regexp.MustCompile(`DevTools listening on ws://([0-9.:]+)/`).FindStringSubmatch(lines.Text()); m != nil {
			port = m[1]
		}
	}
	var targets []struct {
		Type string `json:"type"`
		URL  string `json:"webSocketDebuggerUrl"`
	}
	if err := json.NewDecoder(fetch(t, http.DefaultClient, "http://"+port+"/json/list", "", "").Body).Decode(&targets); err != nil || len(targets) == 0 {
		t.Fatalf("no page to drive: %v", err)
	}
	conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), targets[0].URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	b := &tab{t: t, conn: conn}
	b.call("Page.navigate", object{"url": address})
	return b
}

// call runs one command of the debugging protocol and returns its result.
func (b *tab) call(method string, params object) object {
	b.t.Helper()
	b.n++
	if err := b.conn.WriteJSON(object{"id": b.n, "method": method, "params": params}); err != nil {
		b.t.Fatal(err)
	}
	for {
		_ = b.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		var answer object
		if err := b.conn.ReadJSON(&answer); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		if answer["id"] == float64(b.n) {
			return answer
		}
	}
}

// run evaluates an expression in the page and returns its value as text.
func (b *tab) run(expression string) string {
	b.t.Helper()
	return text(b.call("Runtime.evaluate", object{"expression": expression, "returnByValue": true, "awaitPromise": true}), "result", "result", "value")
}

// until waits for a condition in the page.
func (b *tab) until(condition string) {
	b.t.Helper()
	ctx := deadline(b.t)
	for b.run("Boolean("+condition+")") != "true" {
		if ctx.Err() != nil {
			b.t.Fatalf("the page never came to %s:\n%s", condition, b.run("document.body.innerText"))
		}
	}
}

func TestBrowserDrawsThePageAndRunsNoMessageAsCode(t *testing.T) {
	s := start(t, slacksim.Config{PageToken: "open-sesame", Notice: "Everything here is simulated."})
	if _, err := s.Say(ada, ops, "@aurora <script>document.title='owned'</script>"); err != nil {
		t.Fatal(err)
	}
	evil := "<img src=x onerror=\"document.title='owned'\">"
	must(t, s, "chat.postMessage", object{"channel": ops, "text": "x", "blocks": []object{
		{"type": "header", "text": object{"type": "plain_text", "text": "Two instances"}},
		section("*bold* <https://docs.example/x|runbook> <javascript:alert(1)|press> " + evil),
		{"type": "markdown", "text": "**strong** ![p](https://evil.example/?q=1) " + evil}, button("go")}})
	must(t, s, "chat.postEphemeral", object{"channel": ops, "user": ada, "text": "psst"})
	b := open(t, s.PageURL(), "--window-size=1280,800")
	b.until("document.querySelectorAll('#messages .message').length === 3")
	dom := b.run("document.documentElement.outerHTML")
	for _, want := range []string{"Everything here is simulated.", `<b>bold</b>`, `<b>strong</b>`, "Two instances", "Only visible to you", "@aurora",
		`<a href="https://docs.example/x" target="_blank" rel="noopener noreferrer"`, "&lt;script&gt;", `data-action="go"`} {
		if !strings.Contains(dom, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, never := range []string{"<img", `href="javascript`, "<title>owned", "open-sesame"} {
		if strings.Contains(dom, never) {
			t.Errorf("the page holds %s", never)
		}
	}
	if got := b.run("location.href + document.cookie"); strings.Contains(got, "sesame") || strings.Contains(got, "slacksim") {
		t.Errorf("the page's script sees a secret: %s", got)
	}
}

func TestBrowserActsAsAPersonOnAPhone(t *testing.T) {
	s := start(t, slacksim.Config{})
	connect(t, s).serve()
	b := open(t, s.PageURL(), "--window-size=500,800")
	b.call("Emulation.setDeviceMetricsOverride", object{"width": 390, "height": 780, "deviceScaleFactor": 1, "mobile": true})
	b.until("document.querySelector('#composer textarea')")
	write := func(box, words string) {
		b.run(`{ const a = document.querySelector('` + box + ` textarea'); a.value = '` + words + `'; a.dispatchEvent(new Event('input'));
			document.querySelector('` + box + ` .send').click(); }`)
	}
	write("#composer", "@aurora hello")
	said, err := s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.User == ada && m.Text == "<@U0AURORA01> hello" })
	if err != nil {
		t.Fatalf("what was typed never arrived: %v", err)
	}
	must(t, s, "chat.postMessage", object{"channel": ops, "thread_ts": said.TS, "text": "Sure?", "blocks": []object{section("Sure?"), button("go")}})
	b.until("document.querySelector('#messages .replies')")
	b.run("document.querySelector('#messages .replies').click()")
	b.until("document.querySelector('#replies [data-action=go]')")
	if got := b.run("document.documentElement.scrollWidth"); got != "390" {
		t.Errorf("the page is %s wide on a phone of 390", got)
	}
	b.run("document.querySelector('#replies [data-action=go]').click()")
	clicked := func() bool {
		for _, d := range s.Deliveries() {
			if d.Type == "interactive" && d.Outcome == "acked" {
				return true
			}
		}
		return false
	}
	if err := s.Wait(deadline(t), clicked); err != nil {
		t.Errorf("the click never arrived: %v", err)
	}
	write("#replyComposer", "/aurora help")
	b.until("document.querySelector('#replies').innerText.includes('not supported in threads')")
	for _, d := range s.Deliveries() {
		if d.Type == "slash_commands" {
			t.Error("a command typed in a thread reached the app")
		}
	}
}
