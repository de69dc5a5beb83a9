package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
	"aurora/store"
)

// Transcripts are conversations with a whole Aurora: embedded stores, the simulated Slack, model and clouds, and the real
// CLIs. A file's comment is the story, one line a step; model.json is what the model answers (its own simple brain where
// it is missing); policy.yaml are the organisation's rules.
//
//	ada in ops: @aurora list my EC2 instances    says it in a channel; what follows happens in that thread
//	ada in dm: ...                               says it to Aurora alone
//	ada replies: ...                             says it in the thread
//	ada types: /aurora status                    a slash command, in the channel
//	ada clicks confirm                           the newest button of that action which she sees (clicks new: none pressed before)
//	ada sees: text / ada sees alone: text        waits for a message with the text (alone: only she can see it)
//	ada never sees: text                         no message with the text stands there now
//	ada opens home                               opens Aurora's Home tab
//	ada at home sees: text                       waits for it to show the text; "at home never sees" wants it not to
//	ada at home presses Connect aws              the button with that label there; "in dialog presses" in a dialog
//	ada asks about: text                         chooses the shortcut on the newest message with the text
//	ada in dialog sees: text                     waits for the topmost dialog before her to show the text
//	ada submits: text                            the text into the dialog's first field, and its button
//	ada closes                                   that dialog
//	ada has no dialog                            waits until none is before her
//	ada hears once: text                         waits for it in her direct messages, one time alone; never: it is not there now
//	tailscale takes everybody back               forgets the client that connections were made with
//	model never hears: text                      no request to the model held it
//	ran ec2:StopInstances 1                      that often the cloud was asked to, by now
//	audit asked 1                                that many rows of the kind since the story began
//	hold ec2:StopInstances / held ...            the cloud does not answer that; waits until it was asked; release: now it does
//	gus joins                                    a person comes into the channel; partners come in: it becomes shared
//	organisation 300                             AWS, Google Cloud and Azure have an organisation of that many accounts
//	chloe connects aws for everyone              follows the link of that verb, does what the page asks for, sends the form
//	ada leaves                                   the account is deactivated in Slack
//	ada has nothing left                         waits until neither connections nor credentials nor grants of hers are there
//	restart                                      ends Aurora and starts it again, under later-policy.yaml
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := newStory(t, archive)
			s.tell(string(archive.Comment))
			if err := s.quiet(); err != nil {
				t.Error(err)
			}
		})
	}
}

// story is a transcript while it is told.
type story struct {
	*world
	channel string
	thread  string
	later   []byte // the rules that hold after a restart
	pressed map[string]bool
	before  int64 // the newest audit row when the story began: who is connected by then depends on the CLIs there are
}

func newStory(t *testing.T, archive *txtar.Archive) *story {
	o, later := worldOptions{}, []byte(nil)
	for _, f := range archive.Files {
		switch f.Name {
		case "model.json":
			if err := json.Unmarshal(f.Data, &o.script); err != nil {
				t.Fatalf("model.json: %v", err)
			}
		case "policy.yaml":
			o.policy = f.Data
		case "later-policy.yaml":
			later = f.Data
		case "settings":
			readOptions(t, string(f.Data), &o)
		case "needs":
			needs(t, strings.Fields(string(f.Data)))
		default:
			t.Fatalf("no such section: %s", f.Name)
		}
	}
	s := &story{world: newWorld(t, o), later: later}
	var err error
	if s.before, _, err = s.app.stores.sql.AuditHead(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// readOptions reads the settings of a transcript: "stores: real", "confirm-wait: 2s".
func readOptions(t *testing.T, text string, o *worldOptions) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "stores":
			o.real = value == "real"
		case "confirm-wait":
			wait, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			o.confirmWait = wait
		default:
			t.Fatalf("there is no setting %q", name)
		}
	}
}

func (s *story) tell(text string) {
	s.t.Helper()
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := s.step(line); err != nil {
			s.t.Fatalf("line %d: %s: %v\n\n%s", n+1, line, err, s.dump())
		}
	}
}

func (s *story) step(line string) error {
	head, text, spoken := strings.Cut(line, ": ")
	words := strings.Fields(head)
	switch {
	case head == "model never hears" && spoken:
		return s.unheard(text)
	case words[0] == "ran":
		return s.wantRan(words[1], words[2])
	case line == "restart":
		s.setPolicy(s.later)
		s.restart()
		return nil
	case len(words) == 2 && words[1] == "leaves":
		return s.sims.slack.Deactivate(people[words[0]])
	case line == words[0]+" has nothing left":
		return s.nothingLeft(words[0])
	case words[0] == "organisation":
		return s.organise(words[1])
	case len(words) == 5 && words[1] == "connects" && words[4] == "everyone":
		return s.connectForEveryone(words[0], words[2])
	case len(words) == 3 && words[1] == "hears" && spoken:
		return s.hears(words[0], words[2], text)
	case line == "tailscale takes everybody back":
		return s.takeBack()
	case words[0] == "hold":
		return s.sims.clouds.Inject(cloudsim.Fault{Action: words[1], Kind: cloudsim.FaultHoldBefore})
	case line == "release":
		s.sims.clouds.Release()
		return nil
	case words[0] == "held":
		ctx, cancel := context.WithTimeout(s.t.Context(), patience)
		defer cancel()
		_, err := s.sims.clouds.WaitHeld(ctx, words[1])
		return err
	case len(words) == 2 && words[1] == "joins":
		return s.sims.slack.Invite(people["ada"], s.place(), people[words[0]])
	case line == "partners come in":
		return s.sims.slack.Share(s.place(), "T0PARTNER1", true)
	case words[0] == "audit":
		return s.wantAudit(words[1], words[2])
	case len(words) == 3 && words[1] == "in" && words[2] != "dialog" && spoken:
		return s.say(words[0], words[2], text)
	case len(words) == 2 && words[1] == "replies" && spoken:
		_, err := s.sims.slack.Say(people[words[0]], s.channel, text, slacksim.InThread(s.thread))
		return err
	case len(words) == 2 && words[1] == "types" && spoken:
		_, err := s.sims.slack.Slash(people[words[0]], s.place(), text)
		return err
	case len(words) == 3 && words[1] == "clicks":
		return s.click(words[0], words[2], false)
	case len(words) == 4 && words[1] == "clicks" && words[2] == "new":
		return s.click(words[0], words[3], true)
	case len(words) == 2 && words[1] == "sees" && spoken:
		return s.wait(words[0], text, false)
	case len(words) == 3 && words[1] == "sees" && words[2] == "alone":
		return s.wait(words[0], text, true)
	case len(words) >= 2 && (words[1] == "opens" || words[1] == "asks" || words[1] == "submits" || words[1] == "closes" || words[1] == "at" || words[1] == "has" || words[1] == "in" && words[2] == "dialog"):
		return s.viewStep(words, text)
	case len(words) == 3 && words[1] == "never" && words[2] == "sees":
		return s.never(words[0], text)
	}
	return fmt.Errorf("there is no such step")
}

// people are the playground's, by first name.
var people = map[string]string{"ada": "U0ADA00001", "ben": "U0BEN00001", "chloe": "U0CHLOE001", "gus": "U0GUS00001", "petra": "T0PARTNER1:U0PETRA001"}

var rooms = map[string]string{"ops": "C0OPS00001", "checkout": "C0CHECKOUT", "oncall": "C0ONCALL01", "shared": "C0SHARED01", "general": "C0GENERAL1"}

func (s *story) place() string {
	if s.channel == "" {
		s.channel = rooms["ops"]
	}
	return s.channel
}

func (s *story) say(who, room, text string) (err error) {
	s.channel = rooms[room]
	if room == "dm" {
		if s.channel, err = s.sims.slack.OpenDM(people[who]); err != nil {
			return err
		}
	}
	s.thread, err = s.sims.slack.Say(people[who], s.channel, text)
	return err
}

// seen is everything a person sees in the story's channel and thread, oldest first.
func (s *story) seen(who string) []slacksim.Message {
	messages, err := s.sims.slack.Messages(people[who], s.place())
	if err != nil {
		return nil
	}
	return messages
}

func (s *story) wait(who, text string, alone bool) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	err := s.sims.slack.Wait(ctx, func() bool {
		for _, m := range s.seen(who) {
			if m.User == aurora && strings.Contains(flat(m.Plain), text) && (!alone || m.Ephemeral || strings.HasPrefix(s.channel, "D")) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return fmt.Errorf("%s did not come to see it: %w", who, err)
	}
	return nil
}

func flat(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, "`", "")), " ") }

func (s *story) never(who, text string) error {
	for _, m := range s.seen(who) {
		if strings.Contains(flat(m.Plain), text) {
			return fmt.Errorf("it is there: %s", m.Plain)
		}
	}
	return nil
}

// unheard fails when the model was told a text.
func (s *story) unheard(text string) error {
	for _, r := range s.sims.model.Requests() {
		if strings.Contains(string(r.Body), text) {
			return fmt.Errorf("request %d holds it", r.N)
		}
	}
	return nil
}

// click presses the newest button of that action; it waits until there is one.
func (s *story) click(who, action string, fresh bool) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	var at, id string
	err := s.sims.slack.Wait(ctx, func() bool {
		for _, m := range s.seen(who) {
			for _, b := range m.Buttons {
				named := b.ActionID == action || strings.HasPrefix(b.ActionID, action+":")
				if named && !(fresh && s.pressed[m.TS]) {
					at, id = m.TS, b.ActionID
				}
			}
		}
		return at != ""
	})
	if err != nil {
		return fmt.Errorf("no such button: %w", err)
	}
	if s.pressed == nil {
		s.pressed = map[string]bool{}
	}
	s.pressed[at] = true
	_, err = s.sims.slack.Click(people[who], s.channel, at, id)
	return err
}

func (s *story) wantRan(action, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	if got := s.sims.clouds.Executed(action); got != n {
		return fmt.Errorf("%s was carried out %d times", action, got)
	}
	return nil
}

// audited reads a number of rows. "ben's" is as many as he had connections when the story began, which depends on the
// CLIs there are.
func (s *story) audited(count string) (int, error) {
	name, theirs := strings.CutSuffix(count, "'s")
	if !theirs {
		return strconv.Atoi(count)
	}
	n := 0
	for entry, err := range s.app.stores.sql.AuditWalk(s.t.Context(), 1) {
		if err != nil {
			return 0, err
		}
		if entry.Seq <= s.before && entry.Kind == store.AuditConnect && strings.HasSuffix(entry.Person, ":"+people[name]) {
			n++
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("%s had no connections", name)
	}
	return n, nil
}

func (s *story) wantAudit(kind, count string) error {
	n, err := s.audited(count)
	if err != nil {
		return err
	}
	got := 0
	for entry, err := range s.app.stores.sql.AuditWalk(s.t.Context(), s.before+1) {
		if err != nil {
			return err
		}
		if entry.Kind == store.AuditKind(kind) {
			got++
		}
	}
	if got != n {
		return fmt.Errorf("the audit has %d rows of the kind %s", got, kind)
	}
	return nil
}

// dump is what everybody sees, for a failing test.
func (s *story) dump() string {
	var b strings.Builder
	for who := range people {
		for _, m := range s.seen(who) {
			fmt.Fprintf(&b, "%s sees [%s ephemeral=%v] %s\n", who, m.User, m.Ephemeral, m.Plain)
		}
	}
	fmt.Fprintf(&b, "\nlog:\n%s", s.log.String())
	return b.String()
}

const (
	aurora   = "U0AURORA01"
	patience = 90 * time.Second
)
