package slacksim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"aurora/bot/slack/slacksim"
)

func TestTokensAreToldApart(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	old := start(t, slacksim.Config{})
	old.RevokeToken(old.BotToken(""))
	gone := start(t, slacksim.Config{})
	if err := gone.Uninstall(""); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, token, method, want string
		s                         *slacksim.Server
	}{
		{"none", "", "auth.test", "not_authed", s},
		{"unknown", "xoxb-wrong", "auth.test", "invalid_auth", s},
		{"app token for the Web API", s.AppToken(), "chat.postMessage", "not_allowed_token_type", s},
		{"bot token for a connection", s.BotToken(""), "apps.connections.open", "not_allowed_token_type", s},
		{"revoked", old.BotToken(""), "auth.test", "token_revoked", old},
		{"uninstalled", gone.BotToken(""), "auth.test", "account_inactive", gone},
		{"unknown method", s.BotToken(""), "chat.shout", "unknown_method", s},
		{"good", s.BotToken(""), "auth.test", "", s},
	} {
		if got := text(post(t, c.s, c.token, c.method, object{}), "error"); got != c.want {
			t.Errorf("%s: error %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTokenIsTakenAsHeaderAndAsFormField(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	form := url.Values{"token": {s.BotToken("")}}.Encode()
	if _, answer := send(t, s.URL()+"auth.test", "application/x-www-form-urlencoded", "", []byte(form)); answer["ok"] != true {
		t.Errorf("form field: %v", answer)
	}
	if _, answer := send(t, s.URL()+"auth.test", "application/json", "", []byte(`{"token":"`+s.BotToken("")+`"}`)); text(answer, "error") != "not_authed" {
		t.Errorf("a token inside a JSON body: %v, want not_authed", answer)
	}
	if _, answer := send(t, s.URL()+"auth.test", "application/json", s.BotToken(""), []byte(`{"a":`)); text(answer, "error") != "invalid_json" {
		t.Errorf("broken JSON: %v, want invalid_json", answer)
	}
	for _, c := range s.Calls("") {
		if strings.Contains(text(c.Args), s.BotToken("")) && c.Error() != "not_authed" {
			t.Errorf("the journal shows a token: %v", c.Args)
		}
	}
}

func TestMissingScopeNamesWhatIsNeeded(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{Scopes: []string{"users:read", "channels:read"}})
	dm, err := s.OpenDM(ada)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method string
		args   object
		needed string
	}{
		{"chat.postMessage", object{"channel": ops, "text": "a"}, "chat:write"},
		{"conversations.history", object{"channel": ops}, "channels:history"},
		{"conversations.info", object{"channel": dm}, "im:read"},
		{"conversations.info", object{"channel": "C0ONCALL01"}, "groups:read"},
		{"conversations.open", object{"users": ada}, "im:write"},
		{"files.getUploadURLExternal", object{"filename": "a", "length": 1}, "files:write"},
		{"assistant.threads.setStatus", object{"channel_id": ops}, "assistant:write"},
	} {
		got := bot(t, s, c.method, c.args)
		if text(got, "error") != "missing_scope" || !strings.Contains(text(got, "needed"), c.needed) || text(got, "provided") != "users:read,channels:read" {
			t.Errorf("%s: %v, want missing_scope with needed %s", c.method, got, c.needed)
		}
	}
	if got := bot(t, s, "users.info", object{"user": ada}); at(got, "user", "profile", "email") != nil {
		t.Errorf("users.info shows an e-mail address without users:read.email: %v", got)
	}
}

func TestChannelsTheBotMayNotUse(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{
		Channels: []slacksim.Channel{
			{ID: "C0HIDDEN01", Name: "hidden", Private: true, NoBot: true},
			{ID: "C0ARCHIVE1", Name: "old", Archived: true},
			{ID: "C0FOREIGN1", Name: "theirs", Team: "T0PARTNER1"},
		},
	})
	for _, c := range []struct{ channel, want string }{
		{"C0GENERAL1", "not_in_channel"}, {"C0HIDDEN01", "channel_not_found"}, {"C0ARCHIVE1", "is_archived"},
		{"C0FOREIGN1", "channel_not_found"}, {"CNOWHERE", "channel_not_found"}, {"", "invalid_arguments"}, {ops, ""},
	} {
		if got := text(bot(t, s, "chat.postMessage", object{"channel": c.channel, "text": "a"}), "error"); got != c.want {
			t.Errorf("post to %q: error %q, want %q", c.channel, got, c.want)
		}
	}
}

// posted is what is posted, the error it gets, and part of what response_metadata says.
type posted struct {
	name   string
	args   object
	want   string
	detail string
}

// textLimits are posts of text, metadata and threads.
func textLimits() []posted {
	return []posted{
		{"nothing", object{}, "no_text", ""},
		{"text", object{"text": "a"}, "", ""},
		{"text of 40,001", object{"text": repeat(40001)}, "", ""},
		{"thread_ts", object{"text": "a", "thread_ts": "0"}, "invalid_thread_ts", "0 is not a valid thread_ts"},
		{"metadata", object{"text": "a", "metadata": object{"event_type": "x", "event_payload": object{}}}, "", ""},
		{"metadata without payload", object{"text": "a", "metadata": object{"event_type": "x"}}, "invalid_metadata_schema", ""},
		{"markdown_text beside text", object{"text": "a", "markdown_text": "b"}, "markdown_text_conflict", ""},
	}
}

// blockLimits are posts of blocks.
func blockLimits() []posted {
	rich := func(words string) object {
		run := []object{{"type": "text", "text": words}}
		return object{"type": "rich_text", "elements": []object{{"type": "rich_text_preformatted", "elements": run}}}
	}
	many := func(n int, b object) (out []object) {
		for range n {
			out = append(out, b)
		}
		return out
	}
	confirm := func(title, words, yes string) object {
		plain := func(words string) object { return object{"type": "plain_text", "text": words} }
		b := button("a")
		b["elements"].([]object)[0]["confirm"] = object{"title": plain(title), "text": plain(words), "confirm": plain(yes), "deny": plain("No")}
		return b
	}
	buttonWith := func(name string, v any) object {
		b := button("a")
		b["elements"].([]object)[0][name] = v
		return b
	}
	plain := func(n int) object { return object{"type": "plain_text", "text": repeat(n)} }
	return []posted{
		{"empty blocks", object{"blocks": []object{}}, "no_text", ""},
		{"blocks as a word", object{"blocks": "no"}, "invalid_blocks_format", ""},
		{"blocks as an object", object{"blocks": object{}}, "invalid_blocks_format", ""},
		{"blocks of words", object{"blocks": []string{"a"}}, "invalid_blocks_format", ""},
		{"50 blocks", object{"blocks": many(50, object{"type": "divider"})}, "", ""},
		{"51 blocks", object{"blocks": many(51, object{"type": "divider"})}, "invalid_blocks", "no more than 50 items allowed [json-pointer:/blocks]"},
		{"section of 3,000", object{"blocks": []object{section(repeat(3000))}}, "", ""},
		{"section of 3,001", object{"blocks": []object{section(repeat(3001))}}, "invalid_blocks", "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		{"empty section", object{"blocks": []object{section("")}}, "invalid_blocks", "must be more than 0 characters"},
		{"section without anything", object{"blocks": []object{{"type": "section"}}}, "invalid_blocks", "missing required field"},
		{"header of 150", object{"blocks": []object{{"type": "header", "text": plain(150)}}}, "", ""},
		{"header of 151", object{"blocks": []object{{"type": "header", "text": plain(151)}}}, "invalid_blocks", "/blocks/0/text/text"},
		{"mrkdwn header", object{"blocks": []object{{"type": "header", "text": object{"type": "mrkdwn", "text": "a"}}}}, "invalid_blocks", "unsupported type: mrkdwn"},
		{"unknown block", object{"blocks": []object{{"type": "marquee"}}}, "invalid_blocks", "unsupported type: marquee"},
		{"unknown property", object{"blocks": []object{{"type": "divider", "border": "red"}}}, "invalid_blocks", "invalid additional property: border"},
		{"button text of 76", object{"blocks": []object{buttonWith("text", plain(76))}}, "invalid_blocks", "must be less than 76 characters"},
		{"button value of 2,001", object{"blocks": []object{buttonWith("value", repeat(2001))}}, "invalid_blocks", "must be less than 2001 characters"},
		{"action id of 256", object{"blocks": []object{button(repeat(256))}}, "invalid_blocks", "must be less than 256 characters"},
		{"button style", object{"blocks": []object{buttonWith("style", "loud")}}, "invalid_blocks", "value must be one of"},
		{"confirm", object{"blocks": []object{confirm(repeat(100), repeat(300), repeat(30))}}, "", ""},
		{"confirm title of 101", object{"blocks": []object{confirm(repeat(101), "a", "a")}}, "invalid_blocks", "confirm/title/text"},
		{"confirm text of 301", object{"blocks": []object{confirm("a", repeat(301), "a")}}, "invalid_blocks", "confirm/text/text"},
		{"confirm button of 31", object{"blocks": []object{confirm("a", "a", repeat(31))}}, "invalid_blocks", "confirm/confirm/text"},
		{"26 buttons", object{"blocks": []object{{"type": "actions", "elements": many(26, object{"type": "button", "text": plain(1)})}}}, "invalid_blocks", "no more than 25 items allowed"},
		{"11 context elements", object{"blocks": []object{{"type": "context", "elements": many(11, plain(1))}}}, "invalid_blocks", "no more than 10 items allowed"},
		{"block id twice", object{"blocks": []object{{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}}}, "invalid_blocks", "`block_id` already exists"},
		{"action id twice", object{"blocks": []object{{"type": "actions", "elements": many(2, object{"type": "button", "action_id": "a", "text": plain(1)})}}}, "invalid_blocks", "`action_id` already exists"},
		{"empty rich text run", object{"blocks": []object{rich("")}}, "invalid_blocks", "must be more than 0 characters"},
		{"rich text", object{"blocks": []object{rich(repeat(12000))}}, "", ""},
		{"rich text past the size of a message", object{"blocks": []object{rich(repeat(13300))}}, "msg_blocks_too_long", ""},
		{"markdown of 12,000", object{"blocks": []object{{"type": "markdown", "text": repeat(12000)}}}, "", ""},
		{"markdown of 12,001 in two", object{"blocks": []object{{"type": "markdown", "text": repeat(12000)}, {"type": "markdown", "text": "x"}}}, "msg_blocks_too_long", ""},
		{"two tables", object{"blocks": many(2, object{"type": "table", "rows": [][]object{{{"type": "raw_text", "text": "a"}}}})}, "invalid_blocks", "only_one_table_allowed"},
		{"runes, not bytes", object{"blocks": []object{section(strings.Repeat("é", 3000))}}, "", ""},
	}
}

func TestContentLimits(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	for _, c := range append(textLimits(), blockLimits()...) {
		c.args["channel"] = ops
		got := bot(t, s, "chat.postMessage", c.args)
		if text(got, "error") != c.want {
			t.Errorf("%s: error %q, want %q (%v)", c.name, text(got, "error"), c.want, at(got, "response_metadata"))
		}
		if !strings.Contains(text(got, "response_metadata"), c.detail) {
			t.Errorf("%s: %v does not say %q", c.name, at(got, "response_metadata"), c.detail)
		}
	}
	if got := bot(t, s, "chat.postMessage", object{"channel": ops, "text": repeat(40001)}); text(got, "warning") != "message_truncated" || len(text(got, "message", "text")) != 40000 {
		t.Errorf("40,001 characters: warning %q, %d characters kept", text(got, "warning"), len(text(got, "message", "text")))
	}
}

func TestUpdateAndDelete(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	ts := text(must(t, s, "chat.postMessage", object{"channel": ops, "text": "one"}), "ts")
	theirs, err := s.Say(ada, ops, "mine")
	if err != nil {
		t.Fatal(err)
	}
	whisper := text(must(t, s, "chat.postEphemeral", object{"channel": ops, "user": ada, "text": "psst"}), "message_ts")
	for _, c := range []struct {
		method string
		args   object
		want   string
	}{
		{"chat.update", object{"ts": theirs, "text": "x"}, "cant_update_message"},
		{"chat.update", object{"ts": whisper, "text": "x"}, "message_not_found"},
		{"chat.update", object{"ts": "1700000000.000001", "text": "x"}, "message_not_found"},
		{"chat.update", object{"text": "x"}, "invalid_arguments"},
		{"chat.update", object{"ts": ts}, "no_text"},
		{"chat.update", object{"ts": ts, "text": repeat(4001)}, "msg_too_long"},
		{"chat.update", object{"ts": ts, "text": "two"}, ""},
		{"chat.delete", object{"ts": theirs}, "cant_delete_message"},
		{"chat.delete", object{"ts": ts}, ""},
		{"chat.delete", object{"ts": ts}, "message_not_found"},
		{"chat.postEphemeral", object{"user": "U0PETRA001", "text": "x"}, "user_not_in_channel"},
		{"chat.postEphemeral", object{"user": ada, "text": repeat(4001)}, "msg_too_long"},
		{"chat.postEphemeral", object{"text": "x"}, "invalid_arguments"},
	} {
		c.args["channel"] = ops
		if got := text(bot(t, s, c.method, c.args), "error"); got != c.want {
			t.Errorf("%s %v: error %q, want %q", c.method, c.args, got, c.want)
		}
	}
}

func TestEphemeralIsSeenByOneAndKeptOutOfHistory(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	must(t, s, "chat.postEphemeral", object{"channel": ops, "user": ada, "text": "for Ada"})
	mine, err := s.Messages(ada, ops)
	if err != nil || len(mine) != 1 || !mine[0].Ephemeral || mine[0].VisibleTo != ada {
		t.Errorf("Ada sees %+v, %v", mine, err)
	}
	if others, _ := s.Messages(ben, ops); len(others) != 0 {
		t.Errorf("Ben sees %+v", others)
	}
	if history := must(t, s, "conversations.history", object{"channel": ops}); len(at(history, "messages").([]any)) != 0 {
		t.Errorf("history shows %v", history)
	}
}

func TestThreadsArePagedAndMetadataIsAskedFor(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	parent := text(must(t, s, "chat.postMessage", object{"channel": ops, "text": "parent", "metadata": object{"event_type": "turn", "event_payload": object{"part": 1}}}), "ts")
	for range 5 {
		must(t, s, "chat.postMessage", object{"channel": ops, "text": "reply", "thread_ts": parent})
	}
	first := must(t, s, "conversations.replies", object{"channel": ops, "ts": parent, "limit": 3})
	if at(first, "messages", 0, "metadata") != nil || text(first, "messages", 0, "reply_count") != "5" || first["has_more"] != true {
		t.Errorf("first page: %v", first)
	}
	cursor := text(first, "response_metadata", "next_cursor")
	second := must(t, s, "conversations.replies", object{"channel": ops, "ts": parent, "limit": 3, "cursor": cursor, "include_all_metadata": true})
	if text(second, "messages", 0, "ts") != parent || text(second, "messages", 0, "metadata", "event_type") != "turn" || len(at(second, "messages").([]any)) != 3 {
		t.Errorf("second page: %v", second)
	}
	if got := text(bot(t, s, "conversations.replies", object{"channel": ops, "ts": "1700000000.000001"}), "error"); got != "thread_not_found" {
		t.Errorf("unknown thread: %q", got)
	}
	if got := text(bot(t, s, "conversations.history", object{"channel": ops, "limit": 1000}), "error"); got != "invalid_limit" {
		t.Errorf("limit 1000: %q", got)
	}
	if got := text(bot(t, s, "conversations.history", object{"channel": ops, "cursor": "nonsense"}), "error"); got != "invalid_cursor" {
		t.Errorf("bad cursor: %q", got)
	}
}

func TestReplyToAGoneParentLosesItsThread(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	ts, err := s.Say(ada, ops, "soon gone")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ada, ops, ts); err != nil {
		t.Fatal(err)
	}
	if got := must(t, s, "chat.postMessage", object{"channel": ops, "text": "a", "thread_ts": ts}); at(got, "message", "thread_ts") != nil {
		t.Errorf("a reply to a deleted message still has a thread: %v", got)
	}
}

func TestPeopleAreShownAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{People: []slacksim.Person{{ID: "U0FAR00001", Team: "T0PARTNER1", Name: "far", Stranger: true}, {ID: "U0FLOW0001", Name: "flow", Workflow: true}}})
	for _, c := range []struct{ user, field, want string }{
		{ada, "is_admin", "true"}, {gus, "is_restricted", "true"}, {gus, "is_ultra_restricted", "false"}, {"U0DORA0001", "deleted", "true"},
		{"U0PAGER001", "is_bot", "true"}, {"U0FLOW0001", "is_workflow_bot", "true"}, {"U0PETRA001", "team_id", "T0PARTNER1"}, {"U0FAR00001", "is_stranger", "true"},
	} {
		if got := text(must(t, s, "users.info", object{"user": c.user}), "user", c.field); got != c.want {
			t.Errorf("%s %s = %s, want %s", c.user, c.field, got, c.want)
		}
	}
	if got := text(bot(t, s, "users.info", object{"user": "U0NOBODY01"}), "error"); got != "user_not_found" {
		t.Errorf("unknown person: %q", got)
	}
}

func TestRatesAndRestrictedHistory(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{Rates: slacksim.RatesReal, HistoryRestricted: true})
	limited := func(method string, args object) (*http.Response, int) {
		for n := range 200 {
			raw := `{"channel":"` + ops + `","text":"a"}`
			response, _ := send(t, s.URL()+method, "application/json", s.BotToken(""), []byte(raw))
			if response.StatusCode == http.StatusTooManyRequests {
				return response, n
			}
		}
		return nil, 200
	}
	response, n := limited("chat.postMessage", nil)
	if response == nil || response.Header.Get("Retry-After") != "1" || n > 8 {
		t.Errorf("posting: limited after %d with %v", n, response)
	}
	if got := must(t, s, "chat.postMessage", object{"channel": "C0CHECKOUT", "text": "a"}); got["ok"] != true {
		t.Errorf("another channel shares the limit: %v", got)
	}
	if response, n := limited("conversations.history", nil); response == nil || n != 1 || response.Header.Get("Retry-After") != "60" {
		t.Errorf("restricted history: limited after %d with %v", n, response)
	}
	for _, c := range s.Calls("conversations.history")[:1] {
		if got := len(at(c.Response, "messages").([]map[string]any)); got > 15 {
			t.Errorf("restricted history shows %d messages", got)
		}
	}
}

func TestFilesGoUpInThreeSteps(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	ticket := must(t, s, "files.getUploadURLExternal", object{"filename": "out.txt", "length": 5})
	complete := object{"files": []object{{"id": ticket["file_id"], "title": "Output"}}, "channel_id": ops}
	if got := text(bot(t, s, "files.completeUploadExternal", complete), "error"); got != "file_not_found" {
		t.Errorf("completed before the bytes were there: %q", got)
	}
	if response, _ := send(t, text(ticket, "upload_url"), "text/plain", "", []byte("too long")); response.StatusCode != http.StatusBadRequest {
		t.Errorf("other length than announced: %d", response.StatusCode)
	}
	if response, _ := send(t, text(ticket, "upload_url"), "text/plain", "", []byte("hello")); response.StatusCode != http.StatusOK {
		t.Errorf("upload: %d", response.StatusCode)
	}
	must(t, s, "files.completeUploadExternal", complete)
	messages, err := s.Messages(ada, ops)
	if err != nil || len(messages) != 1 || len(messages[0].Files) != 1 || string(messages[0].Files[0].Contents) != "hello" {
		t.Errorf("shared: %+v, %v", messages, err)
	}
}

func TestWhatSlackWouldMakeLiveIsNoted(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	for _, c := range []struct {
		args           object
		pings, unfurls int
	}{
		{object{"text": "a <!here> and <@" + ada + ">"}, 2, 0},
		{object{"text": "a &lt;!here&gt;"}, 0, 0},
		{object{"text": "fallback <!here>", "blocks": []object{section("quiet")}}, 0, 0},
		{object{"text": "x", "blocks": []object{section("loud <!channel>")}}, 1, 0},
		{object{"text": "see https://evil.example/?q=1"}, 0, 1},
		{object{"text": "see https://evil.example/?q=1", "unfurl_links": false}, 0, 1},
		{object{"text": "see https://evil.example/?q=1", "unfurl_links": false, "unfurl_media": false}, 0, 0},
		{object{"text": "hi @ada", "link_names": true}, 1, 0},
	} {
		c.args["channel"] = ops
		must(t, s, "chat.postMessage", c.args)
		all, _ := s.Messages(ada, ops)
		last := all[len(all)-1]
		if len(last.Pings) != c.pings || len(last.Unfurls) != c.unfurls {
			t.Errorf("%v: pings %v, unfurls %v", c.args, last.Pings, last.Unfurls)
		}
	}
	ts := text(must(t, s, "chat.postMessage", object{"channel": ops, "text": "hi"}), "ts")
	for parse, pings := range map[string]int{"": 1, "none": 0, "full": 1} {
		must(t, s, "chat.update", object{"channel": ops, "ts": ts, "text": "hi @ada, a@b", "parse": parse})
		all, _ := s.Messages(ada, ops)
		if got := all[len(all)-1]; len(got.Pings) != pings || !got.Edited {
			t.Errorf("update with parse %q pings %v, edited %v", parse, got.Pings, got.Edited)
		}
	}
}
