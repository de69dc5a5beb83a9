package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// discreet tells what of a message may be said in its place. Where guests or other organisations can read, where that
// cannot be told, or where the message is for its asker alone, it becomes a whisper of its own, so that it is sent once
// however often the rest is tried, and Instead stands in the open. It is asked anew for every message: channels change.
func (d *Desk) discreet(ctx context.Context, post store.Post, out outgoing) (shown outgoing, hidden []store.Post, err error) {
	if post.Kind == store.PostWhisper || out.Asker == "" {
		return out, nil, nil
	}
	readers := &Readers{Agreed: out.Agreed, Crowd: out.Crowd, Seen: time.Now()}
	audience, err := d.Chats[post.Place.Platform].Directory.Audience(ctx, post.Place)
	if err != nil {
		return out, nil, fmt.Errorf("tell who reads %s: %w", post.Place.Channel, err)
	}
	if audience.Direct || !out.Private && readers.May(audience) {
		out.Message.Readers = readers
		return out, nil, nil
	}
	if !out.Quiet {
		hidden = append(hidden, withheld(post, out, audience))
	}
	shown = outgoing{Message: notice("People from outside can read here, so I answered privately."), Confirm: out.Confirm}
	if out.Agreed != nil {
		shown.Message = notice("Others than those you were told of can read here now, so I have not shared it.")
	}
	if out.Instead != nil {
		shown.Message = *out.Instead
	}
	return shown, hidden, nil
}

// agreed tells whether the asker was told of every kind of outsider who reads now.
func agreed(told, now []string) bool {
	return len(told) > 0 && !slices.ContainsFunc(now, func(who string) bool { return !slices.Contains(told, who) })
}

// withheld is the whisper of what may not stand in the open. What is withheld only because of who reads there can be
// shared by its asker, who is told who that is.
func withheld(post store.Post, out outgoing, audience Audience) store.Post {
	part := partHidden + post.Part
	whispered := outgoing{Message: out.Message, Keep: out.Keep}
	whispered.Message.Rating, whispered.Message.Prompts = nil, nil
	if out.Message.Card != nil {
		whispered.Message.Buttons = nil // the card in the open has them
		if whispered.Message.Notice == "" && out.Confirm != nil {
			whispered.Message.Notice = "Only you see this: it is the whole of the card that waits for a click."
		}
	}
	whispered.Message.Buttons = slices.DeleteFunc(slices.Clone(whispered.Message.Buttons), isShare)
	if !out.Private && out.Message.Card == nil {
		whispered.Offer = &offer{Part: post.Part, Outsiders: audience.outsiders(), Crowd: audience.Crowd}
		whispered.Message.Buttons = append(whispered.Message.Buttons, shareButton(post.Turn, part, audience))
	}
	return whisperTo(post.Turn, part, post.Place, store.Person{ID: out.Asker}, whispered)
}

// inHouse tells whether members alone read a place, for what is shown on the way. What cannot be told is taken as no.
func (d *Desk) inHouse(ctx context.Context, place store.Place) bool {
	audience, err := d.Chats[place.Platform].Directory.Audience(ctx, place)
	if err != nil {
		zerolog.Ctx(ctx).Debug().Err(err).Msg("tell who reads along")
		return false
	}
	return !audience.Shared
}

// readersOf spells who would read what is shared.
func readersOf(outsiders []string) string {
	if len(outsiders) == 0 {
		return "everybody in this channel"
	}
	return "everybody in this channel, among them " + strings.Join(outsiders, " and ")
}
