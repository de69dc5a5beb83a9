package bot

import (
	"context"
	"errors"
	"fmt"

	"aurora/store"
)

// shownTurn stands for a turn in the post by which a person was first shown a veiled card.
func shownTurn(a asker, conf store.Confirmation) string { return "shown_" + conf.ID + "_" + a.User.ID }

// blind tells whether a person would confirm what he was not shown: the card in the open is veiled, the asker was
// whispered the whole of it, and anybody else only when he pressed for it.
func (d *Desk) blind(ctx context.Context, a asker, conf store.Confirmation) (bool, error) {
	if a.User.ID == conf.UserID {
		return false, nil
	}
	if _, _, err := d.Standing.PostTS(ctx, shownTurn(a, conf), partNotices); !errors.Is(err, store.ErrNotFound) {
		if err != nil {
			return false, fmt.Errorf("find out whether the card was shown: %w", err)
		}
		return false, nil
	}
	return d.veiled(ctx, conf)
}

// veiled tells whether a card does not stand in the open as it is.
func (d *Desk) veiled(ctx context.Context, conf store.Confirmation) (bool, error) {
	audience, err := d.Chats[conf.Place.Platform].Directory.Audience(ctx, conf.Place)
	if err != nil {
		return false, fmt.Errorf("tell who reads %s: %w", conf.Place.Channel, err)
	}
	return !audience.Direct && (conf.Private || audience.Shared), nil
}

// showCard whispers the whole of a card to a person who may answer it. Who decides has to see what he decides on, also
// what else is for the asker alone; so it is noted.
func (d *Desk) showCard(ctx context.Context, claim store.Claim, row store.Received, a asker, p ClickPayload, conf store.Confirmation) error {
	if err := d.noteClick(ctx, a, conf, actionShow, ""); err != nil {
		return err
	}
	m := Message{Card: ref(drawCard(conf, d.nameOf(ctx, conf.Place, conf.Asker))), Notice: "Only you see this."}
	if p.Action != actionShow {
		m.Notice = "Only you see this. Nothing has run: read it, then press the button of the card again."
	}
	out := outgoing{Message: m, Reply: p.ReplyURL}
	posts := []store.Post{whisperTo(shownTurn(a, conf), partNotices, row.Place, row.Person, out)}
	if _, _, err := d.Standing.PostTS(ctx, shownTurn(a, conf), partNotices); err == nil {
		posts = []store.Post{whisper(row, m)}
	}
	return d.settle(ctx, claim, row, posts...)
}
