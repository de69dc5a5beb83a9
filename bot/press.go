package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"aurora/providers/policy"
	"aurora/store"
)

// press is a click on a button that is no card's.
func (d *Desk) press(ctx context.Context, claim store.Claim, row store.Received, a asker, p ClickPayload) error {
	raw, err := d.Tickets.TicketByHash(ctx, p.NonceHash)
	if errors.Is(err, store.ErrNotFound) {
		return d.settle(ctx, claim, row, whisper(row, notice("This button has expired. Please ask again.")))
	}
	if err != nil {
		return d.memoryAway(ctx, claim, row, p, err)
	}
	if _, err := d.noteTry(ctx, claim, row, p, ""); err != nil {
		return err
	}
	means, err := readPressed(raw)
	if err != nil {
		return err
	}
	switch p.Action {
	case actionAgent:
		return d.pressAgent(ctx, claim, row, a, means)
	case actionAgain:
		return d.pressAgain(ctx, claim, row, a, means)
	case actionAdmit, actionExpel:
		return d.pressAdmit(ctx, claim, row, a, means)
	case actionCut:
		return d.pressDisconnect(ctx, claim, row, a, means)
	case actionLink:
		return d.pressLink(ctx, claim, row, a, means)
	case actionShare:
		return d.pressShare(ctx, claim, row, a, means)
	case actionRate:
		return d.pressRate(ctx, claim, row, a, means)
	}
	return d.settle(ctx, claim, row, whisper(row, notice("This button does nothing any more.")))
}

// pressAgent switches the asker of a refused change to Agent mode in that thread. It runs nothing: he asks again.
func (d *Desk) pressAgent(ctx context.Context, claim store.Claim, row store.Received, a asker, means pressed) error {
	turn, err := d.Turns.Turn(ctx, means.Turn)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read %s: %w", means.Turn, err)
	}
	if err != nil || turn.UserID != a.User.ID {
		return d.settle(ctx, claim, row, whisper(row, notice("This button is for the person who asked. Say `mode agent` to switch yourself.")))
	}
	m, err := d.setMode(ctx, a, turn.Thread, turn.Place, !inThread(turn.Place), store.Agent)
	if err != nil {
		return err
	}
	m.Notice += " Ask again, and I will do it or ask for your click."
	return d.settle(ctx, claim, row, whisper(row, m))
}

// pressAgain asks an expired command anew, as the clicker's own ask: everything is judged afresh, under a new id. The
// clicker asked for it but did not write it, so a plain write waits for a click too.
func (d *Desk) pressAgain(ctx context.Context, claim store.Claim, row store.Received, a asker, means pressed) error {
	conf, err := d.Confirmations.Confirmation(ctx, means.Confirmation)
	if errors.Is(err, store.ErrNotFound) {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: goneCard}))
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", means.Confirmation, err)
	}
	if digest, err := d.Asked.Asked(ctx, conf.ID); err != nil || digest != conf.Digest() || conf.OrgID != a.Org.ID {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: goneCard}))
	}
	if a.User.ID != conf.UserID { // the card's words may be ones that he was never shown
		veiled, err := d.veiled(ctx, conf)
		if err != nil {
			return err
		}
		if veiled {
			return d.settle(ctx, claim, row, whisper(row, notice("Only the person who asked for this can ask for it again.")))
		}
	}
	for _, c := range conf.Commands {
		if !d.readsBack(c.Argv) {
			return d.settle(ctx, claim, row, whisper(row, notice("That command cannot be written as one line, so I can't ask it again by myself. Please ask in your own words.")))
		}
	}
	for i, c := range conf.Commands {
		e := store.Event{
			Key: fmt.Sprintf("again:%s:%d", row.Key, i), Kind: store.EventMention, Thread: conf.Thread, Person: row.Person,
			Place: conf.Place, Text: "run " + quoted(c.Argv), Payload: detail(MentionPayload{Repeated: true}), At: row.At,
		}
		if _, err := d.Inbox.Receive(ctx, e); err != nil {
			return fmt.Errorf("ask again: %w", err)
		}
	}
	return d.settle(ctx, claim, row)
}

// pressLink answers as `connect` would: with a link of the presser's own, since one in the message would be over long before
// it is read.
func (d *Desk) pressLink(ctx context.Context, claim store.Claim, row store.Received, a asker, means pressed) error {
	words := "connect " + means.Cloud
	if means.Shared {
		words += " for everyone"
	}
	m, err := d.connect(ctx, order{a, row, parseVerb(words)})
	if err != nil {
		return err
	}
	return d.settle(ctx, claim, row, whisper(row, m))
}

// readsBack tells whether the argv, written as a line, is the same command when it is read as a person's: what chat
// programs do to text is undone there, also where it was meant.
func (d *Desk) readsBack(argv []string) bool {
	c, bad := d.Policy.Parse(policy.CleanHuman(quoted(argv)))
	return bad == nil && slices.Equal(c.Argv, argv)
}

// quoted writes an argv as a line that parses back into it.
func quoted(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'"
		if plainWord(w) {
			words[i] = w
		}
	}
	return strings.Join(words, " ")
}

func plainWord(w string) bool {
	return w != "" && strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,@+") == ""
}

// ended edits the card of a confirmation that ran out of time or was voided. It comes through the inbox, so that one
// replica does it, once, not before a click that came first, and not before the card stands.
func (d *Desk) ended(ctx context.Context, claim store.Claim, row store.Received, p ClickPayload) error {
	conf, err := d.Confirmations.Confirmation(ctx, p.Confirmation)
	if errors.Is(err, store.ErrNotFound) {
		return d.settle(ctx, claim, row)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", p.Confirmation, err)
	}
	defer d.homeChanged(conf.Asker, "")
	same, err := d.asAsked(ctx, conf)
	if err != nil {
		return err
	}
	if !same { // who may read the card is part of the record
		return d.settle(ctx, claim, row)
	}
	if conf.State == store.ConfirmationPending { // it is about to be voided
		return &Later{After: time.Second}
	}
	_, ts, err := d.Standing.PostTS(ctx, conf.Turn, conf.CardPart)
	if errors.Is(err, store.ErrNotFound) { // an edit of what does not stand yet would be a message of its own
		return &Later{After: retryAfter}
	}
	if err != nil {
		return fmt.Errorf("find the card of %s: %w", conf.ID, err)
	}
	if ts == "" { // its card was never shown: the asker heard so
		return d.settle(ctx, claim, row)
	}
	switch conf.State {
	case store.ConfirmationExpired:
		again := Button{Action: actionAgain, Label: "Ask again", Press: detail(pressed{Confirmation: conf.ID})}
		return d.settle(ctx, claim, row, d.decided(ctx, conf, "Expired at "+clock(conf.Expires)+". Nothing was run.", nil, again))
	case store.ConfirmationVoided:
		return d.settle(ctx, claim, row, d.decided(ctx, conf, "Stopped. Nothing was run.", nil))
	}
	return d.settle(ctx, claim, row)
}

// askEnded asks for the card of a confirmation to be edited, once, when it has ended.
func (d *Desk) askEnded(ctx context.Context, id string) error {
	e := store.Event{Key: "end:" + id, Kind: store.EventClick, Thread: "end:" + id, Payload: detail(ClickPayload{Action: actionExpire, Confirmation: id})}
	_, err := d.Inbox.Receive(ctx, e)
	return err
}

// tellEnded asks for the edit of a card whose confirmation ran out of time.
func (d *Desk) tellEnded(ctx context.Context, id string) {
	if err := d.askEnded(ctx, id); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("confirmation", id).Msg("ask for the card's edit")
		return
	}
	if err := d.Waiting.ToldConfirmation(ctx, id); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("confirmation", id).Msg("note the expiry as told")
	}
}
