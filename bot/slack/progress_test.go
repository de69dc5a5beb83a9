package slack

import (
	"testing"
	"time"

	"aurora/bot"
	"aurora/store"
)

func TestProgressIsDrawn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m    bot.Message
		want string
	}{
		"commands": {bot.Message{Status: "Running 2 commands on aws, gcp …", Running: []bot.Running{
			{Argv: []string{"aws", "s3", "ls", "it's <!here>"}, Cloud: store.AWS, Accounts: []string{"prod", "<@U1>"}, For: 3 * time.Second},
			{Argv: []string{"gcloud", "x"}, Cloud: store.GCP, For: 125 * time.Second},
			{Cloud: store.GCP}}},
			"_Running 2 commands on aws, gcp …_\n\n⏳ `aws s3 ls 'it'\\''s <!here>'` · aws · account prod, <@U1> · 3 s\n⏳ `gcloud x` · gcp · 2 min 5 s\n" +
				"⏳ a command that is for the person who asked alone · gcp"},
		"draft":         {bot.Message{Status: "Writing …", Draft: "**Two** run:\n- a <!here>\n"}, "*Two* run:\n• a <!here>\n_Writing …_"},
		"an open fence": {bot.Message{Status: "Writing …", Draft: "```\n<@U1>\n"}, "{{{<@U1>}}}\n_Writing …_"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := testRenderer.message(c.m)
			checkRendered(t, out)
			if got := drawn(out); got != c.want {
				t.Errorf("drawn as\n%s\nwant\n%s", got, c.want)
			}
			if !onProgress(c.m) {
				t.Error("it is not taken for a word on progress")
			}
		})
	}
}

// FuzzDraft: wherever a text is cut while it is written, nothing of it is live and Slack takes it.
func FuzzDraft(f *testing.F) {
	for _, s := range []string{"a <!he\nre> [x](https://evil.example/", "| a | b |\n|---|---|\n| <@U1> | `", "```\n<!channel>\n", "- a\n  - b\n1. "} {
		f.Add(s, 7)
	}
	f.Fuzz(func(t *testing.T, text string, at int) {
		if at < 0 || at > len(text) {
			at = len(text)
		}
		checkRendered(t, testRenderer.message(bot.Message{Status: "Writing …", Draft: text[:at], Running: []bot.Running{{Argv: []string{text}, Accounts: []string{text}}}}))
	})
}
