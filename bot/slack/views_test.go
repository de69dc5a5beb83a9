package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
	"aurora/store"
)

// desk answers views as a test says.
type desk struct {
	mu      sync.Mutex
	home    bot.Home
	drawn   int
	opened  map[string]bool
	slow    chan struct{} // when set, every answer waits for it
	problem string
	err     error
	asked   []string
}

func (d *desk) wait(ctx context.Context) {
	d.mu.Lock()
	slow := d.slow
	d.mu.Unlock()
	if slow == nil {
		return
	}
	select {
	case <-slow:
	case <-ctx.Done():
	}
}

func (d *desk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *desk) Home(ctx context.Context, p store.Person, opened store.Place) (bot.Home, bool) {
	d.wait(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened[p.ID] = d.opened[p.ID] || opened.Channel != ""
	d.drawn++
	h := d.home
	h.Place = opened
	return h, d.opened[p.ID]
}

func (d *desk) Menu(ctx context.Context, _ store.Person, _ store.Place, choice string) bot.Menu {
	d.wait(ctx)
	return bot.Menu{Message: bot.Message{Notice: "You chose " + choice + "."}, Clouds: []store.Cloud{store.AWS}}
}

func (d *desk) Quote(ctx context.Context, _ store.Person, q bot.Quoted) bot.Question {
	d.wait(ctx)
	question := bot.Question{Ref: "a-reference", Quoted: strings.ReplaceAll(q.Said.Text, "hunter-canary", "[credential]")}
	if question.Quoted != q.Said.Text {
		question.Warning = "Rotate it."
	}
	return question
}

func (d *desk) Ask(_ context.Context, _ store.Person, key, ref, text string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, strings.Join([]string{key, ref, text}, " "))
	return d.problem, d.err
}

// viewing starts an adapter with a desk for its views.
func viewing(t *testing.T) (*rig, *desk) {
	t.Helper()
	d := &desk{opened: map[string]bool{}}
	return start(t, slacksim.Config{}, func(c *Config) { c.Views = d }), d
}

// sees waits for a view of a type before a person that holds words.
func (r *rig) sees(t *testing.T, user, kind, words string) slacksim.Modal {
	t.Helper()
	var found slacksim.Modal
	within(t, func(ctx context.Context) error {
		return r.sim.Wait(ctx, func() bool {
			for _, m := range r.sim.Modals(user) {
				if m.Type == kind && strings.Contains(m.Plain+string(m.Errors), words) {
					found = m
					return true
				}
			}
			return false
		})
	})
	return found
}

func acked(t *testing.T, o slacksim.Outcome, err error) {
	t.Helper()
	if err != nil || !o.Acked || o.Error != "" {
		t.Fatalf("%+v, %v", o, err)
	}
}

func TestHomeIsDrawnForWhoOpenedItAndFollows(t *testing.T) {
	t.Parallel()
	r, d := viewing(t)
	hostile := "<!channel> <@U0BEN00001> *x*"
	d.set(func() {
		d.home = bot.Home{Role: store.Operator, Mode: store.Ask, Connectable: []store.Cloud{store.AWS},
			Connections: []bot.HomeConnection{{Cloud: store.AWS, Account: "111122223333", Label: hostile, Own: true, ReadOnly: true, Expires: time.Unix(1799000000, 0), LastUsed: time.Unix(1790000000, 0)}},
			Waiting:     []bot.HomeWaiting{{Title: "delete in aws", Until: time.Unix(1790000600, 0), Place: store.Place{Channel: ops, Thread: "1790000000.000100"}, TS: "1790000001.000100"}},
			Turns:       []bot.HomeTurn{{Text: hostile, State: store.TurnDone, Place: store.Place{Channel: ops, Thread: "1790000000.000100"}, At: time.Unix(1790000000, 0)}}}
	})
	r.HomeChanged(store.Person{Platform: store.Slack, Team: nimbus, ID: ben}, "")
	if err := r.sim.OpenHome(ada, "home"); err != nil {
		t.Fatal(err)
	}
	tab := r.sees(t, ada, "home", "Role: operator")
	for _, want := range []string{"active, read-only", "works until 2027-01-03", "last used 2026-09-21", hostile, "Waiting for your click", "decided on its card only", "[Disconnect]", "[Connect aws]"} {
		if !strings.Contains(tab.Plain, want) {
			t.Errorf("the Home lacks %q:\n%s", want, tab.Plain)
		}
	}
	if raw := string(tab.View); strings.Contains(raw, "mrkdwn") || strings.Contains(raw, `"user_id"`) || strings.Contains(raw, "confirm:") {
		t.Errorf("the Home parses text or confirms something: %s", raw)
	}
	if link := r.sim.URL()[:len(r.sim.URL())-len("api/")] + "archives/" + ops + "/p1790000001000100?cid=" + ops; !strings.Contains(string(tab.View), link) {
		t.Errorf("no link to the card: want %s in %s", link, tab.View)
	}
	if _, has := r.sim.Home(ben); has {
		t.Error("a Home was drawn for somebody who never opened it")
	}
	d.set(func() { d.home.Mode = store.Agent })
	r.HomeChanged(store.Person{Platform: store.Slack, Team: nimbus, ID: ada}, "You are in Agent mode.")
	r.sees(t, ada, "home", "You are in Agent mode.")
}

func TestHomeOfABusyPersonIsDrawnAFewTimesOnly(t *testing.T) {
	t.Parallel()
	r, d := viewing(t)
	slow := make(chan struct{})
	d.set(func() { d.slow = slow })
	for range 500 {
		r.HomeChanged(store.Person{Platform: store.Slack, Team: nimbus, ID: ada}, "")
	}
	close(slow)
	await(t, "the Home to be drawn", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.drawn > 0 })
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.drawn > 2 {
		t.Errorf("one Home was drawn %d times side by side", d.drawn)
	}
}

func TestHomeNeverHoldsAnAcknowledgementUp(t *testing.T) {
	t.Parallel()
	r, d := viewing(t)
	slow := make(chan struct{})
	d.set(func() { d.slow = slow })
	defer close(slow)
	if err := r.sim.OpenHome(ada, "home"); err != nil {
		t.Fatal(err)
	}
	within(t, r.sim.WaitQuiet)
	for _, delivery := range r.sim.Deliveries() {
		if delivery.Outcome != "acked" || delivery.Latency() > time.Second {
			t.Errorf("app_home_opened: %s after %s", delivery.Outcome, delivery.Latency())
		}
	}
}

func TestPressOnHomeIsKeptOnceAndToldWhenItIsNot(t *testing.T) {
	t.Parallel()
	r, d := viewing(t)
	d.set(func() { d.home = bot.Home{Role: store.Operator, Mode: store.Ask} })
	if err := r.sim.OpenHome(ada, "home"); err != nil {
		t.Fatal(err)
	}
	tab := r.sees(t, ada, "home", "Switch to Agent mode")
	o, err := r.sim.ClickView(ada, tab.ID, "verb:mode", "")
	acked(t, o, err)
	if err := r.sim.Redeliver(o.EnvelopeID); err != nil {
		t.Fatal(err)
	}
	within(t, r.sim.WaitQuiet)
	events := r.inbox.await(t, 1)
	if len(events) != 1 || events[0].Kind != store.EventCommand || events[0].Text != "mode agent" || events[0].Person.ID != ada || !strings.HasPrefix(events[0].Place.Channel, "D") {
		t.Errorf("kept %+v", events)
	}
	r.inbox.set(func() { r.inbox.err = store.ErrUnavailable })
	o, err = r.sim.ClickView(ada, tab.ID, "verb:mode", "")
	acked(t, o, err)
	r.sees(t, ada, "home", "my database is away")
}

func TestDialogOpensBeforeAnythingSlow(t *testing.T) {
	t.Parallel()
	r, d := viewing(t)
	slow := make(chan struct{})
	d.set(func() { d.slow = slow })
	o, err := r.sim.Slash(ada, ops, "/aurora connect")
	acked(t, o, err)
	r.sees(t, ada, "modal", "One moment")
	close(slow)
	form := r.sees(t, ada, "modal", "You chose connect.")
	o, err = r.sim.ClickView(ada, form.ID, "connect:aws", "")
	acked(t, o, err)
	r.sees(t, ada, "modal", "You chose aws.")
	if events := r.inbox.all(); len(events) > 0 {
		t.Errorf("a dialog went through the queue: %+v", events)
	}
}

func TestCommandIsKeptWhereNoDialogOpens(t *testing.T) {
	t.Parallel()
	r, _ := viewing(t)
	r.sim.Inject(slacksim.Fault{Method: "views.open", Kind: slacksim.FaultError, Error: "expired_trigger_id"})
	o, err := r.sim.Slash(ada, ops, "/aurora connect")
	acked(t, o, err)
	if e := r.inbox.await(t, 1)[0]; e.Kind != store.EventCommand || e.Text != "connect" {
		t.Errorf("kept %+v", e)
	}
	o, err = r.sim.Slash(ada, ops, "/aurora connect aws")
	acked(t, o, err)
	r.inbox.await(t, 2)
	if len(r.sim.Calls("views.open")) != 1 {
		t.Error("a command that says everything opened a dialog")
	}
}

func TestQuestionIsTakenWithItsReferenceOrRefusedUnderItsField(t *testing.T) {
	t.Parallel()
	r, d := viewing(t)
	ts := r.tell(t, ben, ops, "the disk is full <!here>")
	o, err := r.sim.UseShortcut(ada, ops, ts, "ask_about")
	acked(t, o, err)
	form := r.sees(t, ada, "modal", "the disk is full")
	ask := func() slacksim.Outcome {
		t.Helper()
		o, err := r.sim.SubmitView(ada, form.ID, map[string]map[string]string{"question": {"text": "why?"}})
		acked(t, o, err)
		return o
	}
	d.set(func() { d.problem = "Please ask something else." })
	ask()
	r.sees(t, ada, "modal", "Please ask something else.")
	d.set(func() { d.problem, d.err = "", errors.New("away") })
	ask()
	r.sees(t, ada, "modal", "my database is away")
	d.set(func() { d.err = nil })
	ask()
	if left := r.sim.Modals(ada); len(left) > 0 {
		t.Errorf("the dialog stays open: %+v", left)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, asked := range d.asked {
		if asked != "view:"+nimbus+":"+form.ID+" a-reference why?" {
			t.Errorf("asked %q", asked)
		}
	}
	if strings.Contains(string(form.View), "AKIA") || strings.Contains(string(form.View), "private_metadata\":\"the disk") {
		t.Errorf("the dialog carries more than a reference: %s", form.View)
	}
}

func TestCredentialInAQuotedMessageIsNotSaidAgain(t *testing.T) {
	t.Parallel()
	r, _ := viewing(t)
	o, err := r.sim.UseShortcut(ada, ops, r.tell(t, ben, ops, "the password is hunter-canary"), "ask_about")
	acked(t, o, err)
	form := r.sees(t, ada, "modal", "the password is [credential]")
	if !strings.Contains(form.Plain, "Rotate it.") {
		t.Errorf("nobody is told to rotate it: %s", form.Plain)
	}
	for _, c := range r.sim.Calls("views.update") {
		if strings.Contains(fmt.Sprint(c.Args), "canary") {
			t.Errorf("Aurora sent it: %v", c.Args)
		}
	}
}

func TestShortcutWhereAuroraIsNot(t *testing.T) {
	t.Parallel()
	r, _ := viewing(t)
	ts := r.tell(t, ben, "C0GENERAL1", "look")
	o, err := r.sim.UseShortcut(ada, "C0GENERAL1", ts, "ask_about")
	acked(t, o, err)
	if m := r.sees(t, ada, "modal", "I am not in this conversation"); strings.Contains(string(m.View), `"input"`) {
		t.Errorf("a question can be written all the same: %s", m.View)
	}
}

func TestWorkspaceWithoutHomeIsLeftAlone(t *testing.T) {
	t.Parallel()
	r, d := viewing(t)
	if err := r.sim.Switch("", slacksim.FeatureHome, false); err != nil {
		t.Fatal(err)
	}
	d.set(func() { d.opened[ada] = true })
	r.HomeChanged(store.Person{Platform: store.Slack, Team: nimbus, ID: ada}, "")
	within(t, func(ctx context.Context) error { _, err := r.sim.WaitCalls(ctx, "views.publish", 1); return err })
	if _, err := r.Post(t.Context(), place(ops), bot.Message{Notice: "still here"}, bot.Meta{}); err != nil {
		t.Error(err)
	}
}

func TestHomeKeepsWithinSlacksLimitsWhateverItShows(t *testing.T) {
	t.Parallel()
	r, d := viewing(t)
	long := strings.Repeat("<!channel> `x` \u202e\x1b[31m\u0000 ", 300)
	home := bot.Home{Role: store.Operator, Mode: store.Agent, Trouble: long, Frozen: long}
	for range 60 {
		home.Connectable = append(home.Connectable, store.Cloud(long[:200]+"x"))
		home.Connections = append(home.Connections, bot.HomeConnection{Cloud: store.AWS, Account: long[:300], Label: long, Projects: []string{long, long}, Own: true})
		home.Waiting = append(home.Waiting, bot.HomeWaiting{Title: long, Place: store.Place{Channel: ops}, TS: "1"})
		home.Turns = append(home.Turns, bot.HomeTurn{Text: long, Place: store.Place{Channel: ops, Thread: "1"}})
	}
	for i := range home.Connectable {
		home.Connectable[i] += store.Cloud(strings.Repeat("y", i))
	}
	d.set(func() { d.home = home })
	if err := r.sim.OpenHome(ada, "home"); err != nil {
		t.Fatal(err)
	}
	tab := r.sees(t, ada, "home", "and 40 more")
	if strings.ContainsAny(tab.Plain, "\u202e\x1b\x00") || strings.Contains(string(tab.View), "mrkdwn") {
		t.Error("what turns text around, or is parsed, came through")
	}
	for _, c := range r.sim.Calls("views.publish") {
		if !c.OK() {
			t.Errorf("Slack refuses it: %v", c.Response)
		}
	}
}
