package openai_test

import (
	"strings"
	"testing"

	"aurora/agent"
	"aurora/agent/openai/modelsim"
)

// TestReplyIsHeardWhileItIsWritten: the pieces are the text in order and the whole reply comes last; a call is told
// before it is whole.
func TestReplyIsHeardWhileItIsWritten(t *testing.T) {
	t.Parallel()
	text := "Two instances run.\n- web <!here>\n- db\n"
	for name, c := range map[string]struct {
		reply modelsim.Reply
		call  bool
	}{
		"words": {modelsim.Reply{Text: text}, false},
		"call":  {modelsim.Reply{Text: text, Calls: twoCalls}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startSim(t, modelsim.Config{Script: modelsim.Script{{Any: true, Reply: c.reply}}})
			var said strings.Builder
			var whole *agent.Reply
			pieces, call := 0, false
			for p, err := range client(t, s.URL(), nil).Reply(t.Context(), request()) {
				if err != nil {
					t.Fatal(err)
				}
				if whole != nil {
					t.Fatal("something comes after the whole reply")
				}
				said.WriteString(p.Text)
				pieces, call, whole = pieces+1, call || p.Call, p.Reply
			}
			if whole == nil || whole.Text != text || said.String() != text || call != c.call || pieces < 3 {
				t.Errorf("%d pieces say %q, a call is begun: %v, the whole is %+v", pieces, said.String(), call, whole)
			}
		})
	}
}

// TestListenerMayLeave: the stream ends with the listener, and nothing more is asked.
func TestListenerMayLeave(t *testing.T) {
	t.Parallel()
	s := startSim(t, modelsim.Config{Script: modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: strings.Repeat("word ", 200)}}}})
	for range client(t, s.URL(), nil).Reply(t.Context(), request()) {
		break
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests were sent", n)
	}
}
