package slacksim_test

import (
	"slices"
	"strings"
	"testing"

	"aurora/bot/slack/slacksim"
)

// agentEvents are what agent.js listens to.
func agentEvents() []string {
	return append(slacksim.DefaultEvents(), "member_left_channel", "channel_shared", "channel_unshared")
}

// hear waits for a message that holds words before a person in #ops.
func hear(t *testing.T, s *slacksim.Server, words string) slacksim.Message {
	t.Helper()
	m, err := s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return strings.Contains(m.Plain, words) })
	if err != nil {
		t.Fatalf("nobody said %q: %v", words, err)
	}
	return m
}

// shown waits for a view before a person that holds words, with none else on top of it.
func shown(t *testing.T, s *slacksim.Server, user, words string) slacksim.Modal {
	t.Helper()
	var top slacksim.Modal
	err := s.Wait(deadline(t), func() bool {
		all := slices.DeleteFunc(s.Modals(user), func(m slacksim.Modal) bool { return !strings.Contains(m.Plain, words) })
		if len(all) > 0 {
			top = all[len(all)-1]
		}
		return len(all) > 0
	})
	if err != nil {
		t.Fatalf("no view with %q before %s: %v", words, user, err)
	}
	return top
}

func mustAck(t *testing.T, o slacksim.Outcome, err error) {
	t.Helper()
	if err != nil || !o.Acked || o.Error != "" {
		t.Fatalf("%+v, %v", o, err)
	}
}

func refusedCalls(t *testing.T, s *slacksim.Server) {
	t.Helper()
	if err := s.WaitQuiet(deadline(t)); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Calls("") {
		if !c.OK() && c.Method != "upload" {
			t.Errorf("%s was refused: %s %v", c.Method, c.Error(), c.Response)
		}
	}
}

func TestBoltShowsAHomeTabAndModals(t *testing.T) {
	s := start(t, slacksim.Config{Events: agentEvents()})
	startBolt(t, s, "agent.js")
	if err := s.OpenHome(ada, "home"); err != nil {
		t.Fatal(err)
	}
	tab := shown(t, s, ada, "Welcome")
	o, err := s.ClickView(ada, tab.ID, "mode", "")
	mustAck(t, o, err)
	shown(t, s, ada, "Agent mode\n")
	if _, has := s.Home(ben); has {
		t.Error("Ben sees a home tab that was published to Ada")
	}
	if err := s.OpenHome(ada, "home"); err != nil {
		t.Fatal(err)
	}
	shown(t, s, ada, "Welcome back")

	ts, err := s.Say(ben, ops, "the disk is full")
	if err != nil {
		t.Fatal(err)
	}
	o, err = s.UseShortcut(ada, ops, ts, "ask_about")
	mustAck(t, o, err)
	form := shown(t, s, ada, "the disk is full")
	if _, err := s.SubmitView(ada, form.ID, nil); err == nil {
		t.Error("a required field went out empty")
	}
	o, err = s.SubmitView(ada, form.ID, map[string]map[string]string{"ask": {"text": "why"}})
	mustAck(t, o, err)
	if m := shown(t, s, ada, "the disk is full"); !strings.Contains(string(m.Errors), "something longer") {
		t.Errorf("no error under the field: %s", m.Errors)
	}
	o, err = s.ClickView(ada, form.ID, "more", "")
	mustAck(t, o, err)
	more := shown(t, s, ada, "More to say")
	if more.Previous != form.ID {
		t.Errorf("the second modal is on top of %q, want %q", more.Previous, form.ID)
	}
	o, err = s.SubmitView(ada, more.ID, nil)
	mustAck(t, o, err)
	o, err = s.SubmitView(ada, form.ID, map[string]map[string]string{"ask": {"text": "why is it full?"}, "cloud": {"name": "gcp"}})
	mustAck(t, o, err)
	shown(t, s, ada, "Asked")
	hear(t, s, "asked why is it full? of gcp about "+ts)
	if err := s.CloseView(ada, form.ID); err != nil {
		t.Fatal(err)
	}
	o, err = s.UseShortcut(ben, ops, ts, "ask_about")
	mustAck(t, o, err)
	if err := s.CloseView(ben, shown(t, s, ben, "the disk is full").ID); err != nil {
		t.Fatal(err)
	}
	hear(t, s, "closed")
	refusedCalls(t, s)
}

func TestBoltStreamsAnAnswerWithTasksStatusAndAFile(t *testing.T) {
	s := start(t, slacksim.Config{Events: agentEvents()})
	startBolt(t, s, "agent.js")
	ts, err := s.Say(ada, ops, "@aurora how many?")
	if err != nil {
		t.Fatal(err)
	}
	m := hear(t, s, "There are **two**.")
	if !strings.HasPrefix(m.Plain, "Looking\n(complete) List instances\ntwo\n") || m.ThreadTS != ts {
		t.Errorf("streamed %q", m.Plain)
	}
	file := hear(t, s, "[file out.txt]")
	if string(file.Files[0].Contents) != "two instances" || file.ThreadTS != ts {
		t.Errorf("file %+v", file)
	}
	if err := s.Wait(deadline(t), func() bool { return len(s.Calls("agents.sessions.setStatus")) == 2 && s.Status(ops, ts) == "" }); err != nil {
		t.Errorf("the status stays: %q", s.Status(ops, ts))
	}
	o, err := s.Choose(ben, ops, m.TS, "rate", "bad")
	mustAck(t, o, err)
	hear(t, s, "rated bad")
	if _, err := s.Choose(ben, ops, m.TS, "rate", "great"); err == nil {
		t.Error("a feedback button that is not there was pressed")
	}
	refusedCalls(t, s)
}

func TestBoltHearsWhoComesAndGoes(t *testing.T) {
	s := start(t, slacksim.Config{Events: agentEvents()})
	startBolt(t, s, "agent.js")
	for _, step := range []struct {
		do   error
		want string
	}{
		{s.Invite(ada, "C0CHECKOUT", "pagerbot"), "member_joined_channel U0PAGER001 C0CHECKOUT"},
		{s.Leave(gus, "C0CHECKOUT"), "member_left_channel U0GUS00001 C0CHECKOUT"},
		{s.Kick("C0CHECKOUT", "pagerbot"), "member_left_channel U0PAGER001 C0CHECKOUT"},
		{s.Share("C0CHECKOUT", "T0PARTNER1", true), "shared T0PARTNER1"},
		{s.Invite(ada, "C0CHECKOUT", "petra"), "member_joined_channel U0PETRA001 C0CHECKOUT"},
		{s.Share("C0CHECKOUT", "T0PARTNER1", false), "unshared T0PARTNER1"},
		{s.Deactivate(ben), "changed U0BEN00001 true"},
	} {
		if step.do != nil {
			t.Fatal(step.do)
		}
		hear(t, s, step.want)
	}
	if _, err := s.Say("petra", "C0CHECKOUT", "still here?"); err == nil {
		t.Error("a partner still speaks in a channel that is shared no more")
	}
	refusedCalls(t, s)
	if err := s.RevokeTokens(""); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(deadline(t), func() bool {
		calls := s.Calls("chat.postMessage")
		return calls[len(calls)-1].Error() == "token_revoked"
	}); err != nil {
		t.Error("the app still posts with a revoked token")
	}
}
