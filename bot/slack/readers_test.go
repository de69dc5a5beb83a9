package slack

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
)

// TestWhoComesWhileAMessageWaitsInLineReadsNothing: it was decided what to say before the channel's pace and the upload.
func TestWhoComesWhileAMessageWaitsInLineReadsNothing(t *testing.T) {
	t.Parallel()
	var r *rig
	r = newRig(t, slacksim.Config{}, func(c *Config) {
		c.Pace = func(_ context.Context, key string, _ time.Duration, _ int) (time.Duration, error) {
			if strings.HasPrefix(key, "slack:post:") {
				_ = r.sim.Invite(ada, ops, gus)
			}
			return 0, nil
		}
	})
	inOps := func(text string) bool {
		messages, err := r.sim.Messages(ada, ops)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(messages, func(m slacksim.Message) bool { return strings.Contains(m.Plain, text) })
	}
	within := &bot.Readers{}
	if _, err := r.Post(t.Context(), place(ops), bot.Message{Text: "for members", Readers: within}, bot.Meta{}); !errors.Is(err, bot.ErrOverheard) || inOps("for members") {
		t.Errorf("a guest came while it waited: %v", err)
	}
	ts, err := r.Post(t.Context(), place(ops), bot.Message{Status: "Looking"}, bot.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	long, _ := longMessage()
	long.Readers = within
	if err := r.Update(t.Context(), place(ops), ts, long); !errors.Is(err, bot.ErrOverheard) || inOps("line 0") {
		t.Errorf("an edit: %v", err)
	}
	r.sendProgress(t.Context(), &progressing{}, place(ops), ts, bot.Message{Status: "Running a secret", Readers: within})
	if inOps("Running a secret") {
		t.Error("a word on progress that waited")
	}
	now, err := r.Audience(t.Context(), place(ops))
	if err != nil {
		t.Fatal(err)
	}
	told := &bot.Readers{Agreed: []string{"guests"}, Crowd: now.Crowd}
	if err := r.Update(t.Context(), place(ops), ts, bot.Message{Text: "shared", Readers: told}); err != nil || !inOps("shared") {
		t.Errorf("its asker was told of guests: %v", err)
	}
}

// TestAnotherGuestMakesAnotherCrowd: whoever is told of a guest was not told of the next one.
func TestAnotherGuestMakesAnotherCrowd(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	crowd := func(channel string) string {
		got, err := r.Audience(t.Context(), place(channel))
		if err != nil {
			t.Fatal(err)
		}
		return got.Crowd
	}
	for _, channel := range []string{checkout, share} {
		before := crowd(channel)
		if before == "" || crowd(channel) != before {
			t.Errorf("%s: who reads there is not told, or each time otherwise", channel)
		}
		guest := slacksim.Person{ID: "U0" + channel[2:], Name: "guest-" + channel, Guest: true}
		if err := r.sim.AddPerson(guest); err != nil {
			t.Fatal(err)
		}
		if err := r.sim.Invite(ada, channel, guest.ID); err != nil {
			t.Fatal(err)
		}
		if crowd(channel) == before {
			t.Errorf("%s: another guest came and nobody noticed", channel)
		}
	}
	if got := crowd(ops); got != "" {
		t.Errorf("in house it is %q", got)
	}
	r.sim.Inject(slacksim.Fault{Method: "conversations.members", Kind: slacksim.FaultError, Error: "missing_scope", Times: -1})
	if got := crowd(share); got != "" {
		t.Errorf("where nobody can be listed it is %q", got)
	}
}

func TestWhoReadsIsNotAskedTwiceInASecond(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{}, unpaced)
	m := bot.Message{Text: "for members", Readers: &bot.Readers{Seen: time.Now().Add(time.Hour)}}
	if _, err := r.Post(t.Context(), place(ops), m, bot.Meta{}); err != nil || len(r.sim.Calls("conversations.info")) != 0 {
		t.Errorf("%d calls, %v", len(r.sim.Calls("conversations.info")), err)
	}
	m.Readers.Seen = time.Now().Add(-2 * time.Second)
	if _, err := r.Post(t.Context(), place(ops), m, bot.Meta{}); err != nil || len(r.sim.Calls("conversations.info")) != 1 {
		t.Errorf("%d calls, %v", len(r.sim.Calls("conversations.info")), err)
	}
}
