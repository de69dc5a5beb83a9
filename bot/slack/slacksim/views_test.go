package slacksim_test

import (
	"testing"

	"aurora/bot/slack/slacksim"
)

func words(text string) object { return object{"type": "plain_text", "text": text} }

// form is a modal with one required text, one choice and a button.
func form(more object) object {
	view := object{"type": "modal", "callback_id": "form", "title": words("Form"), "submit": words("Go"), "blocks": []object{
		{"type": "input", "block_id": "why", "label": words("Why"), "element": object{"type": "plain_text_input", "action_id": "text", "max_length": 5}},
		{"type": "input", "block_id": "which", "optional": true, "label": words("Which"), "element": object{"type": "checkboxes", "action_id": "list",
			"options": []object{{"text": words("A"), "value": "a"}, {"text": words("B"), "value": "b"}}}}, button("more")}}
	for name, v := range more {
		view[name] = v
		if v == nil {
			delete(view, name)
		}
	}
	return view
}

// opened shows a modal to Ada by a slash command.
func opened(t *testing.T, s *slacksim.Server, a *app, view object) string {
	t.Helper()
	done := run(func() (slacksim.Outcome, error) { return s.Slash(ada, ops, "/aurora x") })
	trigger := text(a.take(), "payload", "trigger_id")
	<-done
	return text(must(t, s, "views.open", object{"trigger_id": trigger, "view": view}), "view", "id")
}

func TestViewsAreRefusedAsSlackRefusesThem(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	a := connect(t, s)
	id := opened(t, s, a, form(object{"external_id": "mine"}))
	big := []object{}
	for range 90 {
		big = append(big, section(repeat(3000)))
	}
	for _, c := range []struct {
		method string
		args   object
		want   string
	}{
		{"views.open", object{"trigger_id": "made.up", "view": form(object{"submit": nil})}, "invalid_arguments"},
		{"views.open", object{"trigger_id": "made.up", "view": form(object{"external_id": "mine"})}, "duplicate_external_id"},
		{"views.open", object{"trigger_id": "made.up", "view": form(object{"blocks": big})}, "view_too_large"},
		{"views.open", object{"trigger_id": "made.up", "view": form(object{"blocks": []object{{"type": "markdown", "text": "x"}}})}, "invalid_arguments"},
		{"views.open", object{"trigger_id": "made.up", "view": form(nil)}, "invalid_trigger_id"},
		{"views.update", object{"view_id": id, "view": object{"type": "home", "blocks": []object{}}}, "invalid_arguments"},
		{"views.update", object{"view_id": "V0", "view": form(nil)}, "not_found"},
		{"views.publish", object{"user_id": ada, "view": form(nil)}, "invalid_arguments"},
		{"views.publish", object{"user_id": "U0PAGER001", "view": object{"type": "home", "blocks": []object{}}}, "user_not_found"},
		{"chat.postMessage", object{"channel": ops, "text": "x", "blocks": []object{{"type": "alert", "text": words("x")}}}, "invalid_blocks"},
	} {
		if got := text(bot(t, s, c.method, c.args), "error"); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.method, c.args, got, c.want)
		}
	}
	published := must(t, s, "views.publish", object{"user_id": ada, "view": object{"type": "home", "blocks": []object{section("one")}}})
	again := object{"user_id": ada, "hash": at(published, "view", "hash"), "view": object{"type": "home", "blocks": []object{section("two")}}}
	must(t, s, "views.publish", again)
	if got := text(bot(t, s, "views.publish", again), "error"); got != "hash_conflict" {
		t.Errorf("published over somebody else's: %q", got)
	}
	for _, values := range []map[string]map[string]string{nil, {"why": {"text": "123456"}}, {"why": {"text": "x"}, "which": {"list": "c"}}, {"why": {"other": "x"}}} {
		if _, err := s.SubmitView(ada, id, values); err == nil {
			t.Errorf("a client would not send %v", values)
		}
	}
	if _, err := s.SubmitView(ben, id, nil); err == nil {
		t.Error("Ben submitted Ada's modal")
	}
}

func TestAckOfASubmissionIsHeldToSlacksRules(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	a := connect(t, s)
	id := opened(t, s, a, form(nil))
	for _, c := range []struct {
		name  string
		ack   object
		error string
		open  int
	}{
		{"errors under no input", object{"response_action": "errors", "errors": object{"other": "no"}}, "invalid_response_action", 1},
		{"no errors at all", object{"response_action": "errors"}, "invalid_response_action", 1},
		{"an unknown action", object{"response_action": "explode"}, "invalid_response_action", 1},
		{"a view Slack would refuse", object{"response_action": "update", "view": form(object{"title": nil})}, "invalid_response_action", 1},
		{"errors", object{"response_action": "errors", "errors": object{"why": "no"}}, "", 1},
		{"push", object{"response_action": "push", "view": form(nil)}, "", 2},
		{"clear", object{"response_action": "clear"}, "", 0},
	} {
		done := run(func() (slacksim.Outcome, error) {
			return s.SubmitView(ada, id, map[string]map[string]string{"why": {"text": "x"}, "which": {"list": "a,b"}})
		})
		f := a.read()
		if got := text(f, "payload", "view", "state", "values", "which", "list", "selected_options", 1, "value"); got != "b" {
			t.Errorf("%s: chosen %q", c.name, got)
		}
		a.ack(f, c.ack)
		if o := <-done; o.Error != c.error || len(s.Modals(ada)) != c.open {
			t.Errorf("%s: %+v and %d modals, want %q and %d", c.name, o, len(s.Modals(ada)), c.error, c.open)
		}
	}
}

func TestModalsStackThreeHigh(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	a := connect(t, s)
	id := opened(t, s, a, form(object{"clear_on_close": true, "notify_on_close": true}))
	push := func(from string) object {
		done := run(func() (slacksim.Outcome, error) { return s.ClickView(ada, from, "more", "") })
		f := a.take()
		<-done
		if text(f, "payload", "container", "type") != "view" || text(f, "payload", "view", "id") != from || at(f, "payload", "response_url") != nil {
			t.Errorf("click in a modal: %v", f["payload"])
		}
		return bot(t, s, "views.push", object{"trigger_id": at(f, "payload", "trigger_id"), "view": form(nil)})
	}
	second := push(id)
	third := push(text(second, "view", "id"))
	if text(third, "view", "root_view_id") != id || text(third, "view", "previous_view_id") != text(second, "view", "id") {
		t.Errorf("third %v", third)
	}
	if got := text(push(text(third, "view", "id")), "error"); got != "push_limit_reached" {
		t.Errorf("fourth: %q", got)
	}
	if err := s.CloseView(ada, text(third, "view", "id")); err != nil || len(s.Modals(ada)) != 2 {
		t.Errorf("closing the third left %d, %v", len(s.Modals(ada)), err)
	}
	if err := s.CloseView(ada, id); err != nil || len(s.Modals(ada)) != 0 {
		t.Errorf("closing the first left %d, %v", len(s.Modals(ada)), err)
	}
	if f := a.take(); text(f, "payload", "type") != "view_closed" || text(f, "payload", "is_cleared") != "true" {
		t.Errorf("told %v", f["payload"])
	}
}

func TestShortcutsCarryTheMessageAndATrigger(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{Shortcuts: append(slacksim.DefaultShortcuts(), slacksim.Shortcut{Name: "New", Callback: "new"})})
	a := connect(t, s)
	general := "C0GENERAL1" // the bot is not here
	ts, err := s.Say(ben, general, "look at this")
	if err != nil {
		t.Fatal(err)
	}
	done := run(func() (slacksim.Outcome, error) { return s.UseShortcut(ada, general, ts, "ask_about") })
	f := a.take()
	<-done
	p := f["payload"]
	if text(p, "type") != "message_action" || text(p, "callback_id") != "ask_about" || text(p, "message", "text") != "look at this" ||
		text(p, "message", "user") != ben || text(p, "user", "id") != ada || text(p, "channel", "id") != general || text(p, "message_ts") != ts {
		t.Errorf("shortcut %v", p)
	}
	must(t, s, "views.open", object{"trigger_id": at(p, "trigger_id"), "view": form(nil)})
	if status, _ := answerURL(t, text(p, "response_url"), `{"text":"only you"}`); status != 200 {
		t.Errorf("response_url: %d", status)
	}
	done = run(func() (slacksim.Outcome, error) { return s.UseGlobalShortcut(ada, "new") })
	f = a.take()
	<-done
	if text(f, "payload", "type") != "shortcut" || at(f, "payload", "channel") != nil || at(f, "payload", "response_url") != nil {
		t.Errorf("global shortcut %v", f["payload"])
	}
	for _, problem := range []func() (slacksim.Outcome, error){
		func() (slacksim.Outcome, error) { return s.UseShortcut(ada, general, ts, "other") },
		func() (slacksim.Outcome, error) { return s.UseShortcut(gus, general, ts, "ask_about") },
		func() (slacksim.Outcome, error) { return s.UseShortcut("petra", "C0SHARED01", ts, "ask_about") },
		func() (slacksim.Outcome, error) { return s.UseGlobalShortcut(ada, "ask_about") },
	} {
		if _, err := problem(); err == nil {
			t.Error("a shortcut that is not offered was used")
		}
	}
}
