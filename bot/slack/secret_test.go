package slack

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
)

// longSecret is what a cloud prints of a secret: JSON that would be folded and shortened were it an output.
func longSecret() string {
	var text strings.Builder
	text.WriteString("[\n")
	for i := range 900 {
		fmt.Fprintf(&text, "  {\"Name\": \"key-%d\", \"Value\": \"a\\\"b\\\\%d\"},\n", i, i)
	}
	return text.String() + "  {}\n]"
}

func TestSecretIsWhisperedWordForWord(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	whisper := place(ops)
	whisper.Whisper = ben
	secret := longSecret()
	parts := r.Split(bot.Message{Notice: "Once:", Secret: secret})
	if len(parts) < 3 {
		t.Fatalf("%d parts", len(parts))
	}
	for _, part := range parts {
		if err := r.Whisper(t.Context(), whisper, part, ""); err != nil {
			t.Fatal(err)
		}
	}
	messages, err := r.sim.Messages(ben, ops)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, m := range messages {
		got += m.Plain
		if strings.Contains(m.Text, "key-") {
			t.Errorf("a notification shows it: %s", m.Text)
		}
	}
	words := func(s string) string { return strings.Join(strings.Fields(s), "") }
	if !strings.Contains(words(got), words(secret)) {
		t.Errorf("%d characters of %d were shown", len(got), len(secret))
	}
	for _, c := range r.sim.Calls("") {
		if strings.HasPrefix(c.Method, "files.") || !c.OK() {
			t.Errorf("%s: %s", c.Method, c.Error())
		}
	}
}

// TestSecretIsShownNowhereElse: a direct message stays and is found by a search.
func TestSecretIsShownNowhereElse(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	m := bot.Message{Secret: "hunter-canary"}
	away, locked, alone := place(ops), place(ops), place("")
	away.Whisper, locked.Whisper, alone.Whisper = gus, ben, ada // gus is not in the channel
	if err := r.Whisper(t.Context(), away, m, ""); !errors.Is(err, bot.ErrUndeliverable) {
		t.Errorf("to somebody who is not there: %v", err)
	}
	r.sim.Inject(slacksim.Fault{Method: "chat.postEphemeral", Kind: slacksim.FaultError, Error: "restricted_action_read_only_channel"})
	if err := r.Whisper(t.Context(), locked, m, ""); !errors.Is(err, bot.ErrUndeliverable) {
		t.Errorf("in a locked channel: %v", err)
	}
	if err := r.Whisper(t.Context(), alone, m, ""); !errors.Is(err, bot.ErrUndeliverable) {
		t.Errorf("without a channel: %v", err)
	}
	r.sim.Inject(slacksim.Fault{Method: "chat.postEphemeral", Kind: slacksim.FaultError, Error: "invalid_blocks"})
	if err := r.Whisper(t.Context(), locked, m, ""); err == nil {
		t.Error("Slack refused its blocks, and it counts as shown")
	}
	for _, who := range []string{ada, ben, gus} {
		dm, err := r.sim.OpenDM(who)
		if err != nil {
			t.Fatal(err)
		}
		if messages, _ := r.sim.Messages(who, dm); slices.ContainsFunc(messages, func(m slacksim.Message) bool { return strings.Contains(m.Plain, "canary") }) {
			t.Errorf("it stands in the direct messages of %s", who)
		}
	}
}
