package slacksim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
)

// answerURL posts to a response_url.
func answerURL(t *testing.T, url string, body string) (int, string) {
	t.Helper()
	response, answer := send(t, url, "application/json", "", []byte(body))
	return response.StatusCode, text(answer, "error")
}

// run starts a slash command or click and returns what will come of it.
func run(f func() (slacksim.Outcome, error)) <-chan slacksim.Outcome {
	done := make(chan slacksim.Outcome, 1)
	go func() {
		o, err := f()
		if err != nil {
			o.Error = err.Error()
		}
		done <- o
	}()
	return done
}

func TestSlashIsRefusedWhereSlackRefusesIt(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	connect(t, s).serve()
	ts, err := s.Say(ada, ops, "a thread")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, user, channel, line, thread, want string
	}{
		{"in a thread", ada, ops, "/aurora help", ts, "not supported in threads"},
		{"unknown", ada, ops, "/zeus", "", "not a valid command"},
		{"from a partner", "T0PARTNER1:U0PETRA001", "C0SHARED01", "/aurora help", "", "not a valid command"},
		{"deactivated", "U0DORA0001", ops, "/aurora help", "", "deactivated"},
		{"guest in a channel not theirs", gus, ops, "/aurora help", "", "cannot see"},
	} {
		var opts []slacksim.SlashOption
		if c.thread != "" {
			opts = append(opts, slacksim.FromThread(c.thread))
		}
		if _, err := s.Slash(c.user, c.channel, c.line, opts...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if n := len(s.Deliveries()); n != 0 {
		t.Errorf("the app heard of %d refused commands", n)
	}
}

func TestSlashPayloadAndItsAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	a := connect(t, s)
	done := run(func() (slacksim.Outcome, error) { return s.Slash(ada, ops, "/aurora role @ben viewer in #checkout") })
	f := a.read()
	for _, c := range []struct{ path, want string }{
		{"type", "slash_commands"}, {"accepts_response_payload", "true"}, {"payload.command", "/aurora"}, {"payload.channel_name", "ops"},
		{"payload.text", "role <@U0BEN00001|ben> viewer in <#C0CHECKOUT|checkout>"}, {"payload.user_id", ada}, {"payload.is_enterprise_install", "false"},
	} {
		if got := text(f, split(c.path)...); got != c.want {
			t.Errorf("%s = %q, want %q", c.path, got, c.want)
		}
	}
	a.ack(f, object{"text": "done *now*"})
	if o := <-done; !o.Acked {
		t.Fatalf("outcome %+v", o)
	}
	m, err := s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.Text == "done *now*" })
	if err != nil || !m.Ephemeral {
		t.Errorf("the ack's text: %+v, %v", m, err)
	}
	if others, _ := s.Messages(ben, ops); len(others) != 0 {
		t.Errorf("Ben sees %+v", others)
	}
	url := text(f, "payload", "response_url")
	for n := range 5 {
		if status, code := answerURL(t, url, `{"text":"again","response_type":"in_channel"}`); status != http.StatusOK {
			t.Errorf("use %d: %d %s", n+1, status, code)
		}
	}
	if status, code := answerURL(t, url, `{"text":"again"}`); status != http.StatusNotFound || code != "used_url" {
		t.Errorf("sixth use: %d %s", status, code)
	}
	if others, _ := s.Messages(ben, ops); len(others) != 5 {
		t.Errorf("Ben sees %d messages, want 5", len(others))
	}
}

func TestResponseURLExpires(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{URLLife: time.Nanosecond})
	a := connect(t, s)
	done := run(func() (slacksim.Outcome, error) { return s.Slash(ada, ops, "/aurora help") })
	f := a.take()
	<-done
	if status, code := answerURL(t, text(f, "payload", "response_url"), `{"text":"late"}`); status != http.StatusNotFound || code != "expired_url" {
		t.Errorf("%d %s", status, code)
	}
	if status, code := answerURL(t, strings.TrimSuffix(s.URL(), "/api/")+"/actions/T/1/guess", `{"text":"x"}`); status != http.StatusNotFound || code != "expired_url" {
		t.Errorf("guessed address: %d %s", status, code)
	}
}

func TestUnansweredCommandsAndClicksFailBeforeThePerson(t *testing.T) {
	t.Parallel()
	s := start(t, hasty())
	ts := text(must(t, s, "chat.postMessage", object{"channel": ops, "blocks": []object{button("go")}}), "ts")
	if o, err := s.Slash(ada, ops, "/aurora help"); err != nil || o.Error != "dispatch_failed" {
		t.Errorf("without a socket: %+v, %v", o, err)
	}
	connect(t, s)
	if o, err := s.Slash(ada, ops, "/aurora help"); err != nil || o.Error != "operation_timeout" {
		t.Errorf("without an ack: %+v, %v", o, err)
	}
	if o, err := s.Click(ada, ops, ts, "go"); err != nil || o.Error != "operation_timeout" {
		t.Errorf("click without an ack: %+v, %v", o, err)
	}
	seen, _ := s.Messages(ada, ops)
	if seen[0].Failed != "operation_timeout" || !strings.Contains(seen[2].Plain, `failed with the error "operation_timeout"`) {
		t.Errorf("Ada sees %+v", seen)
	}
	if others, _ := s.Messages(ben, ops); others[0].Failed != "" {
		t.Errorf("Ben sees Ada's error marker")
	}
	for _, d := range s.Deliveries() {
		if d.Attempt != 0 {
			t.Errorf("%s was retried", d.Type)
		}
	}
}

func TestClickPayloadAndReplacingTheOriginal(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	parent, err := s.Say(ada, ops, "delete it")
	if err != nil {
		t.Fatal(err)
	}
	ts := text(must(t, s, "chat.postMessage", object{"channel": ops, "thread_ts": parent, "text": "Sure?", "blocks": []object{section("Sure?"), button("go")}}), "ts")
	a := connect(t, s)
	done := run(func() (slacksim.Outcome, error) { return s.Click(ben, ops, ts, "go") })
	f := a.take()
	if o := <-done; !o.Acked {
		t.Fatalf("outcome %+v", o)
	}
	for _, c := range []struct{ path, want string }{
		{"type", "interactive"}, {"payload.type", "block_actions"}, {"payload.user.id", ben}, {"payload.user.team_id", "T0NIMBUS01"},
		{"payload.container.message_ts", ts}, {"payload.container.thread_ts", parent}, {"payload.container.channel_id", ops}, {"payload.container.is_ephemeral", "false"},
		{"payload.message.text", "Sure?"}, {"payload.team.id", "T0NIMBUS01"}, {"payload.is_enterprise_install", "false"},
	} {
		if got := text(f, split(c.path)...); got != c.want {
			t.Errorf("%s = %q, want %q", c.path, got, c.want)
		}
	}
	if text(f, "payload", "actions", 0, "value") != "v1" || text(f, "payload", "actions", 0, "block_id") == "" || text(f, "payload", "actions", 0, "action_ts") == "" {
		t.Errorf("action: %v", at(f, "payload", "actions"))
	}
	if status, code := answerURL(t, text(f, "payload", "response_url"), `{"replace_original":true,"text":"Done by Ben"}`); status != http.StatusOK {
		t.Fatalf("replace: %d %s", status, code)
	}
	thread, err := s.Thread(ada, ops, parent)
	if err != nil || len(thread) != 2 || thread[1].Plain != "Done by Ben" || len(thread[1].Buttons) != 0 {
		t.Errorf("thread %+v, %v", thread, err)
	}
	if _, err := s.Click(ben, ops, ts, "go"); err == nil {
		t.Error("a button that is gone can be pressed")
	}
}

func TestEphemeralClickCarriesNoMessageAndStaysEphemeral(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	ts := text(must(t, s, "chat.postEphemeral", object{"channel": ops, "user": ada, "text": "x", "blocks": []object{button("go")}}), "message_ts")
	if _, err := s.Click(ben, ops, ts, "go"); err == nil {
		t.Error("Ben pressed Ada's ephemeral button")
	}
	a := connect(t, s)
	done := run(func() (slacksim.Outcome, error) { return s.Click(ada, ops, ts, "go") })
	f := a.take()
	<-done
	if at(f, "payload", "message") != nil || text(f, "payload", "container", "is_ephemeral") != "true" {
		t.Errorf("payload %v", f["payload"])
	}
	url := text(f, "payload", "response_url")
	if status, _ := answerURL(t, url, `{"replace_original":true,"response_type":"in_channel","text":"still mine"}`); status != http.StatusOK {
		t.Errorf("replace: %d", status)
	}
	if m, _ := s.Messages(ada, ops); len(m) != 1 || !m[0].Ephemeral || m[0].Plain != "still mine" {
		t.Errorf("Ada sees %+v", m)
	}
	if status, _ := answerURL(t, url, `{"delete_original":true}`); status != http.StatusOK {
		t.Errorf("delete: %d", status)
	}
	if m, _ := s.Messages(ada, ops); len(m) != 0 {
		t.Errorf("Ada still sees %+v", m)
	}
}

func TestModalFromTriggerToSubmission(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	a := connect(t, s)
	done := run(func() (slacksim.Outcome, error) { return s.Slash(ada, ops, "/aurora connect aws") })
	trigger := text(a.take(), "payload", "trigger_id")
	<-done
	plain := func(words string) object { return object{"type": "plain_text", "text": words} }
	input := object{"type": "input", "block_id": "role", "label": plain("Role"), "element": object{"type": "plain_text_input", "action_id": "arn"}}
	view := object{"type": "modal", "callback_id": "connect", "title": plain("Connect"), "submit": plain("Go"), "blocks": []object{input}}
	long := object{"type": "modal", "title": plain(repeat(25)), "blocks": []object{}}
	if got := text(bot(t, s, "views.open", object{"trigger_id": trigger, "view": long}), "error"); got != "invalid_arguments" {
		t.Errorf("title of 25: %q", got)
	}
	opened := must(t, s, "views.open", object{"trigger_id": trigger, "view": view})
	if got := text(bot(t, s, "views.open", object{"trigger_id": trigger, "view": view}), "error"); got != "exchanged_trigger_id" {
		t.Errorf("trigger used twice: %q", got)
	}
	if got := text(bot(t, s, "views.update", object{"view_id": at(opened, "view", "id"), "hash": "old", "view": view}), "error"); got != "hash_conflict" {
		t.Errorf("old hash: %q", got)
	}
	submit := func() <-chan slacksim.Outcome {
		return run(func() (slacksim.Outcome, error) {
			return s.SubmitView(ada, text(opened, "view", "id"), map[string]map[string]string{"role": {"arn": "arn:x"}})
		})
	}
	refused := submit()
	f := a.read()
	if text(f, "payload", "view", "state", "values", "role", "arn", "value") != "arn:x" || text(f, "accepts_response_payload") != "true" {
		t.Errorf("submission %v", f)
	}
	a.ack(f, object{"response_action": "errors", "errors": object{"role": "No such role"}})
	<-refused
	if m := s.Modals(ada); len(m) != 1 || !strings.Contains(string(m[0].Errors), "No such role") {
		t.Errorf("after a refusal: %+v", m)
	}
	taken := submit()
	a.take()
	<-taken
	if m := s.Modals(ada); len(m) != 0 {
		t.Errorf("after it was taken: %+v", m)
	}
}

func TestTriggerExpires(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{TriggerLife: time.Nanosecond})
	a := connect(t, s)
	done := run(func() (slacksim.Outcome, error) { return s.Slash(ada, ops, "/aurora x") })
	trigger := text(a.take(), "payload", "trigger_id")
	<-done
	view := object{"type": "modal", "title": object{"type": "plain_text", "text": "x"}, "blocks": []object{}}
	if got := text(bot(t, s, "views.open", object{"trigger_id": trigger, "view": view}), "error"); got != "expired_trigger_id" {
		t.Errorf("%q", got)
	}
}

func TestLifeOfTheWorkspaceIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{Events: append(slacksim.DefaultEvents(), "channel_shared")})
	a := connect(t, s)
	expect := func(what string, err error, kind string, path []any, want string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		f := a.take()
		if text(f, "payload", "event", "type") != kind || text(f, append([]any{"payload", "event"}, path...)...) != want {
			t.Errorf("%s: %v, want %s with %v = %s", what, at(f, "payload", "event"), kind, path, want)
		}
	}
	id, err := s.CreateChannel(ada, slacksim.Channel{Name: "inc-42", NoBot: true})
	expect("create", err, "channel_created", []any{"channel", "name"}, "inc-42")
	expect("invite the bot", s.Invite(ada, id, "aurora"), "member_joined_channel", []any{"user"}, s.BotUser(""))
	expect("rename", s.Rename(id, "inc-43"), "channel_rename", []any{"channel", "name"}, "inc-43")
	expect("share", s.Share(id, "T0PARTNER1", true), "channel_shared", []any{"connected_team_id"}, "T0PARTNER1")
	expect("move", s.ChangeID(id, "C0MOVED001"), "channel_id_changed", []any{"new_channel_id"}, "C0MOVED001")
	expect("home", s.OpenHome(ada, "messages"), "app_home_opened", []any{"tab"}, "messages")
	ts, err := s.Say(ada, ops, "go")
	if err != nil {
		t.Fatal(err)
	}
	expect("stop", s.PressStop(ada, ops, ts), "agent_session_stopped", []any{"thread_ts"}, ts)
	expect("revoke", s.RevokeTokens(""), "tokens_revoked", []any{"tokens", "bot", 0}, s.BotUser(""))
	if got := text(bot(t, s, "auth.test", object{}), "error"); got != "token_revoked" {
		t.Errorf("after the revocation: %q", got)
	}
	expect("uninstall", s.Uninstall(""), "app_uninstalled", []any{"type"}, "app_uninstalled")
}

func TestSharedChannelsAndTwoWorkspacesWithEqualUsers(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{
		Workspaces: []slacksim.Workspace{{ID: "T1"}, {ID: "T2"}},
		People:     []slacksim.Person{{ID: "U1", Team: "T1", Name: "one"}, {ID: "U1", Team: "T2", Name: "two"}},
		Channels: []slacksim.Channel{
			{ID: "C1", Team: "T1", Name: "a", Members: []string{"U1"}}, {ID: "C2", Team: "T2", Name: "b", Members: []string{"U1"}},
			{ID: "C3", Team: "T1", Name: "c", SharedWith: []string{"T2"}, Members: []string{"T1:U1", "T2:U1"}},
		},
	})
	a := connect(t, s)
	for _, c := range []struct{ user, channel, team, shared string }{{"U1", "C1", "T1", "false"}, {"U1", "C2", "T2", "false"}, {"T2:U1", "C3", "T1", "true"}} {
		if _, err := s.Say(c.user, c.channel, "@aurora hi"); err != nil {
			t.Fatal(err)
		}
		f := a.take()
		if text(f, "payload", "team_id") != c.team || text(f, "payload", "is_ext_shared_channel") != c.shared {
			t.Errorf("%s in %s: %v", c.user, c.channel, f["payload"])
		}
		if c.shared == "true" && text(f, "payload", "event", "user_team") != "T2" {
			t.Errorf("a partner's mention does not tell its team: %v", at(f, "payload", "event"))
		}
	}
	if got := text(post(t, s, s.BotToken("T2"), "users.info", object{"user": "U1"}), "user", "name"); got != "two" {
		t.Errorf("T2's U1 is %q", got)
	}
}
