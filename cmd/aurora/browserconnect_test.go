package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
)

// TestConnectInABrowser has people connect clouds in Chromium, with the playground's Slack and clouds: what is asked of the
// pages stands in testdata/browser/connect.mjs.
func TestConnectInABrowser(t *testing.T) {
	needs(t, []string{"node", "npm", "chromium"})
	for _, signIn := range []string{"", "yes"} {
		o := worldOptions{}
		if signIn != "" {
			o.slack = slacksim.Config{SignIn: slackClient}
			o.change = func(c *config) { c.SlackClientID, c.SlackClientSecret = slackClient.ID, "not-so-secret" }
		}
		w := newWorld(t, o)
		connectInChromium(t, w, signIn)
		if strings.Contains(w.log.String(), "panic") {
			t.Errorf("something panicked:\n%s", w.log)
		}
	}
}

func connectInChromium(t *testing.T, w *world, signIn string) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	play := exec.CommandContext(ctx, "node", "connect.mjs")
	play.Dir = browserScripts(t)
	play.Env = append(os.Environ(), "ADDRESS="+w.sims.slack.PageURL(), "CLOUDS="+w.sims.clouds.Endpoints().Control, "ROLE="+cloudsim.RoleReadOnly,
		"CHROMIUM="+chromium, "SLACK="+signIn)
	play.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	play.Cancel = func() error { return syscall.Kill(-play.Process.Pid, syscall.SIGKILL) } // the browser as well
	if out, err := play.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\nAurora's log:\n%s", err, out, w.log)
	}
}
