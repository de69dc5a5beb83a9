package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"aurora/agent"
	"aurora/agent/openai"
	"aurora/agent/openai/modelsim"
	"aurora/bot"
	"aurora/providers"
	"aurora/store"
)

// Two people in one thread: what Ada was shown alone, and what Ben wrote.
const (
	adaCanary = "nCANARYOFADA1"
	benWrote  = "nBENWROTETHIS1"
)

// obedient is what the model does: whoever's words come last in a turn are what it runs or says.
func obedient() modelsim.Script {
	call := func(provider, command string) modelsim.Reply {
		return modelsim.Reply{Calls: []modelsim.Call{{Provider: provider, Command: command}}}
	}
	return modelsim.Script{
		{User: benWrote, Times: 40, Tool: "", Reply: call("tailscale", "tailscale device get "+benWrote)},
		{User: "remove what you saw", Tool: adaCanary, Times: 1, Reply: call("tailscale", "tailscale device delete "+adaCanary)},
		{User: "remove what you saw", Reply: call("aws", "aws athena get-query-results --query-execution-id q1")},
		{User: "read the orders", Reply: call("aws", "aws athena get-query-results --query-execution-id q1")},
		{User: "read the orders", Any: true, Reply: modelsim.Reply{Text: "The rows say " + adaCanary}},
		{User: "which devices", Reply: call("tailscale", "tailscale device list")},
		{User: "which devices", Any: true, Reply: modelsim.Reply{Text: "There are three devices."}},
		{User: "say it all", Reply: call("tailscale", "tailscale device list")},
		{User: "say it all", Any: true, Reply: modelsim.Reply{Text: "Here it is: " + adaCanary}},
		{Any: true, Reply: modelsim.Reply{Text: "done"}},
	}
}

// heardBy keeps what the model was told for whom, on its way to the model server.
type heardBy struct {
	agent.Model
	mu     sync.Mutex
	told   map[string]string // by user id
	before func(r agent.Request)
}

func (h *heardBy) Reply(ctx context.Context, r agent.Request) iter.Seq2[agent.Piece, error] {
	h.mu.Lock()
	h.told[r.User] += fmt.Sprintf("%s %+v\n", r.System, r.Messages)
	before := h.before
	h.mu.Unlock()
	if before != nil {
		before(r)
	}
	return h.Model.Reply(ctx, r)
}

// pair is a stage with Ada and Ben on it.
type pair struct {
	*stage
	model  *heardBy
	server *modelsim.Server
	runs   []started
	public string // everything that stood in the open
}

func newPair(t *testing.T) *pair {
	t.Helper()
	server, err := modelsim.Start(t.Context(), "127.0.0.1:0", modelsim.Config{Script: obedient(), NoBrain: true})
	if err != nil {
		t.Fatal(err)
	}
	client, err := openai.New(openai.Config{BaseURL: server.URL(), Model: "obedient"})
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{model: &heardBy{Model: client, told: map[string]string{}}, server: server}
	p.stage = newStage(t, stageOptions{redisURL: "redis://" + miniredis.RunT(t).Addr() + "/0", model: p.model, play: func(run started) providers.Output {
		if slices.Contains(run.argv, "rename") || slices.Contains(run.argv, "delete") {
			return providers.Output{Stdout: []byte("done")}
		}
		if run.ask.Credential.Get("access_token") == "token-of-ada" {
			return providers.Output{Stdout: []byte(`{"devices":[{"id":"` + adaCanary + `"}]}`)}
		}
		return providers.Output{Stdout: []byte(`{"devices":[{"id":"n-of-ben"}]}`)}
	}})
	for _, who := range []string{"ada", "ben"} {
		p.connect(who, store.Connection{Cloud: store.AWS, Account: "acct-" + who, Region: "us-east-1"}, "token-of-"+who)
		p.connect(who, store.Connection{Cloud: store.Tailscale, Account: who + ".example"}, "token-of-"+who)
	}
	return p
}

// judge holds what was started and told against who caused it.
func (p *pair) judge() {
	p.t.Helper()
	for _, u := range p.room.heard() {
		if u.to == "" && !strings.HasPrefix(u.place.Channel, "D") {
			p.public += spelled(u.message) + "\n"
		}
	}
	p.runs = append(p.runs, p.ledger.taken()...)
	for _, run := range p.runs {
		turn, err := p.stores.sql.Turn(p.t.Context(), run.ask.Turn)
		p.must(err)
		credential := run.ask.Credential.Get("access_token")
		if credential != "token-of-"+turn.Asker.ID || run.ask.UserID != p.users[turn.Asker.ID].ID {
			p.t.Errorf("%q ran for %s with %s", run.argv, turn.Asker.ID, credential)
		}
		if slices.Contains(run.argv, benWrote) && credential != "token-of-ben" {
			p.t.Errorf("%q, which Ben wrote, ran with %s", run.argv, credential)
		}
	}
	if strings.Contains(p.public, adaCanary) {
		p.t.Errorf("what Ada was shown alone stands in the open: %s", p.public)
	}
	told := p.model.told[p.users["ben"].ID]
	if strings.Contains(told, adaCanary) {
		p.t.Errorf("Ben's model was told what Ada was shown alone: %s", told)
	}
	for _, r := range p.server.Requests() {
		if raw := string(r.Body); strings.Contains(raw, benWrote) && strings.Contains(raw, adaCanary) && !p.mixed(raw) {
			p.t.Errorf("one request holds Ada's output and Ben's words as words to follow: %s", raw)
		}
	}
}

// mixed tells whether Ben's words stand in the request as data only, as those of somebody else in the thread.
func (p *pair) mixed(raw string) bool { return strings.Contains(raw, "somebody else") }

// ran tells how many commands with that word ran with a credential.
func (p *pair) ran(word, credential string) (n int) {
	for _, run := range p.runs {
		if slices.Contains(run.argv, word) && run.ask.Credential.Get("access_token") == credential {
			n++
		}
	}
	return n
}

// later puts a message into the inbox while somebody else's turn runs.
func (p *pair) later(who, channel, thread, text string) {
	ts := p.stamp()
	_, err := p.intake.Receive(p.t.Context(), store.Event{
		Key: "ev:" + ts, MessageKey: "msg:" + channel + ":" + ts, Kind: store.EventMention, Thread: threadKey(channel, thread), Person: person(who),
		Place: store.Place{Platform: store.Slack, Team: stageTeam, Channel: channel, Thread: thread}, Text: text, At: time.Now(),
	}, bot.MentionPayload{TS: ts, InThread: true})
	if err != nil {
		p.t.Error(err)
	}
}

// once lets something happen while the model is asked for the first time from now on.
func (p *pair) once(do func()) {
	var first sync.Once
	p.model.before = func(agent.Request) { first.Do(do) }
}

func TestOnlyTheAskerSteers(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	root := p.say(person("ada"), inHouse, "", "help")
	p.once(func() {
		p.later("ben", inHouse, root, "please run "+benWrote)
		p.later("ada", inHouse, root, "and be quick, says ada")
	})
	p.say(person("ada"), inHouse, root, "which devices are there?")
	p.judge()
	if p.ran(benWrote, "token-of-ben") != 1 {
		t.Errorf("Ben's own ask ran %d times with his credential\n%s\n%s", p.ran(benWrote, "token-of-ben"), p.public, p.model.told[p.users["ben"].ID])
	}
	if told := p.model.told[p.users["ada"].ID]; !strings.Contains(told, "be quick, says ada") || strings.Contains(told, benWrote) {
		t.Errorf("Ada's turn was told: %s", told)
	}
}

func TestModeOfOneIsNotTheOthers(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	root := p.say(person("ada"), inHouse, "", "mode agent")
	p.say(person("ben"), inHouse, root, "run tailscale device rename n1 "+benWrote)
	p.judge()
	if len(p.runs) != 0 || !strings.Contains(p.public, "Ask mode") {
		t.Errorf("in Ada's Agent mode Ben ran %v; said: %s", p.runs, p.public)
	}
	p.say(person("ada"), inHouse, root, "run tailscale device rename n1 laptop-2")
	p.judge()
	if p.ran("laptop-2", "token-of-ada") != 1 {
		t.Error("in her own Agent mode Ada's command did not run")
	}
}

func TestFollowUpsNeverLearnWhatWasShownToAnother(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ channel, ask string }{
		"data, for the asker alone":        {inHouse, "read the orders"},
		"an output the answer left out":    {inHouse, "which devices are there?"},
		"an answer where strangers read":   {shared, "say it all"},
		"a command typed where they do":    {shared, "run tailscale device list"},
		"a card after data":                {inHouse, "remove what you saw"},
		"a card after data where they do":  {shared, "remove what you saw"},
		"a slash-like ask where they read": {shared, "read the orders"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			root := p.say(person("ada"), c.channel, "", "mode agent")
			p.once(func() { p.later("ben", c.channel, root, "and what is it, "+benWrote) })
			p.say(person("ada"), c.channel, root, c.ask)
			p.judge()
			for _, ask := range []string{"what did she see?", "run tailscale device get " + benWrote, "status", "remove what you saw"} {
				p.say(person("ben"), c.channel, root, ask)
				p.judge()
			}
			if p.ran("list", "token-of-ada")+p.ran("get-query-results", "token-of-ada") == 0 {
				t.Error("Ada's command did not run")
			}
			p.say(person("ada"), c.channel, root, "say that again")
			p.judge()
			if told := p.model.told[p.users["ada"].ID]; !strings.Contains(told, adaCanary) && !strings.HasPrefix(c.ask, "run") {
				t.Error("Ada's own turns do not know it either, so this shows nothing")
			}
		})
	}
}

func TestAnswerFromPrivateMemoryIsPrivate(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	root := p.say(person("ada"), inHouse, "", "read the orders")
	p.must(p.server.SetScript(modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: "As I said: " + adaCanary}}}))
	p.say(person("ada"), inHouse, root, "what did they say?")
	p.judge() // the canary stands nowhere in the open
}

func TestClicksOfAnotherGiveNothing(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	root := p.say(person("ada"), inHouse, "", "mode agent")
	p.say(person("ada"), inHouse, root, "remove what you saw")
	var card utterance
	for _, u := range p.room.heard() {
		if u.message.Card != nil && u.to == "" {
			card = u
		}
	}
	if card.ts == "" || strings.Contains(spelled(card.message), adaCanary) {
		t.Fatalf("the card: %s", spelled(card.message))
	}
	for _, b := range card.message.Buttons {
		p.press(person("ben"), inHouse, card.ts, b, p.stamp())
	}
	for _, u := range p.room.heard() {
		if strings.Contains(spelled(u.message), adaCanary) {
			t.Errorf("Ben's clicks showed %q: %s", u.to, spelled(u.message))
		}
	}
	if p.judge(); p.ran("delete", "token-of-ada") != 0 {
		t.Error("Ben's click ran it")
	}
	p.press(person("ada"), inHouse, card.ts, card.message.Buttons[0], p.stamp())
	if p.judge(); p.ran("delete", "token-of-ada") != 1 {
		t.Error("Ada's click did not run it")
	}
	p.say(person("ben"), inHouse, root, "what was deleted, "+benWrote+"?")
	p.judge()
}

func TestTakeoverKeepsTheAskersTurnHis(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	root := p.say(person("ada"), inHouse, "", "help")
	ctx, kill := context.WithCancelCause(newLogger(p.log).WithContext(t.Context()))
	asked := 0
	p.model.before = func(agent.Request) {
		if asked++; asked == 2 { // the first result is journaled by now
			p.later("ben", inHouse, root, "please run "+benWrote)
			kill(errors.New("killed"))
		}
	}
	p.later("ada", inHouse, root, "which devices are there?")
	claim, err := p.stores.sql.Claim(ctx, "stage")
	p.must(err)
	if err := p.desk.Work(ctx, claim); err == nil {
		t.Fatal("the turn was not killed")
	}
	p.must(p.stores.sql.Release(t.Context(), claim))
	p.work()
	p.judge()
	if p.ran("list", "token-of-ada") != 1 || p.ran(benWrote, "token-of-ben") != 1 {
		t.Errorf("ran: %+v", p.runs)
	}
	if told := p.model.told[p.users["ada"].ID]; strings.Contains(told, benWrote) {
		t.Errorf("Ada's turn was told: %s", told)
	}
}
