package bot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// flush says what the claimed thread's outbox holds, in order. A message that may already stand there is looked for
// before it is said again; one that can never be said is put down as sent, and logged.
func (d *Desk) flush(ctx context.Context, claim store.Claim) error {
	posts, err := d.Outbox.Outbox(ctx, claim)
	if err != nil {
		return fmt.Errorf("read the outbox: %w", err)
	}
	for _, post := range posts {
		ts, err := d.send(ctx, claim, post)
		if errors.Is(err, ErrUndeliverable) {
			zerolog.Ctx(ctx).Warn().Err(err).Str("turn", post.Turn).Int("part", post.Part).Msg("a message cannot be delivered")
			err = nil
		}
		if err != nil {
			return fmt.Errorf("send part %d of %s: %w", post.Part, post.Turn, err)
		}
		if err := d.Outbox.Sent(ctx, claim, post.ID, ts); err != nil {
			return fmt.Errorf("note part %d of %s as sent: %w", post.Part, post.Turn, err)
		}
	}
	return nil
}

func (d *Desk) send(ctx context.Context, claim store.Claim, post store.Post) (ts string, err error) {
	var out outgoing
	if err := json.Unmarshal(post.Body, &out); err != nil {
		return "", fmt.Errorf("%w: its body cannot be read: %w", ErrUndeliverable, err)
	}
	post, out, err = d.discreet(ctx, post, out)
	if err != nil {
		return "", err
	}
	if ts, found, err := d.standing(ctx, post); found || err != nil {
		return ts, err
	}
	if out, err = d.arm(ctx, out); err != nil {
		return "", err
	}
	if err := d.Outbox.BeginSend(ctx, claim, post.ID); err != nil {
		return "", fmt.Errorf("note the try: %w", err)
	}
	return d.speak(ctx, post, out)
}

// speak hands the message to the platform.
func (d *Desk) speak(ctx context.Context, post store.Post, out outgoing) (string, error) {
	chat := d.Chats[post.Place.Platform].Chat
	switch post.Kind {
	case store.PostWhisper:
		return "", chat.Whisper(ctx, post.Place, out.Message, store.Secret(out.Reply))
	case store.PostUpdate:
		place, ts, err := d.Standing.PostTS(ctx, post.Turn, post.Target)
		if errors.Is(err, store.ErrNotFound) || (err == nil && ts == "") {
			return chat.Post(ctx, post.Place, out.Message, Meta{Turn: post.Turn, Part: post.Part})
		}
		if err != nil {
			return "", fmt.Errorf("find part %d: %w", post.Target, err)
		}
		return ts, chat.Update(ctx, place, ts, out.Message)
	}
	return chat.Post(ctx, post.Place, out.Message, Meta{Turn: post.Turn, Part: post.Part})
}

// standing looks for a message whose sending was begun before.
func (d *Desk) standing(ctx context.Context, post store.Post) (ts string, found bool, err error) {
	if !post.Tried || post.Kind == store.PostWhisper {
		return "", false, nil
	}
	ts, err = d.Chats[post.Place.Platform].Chat.Find(ctx, post.Place, Meta{Turn: post.Turn, Part: post.Part})
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look for a message that may stand there: %w", err)
	}
	return ts, true, nil
}

// discreet turns a message with cloud output into a whisper where guests or other organisations can read, or where that
// cannot be told. It is asked anew for every message: channels change.
func (d *Desk) discreet(ctx context.Context, post store.Post, out outgoing) (store.Post, outgoing, error) {
	if out.Asker == "" || post.Kind == store.PostWhisper {
		return post, out, nil
	}
	audience, err := d.Chats[post.Place.Platform].Directory.Audience(ctx, post.Place)
	if err != nil {
		return post, out, fmt.Errorf("tell who reads %s: %w", post.Place.Channel, err)
	}
	if !audience.Shared {
		return post, out, nil
	}
	hidden := post
	hidden.Kind, hidden.Place.Whisper = store.PostWhisper, out.Asker
	if err := d.Chats[post.Place.Platform].Chat.Whisper(ctx, hidden.Place, out.Message, ""); err != nil {
		return post, out, err
	}
	out.Message = notice("People from outside can read here, so I answered privately.")
	out.Asker = ""
	return post, out, nil
}

// arm gives the message's buttons their values: fresh nonces whose hash alone is kept. The record of a confirmation is
// kept from here on: a card nobody has seen cannot be confirmed.
func (d *Desk) arm(ctx context.Context, out outgoing) (outgoing, error) {
	if out.Confirm != nil {
		nonce := rand.Text()
		record := *out.Confirm
		record.NonceHash, record.State = store.HashNonce(nonce), store.ConfirmationPending
		if err := d.Confirmations.PutConfirmation(ctx, record); err != nil {
			return out, fmt.Errorf("keep confirmation %s: %w", record.ID, err)
		}
		for i := range out.Message.Buttons {
			out.Message.Buttons[i].Value = nonce
		}
		return out, nil
	}
	for i, b := range out.Message.Buttons {
		value, err := d.Tickets.NewTicket(ctx, b.Press, buttonLife)
		if err != nil {
			return out, fmt.Errorf("make a button: %w", err)
		}
		out.Message.Buttons[i].Value = value
	}
	return out, nil
}

// buttonLife is how long a button other than a confirmation's can be pressed.
const buttonLife = 24 * time.Hour
