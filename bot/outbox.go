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

// flush says what the claimed thread's outbox holds, in order, and what is added meanwhile. A message that may already
// stand there is looked for before it is said again; one that can never be said is put down as sent, and logged.
func (d *Desk) flush(ctx context.Context, claim store.Claim) error {
	for more := true; more; {
		posts, err := d.Outbox.Outbox(ctx, claim)
		if err != nil {
			return fmt.Errorf("read the outbox: %w", err)
		}
		more = false
		for _, post := range posts {
			added, err := d.deliver(ctx, claim, post)
			if errors.Is(err, ErrOverheard) { // decided anew, for those who read there now
				added, err = d.deliver(ctx, claim, post)
			}
			if err != nil {
				return fmt.Errorf("send part %d of %s: %w", post.Part, post.Turn, err)
			}
			more = more || added
		}
	}
	return nil
}

// deliver sends one post and notes it as sent; added when it put further posts into the outbox.
func (d *Desk) deliver(ctx context.Context, claim store.Claim, post store.Post) (added bool, err error) {
	var out outgoing
	if err := json.Unmarshal(post.Body, &out); err != nil {
		zerolog.Ctx(ctx).Error().Err(err).Str("turn", post.Turn).Int("part", post.Part).Msg("the body of a message cannot be read")
		return false, d.Outbox.Sent(ctx, claim, post.ID, "")
	}
	shown, hidden, err := d.discreet(ctx, post, out)
	if err != nil {
		return false, err
	}
	if err := d.enqueue(ctx, claim, hidden); err != nil { // first: a crash behind the words in the open must not lose it
		return false, err
	}
	ts, spoke, err := d.send(ctx, claim, post, shown)
	if why, ok := neverSent(err); ok {
		zerolog.Ctx(ctx).Warn().Err(err).Str("turn", post.Turn).Int("part", post.Part).Msg("a message cannot be delivered")
		instead := d.unasked(ctx, post, out, why)
		if len(hidden) == 0 {
			instead = append(instead, d.unsaid(ctx, post, out)...)
		}
		hidden = append(hidden, instead...)
		err = d.enqueue(ctx, claim, instead)
	}
	if err != nil {
		return false, err
	}
	if spoke {
		d.remember(ctx, claim, post, shown)
	}
	if shown.Offer != nil {
		return len(hidden) > 0, d.Offers.SentKept(ctx, claim, post.ID, ts)
	}
	if err := d.Outbox.Sent(ctx, claim, post.ID, ts); err != nil {
		return false, err
	}
	if out.Confirm != nil { // only a card that stands can be found from a Home
		d.homeChanged(out.Confirm.Asker, "")
	}
	return len(hidden) > 0, nil
}

// errUnkept says that a card was not shown because its record could not be kept: nobody could confirm it.
var errUnkept = errors.New("the record of the confirmation cannot be kept")

// errCardLate says that a card was not shown because its time was over before it could be.
var errCardLate = errors.New("the time of the confirmation is over")

// neverSent tells the errors after which a message is not tried again, and what the asker hears when it was a card.
func neverSent(err error) (why string, ok bool) {
	switch {
	case errors.Is(err, ErrUndeliverable):
		return "I can't show the card for your click there, so nothing will run. Invite me to the channel, or write to me directly, and ask again.", true
	case errors.Is(err, errCardLate):
		return "It took me too long to show the card for your click, so nothing will run. Please ask again.", true
	case errors.Is(err, errUnkept) && errors.Is(err, store.ErrUnavailable):
		return "My short-term memory is away, so I can't ask for your click and nothing will run. Please ask again in a minute.", true
	case errors.Is(err, errUnkept):
		return "I can't keep the record of what your click would confirm, so nothing will run. Please ask again in other words.", true
	}
	return "", false
}

func (d *Desk) enqueue(ctx context.Context, claim store.Claim, posts []store.Post) error {
	if len(posts) == 0 {
		return nil
	}
	if err := d.Outbox.AddPosts(ctx, claim, posts); err != nil {
		return fmt.Errorf("add a whisper: %w", err)
	}
	return nil
}

// send says a message; spoke when it stands there. A panic of ours on the way is as if
// the platform would never take it.
func (d *Desk) send(ctx context.Context, claim store.Claim, post store.Post, out outgoing) (ts string, spoke bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			logPanic(ctx, p)
			err = fmt.Errorf("%w: drawing it broke", ErrUndeliverable)
		}
	}()
	if ts, found, err := d.standing(ctx, post); found || err != nil {
		if found {
			err = d.complete(ctx, post, ts, out)
		}
		return ts, found && err == nil, err
	}
	if out, err = d.arm(ctx, out); err != nil {
		return "", false, err
	}
	if err := d.Outbox.BeginSend(ctx, claim, post.ID); err != nil {
		return "", false, fmt.Errorf("note the try: %w", err)
	}
	ts, err = d.speak(ctx, post, out)
	return ts, err == nil, err
}

// unasked tells the asker that his click cannot be asked for, and ends the confirmation: a card nobody can see would
// leave him waiting for it.
func (d *Desk) unasked(ctx context.Context, post store.Post, out outgoing, why string) []store.Post {
	if out.Confirm == nil {
		return nil
	}
	if _, err := d.Confirmations.EndConfirmation(ctx, out.Confirm.ID, store.ConfirmationVoided); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Str("confirmation", out.Confirm.ID).Msg("void a confirmation whose card cannot be shown")
	}
	return []store.Post{whisperTo(post.Turn, partNotices+post.Part, post.Place, out.Confirm.Asker, outgoing{Message: Message{Notice: why}})}
}

// unsaid tells the asker alone what may not stand where he asked: the channel was archived or locked, or Aurora left it.
func (d *Desk) unsaid(ctx context.Context, post store.Post, out outgoing) []store.Post {
	if post.Kind == store.PostWhisper || post.Part == partPlaceholder || out.Confirm != nil || out.Quiet {
		return nil
	}
	turn, err := d.Turns.Turn(ctx, post.Turn)
	if err != nil {
		return nil // it answers an event without a turn
	}
	m := out.Message
	m.Rating, m.Prompts, m.Buttons = nil, nil, nil
	if m.Notice == "" {
		m.Notice = "I may not write where you asked, so only you see this."
	}
	return []store.Post{whisperTo(post.Turn, partHidden+post.Part, post.Place, turn.Asker, outgoing{Message: m, Keep: out.Keep})}
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
		err = chat.Update(ctx, place, ts, out.Message)
		if errors.Is(err, ErrGone) {
			return chat.Post(ctx, post.Place, out.Message, Meta{Turn: post.Turn, Part: post.Part})
		}
		return ts, err
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

// complete says a message that stands there once more when a file may belong to it: whoever posted it may have ended
// before the file was shared, and the message would promise it for ever.
func (d *Desk) complete(ctx context.Context, post store.Post, ts string, out outgoing) error {
	if len(out.Message.Outputs) == 0 || out.Message.NoFile || out.Confirm != nil {
		return nil
	}
	out, err := d.arm(ctx, out)
	if err != nil {
		return err
	}
	err = d.Chats[post.Place.Platform].Chat.Update(ctx, post.Place, ts, out.Message)
	if errors.Is(err, ErrGone) || errors.Is(err, ErrUndeliverable) { // its words were read all the same
		return nil
	}
	return err
}

// arm gives the message's buttons their values: fresh nonces whose hash alone is kept. The record of a confirmation is
// kept from here on: a card nobody has seen cannot be confirmed.
func (d *Desk) arm(ctx context.Context, out outgoing) (outgoing, error) {
	if out.Confirm != nil {
		if time.Now().After(out.Confirm.Expires) {
			return out, fmt.Errorf("show %s: %w", out.Confirm.ID, errCardLate)
		}
		nonce := rand.Text()
		record := *out.Confirm
		record.NonceHash, record.State = store.HashNonce(nonce), store.ConfirmationPending
		if err := d.keepRecord(ctx, record); err != nil {
			return out, fmt.Errorf("keep confirmation %s: %w", record.ID, err)
		}
		for i := range out.Message.Buttons {
			out.Message.Buttons[i].Value = nonce
		}
		return out, nil
	}
	for _, buttons := range [][]Button{out.Message.Buttons, out.Message.Rating} {
		err := d.armButtons(ctx, buttons)
		if err != nil && ctx.Err() == nil { // a button is a courtesy: the words do not wait for it
			zerolog.Ctx(ctx).Info().Err(err).Msg("a message goes without its buttons")
			out.Message.Buttons, out.Message.Rating = nil, nil
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("make a button: %w", err)
		}
	}
	return out, nil
}

// armButtons gives each button its value, under which what pressing it means is kept.
func (d *Desk) armButtons(ctx context.Context, buttons []Button) error {
	for i, b := range buttons {
		value, err := d.Tickets.NewTicket(ctx, b.Press, buttonLife)
		if err != nil {
			return err
		}
		buttons[i].Value = value
	}
	return nil
}

// recordPatience is how long a card waits for Redis to come back: a failover takes about half of it, and the thread is
// held up as long.
const (
	recordPatience = 5 * time.Second
	recordPause    = 250 * time.Millisecond
)

// keepRecord keeps the record of a card that is about to be sent, or says that the card must not be.
func (d *Desk) keepRecord(ctx context.Context, record store.Confirmation) error {
	tick := time.NewTicker(recordPause)
	defer tick.Stop()
	for began := time.Now(); ; {
		err := d.Confirmations.PutConfirmation(ctx, record)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil: // the thread is somebody else's now, or we end: the card is not given up
			return context.Cause(ctx)
		case !errors.Is(err, store.ErrUnavailable) || time.Since(began) > recordPatience:
			return fmt.Errorf("%w: %w", errUnkept, err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// buttonLife is how long a button other than a confirmation's can be pressed.
const buttonLife = 24 * time.Hour
