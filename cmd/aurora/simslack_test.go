package main

import (
	"slices"
	"strings"
	"testing"

	"aurora/bot/slack/slacksim"
)

func TestPlaygroundsSlackIsInstalledByTheManifest(t *testing.T) {
	t.Parallel()
	c, err := simulatedSlack(false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(c.Scopes, "chat:write") || !slices.Contains(c.Events, "app_mention") || !slices.Equal(c.Commands, []string{"/aurora"}) || c.PlainCommands {
		t.Errorf("the manifest is not what is installed: %+v", c)
	}
	if c.Rates != slacksim.RatesReal {
		t.Error("the playground's Slack takes more than the real one")
	}
	for _, hint := range c.Hints {
		if !strings.HasPrefix(hint, "@aurora ") && !strings.HasPrefix(hint, "/aurora ") {
			t.Errorf("%q reaches nobody", hint)
		}
	}
	if real, err := simulatedSlack(true); err != nil || real.Notice == c.Notice || !strings.Contains(real.Notice, "real one") {
		t.Errorf("with a real model it says %q: %v", real.Notice, err)
	}
}
