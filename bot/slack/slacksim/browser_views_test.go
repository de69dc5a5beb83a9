package slacksim_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aurora/bot/slack/slacksim"
)

// click presses what a selector finds, once it is there.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.until("document.querySelector(`" + selector + "`)")
	b.run("document.querySelector(`" + selector + "`).click()")
}

// picture saves what the page looks like when AURORA_SHOTS names a directory, and wants more than an empty page.
func (b *tab) picture(name string) {
	b.t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text(b.call("Page.captureScreenshot", object{"format": "png"}), "result", "data"))
	if err != nil || len(raw) < 20_000 {
		b.t.Errorf("the picture %s has %d bytes: %v", name, len(raw), err)
	}
	if dir := os.Getenv("AURORA_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), raw, 0o600); err != nil {
			b.t.Error(err)
		}
	}
}

func TestBrowserShowsHomeModalsAndShortcuts(t *testing.T) {
	s := start(t, slacksim.Config{Events: agentEvents()})
	startBolt(t, s, "agent.js")
	ts, err := s.Say(ben, ops, "the disk is full")
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, s.PageURL(), "--window-size=1280,800")
	b.click("[data-ts='" + ts + "'] [data-shortcut=ask_about]")
	b.until("document.querySelector('dialog [data-block=ask] textarea')")
	b.run("document.querySelector('dialog textarea').value = 'why'")
	b.click("dialog [type=submit]")
	b.until("document.querySelector('dialog [data-block=ask] .failed')")
	if got := b.run("document.querySelector('dialog textarea').value"); got != "why" {
		t.Errorf("an error emptied the field: %q", got)
	}
	b.picture("modal")
	b.click("dialog [data-action=more]")
	b.until("document.querySelector('dialog header').innerText === 'More'")
	b.click("dialog [data-answer=close]")
	b.until("document.querySelector('dialog [data-block=ask] textarea')")
	b.run("document.querySelector('dialog textarea').value = 'why is it full?'; document.querySelector('dialog select').value = 'aws'")
	b.click("dialog [type=submit]")
	b.until("document.querySelector('dialog').innerText.includes('Asked')")
	b.click("dialog [data-answer=close]")
	b.until("!document.querySelector('dialog').open")
	hear(t, s, "asked why is it full? of aws")

	b.run("[...document.querySelectorAll('.channel')].pop().click()")
	b.until("!document.querySelector('#tabs').hidden")
	b.click("#tabHome")
	b.until("!document.querySelector('#home').hidden && document.querySelector('#home').innerText.includes('Welcome')")
	b.click("#home [data-action=mode]")
	b.until("document.querySelector('#home').innerText.startsWith('Agent mode')")
	b.picture("home")
	b.click("#plan")
	b.click("dialog [data-feature=home]")
	b.click("dialog [data-answer=done]")
	b.until("document.querySelector('#tabHome').hidden")
	if got := text(bot(t, s, "views.publish", object{"user_id": ada, "view": object{"type": "home", "blocks": []object{}}}), "error"); got != "not_enabled" {
		t.Errorf("published a home tab that is switched off: %q", got)
	}
}

func TestBrowserShowsStreamsFilesFeedbackAndWhoIsHere(t *testing.T) {
	s := start(t, slacksim.Config{Events: agentEvents()})
	startBolt(t, s, "agent.js")
	ts, err := s.Say(ada, ops, "@aurora how many?")
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, s.PageURL(), "--window-size=1280,800")
	b.click("[data-ts='" + ts + "'] .replies")
	b.until("document.querySelector('#replies .b-task.complete') && document.querySelector('#replies .file')")
	b.click("#replies .rate[data-value=good]")
	hear(t, s, "rated good")
	dom := b.run("document.querySelector('#replies').innerHTML")
	for _, want := range []string{"<b>two</b>", "Looking", "List instances", "?download=1", "out.txt"} {
		if !strings.Contains(dom, want) {
			t.Errorf("the thread lacks %s", want)
		}
	}
	b.until("document.querySelector('#threadIn').innerText.startsWith('A question')")
	b.until("document.querySelector('#prompts').innerText === 'Why?'")
	b.picture("stream")
	if err := s.Invite(ada, ops, "gus"); err != nil {
		t.Fatal(err)
	}
	if err := s.Share(ops, "T0PARTNER1", true); err != nil {
		t.Fatal(err)
	}
	b.until("document.querySelector('#badges').innerText.includes('Guests here') && document.querySelector('#badges').innerText.includes('Shared with Partner Ltd')")
	b.click("#members")
	b.click("dialog [data-member='T0NIMBUS01:U0GUS00001'] button")
	b.until("!document.querySelector('#badges').innerText.includes('Guests here')")
	hear(t, s, "member_left_channel U0GUS00001")
}
