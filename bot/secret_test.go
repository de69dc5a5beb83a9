package bot

import (
	"strings"
	"testing"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

func TestSecretIsShownOnceOrTheAnswerSaysWhyNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secret string
		deaf   bool
		want   string // in the answer
	}{
		"shown":         {"hunter-canary", false, ""},
		"nobody hears":  {"hunter-canary", true, "I could not show you"},
		"far too long":  {strings.Repeat("hunter-canary ", 4000), false, "ask for less"},
		"there is none": {"", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.room.deaf = c.deaf
			o.Agent = events{
				agent.CallDone{Step: 1, Ran: true, Result: providers.Result{Status: providers.StatusOK, Output: "It is shown once.", Private: c.secret}},
				agent.Final{Text: "Here you are.", State: store.TurnDone},
			}
			o.say("U1", "show me the password")
			said := o.inTheOpen()
			if strings.Contains(said, "canary") || !strings.Contains(said, "Here you are.") || !strings.Contains(said, c.want) || c.want == "" && strings.Contains(said, "secret") {
				t.Errorf("said %s", said)
			}
			shown := len(o.room.whispers) == 1 && o.room.whispers[0].Secret == c.secret
			if want := c.secret != "" && c.want == ""; shown != want || !want && len(o.room.whispers) > 0 {
				t.Errorf("whispered %+v", o.room.whispers)
			}
		})
	}
}
