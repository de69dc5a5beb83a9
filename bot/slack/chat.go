package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

const (
	metaEvent = "aurora_post"
	findPage  = 200
	findPages = 25
	findBack  = 24 * time.Hour
)

// Post says m in a channel or thread, or in place.Whisper's direct messages where place names no channel.
func (a *Adapter) Post(ctx context.Context, place store.Place, m bot.Message, meta bot.Meta) (ts string, err error) {
	if m.Secret != "" { // it would stand there for good, and be found by a search
		return "", fmt.Errorf("what is shown once is not posted: %w", bot.ErrUndeliverable)
	}
	if place, err = a.seat(ctx, place); err != nil {
		return "", err
	}
	if err := a.served(ctx, place); err != nil {
		return "", err
	}
	if err := a.awaitTurn(ctx, place); err != nil {
		return "", err
	}
	files := a.bring(ctx, place, m)
	if err := a.stillFor(ctx, place, m); err != nil {
		return "", err
	}
	err = a.shown(place, a.drawings(place, m, files), func(out rendered) (err error) {
		ts, err = a.post(ctx, place, out, meta)
		return err
	})
	if err != nil {
		return "", a.meaning(err)
	}
	a.share(ctx, place, ts, m, files)
	a.progress.touched(place.Channel, ts)
	a.showStatus(ctx, place, m, false)
	a.furnish(ctx, place, m)
	return ts, nil
}

func (a *Adapter) post(ctx context.Context, place store.Place, out rendered, meta bot.Meta) (string, error) {
	options := append(out.options(), slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl())
	if place.Thread != "" {
		options = append(options, slackgo.MsgOptionTS(place.Thread))
	}
	if meta.Turn != "" {
		options = append(options, slackgo.MsgOptionMetadata(slackgo.SlackMetadata{EventType: metaEvent,
			EventPayload: map[string]any{"turn": meta.Turn, "part": meta.Part}}))
	}
	_, ts, err := a.api.PostMessageContext(ctx, place.Channel, options...)
	return ts, err
}

// Update replaces the message at ts. One that is only a word on progress may be shown later, or not at all when something
// newer came meanwhile.
func (a *Adapter) Update(ctx context.Context, place store.Place, ts string, m bot.Message) error {
	if err := a.served(ctx, place); err != nil {
		return err
	}
	if onProgress(m) {
		return a.showProgress(ctx, place, ts, m)
	}
	a.progress.final(place.Channel, ts)
	files := a.bring(ctx, place, m)
	if err := a.stillFor(ctx, place, m); err != nil {
		return err
	}
	if err := a.update(ctx, place, ts, m, files); err != nil {
		return a.updateMeaning(err)
	}
	a.share(ctx, place, ts, m, files)
	a.showStatus(ctx, place, m, true)
	a.furnish(ctx, place, m)
	return nil
}

// updateMeaning tells a message that is there no more, or too old to be edited, from what no other message would mend.
func (a *Adapter) updateMeaning(err error) error {
	switch word := slackWord(err); word {
	case "message_not_found", "cant_update_message", "edit_window_closed":
		return fmt.Errorf("refused by Slack (%s): %w", word, bot.ErrGone)
	}
	return a.meaning(err)
}

func (a *Adapter) update(ctx context.Context, place store.Place, ts string, m bot.Message, files []upload) error {
	return a.shown(place, a.drawings(place, m, files), func(out rendered) error {
		_, _, _, err := a.api.UpdateMessageContext(ctx, place.Channel, ts, out.options()...)
		return err
	})
}

// refusedBlocks tells whether Slack did not like how the message is drawn.
func refusedBlocks(err error) bool {
	switch slackWord(err) {
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_arguments":
		return true
	}
	return false
}

// Whisper shows m to place.Whisper alone, in his direct messages where no channel is named: through reply while that works, else as an ephemeral message, else as a direct
// message when the person is not in the channel.
func (a *Adapter) Whisper(ctx context.Context, place store.Place, m bot.Message, reply store.Secret) error {
	if place.Channel == "" {
		return a.tellAlone(ctx, place, m)
	}
	if err := a.served(ctx, place); err != nil {
		return err
	}
	m.Rating = nil // nobody else can tell what it is about
	ways := a.drawings(place, m, nil)
	if reply != "" {
		if err := a.replies.send(ctx, reply.Reveal(), place.Thread, ways[0]); !errors.Is(err, errReplyOver) {
			return err
		}
	}
	err := a.shown(place, ways, func(out rendered) error {
		options := out.options()
		if place.Thread != "" {
			options = append(options, slackgo.MsgOptionTS(place.Thread))
		}
		_, err := a.api.PostEphemeralContext(ctx, place.Channel, place.Whisper, options...)
		return err
	})
	if closed(err) {
		return a.tellAlone(ctx, place, m)
	}
	return a.meaning(err)
}

// closed tells whether it is the channel or thread that takes no message, so that one elsewhere may arrive.
func closed(err error) bool {
	switch word := slackWord(err); word {
	case "user_not_in_channel", "not_in_channel", "channel_not_found", "is_archived", "cannot_reply_to_message", "messages_tab_disabled",
		"posting_to_general_channel_denied", "team_access_not_granted", "method_not_supported_for_channel_type":
		return true
	default:
		return strings.HasPrefix(word, "restricted_action")
	}
}

// Tell writes to a person's direct messages: place.Whisper's, in place.Team.
func (a *Adapter) Tell(ctx context.Context, place store.Place, m bot.Message) error {
	return a.tellAlone(ctx, place, m)
}

// tellAlone writes to a person's direct messages.
func (a *Adapter) tellAlone(ctx context.Context, place store.Place, m bot.Message) error {
	_, err := a.Post(ctx, store.Place{Platform: store.Slack, Team: place.Team, Whisper: place.Whisper}, m, bot.Meta{})
	return err
}

// seat finds a person's direct messages where a place names only the person.
func (a *Adapter) seat(ctx context.Context, place store.Place) (store.Place, error) {
	if place.Channel != "" || place.Whisper == "" {
		return place, nil
	}
	dm, _, _, err := a.api.OpenConversationContext(ctx, &slackgo.OpenConversationParameters{Users: []string{place.Whisper}, ReturnIM: true})
	if err != nil {
		return place, notYet(a.meaning(err))
	}
	place.Channel = dm.ID
	return place, nil
}

// Find looks for the message that was posted with meta, in the thread or the last day of the channel.
func (a *Adapter) Find(ctx context.Context, place store.Place, meta bot.Meta) (ts string, err error) {
	if place, err = a.seat(ctx, place); err != nil {
		return "", err
	}
	if err := a.served(ctx, place); err != nil {
		return "", err
	}
	id, err := a.whoAmI(ctx)
	if err != nil {
		return "", a.meaning(err)
	}
	cursor := ""
	for range findPages {
		page, next, err := a.page(ctx, place, cursor)
		if err != nil {
			return "", a.searchMeaning(err)
		}
		for _, m := range page {
			if id.wrote(m) && carries(m.Metadata, meta) {
				return m.Timestamp, nil
			}
		}
		if next == "" {
			return "", store.ErrNotFound
		}
		cursor = next
	}
	return "", fmt.Errorf("the thread is too long to be searched: %w", bot.ErrInDoubt)
}

// searchMeaning tells a search that may work later from one that Slack refuses for good. Of the latter nothing comes that
// could stand in the way of saying it: to read something twice is better than never.
func (a *Adapter) searchMeaning(err error) error {
	err = a.meaning(err)
	if errors.Is(err, bot.ErrUndeliverable) {
		a.config.Log.Warn().Str("why", safe(err)).Msg("what was posted cannot be searched, so a message may stand there twice")
		return store.ErrNotFound
	}
	return err
}

// wrote tells whether a message is Aurora's own.
func (i identity) wrote(m slackgo.Message) bool {
	return m.User == i.user || (m.User == "" && i.bot != "" && m.BotID == i.bot)
}

func (a *Adapter) page(ctx context.Context, place store.Place, cursor string) ([]slackgo.Message, string, error) {
	if place.Thread != "" {
		page, _, next, err := a.api.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{ChannelID: place.Channel,
			Timestamp: place.Thread, Cursor: cursor, Limit: findPage, IncludeAllMetadata: true})
		return page, next, err
	}
	answer, err := a.api.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{ChannelID: place.Channel, Cursor: cursor,
		Limit: findPage, Oldest: fmt.Sprintf("%d.000000", time.Now().Add(-findBack).Unix()), IncludeAllMetadata: true})
	if err != nil {
		return nil, "", err
	}
	return answer.Messages, answer.ResponseMetaData.NextCursor, nil
}

func carries(have slackgo.SlackMetadata, want bot.Meta) bool {
	turn, _ := have.EventPayload["turn"].(string)
	part, ok := have.EventPayload["part"].(float64)
	return have.EventType == metaEvent && ok && turn == want.Turn && int(part) == want.Part
}

// served refuses places of other workspaces: this process holds no token for them.
func (a *Adapter) served(ctx context.Context, place store.Place) error {
	id, err := a.whoAmI(ctx)
	if err != nil {
		return notYet(a.meaning(err))
	}
	if place.Channel == "" || cmp.Or(place.Team, id.team) != id.team {
		return fmt.Errorf("there is no token for workspace %q: %w", place.Team, bot.ErrUndeliverable)
	}
	return nil
}

// notYet is for calls before the one that would deliver something: what they leave in doubt was surely not delivered.
func notYet(err error) error {
	if errors.Is(err, bot.ErrInDoubt) {
		return &bot.Later{After: 2 * time.Second}
	}
	return err
}

// onProgress tells whether a message is a word on progress, which something better will replace.
func onProgress(m bot.Message) bool {
	return m.Status != "" && m.Notice == "" && m.Text == "" && m.Card == nil && len(m.Outputs) == 0 && len(m.Ran) == 0 &&
		len(m.Links) == 0 && len(m.Buttons) == 0
}

// options are the parts of a message that every way of sending it shares. Nothing is parsed.
func (r rendered) options() []slackgo.MsgOption {
	options := []slackgo.MsgOption{slackgo.MsgOptionText(escapeWithin(r.text, mostFallback), false), slackgo.MsgOptionParse(false)}
	if len(r.blocks) > 0 {
		options = append(options, slackgo.MsgOptionBlocks(r.blocks...))
	}
	return options
}
