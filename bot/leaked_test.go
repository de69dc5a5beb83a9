package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// keyless takes out what begins with KEY- and has eight further letters, as a token has its length.
type keyless struct{}

func (keyless) Clean(text string) (clean string, found int) {
	for {
		at := strings.Index(text, "KEY-")
		if at < 0 || len(text) < at+12 {
			return text, found
		}
		text, found = text[:at]+"[credential]"+text[at+12:], found+1
	}
}

func TestWhoeverPastesACredentialIsToldToRotateIt(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Member, Guest, External, Unknown} {
		o := newOffice(t)
		o.room.kind, o.intake.Clean = kind, keyless{}
		o.say("U1", "use KEY-12345678 please")
		e := store.Event{Key: "env:1", Kind: store.EventCommand, Thread: "T1:C1:U1", Person: person("U1"),
			Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}, Text: "run aws KEY-12345678", At: time.Now()}
		if _, err := o.intake.Receive(t.Context(), e, CommandPayload{}); err != nil {
			t.Fatal(err)
		}
		if err := o.work(); err != nil {
			t.Fatal(err)
		}
		if len(o.room.whispers) != 2 || len(o.room.order) != 0 {
			t.Fatalf("%s: whispered %+v, said %q", kind, o.room.whispers, o.room.words())
		}
		for _, m := range o.room.whispers {
			if !strings.Contains(m.Notice, "rotate the credential") {
				t.Errorf("%s hears %q", kind, m.Notice)
			}
		}
	}
}

func TestQuotedMessageIsCleanedBeforeItIsCut(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Clean = keyless{}
	v := &Views{Desk: o.Desk, Intake: o.intake, Log: zerolog.Nop()}
	about := func(text string) Question {
		return v.Quote(t.Context(), person("U1"), Quoted{Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1", Thread: "1.1"}, Said: Said{Text: text, TS: "1.1"}})
	}
	for _, text := range []string{"KEY-12345678", strings.Repeat("x", maxAsk-6) + "KEY-12345678 and more"} {
		q := about(text)
		kept, err := o.mem.TicketByHash(t.Context(), store.HashNonce(q.Ref))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(q.Quoted+string(kept), "KEY-") || !strings.Contains(q.Warning, "rotated") {
			t.Errorf("shown %.40q, warned %q", q.Quoted, q.Warning)
		}
	}
	if q := about("disk is full"); q.Warning != "" || q.Quoted != "disk is full" {
		t.Errorf("%+v", q)
	}
}
