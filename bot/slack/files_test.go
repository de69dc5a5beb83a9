package slack

import (
	"fmt"
	"strings"
	"testing"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
	"aurora/store"
)

func longMessage() (bot.Message, string) {
	var text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	return bot.Message{Text: "Here.", Outputs: []bot.Output{{Title: "aws s3 ls", Text: text.String()}, {Text: "short"}}}, text.String()
}

// shown gives what stands at ts in a thread and the files there.
func (r *rig) shown(t *testing.T, where store.Place, ts string) (text string, files []slacksim.File) {
	t.Helper()
	messages, err := r.sim.Thread(ada, where.Channel, where.Thread)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.TS == ts {
			text = m.Plain
		}
		files = append(files, m.Files...)
	}
	return text, files
}

func TestLongOutputComesAsAFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	where := place(ops)
	where.Thread = r.tell(t, ada, ops, "root")
	placeholder, err := r.Post(t.Context(), where, bot.Message{Status: "Looking"}, bot.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	m, whole := longMessage()
	for range 2 { // doing it twice does no harm
		if err := r.Update(t.Context(), where, placeholder, m); err != nil {
			t.Fatal(err)
		}
	}
	text, files := r.shown(t, where, placeholder)
	if !strings.Contains(text, "the file below has all of them") || !strings.Contains(text, "line 0\n") || !strings.Contains(text, "line 2999") {
		t.Errorf("the message is %.300s", text)
	}
	if len(files) != 1 || string(files[0].Contents) != whole || files[0].Title != "aws s3 ls" {
		t.Errorf("%d files", len(files))
	}
}

func TestOutputIsCutHonestlyWhenItsFileFails(t *testing.T) {
	t.Parallel()
	for _, fault := range []slacksim.Fault{
		{Method: "files.getUploadURLExternal", Kind: slacksim.FaultError, Error: "missing_scope", Times: -1},
		{Method: "upload", Kind: slacksim.FaultStatus, Times: -1},
		{Method: "files.completeUploadExternal", Kind: slacksim.FaultError, Error: "file_upload_size_restricted", Times: -1},
	} {
		t.Run(fault.Method, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, slacksim.Config{})
			r.sim.Inject(fault)
			where := place(ops)
			where.Thread = r.tell(t, ada, ops, "root")
			m, _ := longMessage()
			ts, err := r.Post(t.Context(), where, m, bot.Meta{})
			if err != nil {
				t.Fatal(err)
			}
			text, files := r.shown(t, where, ts)
			if !strings.Contains(text, "are left out here …") || strings.Contains(text, "the file below") || len(files) > 0 {
				t.Errorf("%d files and the message %.300s", len(files), text)
			}
		})
	}
}

func TestWhisperedOutputIsNoFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	whisper := place(ops)
	whisper.Whisper = ben
	m, _ := longMessage()
	if err := r.Whisper(t.Context(), whisper, m, ""); err != nil {
		t.Fatal(err)
	}
	if n := len(r.sim.Calls("files.getUploadURLExternal")); n > 0 {
		t.Error("what was for one person was uploaded for all")
	}
}

// TestSlackTakesWhateverIsSaid sends hostile messages to a Slack that checks every block.
func TestSlackTakesWhateverIsSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{}, unpaced)
	for _, s := range []string{"<!here> <@" + ben + "> <!channel>", strings.Repeat("*a* ", 3000), strings.Repeat("\"\\\n", 5000), "| a | b |\n|---|---|\n| c | d |", "",
		"1. a\n   - b\n\n     ```\n     c\n     ```\n2. > d", strings.Repeat("é&<", 4000), "\xff\x00\u202e"} {
		for i, part := range r.Split(hostile(s, s)) {
			ts, err := r.Post(t.Context(), place(ops), part, bot.Meta{Turn: "t", Part: i})
			if err != nil {
				t.Fatalf("%.20q, part %d: %v", s, i, err)
			}
			if err := r.Update(t.Context(), place(ops), ts, part); err != nil {
				t.Fatalf("%.20q, part %d, update: %v", s, i, err)
			}
		}
	}
	for _, c := range r.sim.Calls("") {
		if !c.OK() {
			t.Errorf("%s: %s", c.Method, c.Error())
		}
	}
	messages, err := r.sim.Messages(ada, ops)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if len(m.Pings)+len(m.Unfurls) > 0 {
			t.Errorf("it pings %v and unfurls %v", m.Pings, m.Unfurls)
		}
	}
}
