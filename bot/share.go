package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"aurora/store"
)

// offer says that a whisper can be shared by the person it was whispered to.
type offer struct {
	Part      int      `json:"part"`      // of the post that was withheld
	Outsiders []string `json:"outsiders"` // whom the asker was told of
	Crowd     string   `json:"crowd"`     // who was there then
}

// shareButton asks, before it counts, with the name of those who read there now.
func shareButton(turn string, part int, audience Audience) Button {
	return Button{Action: actionShare, Label: "Share here", Press: detail(pressed{Turn: turn, Part: part}), Dialog: &Dialog{
		Title: "Share this here?", Yes: "Share", No: "Keep private",
		Text: "It will be read by " + readersOf(audience.outsiders()) + ", and stays there for whoever joins later.",
	}}
}

func isShare(b Button) bool { return b.Action == actionShare }

const notYours = "Only the person this was whispered to can share it."

// pressShare says in the open what was whispered, word for word, once. The post is put into the outbox in the transaction
// that settles the click, under a number that only this offer has: a crash neither loses nor doubles it. Who reads there
// is looked at again when it is sent, and whoever came or went since the asker was told keeps it from being said.
func (d *Desk) pressShare(ctx context.Context, claim store.Claim, row store.Received, a asker, means pressed) error {
	kept, err := d.Offers.Kept(ctx, means.Turn, means.Part)
	if errors.Is(err, store.ErrNotFound) {
		return d.settle(ctx, claim, row, whisper(row, notice("I don't have this any more. Please ask again.")))
	}
	if err != nil {
		return fmt.Errorf("read what is to be shared: %w", err)
	}
	var out outgoing
	if err := json.Unmarshal(kept.Body, &out); err != nil {
		return fmt.Errorf("read what is to be shared: %w", err)
	}
	if out.Offer == nil || kept.Kind != store.PostWhisper || kept.Place.Whisper != row.Person.ID || kept.Place.Platform != row.Person.Platform {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: notYours}))
	}
	part := partShared + out.Offer.Part
	if _, _, err := d.Standing.PostTS(ctx, kept.Turn, part); !errors.Is(err, store.ErrNotFound) {
		if err != nil {
			return fmt.Errorf("find what was shared: %w", err)
		}
		return d.settle(ctx, claim, row, whisper(row, notice("You have pressed this already.")))
	}
	if err := d.noteShare(ctx, a, kept, out.Offer.Outsiders); err != nil {
		return err
	}
	return d.settle(ctx, claim, row, shared(kept, out, part))
}

// shared is the whisper as it is said in the open: the same words, without buttons, and without a file that the whisper
// did not have.
func shared(kept store.Post, out outgoing, part int) store.Post {
	place := kept.Place
	asker := place.Whisper
	place.Whisper = ""
	m := out.Message
	m.Buttons, m.Rating, m.Prompts, m.NoFile = nil, nil, nil, true
	return say(kept.Turn, part, place, outgoing{Message: m, Asker: asker, Agreed: slices.Clone(out.Offer.Outsiders), Crowd: out.Offer.Crowd, Keep: out.Keep})
}

// noteShare puts into the audit who let whom read what; the words themselves are not in it.
func (d *Desk) noteShare(ctx context.Context, a asker, kept store.Post, outsiders []string) error {
	err := d.Audit.Audit(ctx, store.AuditEntry{
		Kind: store.AuditClick, OrgID: a.Org.ID, UserID: a.User.ID, Person: a.Person.String(), Turn: kept.Turn, Subject: kept.Place.Channel,
		Detail: detail(map[string]any{"action": actionShare, "part": kept.Part, "readers": outsiders}),
	})
	if err != nil {
		return fmt.Errorf("note what is shared: %w", err)
	}
	return nil
}
