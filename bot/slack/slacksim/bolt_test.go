package slacksim_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
)

// needBolt installs Bolt next to its scripts. Where node or npm is missing the test is skipped, but not in CI.
var needBolt = sync.OnceValue(func() (reason string) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return tool + " is not installed"
		}
	}
	dir := filepath.Join("testdata", "bolt")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@slack", "bolt", "package.json")); err == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return "npm ci: " + string(out)
	}
	return ""
})

// startBolt runs one of the Bolt scripts against s until the test ends.
func startBolt(t *testing.T, s *slacksim.Server, script string) {
	t.Helper()
	reason := needBolt()
	if reason != "" && os.Getenv("CI") == "true" {
		t.Fatalf("Bolt is needed in CI: %s", reason)
	}
	if reason != "" {
		t.Skipf("no Bolt: %s", reason)
	}
	node := exec.CommandContext(t.Context(), "node", script)
	node.Dir = filepath.Join("testdata", "bolt")
	node.Env = append(os.Environ(), "SLACK_API_URL="+s.URL(), "SLACK_BOT_TOKEN="+s.BotToken(""), "SLACK_APP_TOKEN="+s.AppToken())
	var problems bytes.Buffer
	node.Stderr = &problems
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = node.Process.Kill()
		_ = node.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || strings.TrimSpace(line) != "ready" {
		_ = node.Process.Kill()
		_ = node.Wait()
		t.Fatalf("%s said %q: %v\n%s", script, line, err, problems.String())
	}
	if err := s.WaitSockets(deadline(t), 1); err != nil {
		t.Fatal(err)
	}
}

func TestBoltRunsUnchanged(t *testing.T) {
	s := start(t, slacksim.Config{})
	startBolt(t, s, "app.js")
	ts, err := s.Say(ada, ops, "@aurora hello")
	if err != nil {
		t.Fatal(err)
	}
	card, err := s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.ThreadTS == ts && m.BotID != "" })
	if err != nil || card.Plain != "Hello *Ada Moreau*\n[Approve]" {
		t.Fatalf("answer to the mention: %+v, %v", card, err)
	}
	if o, err := s.Click(ben, ops, card.TS, "approve"); err != nil || !o.Acked {
		t.Fatalf("click: %+v, %v", o, err)
	}
	_, err = s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.TS == card.TS && m.Plain == "Approved by @ben" })
	if err != nil {
		t.Errorf("the card is not replaced: %v", err)
	}
	if o, err := s.Slash(ada, ops, "/aurora status"); err != nil || !o.Acked {
		t.Fatalf("slash: %+v, %v", o, err)
	}
	for _, want := range []struct {
		text string
		eph  bool
	}{{"Taken: status", true}, {"Done: status", false}} {
		_, err = s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.Plain == want.text && m.Ephemeral == want.eph })
		if err != nil {
			t.Errorf("%q: %v", want.text, err)
		}
	}
	// A refresh makes Bolt come back by itself, and what is said after it arrives.
	s.Disconnect(0, "refresh_requested", 0)
	if err := s.Wait(deadline(t), func() bool { k := s.Sockets(); return len(k) == 1 && k[0].N > 1 }); err != nil {
		t.Fatalf("Bolt did not come back: %v", err)
	}
	ts, err = s.Say(ben, ops, "@aurora again")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitMessage(deadline(t), ben, ops, func(m slacksim.Message) bool { return m.ThreadTS == ts && m.BotID != "" }); err != nil {
		t.Errorf("after the refresh: %v", err)
	}
	if err := s.WaitQuiet(deadline(t)); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Calls("") {
		if !c.OK() {
			t.Errorf("%s was refused: %s %v", c.Method, c.Error(), c.Response)
		}
	}
}

func TestBoltEchoAnswersInTheThread(t *testing.T) {
	s := start(t, slacksim.Config{})
	startBolt(t, s, "echo.js")
	ts, err := s.Say(ada, ops, "@aurora echo")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.ThreadTS == ts && m.BotID != "" })
	if err != nil || m.Plain != "@aurora echo" {
		t.Errorf("echo: %+v, %v", m, err)
	}
}
