package slacksim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"aurora/bot/slack/slacksim"
)

func TestTypedTextBecomesWhatSlackSends(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{Events: []string{"message.channels"}})
	a := connect(t, s)
	for _, c := range []struct{ typed, want string }{
		{"plain", "plain"},
		{"@aurora: hi", "<@U0AURORA01>: hi"},
		{"ask @ada.", "ask <@U0ADA00001>."},
		{"@nobody here", "@nobody here"},
		{"mail ada@nimbus.example now", "mail <mailto:ada@nimbus.example|ada@nimbus.example> now"},
		{"see example.com.", "see <http://example.com|example.com>."},
		{"<@U0BEN00001> and <@U0NOBODY01>", "<@U0BEN00001> and &lt;@U0NOBODY01&gt;"},
		{"<!here> & <b>", "&lt;!here&gt; &amp; &lt;b&gt;"},
		{"@here look", "<!here> look"},
		{"#ops and #nowhere", "<#C0OPS00001|ops> and #nowhere"},
		{"aws s3 ls s3://bucket/x", "aws s3 ls s3://bucket/x"},
		{"--endpoint-url https://x.example/?a=1&b=2", "--endpoint-url <https://x.example/?a=1&amp;b=2>"},
	} {
		if _, err := s.Say(ada, ops, c.typed); err != nil {
			t.Fatal(err)
		}
		f := a.take()
		if got := text(f, "payload", "event", "text"); got != c.want {
			t.Errorf("%q arrives as %q, want %q", c.typed, got, c.want)
		}
		if text(f, "payload", "event", "blocks", 0, "type") != "rich_text" {
			t.Errorf("%q has no rich text: %v", c.typed, at(f, "payload", "event", "blocks"))
		}
		all, _ := s.Messages(ada, ops)
		if got := all[len(all)-1].Plain; got != strings.NewReplacer("<@U0BEN00001>", "@ben").Replace(c.typed) {
			t.Errorf("%q reads %q", c.typed, got)
		}
	}
}

// FuzzBlocks holds that whatever JSON is posted as blocks, Slack answers: with ok, or with an error of its own.
func FuzzBlocks(f *testing.F) {
	for _, seed := range []string{`[]`, `[{"type":"section","text":{"type":"mrkdwn","text":"a"}}]`, `[{"type":"actions","elements":[{"type":"button"}]}]`,
		`[{"type":"table","rows":[[1]]}]`, `[{"type":"rich_text","elements":[{"type":"rich_text_list","elements":[{}]}]}]`, `[null]`, `{"a":1}`, `[{"type":{}}]`, `[{"block_id":7,"type":"divider"}]`} {
		f.Add(seed)
	}
	s := slacksim.New(slacksim.Config{})
	if err := s.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, blocks string) {
		raw, err := json.Marshal(map[string]string{"channel": ops, "blocks": blocks})
		if err != nil {
			t.Skip()
		}
		response, answer := send(t, s.URL()+"chat.postMessage", "application/json", s.BotToken(""), raw)
		if response.StatusCode != 200 || answer["ok"] == nil {
			t.Errorf("%q: %d %v", blocks, response.StatusCode, answer)
		}
		if _, err := s.Messages(ada, ops); err != nil {
			t.Error(err)
		}
		s.Forget()
	})
}

func BenchmarkMentionToAck(b *testing.B) {
	s := slacksim.New(slacksim.Config{})
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	ackAll(b, s)
	for b.Loop() {
		if _, err := s.Say(ada, ops, "@aurora hi"); err != nil {
			b.Fatal(err)
		}
		if err := s.WaitQuiet(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
