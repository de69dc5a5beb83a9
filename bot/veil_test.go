package bot

import (
	"slices"
	"strings"
	"testing"

	"aurora/agent"
	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
)

func TestVeilKeepsGrammarAndTheAskersOwnWords(t *testing.T) {
	t.Parallel()
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ own, argv, want string }{
		"values go":               {"clean up", "aws ec2 terminate-instances --instance-ids i-0abc", "aws ec2 terminate-instances --instance-ids …"},
		"what he wrote stays":     {"terminate i-0abc please", "aws ec2 terminate-instances --instance-ids i-0abc i-0def", "aws ec2 terminate-instances --instance-ids i-0abc …"},
		"a piece of it does not":  {"terminate i-0abcd", "aws ec2 terminate-instances --instance-ids i-0abc", "aws ec2 terminate-instances --instance-ids …"},
		"a joined value goes":     {"", "gcloud compute instances delete web --zone=secret", "gcloud compute instances delete … --zone=…"},
		"an unknown word goes":    {"", "aws ec2 password-is-hunter2", "aws ec2 …"},
		"an unknown flag goes":    {"", "aws ec2 describe-instances --password-is-hunter2", "aws ec2 describe-instances …"},
		"a dashed value goes":     {"", "aws ec2 describe-instances --instance-ids -hunter2", "aws ec2 describe-instances … …"},
		"an unknown program goes": {"", "hunter2 x", "… …"},
		"nothing":                 {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(veil{policy: engine, own: c.own}.argv(strings.Fields(c.argv)), " ")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// afterData is a turn that read the asker's own data and then proposes a command which may hold some of it.
func afterData(o *office, fourEyes bool) agentFunc {
	return func(turn agent.Turn) []agent.Event {
		ask := providers.Ask{Turn: turn.ID, Step: 2, Call: "c2", Caller: turn.Caller, Line: "aws ec2 terminate-instances --instance-ids i-CANARY i-asked"}
		res := propose(ask)
		res.Proposal.FourEyes, res.Proposal.Typed = fourEyes, false
		return append(read("", true)[:1],
			agent.CallDone{Step: 2, Ran: true, Ask: ask, Result: res},
			agent.Proposed{Step: 2, ID: res.Proposal.ID, Confirmation: *res.Proposal},
			agent.Final{Text: "i-CANARY waits", State: store.TurnWaiting, AskerOnly: true, Tainted: true})
	}
}

func TestWordsOfLaterCommandsAreVeiledInPrivateTurns(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Agent = afterData(o, false)
	o.say("U1", "delete i-asked and what the rows name")
	ts, m := o.room.last(t)
	if raw := o.inTheOpen(); strings.Contains(raw, "CANARY") || strings.Contains(raw, "secret-name") || strings.Contains(raw, "web-1") {
		t.Fatalf("in the open stands %s", raw)
	}
	if got := strings.Join(m.Card.Commands[0].Argv, " "); got != "aws ec2 terminate-instances --instance-ids … i-asked" {
		t.Errorf("the card shows %q", got)
	}
	if w := o.room.whispers; !slices.ContainsFunc(w, func(m Message) bool { return m.Card != nil && slices.Contains(m.Card.Commands[0].Argv, "i-CANARY") }) {
		t.Errorf("the asker was not shown the whole card: %+v", w)
	}
	before := len(o.room.whispers)
	o.click("U2", actionShow, ts, m.Buttons[0].Value)
	if w := o.room.whispers[before:]; len(w) != 1 || w[0].Card != nil {
		t.Errorf("somebody else was shown %+v", w)
	}
	o.click("U1", actionShow, ts, m.Buttons[0].Value)
	if w := o.room.whispers[before+1:]; len(w) != 1 || w[0].Card == nil || w[0].Card.Touches == nil {
		t.Errorf("the asker was shown %+v", w)
	}
	o.click("U1", actionCancel, ts, m.Buttons[0].Value)
	if raw := o.inTheOpen(); strings.Contains(raw, "CANARY") || !strings.Contains(raw, "Cancelled by") {
		t.Errorf("in the open stands %s", raw)
	}
}

func TestNobodyConfirmsWhatHeWasNotShown(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ran := 0
	o.Executor = hands{func(ask providers.Ask) providers.Result { ran++; return propose(ask) }}
	o.Agent = afterData(o, true)
	o.say("UAPPROVER", "help")
	o.say("U1", "delete what the rows name")
	user, err := o.db.Person(t.Context(), person("UAPPROVER"))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.db.SetRole(t.Context(), user.OrgID, person("UADMIN"), user.ID, store.Approver); err != nil {
		t.Fatal(err)
	}
	ts, m := o.room.last(t)
	before := len(o.room.whispers)
	o.click("UAPPROVER", actionConfirm, ts, m.Buttons[0].Value)
	w := o.room.whispers[before:]
	if len(w) != 1 || w[0].Card == nil || !slices.Contains(w[0].Card.Commands[0].Argv, "i-CANARY") || o.room.said[ts].Card.Outcome != "" {
		t.Fatalf("the first click: whispered %+v, the card says %q", w, o.room.said[ts].Card.Outcome)
	}
	o.click("UAPPROVER", actionConfirm, ts, m.Buttons[0].Value)
	if !strings.HasPrefix(o.room.said[ts].Card.Outcome, "Confirmed by") || strings.Contains(o.inTheOpen(), "CANARY") {
		t.Errorf("the second click: %+v\n%s", o.room.said[ts], o.inTheOpen())
	}
}

func TestAskAgainIsTheAskersWhereTheCardIsVeiled(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Agent = afterData(o, false)
	o.say("U1", "delete what the rows name")
	ts, m := o.room.last(t)
	conf, err := o.mem.ConfirmationByNonce(t.Context(), store.HashNonce(m.Buttons[0].Value))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.mem.EndConfirmation(t.Context(), conf.ID, store.ConfirmationExpired); err != nil {
		t.Fatal(err)
	}
	o.tellEnded(t.Context(), conf.ID)
	if err := o.work(); err != nil {
		t.Fatal(err)
	}
	again := o.room.said[ts].Buttons
	if len(again) != 1 || again[0].Action != actionAgain {
		t.Fatalf("the card became %+v", o.room.said[ts])
	}
	before := len(o.room.order)
	o.click("U2", actionAgain, ts, again[0].Value)
	if w := o.room.whispers[len(o.room.whispers)-1]; !strings.Contains(w.Notice, "Only the person who asked") || len(o.room.order) != before {
		t.Errorf("somebody else asked it again: %+v, %q", w, o.room.words())
	}
}
