package bot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"aurora/agent"
	"aurora/store"
)

// maxAsk is the longest ask that is read, in characters: more is pasted output, and belongs into a file or a question.
const maxAsk = 12_000

// mention answers a message that addresses Aurora: a verb at once, anything else as a turn.
func (d *Desk) mention(ctx context.Context, claim store.Claim, row store.Received) error {
	if m, bad := leaked(row.Payload); bad { // first: who may not use Aurora has to rotate it all the same
		return d.settle(ctx, claim, row, whisper(row, m))
	}
	a, refusal, err := d.identify(ctx, row.Place, row.Person)
	if err != nil {
		return err
	}
	if refusal != "" {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: refusal}))
	}
	text := strings.TrimSpace(strings.ToValidUTF8(row.Text, "\uFFFD"))
	if m, bad := unfit(text, row.Payload); bad {
		return d.settle(ctx, claim, row, whisper(row, m))
	}
	if v, spec, ok := mentionedVerb(text); ok && spec.name != "run" {
		return d.obey(ctx, claim, row, a, v, spec)
	}
	return d.begin(ctx, claim, row, a, text)
}

// command answers a slash command.
func (d *Desk) command(ctx context.Context, claim store.Claim, row store.Received) error {
	if m, bad := leaked(row.Payload); bad { // first: who may not use Aurora has to rotate it all the same
		return d.settle(ctx, claim, row, whisper(row, m))
	}
	a, refusal, err := d.identify(ctx, row.Place, row.Person)
	if err != nil {
		return err
	}
	if refusal != "" {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: refusal}))
	}
	text := strings.TrimSpace(strings.ToValidUTF8(row.Text, "\uFFFD"))
	if text == "" {
		text = "help"
	}
	if m, bad := unfit(text, row.Payload); bad {
		return d.settle(ctx, claim, row, whisper(row, m))
	}
	v := parseVerb(text)
	spec, near, ok := findVerb(v.Name)
	if !ok {
		return d.settle(ctx, claim, row, whisper(row, unknownVerb(v.Name, near)))
	}
	if spec.name == "run" && v.Rest != "" {
		return d.begin(ctx, claim, row, a, text)
	}
	return d.obey(ctx, claim, row, a, v, spec)
}

// begin opens a turn for the ask and answers it.
func (d *Desk) begin(ctx context.Context, claim store.Claim, row store.Received, a asker, text string) error {
	turn, err := d.Turns.BeginTurn(ctx, claim, store.Turn{
		ID: turnPrefix(row) + rand.Text(), Thread: claim.Thread, InboxID: row.ID, OrgID: a.Org.ID, UserID: a.User.ID,
		Asker: row.Person, Place: row.Place, Mode: d.mode(ctx, row.Person, claim.Thread, row.Place),
		State: store.TurnRunning, Text: text,
	})
	if err != nil {
		return fmt.Errorf("begin a turn: %w", err)
	}
	d.homeChanged(row.Person, "")
	return d.answer(ctx, claim, asked{turn: turn, row: row, who: &a})
}

// showQuestion posts what somebody asked in a dialog where the answer goes: an answer to an unseen question would leave
// everybody else guessing.
func (d *Desk) showQuestion(ctx context.Context, claim store.Claim, row store.Received, turn store.Turn) error {
	if aboutOf(row) == nil {
		return nil
	}
	profile, err := d.Chats[row.Place.Platform].Directory.Profile(ctx, row.Place.Team, row.Person)
	if err != nil {
		return fmt.Errorf("look up %s: %w", row.Person, err)
	}
	asks := Message{Notice: fmt.Sprintf("%s asks: %s", profile.Name, clip(turn.Text, maxShownAsk))}
	if err := d.Outbox.AddPosts(ctx, claim, []store.Post{say(rowTurn(row), partPlaceholder, row.Place, outgoing{Message: asks})}); err != nil {
		return fmt.Errorf("show the question: %w", err)
	}
	return nil
}

// aboutOf gives the message that a question from a dialog is about; nil for what somebody wrote in the open.
func aboutOf(row store.Received) *Said {
	var p MentionPayload
	if json.Unmarshal(row.Payload, &p) != nil {
		return nil
	}
	return p.About
}

// turnPrefix tells an ask in somebody's own words from a command that a button asks again.
func turnPrefix(row store.Received) string {
	var p MentionPayload
	if json.Unmarshal(row.Payload, &p) == nil && p.Repeated {
		return repeated
	}
	return ordinary
}

// maxHistory is how many messages of a thread are read. Some workspaces give no more than fifteen at a time.
const maxHistory = 15

// maxShownAsk is how much of a question that was written in a dialog is shown in its thread, in characters.
const maxShownAsk = 1000

// history reads what stands in the thread above a mention. Without it Aurora answers all the same.
func (d *Desk) history(ctx context.Context, row store.Received) []agent.Said {
	var p MentionPayload
	if json.Unmarshal(row.Payload, &p) != nil || !p.InThread {
		return nil
	}
	said, err := d.Chats[row.Place.Platform].Directory.History(ctx, row.Place, p.TS, maxHistory)
	if err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("read the thread")
	}
	if p.About != nil {
		said = with(said, *p.About)
	}
	var history []agent.Said
	for _, s := range said {
		clean, _ := d.Clean.Clean(s.Text) // a credential that was pasted above is not passed on now
		history = append(history, agent.Said{Own: s.Person == row.Person, Bot: s.Own, Who: s.Person.ID, Text: clean})
	}
	return history
}

// with puts the message that was asked about in its place among what stands in the thread, last where it is not among it.
// Taken from the message itself it has what is attached too, which in a thread nobody reads.
func with(said []Said, about Said) []Said {
	i := slices.IndexFunc(said, func(s Said) bool { return s.TS == about.TS })
	if i < 0 {
		return append(said, about)
	}
	said[i] = about
	return said
}

// unfit tells what cannot be taken as an ask at all, and what to do instead.
func unfit(text string, payload json.RawMessage) (Message, bool) {
	if m, bad := leaked(payload); bad {
		return m, true
	}
	if text == "" {
		return notice("Yes? Ask me about your clouds, for example \"list the production instances\", or say `help`."), true
	}
	if n := utf8.RuneCountInString(text); n > maxAsk {
		return notice("That message has %d characters; I read at most %d. Please ask a shorter question and leave long output out.", n, maxAsk), true
	}
	return Message{}, false
}

// leaked tells whether somebody pasted a credential, and what to do about it.
func leaked(payload json.RawMessage) (Message, bool) {
	var p MentionPayload
	if json.Unmarshal(payload, &p) != nil || p.Leaked == 0 {
		return Message{}, false
	}
	return notice("That looked like a credential, so I did not read, keep or pass on your message. Others may have seen it: " +
		"please delete the message and rotate the credential. To link a cloud, say `connect aws` and use the private link."), true
}

func unknownVerb(name, near string) Message {
	if near != "" {
		return notice("I don't know `%s`. Did you mean `%s`? `help` lists everything.", clip(name, 40), near)
	}
	return notice("I don't know `%s`. `help` lists what I understand; questions go into a message that mentions me.", clip(name, 40))
}

// settle closes an event with what is to be said about it, in one transaction.
func (d *Desk) settle(ctx context.Context, claim store.Claim, row store.Received, posts ...store.Post) error {
	if err := d.Rows.Settle(ctx, claim, row.ID, posts); err != nil {
		return fmt.Errorf("settle %s: %w", row.Key, err)
	}
	return nil
}

// clip shortens a text for a sentence.
func clip(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes-1]) + "…"
}
