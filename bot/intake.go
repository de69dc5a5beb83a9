package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"aurora/store"
)

// Inbox is where events are made durable before they are acknowledged.
type Inbox interface {
	Receive(ctx context.Context, e store.Event) (fresh bool, err error)
}

// Stopper marks running turns as stopped, outside the queue.
type Stopper interface {
	RunningTurns(ctx context.Context, p store.Person, place store.Place, said time.Time) ([]store.Turn, error)
	RequestStop(ctx context.Context, turnIDs []string, by store.Person) error
}

// Cleaner takes credentials and known secret shapes out of a text.
type Cleaner interface {
	Clean(text string) (clean string, found int)
}

// Intake is the door through which every adapter brings events in.
type Intake struct {
	Inbox Inbox
	Clean Cleaner
	// Hurry is shown every fresh event once it is durable, before its turn in the queue comes. It decides by itself what
	// cannot wait. May be nil.
	Hurry func(ctx context.Context, e store.Event)
}

// CommandPayload is what a slash command carries besides its text.
type CommandPayload struct {
	ReplyURL string `json:"reply_url,omitempty"` // a capability: erased when the event is settled
	Trigger  string `json:"trigger,omitempty"`
	Leaked   int    `json:"leaked,omitempty"` // how many credentials were taken out of the text
	Home     bool   `json:"home,omitempty"`   // pressed on the person's Home, where it is answered
}

// ClickPayload is what a click carries. Nonce is stored hashed; what the message showed is not kept: nothing is ever
// read back from it.
type ClickPayload struct {
	Action    string `json:"action"`
	NonceHash string `json:"nonce_hash"`
	MessageTS string `json:"message_ts"`
	ReplyURL  string `json:"reply_url,omitempty"`

	// Aurora's own notes, never from outside.
	Confirmation string `json:"confirmation,omitempty"` // the one that ran out of time, or that the button was found to answer
	Tried        bool   `json:"tried,omitempty"`        // somebody has begun to carry the click out: it may have been taken
}

// MentionPayload is what a message carries besides its text.
type MentionPayload struct {
	TS       string `json:"ts"`                  // the message's own
	Direct   bool   `json:"direct,omitempty"`    // written in a DM
	Leaked   int    `json:"leaked,omitempty"`    // how many credentials were taken out of the text
	InThread bool   `json:"in_thread,omitempty"` // written below another message
	Repeated bool   `json:"repeated,omitempty"`  // not written at all: a button asks a command again
	About    *Said  `json:"about,omitempty"`     // the message it was asked about in a dialog; nobody saw the question yet
}

// written is the payload of an event with a text that somebody wrote.
type written interface {
	// withLeaked notes how many credentials were taken out of the text.
	withLeaked(found int) any
}

func (p MentionPayload) withLeaked(found int) any { p.Leaked = found; return p }

func (p CommandPayload) withLeaked(found int) any { p.Leaked = found; return p }

// Receive makes e durable and only then returns, so that the caller may acknowledge it. A redelivered event is no error:
// fresh is false. Texts are cleaned of credentials first.
func (i *Intake) Receive(ctx context.Context, e store.Event, payload any) (fresh bool, err error) {
	clean, found := i.Clean.Clean(e.Text)
	e.Text = clean
	if p, ok := payload.(written); ok {
		payload = p.withLeaked(found)
	}
	if e.Payload, err = json.Marshal(payload); err != nil {
		return false, fmt.Errorf("encode event %s: %w", e.Key, err)
	}
	if fresh, err = i.Inbox.Receive(ctx, e); err != nil {
		return false, fmt.Errorf("receive %s: %w", e.Key, err)
	}
	if fresh && i.Hurry != nil {
		i.Hurry(ctx, e)
	}
	return fresh, nil
}
