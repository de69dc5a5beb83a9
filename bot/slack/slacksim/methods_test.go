package slacksim_test

import (
	"strings"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
)

func TestRemainingMethods(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{Scopes: append(slacksim.DefaultScopes(), "im:read")})
	ts, err := s.Say(ada, ops, "a thread")
	if err != nil {
		t.Fatal(err)
	}
	home := object{"type": "home", "blocks": []object{section("Welcome")}}
	prompts := func(n int) (list []object) {
		for range n {
			list = append(list, object{"title": "a", "message": "b"})
		}
		return list
	}
	for _, c := range []struct {
		method string
		args   object
		want   string // error
		path   string
		value  string
	}{
		{"auth.test", object{}, "", "team_id", "T0NIMBUS01"},
		{"conversations.info", object{"channel": ops}, "", "channel.is_member", "true"},
		{"conversations.info", object{"channel": "C0GENERAL1"}, "", "channel.is_member", "false"},
		{"conversations.info", object{"channel": "C0SHARED01"}, "", "channel.is_ext_shared", "true"},
		{"conversations.info", object{"channel": "C0ONCALL01"}, "", "channel.is_private", "true"},
		{"conversations.members", object{"channel": ops, "limit": 2}, "", "response_metadata.next_cursor", "bmV4dDpVMEJFTjAwMDAx"},
		{"conversations.members", object{"channel": ops, "limit": 0}, "invalid_limit", "", ""},
		{"users.list", object{"limit": 1}, "", "response_metadata.next_cursor", "bmV4dDpVMEFEQTAwMDAx"},
		{"users.list", object{"limit": 1001}, "invalid_limit", "", ""},
		{"users.list", object{"limit": 1, "cursor": "x"}, "invalid_cursor", "", ""},
		{"conversations.open", object{"users": ada}, "", "channel.id", "D0ADA00001"},
		{"conversations.open", object{"users": "U0DORA0001"}, "user_disabled", "", ""},
		{"conversations.open", object{"users": "U0NOBODY01"}, "user_not_found", "", ""},
		{"chat.getPermalink", object{"channel": ops, "message_ts": ts}, "", "channel", ops},
		{"chat.getPermalink", object{"channel": ops, "message_ts": "1700000000.000001"}, "message_not_found", "", ""},
		{"chat.postMessage", object{"channel": ada, "text": "to a person"}, "", "channel", "D0ADA00001"},
		{"views.publish", object{"user_id": ada, "view": home}, "", "view.type", "home"},
		{"views.publish", object{"user_id": "U0NOBODY01", "view": home}, "user_not_found", "", ""},
		{"views.open", object{"trigger_id": "made.up", "view": object{"type": "modal", "title": object{"type": "plain_text", "text": "x"}, "blocks": []object{}}}, "invalid_trigger_id", "", ""},
		{"assistant.threads.setStatus", object{"channel_id": ops, "thread_ts": ts}, "invalid_arguments", "", ""},
		{"assistant.threads.setStatus", object{"channel_id": ops, "thread_ts": ts, "status": "is working"}, "", "ok", "true"},
		{"assistant.threads.setTitle", object{"channel_id": ops, "thread_ts": ts, "title": "A"}, "", "ok", "true"},
		{"assistant.threads.setSuggestedPrompts", object{"channel_id": ops, "prompts": prompts(4)}, "", "ok", "true"},
		{"assistant.threads.setSuggestedPrompts", object{"channel_id": ops, "prompts": prompts(5)}, "invalid_arguments", "", ""},
		{"agents.sessions.setStatus", object{"channel_id": ops, "thread_ts": ts, "status": "sleeping"}, "invalid_status", "", ""},
		{"agents.sessions.setStatus", object{"channel_id": ops, "thread_ts": ts, "status": "processing"}, "", "ok", "true"},
		{"agents.sessions.rename", object{"channel_id": ops, "thread_ts": ts, "title": repeat(201)}, "invalid_arguments", "", ""},
	} {
		got := bot(t, s, c.method, c.args)
		if text(got, "error") != c.want || c.path != "" && text(got, split(c.path)...) != c.value {
			t.Errorf("%s %v: %v, want error %q and %s = %s", c.method, c.args, got, c.want, c.path, c.value)
		}
	}
	if got := s.Status(ops, ts); got != "processing" {
		t.Errorf("status %q", got)
	}
	must(t, s, "chat.postMessage", object{"channel": ops, "thread_ts": ts, "text": "done"})
	if got := s.Status(ops, ts); got != "" {
		t.Errorf("status %q after an answer", got)
	}
	link := text(must(t, s, "chat.getPermalink", object{"channel": ops, "message_ts": ts}), "permalink")
	if !strings.HasSuffix(link, "/archives/"+ops+"/p"+strings.Replace(ts, ".", "", 1)) {
		t.Errorf("permalink %s", link)
	}
}

func TestEditsAndDeletionsAreToldAsHiddenMessages(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{Events: []string{"message.channels"}})
	a := connect(t, s)
	ts, err := s.Say(ada, ops, "one")
	if err != nil {
		t.Fatal(err)
	}
	a.take()
	if err := s.Edit(ben, ops, ts, "stolen"); err == nil {
		t.Error("Ben edited Ada's message")
	}
	if err := s.Edit(ada, ops, ts, "two"); err != nil {
		t.Fatal(err)
	}
	f := a.take()
	if text(f, "payload", "event", "subtype") != "message_changed" || text(f, "payload", "event", "message", "text") != "two" || text(f, "payload", "event", "previous_message", "text") != "one" {
		t.Errorf("edit: %v", at(f, "payload", "event"))
	}
	if err := s.Delete(ada, ops, ts); err != nil {
		t.Fatal(err)
	}
	f = a.take()
	if text(f, "payload", "event", "subtype") != "message_deleted" || text(f, "payload", "event", "deleted_ts") != ts {
		t.Errorf("deletion: %v", at(f, "payload", "event"))
	}
	own := text(must(t, s, "chat.postMessage", object{"channel": ops, "text": "mine"}), "ts")
	f = a.take()
	if text(f, "payload", "event", "ts") != own || text(f, "payload", "event", "bot_id") != "B0AURORA01" {
		t.Errorf("own message: %v", at(f, "payload", "event"))
	}
}

func TestDeletedParentLeavesATombstone(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	ts, err := s.Say(ada, ops, "parent")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Say(ben, ops, "reply", slacksim.InThread(ts)); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ada, ops, ts); err != nil {
		t.Fatal(err)
	}
	thread, err := s.Thread(ada, ops, ts)
	if err != nil || len(thread) != 2 || thread[0].Subtype != "tombstone" {
		t.Errorf("thread %+v, %v", thread, err)
	}
	if got := must(t, s, "chat.postMessage", object{"channel": ops, "text": "a", "thread_ts": ts}); text(got, "message", "thread_ts") != ts {
		t.Errorf("a thread with replies ends with its parent: %v", got)
	}
}

func TestSlackPingsOpenSockets(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{PingEvery: time.Millisecond})
	a := connect(t, s)
	pings := make(chan string, 1)
	a.conn.SetPingHandler(func(data string) error {
		select {
		case pings <- data:
		default:
		}
		return nil
	})
	a.serve()
	select {
	case <-pings:
	case <-deadline(t).Done():
		t.Error("no ping came")
	}
}
