package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/store/storetest"
)

// takeoverLimit is within what time of a kill the answer must stand in the thread.
const takeoverLimit = 20 * time.Second

var (
	killLong = flag.Bool("kill.long", false, "kill also where the state differs in nothing from the moment before, and in the longer stories")
	killOnly = flag.String("kill.only", "", "kill only at moments that match this expression, story and all")
)

// killStory is a conversation during which a replica is killed.
type killStory struct {
	name    string
	needs   []string // CLIs
	only    string   // expression: the moments that are special to this story; all with -kill.long
	agent   bool
	script  modelsim.Script
	ask     string
	click   string // the button Ada presses once there is a card
	final   string // expression: exactly one message says so in the end
	lost    string // expression: it says so instead when the outcome of the change is not known
	change  string // the cloud's name of what is changed
	changes int    // how often, once when 0
	reads   string // the cloud's name of what is read
	long    bool
}

const (
	laptop  = "nHj9kP3CNTRL"
	bastion = "nBc7wL8CNTRL"
	gateway = "n5xYFQ2CNTRL"
)

func killStories() []killStory {
	call := func(cloud, command string) modelsim.Reply {
		return modelsim.Reply{Calls: []modelsim.Call{{Provider: cloud, Command: command}}}
	}
	text := func(s string) modelsim.Reply { return modelsim.Reply{Text: s} }
	removal := modelsim.Script{
		{User: "remove", Reply: call("tailscale", "tailscale device delete "+laptop)},
		{User: "remove", Tool: "requires_confirmation", Reply: text("It waits for your click.")},
		{User: "the click", Any: true, Reply: text("That was that.")},
	}
	plan := slices.Clone(removal)
	plan[0].Reply.Calls = nil
	for _, device := range []string{laptop, bastion, gateway} {
		plan[0].Reply.Calls = append(plan[0].Reply.Calls, modelsim.Call{Provider: "tailscale", Command: "tailscale device delete " + device})
	}
	return []killStory{
		{name: "read", ask: "which devices are there", final: "Three devices", reads: "devices.list", script: modelsim.Script{
			{User: "devices", Reply: call("tailscale", "tailscale device list")}, {Any: true, Tool: ".", Reply: text("Three devices.")}}},
		{name: "read with a CLI", needs: []string{"aws"}, only: "cloud|intent|outcome|result", ask: "list my instances", final: "Some instances", reads: "ec2:DescribeInstances", script: modelsim.Script{
			{User: "instances", Reply: call("aws", "aws ec2 describe-instances")}, {Any: true, Tool: ".", Reply: text("Some instances.")}}},
		{name: "typed write", agent: true, ask: "run tailscale device rename " + bastion + " bastion-2", change: "devices.name",
			final: `rename.*(ok|outcome unknown)`, lost: "(?i)unknown"},
		{name: "confirmed", agent: true, ask: "remove the new laptop", click: "confirm", change: "devices.delete",
			final: "That was that", lost: "(?i)unknown", script: removal},
		{name: "cancelled", agent: true, ask: "remove the new laptop", click: "cancel", change: "devices.delete",
			final: "Cancelled by", script: removal, long: true},
		{name: "plan of three", agent: true, ask: "remove all three", click: "confirm", change: "devices.delete", changes: 3,
			final: "That was that", lost: "(?i)unknown", script: plan, long: true},
	}
}

// killRun is one story told once.
type killRun struct {
	*cluster
	story  killStory
	thread string
	stood  []time.Time // when what Ada waited for stood in the thread: the card, the answer
}

func tellKill(t testing.TB, v *storetest.VaultServer, story killStory, target string) *killRun {
	t.Helper()
	k := &killRun{story: story, cluster: newCluster(t, clusterOptions{
		vault: v, script: story.script, path: clusterPath(story.needs), target: target, agent: story.agent,
	})}
	k.points.arm()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	if err := k.tell(ctx); err != nil {
		t.Fatalf("%v\n%s", err, k.dump())
	}
	return k
}

func (k *killRun) tell(ctx context.Context) (err error) {
	if k.thread, err = k.sims.slack.Say(people["ada"], rooms["ops"], "<@"+aurora+"> "+k.story.ask); err != nil {
		return err
	}
	if k.story.click != "" {
		if err := k.press(ctx); err != nil {
			return err
		}
	}
	final := regexp.MustCompile("(?s)" + k.story.final)
	err = k.sims.slack.Wait(ctx, func() bool {
		return slices.ContainsFunc(k.seen(k.thread), func(m slacksim.Message) bool { return final.MatchString(m.Plain) })
	})
	if err != nil {
		return fmt.Errorf("the answer never came: %w", err)
	}
	k.stood = append(k.stood, time.Now())
	return nil
}

// takeover is how long after the kill the next thing stood that Ada waited for; 0 when all stood before.
func (k *killRun) takeover(kill time.Time) time.Duration {
	for _, at := range k.stood {
		if at.After(kill) {
			return at.Sub(kill)
		}
	}
	return 0
}

// press clicks as a person would: again, when Slack says that the click was not taken, as long as the button is there.
func (k *killRun) press(ctx context.Context) error {
	var card slacksim.Message
	err := k.sims.slack.Wait(ctx, func() bool {
		i := slices.IndexFunc(k.seen(k.thread), hasButton(k.story.click))
		if i >= 0 {
			card = k.seen(k.thread)[i]
		}
		return i >= 0
	})
	if err != nil {
		return fmt.Errorf("the card never came: %w", err)
	}
	k.stood = append(k.stood, time.Now())
	for range 5 {
		outcome, err := k.sims.slack.Click(people["ada"], rooms["ops"], card.TS, buttonID(card, k.story.click))
		if err != nil || outcome.Acked {
			return nil // the card may have been replaced: then somebody took the click that was not acknowledged
		}
	}
	return errors.New("no click was taken")
}

func hasButton(action string) func(slacksim.Message) bool {
	return func(m slacksim.Message) bool { return buttonID(m, action) != "" }
}

func buttonID(m slacksim.Message, action string) string {
	for _, b := range m.Buttons {
		if b.ActionID == action || strings.HasPrefix(b.ActionID, action+":") {
			return b.ActionID
		}
	}
	return ""
}

// check looks whether anything was lost, doubled or left in doubt without a word, once nothing is left to do.
func (k *killRun) check(ctx context.Context) {
	k.t.Helper()
	k.settle(ctx)
	for _, problem := range slices.Concat(k.checkThread(), k.checkChange(), k.checkAudit()) {
		k.t.Errorf("%s", problem)
	}
	if k.t.Failed() {
		k.t.Logf("%s", k.dump())
	}
}

func (k *killRun) checkThread() (wrong []string) {
	finals, cards := 0, 0
	final := regexp.MustCompile("(?s)" + k.story.final)
	said, parts := map[string]bool{}, map[string]bool{}
	for _, m := range k.seen(k.thread) {
		if said[m.Plain] {
			wrong = append(wrong, "the same was said twice: "+m.Plain)
		}
		if part := string(m.Metadata); part != "" && parts[part] {
			wrong = append(wrong, "one part stands there twice: "+m.Plain)
		}
		said[m.Plain], parts[string(m.Metadata)] = true, true
		if strings.Contains(m.Plain, "Looking into it") || len(m.Buttons) > 0 {
			wrong = append(wrong, "this was left behind: "+m.Plain)
		}
		if final.MatchString(m.Plain) {
			finals++
		}
		if strings.Contains(m.Plain, "Confirm: ") {
			cards++
		}
	}
	if finals != 1 {
		wrong = append(wrong, fmt.Sprintf("%d final answers", finals))
	}
	if want := min(len(k.story.click), 1); cards != want {
		wrong = append(wrong, fmt.Sprintf("%d cards, expected %d", cards, want))
	}
	return wrong
}

// checkChange compares what the cloud did with what people, model and audit were told.
func (k *killRun) checkChange() (wrong []string) {
	if k.story.reads != "" && k.sims.clouds.Executed(k.story.reads) == 0 {
		wrong = append(wrong, "nothing was read")
	}
	if k.story.reads != "" && !slices.ContainsFunc(k.sims.model.Requests(), heard(`"status":"ok"`)) {
		wrong = append(wrong, "the model was never told what was read")
	}
	if k.story.change == "" {
		return wrong
	}
	ran := k.sims.clouds.Executed(k.story.change)
	known := k.count(`SELECT count(*) FROM intents WHERE effect <> 'read' AND outcome->>'status' = 'ok'`)
	unknown := k.count(`SELECT count(*) FROM intents WHERE effect <> 'read' AND outcome->>'status' = 'unknown'`)
	audited := k.count(`SELECT count(*) FROM audit WHERE kind = 'outcome' AND detail::json->>'status' = 'unknown'`)
	wanted := max(k.story.changes, 1)
	if k.story.click == "cancel" {
		wanted = 0
	}
	started := known + unknown
	if started > wanted || unknown == 0 && started != wanted || unknown > 1 || ran < known || ran > started || unknown != audited {
		wrong = append(wrong, fmt.Sprintf("it was carried out %d times; outcomes: %d known, %d unknown (%d audited)", ran, known, unknown, audited))
	}
	if unknown == 0 {
		return wrong
	}
	return append(wrong, k.checkUnknown()...)
}

// checkUnknown demands that a lost outcome is told, with a command by which one can look.
func (k *killRun) checkUnknown() (wrong []string) {
	told := regexp.MustCompile(k.story.lost)
	for _, want := range []*regexp.Regexp{told, regexp.MustCompile("tailscale device get " + "n[A-Za-z0-9]+CNTRL")} {
		if !slices.ContainsFunc(k.seen(k.thread), func(m slacksim.Message) bool { return want.MatchString(strings.ReplaceAll(m.Plain, "`", "")) }) {
			wrong = append(wrong, fmt.Sprintf("people were not told %q of a lost outcome", want))
		}
	}
	if k.story.script == nil {
		return wrong
	}
	for _, want := range []string{"outcome_unknown", "tailscale device get"} {
		if !slices.ContainsFunc(k.sims.model.Requests(), heard(want)) {
			wrong = append(wrong, fmt.Sprintf("the model was not told %q of a lost outcome", want))
		}
	}
	return wrong
}

// heard finds requests in which the model was told something.
func heard(text string) func(modelsim.Request) bool {
	return func(r modelsim.Request) bool {
		return slices.ContainsFunc(r.Conversation.Messages, func(m modelsim.Message) bool { return strings.Contains(string(m.Content), text) })
	}
}

func (k *killRun) checkAudit() (wrong []string) {
	report, err := k.db.VerifyAudit(context.WithoutCancel(k.t.Context()))
	if err != nil {
		return []string{err.Error()}
	}
	return report.Faults
}

// killSlots bounds the runs side by side: they mostly wait for a lease to end.
const (
	killSlots = 32
	cliSlots  = 4 // a real CLI keeps a processor busy for seconds: more of them would only wait for each other
)

// TestKillAtEveryStep tells each story once to learn at which moments a replica touches the world, and then once more
// for each of them, with the replica that reaches it killed by SIGKILL just there.
func TestKillAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some hundred processes")
	}
	v := storetest.Vault(t)
	b := &killBoard{slots: make(chan struct{}, killSlots), heavy: make(chan struct{}, cliSlots), only: regexp.MustCompile(*killOnly)}
	var all sync.WaitGroup
	began := time.Now()
	for _, story := range killStories() {
		if story.long && !*killLong {
			continue
		}
		all.Go(func() { b.tellAll(t, v, story) })
	}
	all.Wait()
	b.tellLate(t, v)
	b.report(t, time.Since(began))
}

// killBoard gathers what came of all runs.
type killBoard struct {
	slots chan struct{}
	heavy chan struct{} // of the slots, those with a CLI
	only  *regexp.Regexp

	mu        sync.Mutex
	points    int
	runs      int
	missed    []string
	late      []lateKill
	takeovers []time.Duration
}

func (b *killBoard) tellAll(t *testing.T, v *storetest.VaultServer, story killStory) {
	var moments []string
	b.run(t, story, story.name, func(t *testing.T) {
		needs(t, story.needs)
		k := tellKill(t, v, story, "")
		k.settle(t.Context())
		moments = k.points.list()
		k.check(t.Context())
		t.Logf("%d moments: %s", len(moments), strings.Join(moments, "; "))
	})
	b.mu.Lock()
	b.points += len(moments)
	b.mu.Unlock()
	var runs sync.WaitGroup
	special := regexp.MustCompile(story.only)
	for i, moment := range moments {
		name := fmt.Sprintf("%s/%02d %s", story.name, i+1, moment)
		if !b.only.MatchString(name) || !*killLong && !special.MatchString(moment) {
			continue
		}
		runs.Go(func() { b.run(t, story, name, func(t *testing.T) { b.kill(t, v, story, moment, false) }) })
	}
	runs.Wait()
}

func (b *killBoard) run(t *testing.T, story killStory, name string, f func(*testing.T)) {
	if len(story.needs) > 0 {
		b.heavy <- struct{}{}
		defer func() { <-b.heavy }()
	}
	b.slots <- struct{}{}
	defer func() { <-b.slots }()
	t.Run(name, f)
}

// kill tells a story with a kill. Where the answer came late it is told again in the end, with less going on: so many
// replicas side by side keep the processors busy, and what counts is how long a takeover lasts, not how long it waits
// for them.
func (b *killBoard) kill(t *testing.T, v *storetest.VaultServer, story killStory, moment string, last bool) {
	k := tellKill(t, v, story, moment)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	k.check(ctx)
	at, struck := k.points.struck()
	took := k.takeover(at)
	late := struck && took > takeoverLimit
	if late && last {
		t.Errorf("the answer came %s after the kill\n%s", took, k.dump())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs++
	switch {
	case !struck:
		b.missed = append(b.missed, story.name+"/"+moment)
	case late && !last:
		t.Logf("the answer came %s after the kill: to be told again", took.Round(time.Millisecond))
		b.late = append(b.late, lateKill{story, moment})
	default:
		b.takeovers = append(b.takeovers, took)
	}
}

type lateKill struct {
	story  killStory
	moment string
}

// tellLate tells again what was late, a few at a time.
func (b *killBoard) tellLate(t *testing.T, v *storetest.VaultServer) {
	b.slots = make(chan struct{}, cliSlots)
	var runs sync.WaitGroup
	for _, l := range b.late {
		runs.Go(func() {
			b.run(t, l.story, "again/"+l.story.name+"/"+l.moment, func(t *testing.T) { b.kill(t, v, l.story, l.moment, true) })
		})
	}
	runs.Wait()
}

func (b *killBoard) report(t *testing.T, took time.Duration) {
	if len(b.takeovers) == 0 {
		t.Log("no replica was killed")
		return
	}
	slices.Sort(b.takeovers)
	figures, _ := json.Marshal(map[string]any{
		"moments": b.points, "runs": b.runs, "kills": len(b.takeovers), "not reached": len(b.missed), "told again": len(b.late), "took": took.Round(time.Second).String(),
		"takeover p50": b.takeovers[len(b.takeovers)/2].Round(10 * time.Millisecond).String(), "takeover max": b.takeovers[len(b.takeovers)-1].Round(10 * time.Millisecond).String(),
	})
	t.Logf("%s", figures)
	if len(b.missed)*20 > b.runs {
		t.Errorf("%d of %d moments were not reached again: %s", len(b.missed), b.runs, strings.Join(b.missed, "; "))
	}
}
