package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// Views answers what is shown beside the conversation: a person's Home, and the dialogs that lead to a link or to a
// question. It answers at once, outside the queue, and so does nothing itself but make one-time links: a press that
// changes something, and a question, go through the inbox as everything else does.
type Views struct {
	Desk   *Desk
	Intake *Intake
	Recent Recent
	Opened Opened
	Log    zerolog.Logger
}

// Recent knows what a user did lately.
type Recent interface {
	RecentTurns(ctx context.Context, orgID, userID string, most int) ([]store.Turn, error)
	LastUsed(ctx context.Context, orgID, userID string) (map[string]time.Time, error)
}

// Opened remembers who opened his Home, and where he talks to Aurora.
type Opened interface {
	KeepHome(ctx context.Context, who store.Person, channel string, ttl time.Duration) error
	HomeOf(ctx context.Context, who store.Person) (channel string, err error)
}

// Menu is what a dialog offers: something said, and clouds to choose from.
type Menu struct {
	Message Message
	Clouds  []store.Cloud
}

// Menu answers a person who did not say which cloud to connect, or said nothing at all: with the clouds there are, and
// with the link once one is chosen. choice is "", "connect" or a cloud; place is where to whisper how connecting went.
func (v *Views) Menu(ctx context.Context, p store.Person, place store.Place, choice string) Menu {
	a, refusal, err := v.Desk.identify(ctx, place, p)
	if err != nil {
		v.Log.Warn().Err(err).Msg("menu: find out who it is")
		return Menu{Message: notice("My database is away, so I can't do that now. Please try again in a minute.")}
	}
	if refusal != "" {
		return Menu{Message: Message{Notice: refusal}}
	}
	o := order{asker: a, row: store.Received{Event: store.Event{Person: p, Place: place}}}
	switch choice {
	case "":
		m, _ := v.Desk.help(ctx, o)
		return Menu{Message: m, Clouds: v.Desk.Settings.Connectable}
	case "connect":
		return Menu{Message: notice("Which cloud do you want to connect? You get a private link that works once."), Clouds: v.Desk.Settings.Connectable}
	}
	o.verb = Verb{Name: "connect", Args: []string{choice}}
	m, err := v.Desk.connect(ctx, o)
	if err != nil {
		v.Log.Warn().Err(err).Msg("menu: make a link")
		return Menu{Message: sorry(choice)}
	}
	return Menu{Message: m}
}

// Quoted is a message somebody wants to ask about: untrusted text.
type Quoted struct {
	Place store.Place `json:"place"` // its thread
	Said  Said        `json:"said"`
}

// quotedLife is how long a question about a message can be written.
const quotedLife = 30 * time.Minute

// keptQuote is what the reference in a question's dialog stands for.
type keptQuote struct {
	Purpose string       `json:"purpose"` // "ask about"
	Person  store.Person `json:"person"`
	Quoted  Quoted       `json:"quoted"`
}

const askAbout = "ask about"

// Question is what a dialog needs to take a question about a message, or why the person can't ask.
type Question struct {
	Refusal string
	Ref     string // stands for the message, and says nothing to anybody else
	Quoted  string // the message's text, without the credentials in it
	Warning string // a sentence, when there were some
}

// Quote keeps a message that a person wants to ask about.
func (v *Views) Quote(ctx context.Context, p store.Person, q Quoted) Question {
	_, refusal, err := v.Desk.identify(ctx, q.Place, p)
	if err != nil {
		v.Log.Warn().Err(err).Msg("quote: find out who it is")
		return Question{Refusal: "My database is away, so I can't take a question now. Please try again in a minute."}
	}
	if refusal != "" {
		return Question{Refusal: refusal}
	}
	clean, found := v.Desk.Clean.Clean(q.Said.Text) // before it is cut: half a credential has no shape
	q.Said.Text = clip(clean, maxAsk)
	ref, err := v.Desk.Tickets.NewTicket(ctx, detail(keptQuote{Purpose: askAbout, Person: p, Quoted: q}), quotedLife)
	if err != nil {
		v.Log.Warn().Err(err).Msg("quote: keep the message")
		return Question{Refusal: "My short-term memory is away, so I can't take a question now. Please try again in a minute."}
	}
	question := Question{Ref: ref, Quoted: q.Said.Text}
	if found > 0 {
		question.Warning = "There is what looks like a credential in this message, which I leave out. Please have it deleted and the credential rotated."
	}
	return question
}

// Ask takes a question about the message behind ref, as an ask of the person in that message's thread. problem is what
// to put right before it is taken; an error means that it could not be kept. The same key is taken once.
func (v *Views) Ask(ctx context.Context, p store.Person, key, ref, text string) (problem string, err error) {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if text == "" {
		return "Please write a question.", nil
	}
	if _, leaked := v.Intake.Clean.Clean(text); leaked > 0 {
		return "That looks like a credential. Please take it out, and rotate it if it is a real one: I did not keep it.", nil
	}
	raw, err := v.Desk.Tickets.TicketByHash(ctx, store.HashNonce(ref))
	var kept keptQuote
	if errors.Is(err, store.ErrNotFound) || err == nil && (json.Unmarshal(raw, &kept) != nil || kept.Purpose != askAbout || kept.Person != p) {
		return "This form is too old. Please close it and choose the shortcut again.", nil
	}
	if err != nil {
		return "", fmt.Errorf("look up a quoted message: %w", err)
	}
	q, now := kept.Quoted, time.Now()
	_, err = v.Intake.Receive(ctx, store.Event{
		Key: key, Kind: store.EventMention, Thread: strings.Join([]string{q.Place.Team, q.Place.Channel, q.Place.Thread}, ":"),
		Person: p, Place: q.Place, Text: text, At: now,
	}, MentionPayload{TS: fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000), InThread: true, About: &q.Said})
	if err != nil {
		return "", err
	}
	return "", nil
}
