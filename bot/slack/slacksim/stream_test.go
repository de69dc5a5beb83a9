package slacksim_test

import (
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
)

// streamTo begins a stream under a message of Ada's and returns its ts.
func streamTo(t *testing.T, s *slacksim.Server, more object) (thread, ts string) {
	t.Helper()
	thread, err := s.Say(ada, ops, "go")
	if err != nil {
		t.Fatal(err)
	}
	args := object{"channel": ops, "thread_ts": thread, "recipient_user_id": ada, "recipient_team_id": s.TeamID()}
	for name, v := range more {
		args[name] = v
	}
	return thread, text(must(t, s, "chat.startStream", args), "ts")
}

func TestStreamsAreRefusedAsSlackRefusesThem(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	thread, written := streamTo(t, s, object{"markdown_text": "a"})
	_, ended := streamTo(t, s, nil)
	must(t, s, "chat.stopStream", object{"channel": ops, "ts": ended, "markdown_text": "done"})
	posted := text(must(t, s, "chat.postMessage", object{"channel": ops, "text": "x"}), "ts")
	to := func(more object) object {
		args := object{"channel": ops, "thread_ts": thread, "recipient_user_id": ada, "recipient_team_id": s.TeamID()}
		for name, v := range more {
			args[name] = v
			if v == nil {
				delete(args, name)
			}
		}
		return args
	}
	task := func(extra object) []object {
		task := object{"type": "task_update", "id": "1", "title": "x"}
		for name, v := range extra {
			task[name] = v
		}
		return []object{task}
	}
	for _, c := range []struct {
		method string
		args   object
		want   string
	}{
		{"chat.startStream", to(object{"thread_ts": nil}), "invalid_arguments"},
		{"chat.startStream", to(object{"thread_ts": "1700000000.000001"}), "invalid_thread_ts"},
		{"chat.startStream", to(object{"recipient_user_id": nil}), "missing_recipient_user_id"},
		{"chat.startStream", to(object{"recipient_team_id": nil}), "missing_recipient_team_id"},
		{"chat.startStream", to(object{"recipient_team_id": "T0PARTNER1"}), "user_not_found"},
		{"chat.startStream", to(object{"channel": "C0GENERAL1"}), "not_in_channel"},
		{"chat.startStream", to(object{"task_display_mode": "grid"}), "invalid_arguments"},
		{"chat.startStream", to(object{"markdown_text": repeat(12001)}), "msg_too_long"},
		{"chat.startStream", to(object{"markdown_text": "a", "chunks": task(nil)}), "cannot_provide_both_markdown_text_and_chunks"},
		{"chat.startStream", to(object{"chunks": task(object{"status": "doing"})}), "invalid_chunks"},
		{"chat.startStream", to(object{"chunks": task(object{"title": repeat(257)})}), "invalid_chunks"},
		{"chat.startStream", to(object{"chunks": []object{{"type": "html", "text": "x"}}}), "invalid_chunks"},
		{"chat.appendStream", object{"channel": ops, "ts": written}, "markdown_text_or_chunks_required"},
		{"chat.appendStream", object{"channel": ops, "ts": written, "chunks": task(nil)}, "streaming_mode_mismatch"},
		{"chat.appendStream", object{"channel": ops, "ts": ended, "markdown_text": "b"}, "message_not_in_streaming_state"},
		{"chat.appendStream", object{"channel": ops, "ts": posted, "markdown_text": "b"}, "message_not_in_streaming_state"},
		{"chat.appendStream", object{"channel": ops, "ts": thread, "markdown_text": "b"}, "message_not_owned_by_app"},
		{"chat.appendStream", object{"channel": ops, "ts": "1700000000.000001", "markdown_text": "b"}, "message_not_found"},
		{"chat.stopStream", object{"channel": ops, "ts": ended}, "message_not_in_streaming_state"},
		{"chat.update", object{"channel": ops, "ts": written, "text": "b"}, "streaming_state_conflict"},
	} {
		if got := text(bot(t, s, c.method, c.args), "error"); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.method, c.args, got, c.want)
		}
	}
	must(t, s, "chat.appendStream", object{"channel": ops, "ts": written, "markdown_text": "b"})
	must(t, s, "chat.update", object{"channel": ops, "ts": ended, "text": "rewritten", "parse": "none"})
	m, err := s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.TS == written })
	if err != nil || m.Plain != "ab" || !m.Streaming {
		t.Errorf("streamed %+v, %v", m, err)
	}
}

func TestStopButtonAndTimeEndStreams(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	thread, ts := streamTo(t, s, object{"markdown_text": "a"})
	a := connect(t, s)
	if err := s.PressStop(ada, ops, thread); err != nil {
		t.Fatal(err)
	}
	if f := a.take(); text(f, "payload", "event", "streaming_message_ts", 0) != ts {
		t.Errorf("stopped %v", at(f, "payload", "event"))
	}
	if got := text(bot(t, s, "chat.appendStream", object{"channel": ops, "ts": ts, "markdown_text": "b"}), "error"); got != "stopped_by_user" {
		t.Errorf("append after the stop: %q", got)
	}
	must(t, s, "chat.stopStream", object{"channel": ops, "ts": ts})

	brief := start(t, slacksim.Config{StreamLife: time.Nanosecond, StatusLife: time.Nanosecond})
	thread, ts = streamTo(t, brief, nil)
	if got := text(bot(t, brief, "chat.stopStream", object{"channel": ops, "ts": ts}), "error"); got != "message_not_in_streaming_state" {
		t.Errorf("stop too late: %q", got)
	}
	must(t, brief, "assistant.threads.setStatus", object{"channel_id": ops, "thread_ts": thread, "status": "is thinking"})
	if err := brief.Wait(deadline(t), func() bool { return brief.Status(ops, thread) == "" }); err != nil {
		t.Error("a status stays though nobody set it again")
	}
}

func TestWorkspaceLacksFeatures(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	ts, err := s.Say(ada, ops, "a thread")
	if err != nil {
		t.Fatal(err)
	}
	home := object{"type": "home", "blocks": []object{section("Welcome")}}
	side := func(value string) object {
		return object{"text": object{"type": "plain_text", "text": value}, "value": value}
	}
	feedback := []object{{"type": "context_actions", "elements": []object{{"type": "feedback_buttons", "positive_button": side("good"), "negative_button": side("bad")}}}}
	at := object{"channel_id": ops, "thread_ts": ts, "status": "processing", "title": "A", "prompts": []object{{"title": "a", "message": "b"}}}
	for _, c := range []struct {
		feature slacksim.Feature
		method  string
		args    object
		want    string
	}{
		{slacksim.FeatureStatus, "assistant.threads.setStatus", at, "feature_not_enabled"},
		{slacksim.FeatureStatus, "assistant.threads.setTitle", at, "feature_not_enabled"},
		{slacksim.FeatureStatus, "assistant.threads.setSuggestedPrompts", at, "feature_not_enabled"},
		{slacksim.FeatureSessions, "agents.sessions.setStatus", at, "feature_disabled"},
		{slacksim.FeatureSessions, "agents.sessions.rename", at, "feature_disabled"},
		{slacksim.FeatureStreams, "chat.startStream", object{"channel": ops, "thread_ts": ts, "recipient_user_id": ada, "recipient_team_id": s.TeamID()}, "feature_not_enabled"},
		{slacksim.FeatureFiles, "files.getUploadURLExternal", object{"filename": "a", "length": 1}, "file_uploads_disabled"},
		{slacksim.FeatureHome, "views.publish", object{"user_id": ada, "view": home}, "not_enabled"},
		{slacksim.FeatureFeedback, "chat.postMessage", object{"channel": ops, "text": "x", "blocks": feedback}, "invalid_blocks"},
	} {
		must(t, s, c.method, c.args)
		if err := s.Switch("", c.feature, false); err != nil {
			t.Fatal(err)
		}
		if got := text(bot(t, s, c.method, c.args), "error"); got != c.want {
			t.Errorf("%s without %s: %q, want %q", c.method, c.feature, got, c.want)
		}
		if err := s.Switch("", c.feature, true); err != nil {
			t.Fatal(err)
		}
		must(t, s, c.method, c.args)
	}
	if s.Switch("", "telepathy", true) == nil || s.Switch("T0PARTNER1", slacksim.FeatureHome, false) == nil {
		t.Error("a feature or installation that is not there was switched")
	}
}
