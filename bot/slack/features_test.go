package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
)

// sessionStates are the states a thread's session was given, in order.
func (r *rig) sessionStates(thread string) (states []string) {
	for _, c := range r.sim.Calls("agents.sessions.setStatus") {
		if c.Args["thread_ts"] == thread && c.OK() {
			states = append(states, fmt.Sprint(c.Args["status"]))
		}
	}
	return states
}

func TestStatusLineIsShownAndCleared(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	where := place(ops)
	where.Thread = r.tell(t, ada, ops, "root")
	ts, err := r.Post(t.Context(), where, bot.Message{Status: "Looking at aws, gcp ..."}, bot.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the status", func() bool { return r.sim.Status(ops, where.Thread) == "Looking at aws, gcp ..." })
	if err := r.Update(t.Context(), where, ts, bot.Message{Text: "done"}); err != nil {
		t.Fatal(err)
	}
	await(t, "no status", func() bool {
		return r.sim.Status(ops, where.Thread) == "" && strings.Join(r.sessionStates(where.Thread), " ") == "processing active"
	})
}

// TestAnswerClearsAStatusAnotherProcessHasSet: whoever sets a status may be gone before the answer comes.
func TestAnswerClearsAStatusAnotherProcessHasSet(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	where := place(ops)
	where.Thread = r.tell(t, ada, ops, "root")
	ts, err := r.Post(t.Context(), where, bot.Message{Status: "Looking"}, bot.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the status", func() bool { return r.sim.Status(ops, where.Thread) == "Looking" })
	second := New(r.config)
	if err := second.Update(t.Context(), where, ts, bot.Message{Text: "done"}); err != nil {
		t.Fatal(err)
	}
	await(t, "no status", func() bool {
		return r.sim.Status(ops, where.Thread) == "" && strings.HasSuffix(strings.Join(r.sessionStates(where.Thread), " "), "active")
	})
}

// TestStatusIsClearedThoughSlackAsksToWait: what is not cleared would say that somebody is at work for ever.
func TestStatusIsClearedThoughSlackAsksToWait(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{})
	where := place(ops)
	where.Thread = r.tell(t, ada, ops, "root")
	ts, err := r.Post(t.Context(), where, bot.Message{Status: "Looking"}, bot.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the status", func() bool { return r.sim.Status(ops, where.Thread) == "Looking" })
	for _, method := range []string{"agents.sessions.setStatus", "assistant.threads.setStatus"} {
		r.sim.Inject(slacksim.Fault{Method: method, Kind: slacksim.FaultRateLimit, RetryAfter: time.Second})
	}
	if err := r.Update(t.Context(), where, ts, bot.Message{Text: "done"}); err != nil {
		t.Fatal(err)
	}
	await(t, "no status", func() bool {
		return r.sim.Status(ops, where.Thread) == "" && strings.Join(r.sessionStates(where.Thread), " ") == "processing active"
	})
}

// TestWorkspaceWithoutAFeatureIsAskedOnce: plain messages do, and a workspace that was upgraded is noticed later.
func TestWorkspaceWithoutAFeatureIsAskedOnce(t *testing.T) {
	t.Parallel()
	for _, off := range []slacksim.Feature{slacksim.FeatureStatus, slacksim.FeatureSessions, slacksim.FeatureFiles, slacksim.FeatureFeedback} {
		t.Run(string(off), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, slacksim.Config{}, unpaced)
			if err := r.sim.Switch("", off, false); err != nil {
				t.Fatal(err)
			}
			dm, err := r.sim.OpenDM(ada)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				where := place(dm)
				where.Thread = r.tell(t, ada, dm, fmt.Sprint("ask ", i))
				ts, err := r.Post(t.Context(), where, bot.Message{Status: "Looking", Title: "An ask"}, bot.Meta{})
				if err != nil {
					t.Fatal(err)
				}
				m, _ := longMessage()
				m.Prompts, m.Rating = bot.FirstPrompts(), bothSides()
				m.Outputs = append(m.Outputs, bot.Output{Text: `[{"a":1,"b":"x"}]`})
				for _, part := range r.Split(m) {
					if err := r.Update(t.Context(), where, ts, part); err != nil {
						t.Fatal(err)
					}
				}
				r.aside.drain(apiTimeout)
			}
			refused := map[string]int{}
			for _, c := range r.sim.Calls("") {
				if !c.OK() {
					refused[c.Method]++
				}
			}
			for method, times := range refused {
				if times > 1 && method != "chat.update" || times > 2 {
					t.Errorf("%s was refused %d times", method, times)
				}
			}
			if len(refused) == 0 {
				t.Error("nothing was refused, so this proves nothing")
			}
		})
	}
}

func TestLackIsForgottenAfterAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f features
		if !f.offers("T1", titles) || !f.lack("T1", titles) || f.lack("T1", titles) || f.offers("T1", titles) {
			t.Error("a lack is not remembered")
		}
		if !f.offers("T1", prompts) || !f.offers("T2", titles) {
			t.Error("one lack stands for others")
		}
		time.Sleep(askAgain + time.Second)
		if !f.offers("T1", titles) {
			t.Error("an upgrade is never noticed")
		}
	})
}

func bothSides() []bot.Button {
	return []bot.Button{{Action: rateAction, Label: "Good", Value: "nonce-good"}, {Action: rateAction, Label: "Bad", Value: "nonce-bad"}}
}

func TestAnswerCanBeRatedOnceByEachPerson(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	ts, err := r.Post(t.Context(), place(ops), bot.Message{Text: "Two run.", Rating: bothSides()}, bot.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	for _, press := range []struct{ who, value string }{{ada, "nonce-good"}, {ada, "nonce-bad"}, {ada, "nonce-good"}, {ben, "nonce-bad"}} {
		if o, err := r.sim.Choose(press.who, ops, ts, rateAction, press.value); err != nil || !o.Acked {
			t.Fatalf("%v: %v, %+v", press, err, o)
		}
	}
	events := r.inbox.await(t, 2)
	var first bot.ClickPayload
	if err := json.Unmarshal(events[0].Payload, &first); err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 || first.Action != rateAction || strings.Contains(string(events[0].Payload), "nonce-good") || events[0].Text != "" {
		t.Errorf("%d events, the first one is %+v", len(events), events[0])
	}
}

func TestRatingIsLeftOutWhereThereIsNoRoomForIt(t *testing.T) {
	t.Parallel()
	full := bot.Message{Rating: bothSides()}
	for testRenderer.fits(bot.Message{Text: full.Text + "word\n\n"}) {
		full.Text += "word\n\n"
	}
	for _, m := range []bot.Message{full, {Text: "x", Rating: bothSides()}, {Text: "x", Rating: bothSides()[:1]}, {Text: "x", Rating: []bot.Button{{}, {}}}} {
		out := testRenderer.message(m)
		checkRendered(t, out)
		if strings.Contains(drawn(out), "too long to be shown") {
			t.Error("words were cut for two buttons")
		}
		if got, want := out.hasNewBlocks(), m.Text == "x" && len(m.Rating) == 2 && m.Rating[0].Value != ""; got != want {
			t.Errorf("it has feedback buttons: %v", got)
		}
	}
}

func TestDirectMessagesHaveATitleAndPrompts(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{})
	dm, err := r.sim.OpenDM(ada)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.sim.OpenHome(ada, "messages"); err != nil {
		t.Fatal(err)
	}
	await(t, "the first prompts", func() bool { return len(r.sim.Calls("assistant.threads.setSuggestedPrompts")) == 1 })
	for _, channel := range []string{dm, ops} {
		where := place(channel)
		where.Thread = r.tell(t, ada, channel, "ask")
		ts, err := r.Post(t.Context(), where, bot.Message{Status: "Looking", Title: "What <!here> runs?\n"}, bot.Meta{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Update(t.Context(), where, ts, bot.Message{Text: "Two.", Prompts: bot.FirstPrompts()}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "title and prompts", func() bool {
		return len(r.sim.Calls("agents.sessions.rename")) == 1 && len(r.sim.Calls("assistant.threads.setSuggestedPrompts")) == 2
	})
	for _, c := range r.sim.Calls("") {
		if !c.OK() {
			t.Errorf("%s: %s", c.Method, c.Error())
		}
	}
	if c := r.sim.Calls("agents.sessions.rename")[0]; c.Args["title"] != "What <!here> runs?" || c.Args["channel_id"] != dm {
		t.Errorf("the title is %v", c.Args)
	}
}
