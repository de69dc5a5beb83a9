package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
)

// chatty answers everything with one sentence that is easy to count.
func chatty() modelsim.Script {
	return modelsim.Script{{Any: true, Reply: modelsim.Reply{Text: "At your service."}}}
}

func newChat(t *testing.T, o worldOptions) *story {
	t.Helper()
	if o.script == nil {
		o.script = chatty()
	}
	return &story{world: newWorld(t, o), channel: rooms["ops"]}
}

// settled waits until nothing more can come of what was sent so far: a further mention has been answered.
func (s *story) settled(who string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.sims.slack.WaitQuiet(ctx); err != nil {
		s.t.Fatal(err)
	}
	before := s.times(who, "At your service.")
	s.mention(who, "still there?")
	await(s.t, "the last mention's answer", func() bool { return s.times(who, "At your service.") > before })
	if err := s.sims.slack.WaitQuiet(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// frame is an event of Slack's as it comes over the socket, with the text put in as it is.
func frame(n int, text string) string {
	return fmt.Sprintf(`{"envelope_id":"raw-%d","type":"events_api","accepts_response_payload":false,"retry_attempt":0,"retry_reason":"","payload":{`+
		`"token":"t","team_id":"T0NIMBUS01","api_app_id":"A0AURORA01","type":"event_callback","event_id":"EvRAW%d","event_time":1,`+
		`"authorizations":[{"team_id":"T0NIMBUS01","user_id":"U0AURORA01","is_bot":true}],"event":{"type":"app_mention","user":"U0ADA00001",`+
		`"channel":"C0OPS00001","ts":"1700000000.%06d","event_ts":"1700000000.%06d","text":"<@U0AURORA01> %s"}}}`, n, n, n, n, text)
}

func TestTextThatIsNoTextIsAnswered(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]worldOptions{"embedded": {}, "real stores": {real: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newChat(t, o)
			texts := []string{"caf\xe9 \xff\xfe", `nul \u0000 byte`, `lone \ud800 surrogate`, `bell \u0007 and \u001b[31m`, `\u202e turned`}
			for n, text := range texts {
				if err := s.sims.slack.EmitRaw(frame(n, text)); err != nil {
					t.Fatal(err)
				}
			}
			await(t, "an answer to each", func() bool { return len(s.sims.slack.Calls("chat.update")) >= len(texts) })
			for _, call := range s.sims.slack.Calls("chat.update") {
				if !call.OK() {
					t.Errorf("an answer was refused: %s", call.Error())
				}
			}
			if n := s.app.slack.Stats().Unkept; n != 0 {
				t.Errorf("%d events could not be kept", n)
			}
		})
	}
}

func TestFramesThatAreNoEvents(t *testing.T) {
	t.Parallel()
	s := newChat(t, worldOptions{})
	for _, raw := range []string{"", "{", "[]", "null", `"text"`, `{"type":"events_api"}`, `{"envelope_id":"x","type":"events_api","payload":null}`,
		`{"envelope_id":"x","type":"events_api","payload":[]}`, `{"envelope_id":"x","type":"slash_commands","payload":{}}`,
		`{"envelope_id":"x","type":"interactive","payload":{"type":"block_actions"}}`, `{"envelope_id":"x","type":"made_up","payload":{}}`,
		strings.Repeat("[", 10_000), strings.Repeat("\xff", 1000)} {
		if err := s.sims.slack.EmitRaw(raw); err != nil {
			t.Fatal(err)
		}
	}
	s.settled(people["ada"])
	if stats := s.app.slack.Stats(); stats.Panics != 0 {
		t.Errorf("%d panics", stats.Panics)
	}
}

func TestShellOperatorsRunNothing(t *testing.T) {
	t.Parallel()
	s := newChat(t, worldOptions{})
	ada := people["ada"]
	before := s.sims.clouds.Executed("*") // signing in
	operators := []string{"|", "||", "&&", "&", ";", ">", ">>", "<", "<<", "2>&1", "$(id)", "`id`", "$HOME", "${HOME}", "<(id)", "*", "?", "[a]", "~", "{a,b}", "!!", "\\\nid"}
	inWords := []string{"*", "?", "[a]", "~", "{a,b}", "!!"} // within a value they are the value's own: there is no shell
	for _, op := range operators {
		for place, line := range map[string]string{
			"front": op + " aws ec2 describe-instances", "middle": "aws ec2 " + op + " describe-instances", "end": "aws ec2 describe-instances " + op,
			"glued": "aws ec2 describe-instances" + op + "id", "value": "aws ec2 describe-instances --region us-east-1" + op + "id",
		} {
			command, refusal := s.app.policy.Parse(line)
			if place == "value" && slices.Contains(inWords, op) && refusal == nil && strings.HasSuffix(line, " "+command.Argv[len(command.Argv)-1]) {
				continue
			}
			if refusal == nil && s.app.policy.Classify(command).Effect.String() != "forbidden" {
				t.Errorf("%s at the %s is taken: %q", op, place, command.Argv)
			}
			if refusal != nil && !strings.HasSuffix(refusal.Reason, ".") {
				t.Errorf("%s at the %s is refused with %q, which is no sentence", op, place, refusal.Reason)
			}
		}
	}
	for n, op := range []string{"| sh", "; id", "&& id", "> /tmp/x", "$(id)"} {
		s.types(ada, "/aurora run aws ec2 describe-instances "+op)
		s.mention(ada, "run aws ec2 describe-instances "+op)
		want := 2 * (n + 1)
		await(t, "a refusal of each", func() bool { return s.times(ada, "refused") >= want })
	}
	if n := s.sims.clouds.Executed("*") - before; n != 0 {
		t.Errorf("%d calls reached a cloud", n)
	}
	if n := len(s.sims.model.Requests()); n != 0 {
		t.Errorf("the model was asked %d times about what a person typed", n)
	}
}

func TestPastedCredentialGoesNowhere(t *testing.T) {
	t.Parallel()
	s := newChat(t, worldOptions{})
	ada := people["ada"]
	secrets := []string{"aws_secret_access_key=" + "q7Rk2vXw9Lb4Tn8Jm3Zc6Hf1Ys5Pd0Gu/Ae+Bi2K", "xoxb-" + "123456789012-123456789012-abcdefghijklmnopqrstuvwx",
		"tskey-client-" + "kABCDEFCNTRL-abcdefghijklmnopqrstuvwxyz", "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
		"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----"}
	told := 0
	for _, secret := range secrets {
		thread := s.mention(ada, "use this please: "+secret)
		told++
		await(t, "the advice", func() bool { return s.times(ada, "rotate the credential") >= told })
		// A question in that thread reads what stands above it.
		before := s.times(ada, "At your service.")
		s.mention(ada, "how many instances are there?", slacksim.InThread(thread))
		await(t, "the answer", func() bool { return s.times(ada, "At your service.") > before })
		if strings.Contains(secret, "\n") {
			continue
		}
		s.types(ada, "/aurora run aws ec2 describe-instances --filters "+secret)
		told++
		await(t, "the advice", func() bool { return s.times(ada, "rotate the credential") >= told })
	}
	s.settled(ada)
	for _, secret := range secrets {
		s.nowhere(secret)
		if _, value, named := strings.Cut(secret, "="); named {
			s.nowhere(value)
		}
		if inside := strings.Split(secret, "\n"); len(inside) > 1 {
			s.nowhere(inside[1])
		}
		if escaped, err := json.Marshal(secret); err == nil {
			s.nowhere(strings.Trim(string(escaped), `"`))
		}
	}
}

func TestTooLongAndEmptyAreToldSo(t *testing.T) {
	t.Parallel()
	s := newChat(t, worldOptions{})
	ada := people["ada"]
	s.mention(ada, strings.Repeat("lorem ipsum ", 3_333))
	s.mustSee(ada, "I read at most 12000")
	s.mention(ada, "")
	s.mustSee(ada, "Yes? Ask me about your clouds")
	s.mention(ada, "  \u200b ")
	s.types(ada, "/aurora help")
	s.mustSee(ada, "I also understand")
	s.settled(ada)
	for _, r := range s.sims.model.Requests() {
		if strings.Contains(string(r.Body), "lorem") {
			t.Error("the model was told what was too long")
		}
	}
}

func TestWhoIsNotAnswered(t *testing.T) {
	t.Parallel()
	s := newChat(t, worldOptions{})
	ada := people["ada"]
	if err := s.sims.slack.Join("U0PAGER001", s.channel); err != nil {
		t.Fatal(err)
	}
	s.mention("U0PAGER001", "the disk is full")
	ts := s.mention(ada, "how are you?")
	s.mustSee(ada, "At your service.")
	if err := s.sims.slack.Edit(ada, s.channel, ts, "@aurora how are you really?"); err != nil {
		t.Fatal(err)
	}
	s.mention(ada, "and now twice", slacksim.Copies(3))
	if _, err := s.sims.slack.Slash(ada, s.channel, "/aurora status", slacksim.FromThread(ts)); err == nil {
		t.Error("Slack takes slash commands in threads?")
	}
	await(t, "the second answer", func() bool { return s.times(ada, "At your service.") >= 2 })
	s.settled(ada)
	if n := s.times(ada, "At your service."); n != 3 {
		t.Errorf("%d answers, want one to each of three messages:\n%s", n, s.all(ada))
	}
}

func TestDirectMessagesAndTheirThreads(t *testing.T) {
	t.Parallel()
	s := newChat(t, worldOptions{})
	ada := people["ada"]
	dm, err := s.sims.slack.OpenDM(ada)
	if err != nil {
		t.Fatal(err)
	}
	s.channel = dm
	root, err := s.sims.slack.Say(ada, dm, "how are you?")
	if err != nil {
		t.Fatal(err)
	}
	s.mustSee(ada, "At your service.")
	if _, err := s.sims.slack.Say(ada, dm, "and in here?", slacksim.InThread(root)); err != nil {
		t.Fatal(err)
	}
	await(t, "the answer in the thread", func() bool {
		thread, err := s.sims.slack.Thread(ada, dm, root)
		return err == nil && strings.Count(plainOf(thread), "At your service.") == 2
	})
	for _, word := range []string{"status", "whoami", "help", "mode"} {
		if _, err := s.sims.slack.Say(ada, dm, word); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"Mode here: Ask", "to me you are user", "I also understand", "You are in Ask mode here"} {
		s.mustSee(ada, want)
	}
	if n := len(s.sims.model.Requests()); n != 2 {
		t.Errorf("the model was asked %d times, want 2: verbs need none", n)
	}
}

func plainOf(messages []slacksim.Message) string {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString(m.Plain + "\n")
	}
	return b.String()
}

// An event that Slack repeats after a day is known by then, or too old to be answered; one repeated at once surely is.
func TestRedeliveredEnvelopesAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	s := newChat(t, worldOptions{slack: slacksim.Config{RetryDelays: []time.Duration{0, 0, 0}}})
	ada := people["ada"]
	s.mention(ada, "how are you?")
	s.mustSee(ada, "At your service.")
	s.types(ada, "/aurora whoami")
	s.mustSee(ada, "to me you are user")
	for _, d := range s.sims.slack.Deliveries() {
		if err := s.sims.slack.Redeliver(d.EnvelopeID); err != nil {
			t.Fatal(err)
		}
	}
	s.settled(ada)
	if n := s.times(ada, "At your service."); n != 2 {
		t.Errorf("%d answers, want 2", n)
	}
	if n := s.times(ada, "to me you are user"); n != 1 {
		t.Errorf("the command was answered %d times", n)
	}
}
