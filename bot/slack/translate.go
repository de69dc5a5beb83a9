package slack

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"aurora/bot"
	"aurora/store"
)

// incoming is an event with what it carries besides its text.
type incoming struct {
	event   store.Event
	payload any
}

// HandledEvents are the inner events the adapter does something with: those the manifest subscribes to.
func HandledEvents() []string {
	return []string{
		string(slackevents.AgentSessionStopped), string(slackevents.AppHomeOpened), string(slackevents.AppMention), string(slackevents.AppUninstalled),
		"message.im", string(slackevents.TokensRevoked), string(slackevents.UserChange),
	}
}

// receiveEvent makes what an event asks durable. Events nobody asked for are only acknowledged.
func (a *Adapter) receiveEvent(ctx context.Context, id identity, outer slackevents.EventsAPIEvent) (after func(), err error) {
	back, ok := outer.Data.(*slackevents.EventsAPICallbackEvent)
	if !ok || !installed(id, back) {
		a.config.Log.Warn().Str("type", outer.Type).Msg("Slack sent an event that is not for this workspace's app")
		a.counts.ignored.Add(1)
		return nil, nil
	}
	switch e := outer.InnerEvent.Data.(type) {
	case *slackevents.AppMentionEvent:
		if ownOrEdited(id, e.User, e.BotID, "", e.Edited != nil) {
			break
		}
		return a.receiveSaid(ctx, id, said{eventID: back.EventID, user: e.User, userTeam: cmp.Or(e.UserTeam, e.SourceTeam),
			channel: e.Channel, ts: e.TimeStamp, thread: e.ThreadTimeStamp, text: e.Text, direct: isDirect(e.Channel)})
	case *slackevents.MessageEvent:
		edited := e.Message != nil && e.Message.Edited != nil
		if !direct(e) || ownOrEdited(id, e.User, e.BotID, plainSubtype(e.SubType), edited) {
			break
		}
		return a.receiveSaid(ctx, id, said{eventID: back.EventID, user: e.User, userTeam: cmp.Or(e.UserTeam, e.SourceTeam),
			channel: e.Channel, ts: e.TimeStamp, thread: e.ThreadTimeStamp, text: e.Text, direct: true})
	case *slackevents.AgentSessionStoppedEvent:
		place := store.Place{Platform: store.Slack, Team: id.team, Channel: e.Channel, Thread: e.ThreadTimestamp}
		return a.stop(ctx, halt{key: "ev:" + id.team + ":" + back.EventID, by: id.person(e.User, ""), place: place, said: at(e.EventTimestamp), say: a.sayIn(place)})
	case *slackevents.AppHomeOpenedEvent:
		if e.Tab == "home" && a.config.Views != nil {
			opened := store.Place{Platform: store.Slack, Team: id.team, Channel: e.Channel}
			return func() { a.drawHome(id.person(e.User, ""), opened) }, nil
		}
		if e.Tab == "messages" {
			opened := store.Place{Platform: store.Slack, Team: id.team, Channel: e.Channel}
			return func() { a.furnish(ctx, opened, bot.Message{Prompts: bot.FirstPrompts()}) }, nil
		}
	case *slackevents.UserChangeEvent:
		return nil, a.changed(ctx, id, back.EventID, e.User.ID, e.User.Deleted)
	case *slackevents.AppUninstalledEvent:
		return a.gone(ctx, id, "the app was removed from the workspace")
	case *slackevents.TokensRevokedEvent:
		if len(e.Tokens.Bot) > 0 {
			return a.gone(ctx, id, "the bot token was revoked")
		}
	}
	a.counts.ignored.Add(1)
	return nil, nil
}

// direct tells whether a message was written to Aurora alone.
func direct(e *slackevents.MessageEvent) bool {
	return e.ChannelType == slackevents.ChannelTypeIM || (e.ChannelType == "" && isDirect(e.Channel))
}

// isDirect tells a direct message by its channel: the bot sees none but its own.
func isDirect(channel string) bool { return strings.HasPrefix(channel, "D") }

// plainSubtype leaves out what only says that a person's words came with a file, or were shown in the channel too.
func plainSubtype(subtype string) string {
	if subtype == "file_share" || subtype == "thread_broadcast" {
		return ""
	}
	return subtype
}

// installed tells whether an event was sent for the workspace the bot token belongs to. In a shared channel the outer
// team may be another one; the authorisation is ours.
func installed(id identity, e *slackevents.EventsAPICallbackEvent) bool {
	if e.TeamID == id.team || e.TeamID == "" {
		return true
	}
	for _, auth := range e.Authorizations {
		if auth.TeamID == id.team {
			return true
		}
	}
	return false
}

// ownOrEdited tells what is never answered: Aurora's own words, other bots', edits (an edit must not run a command
// again) and whatever is no plain message.
func ownOrEdited(id identity, user, botID, subtype string, edited bool) bool {
	return user == "" || user == id.user || botID != "" || subtype != "" || edited
}

// person is who a user id of an event belongs to. userTeam is set where it may be another organisation's.
func (i identity) person(user, userTeam string) store.Person {
	p := store.Person{Platform: store.Slack, Team: i.owner(), ID: user}
	if userTeam != "" && userTeam != i.team && userTeam != i.enterprise {
		p.Team = userTeam
	}
	return p
}

// said is a message that addresses Aurora.
type said struct {
	eventID, user, userTeam, channel, ts, thread, text string
	direct                                             bool
}

func (a *Adapter) receiveSaid(ctx context.Context, id identity, m said) (after func(), err error) {
	text := typed(m.text, id.user)
	key := strings.Join([]string{"msg", id.team, m.channel, m.ts}, ":")
	by := id.person(m.user, m.userTeam)
	place := store.Place{Platform: store.Slack, Team: id.team, Channel: m.channel, Thread: cmp.Or(m.thread, m.ts)}
	in := incoming{
		event: store.Event{Key: "ev:" + id.team + ":" + cmp.Or(m.eventID, m.channel+":"+m.ts), MessageKey: key, Kind: store.EventMention,
			Thread: id.team + ":" + m.channel + ":" + place.Thread, Person: by, Place: place, Text: text, At: at(m.ts)},
		payload: bot.MentionPayload{TS: m.ts, Direct: m.direct, InThread: m.thread != "" && m.thread != m.ts},
	}
	if isStop(text) {
		asked := place
		asked.Thread = m.thread
		return a.stop(ctx, halt{key: key, by: by, place: asked, said: in.event.At, say: a.sayIn(place), word: &in})
	}
	return nil, a.keep(ctx, in)
}

// receiveCommand makes a slash command durable.
func (a *Adapter) receiveCommand(ctx context.Context, id identity, e envelope, c slackgo.SlashCommand) (after func(), err error) {
	if c.Command != "/aurora" || (c.TeamID != "" && c.TeamID != id.team) {
		a.counts.ignored.Add(1)
		return nil, nil
	}
	by := id.person(c.UserID, "")
	place := store.Place{Platform: store.Slack, Team: id.team, Channel: c.ChannelID}
	text := typed(c.Text, "")
	in := incoming{
		event: store.Event{Key: "env:" + e.id, Kind: store.EventCommand, Thread: strings.Join([]string{id.team, c.ChannelID, c.UserID}, ":"),
			Person: by, Place: place, Text: text, At: e.arrived},
		payload: bot.CommandPayload{ReplyURL: c.ResponseURL, Trigger: c.TriggerID},
	}
	if isStop(text) {
		whisper := func(ctx context.Context, m bot.Message) error {
			alone := place
			alone.Whisper = c.UserID
			return a.Whisper(ctx, alone, m, store.Secret(c.ResponseURL))
		}
		return a.stop(ctx, halt{key: in.event.Key, by: by, place: place, said: e.arrived, say: whisper, word: &in})
	}
	if choice, ok := menuFor(text); ok && a.config.Views != nil {
		return a.openMenu(id, c, in, choice), nil
	}
	return nil, a.keep(ctx, in)
}

// receiveClicks makes the presses of an interaction durable. Links are buttons too: Slack tells of them and wants to
// hear nothing more.
func (a *Adapter) receiveClicks(ctx context.Context, id identity, c slackgo.InteractionCallback) error {
	if c.Type != slackgo.InteractionTypeBlockActions {
		a.counts.ignored.Add(1)
		return nil
	}
	for _, action := range c.ActionCallback.BlockActions {
		if action == nil || action.Value == "" || strings.HasPrefix(action.ActionID, linkAction) {
			a.counts.ignored.Add(1)
			continue
		}
		if err := a.keep(ctx, click(id, c, action)); err != nil {
			return err
		}
	}
	return nil
}

// click reads one press. Of the button's value only the hash goes on, and nothing of what the message showed.
func click(id identity, c slackgo.InteractionCallback, action *slackgo.BlockAction) incoming {
	channel := cmp.Or(c.Container.ChannelID, c.Channel.ID)
	ts := cmp.Or(c.Container.MessageTs, c.Message.Timestamp, c.MessageTs)
	thread := pressedIn(c)
	hash := store.HashNonce(action.Value)
	name, _, _ := strings.Cut(action.ActionID, ":")
	press := action.ActionTs
	if name == rateAction {
		press = "once"
	}
	return incoming{
		event: store.Event{
			Key:    strings.Join([]string{"act", id.team, channel, ts, c.User.ID, action.ActionID, press}, ":"),
			Kind:   store.EventClick,
			Thread: "click:" + hash[:32],
			Person: id.person(c.User.ID, c.User.TeamID),
			Place:  store.Place{Platform: store.Slack, Team: id.team, Channel: channel, Thread: thread},
			At:     at(action.ActionTs),
		},
		payload: bot.ClickPayload{Action: name, NonceHash: hash, MessageTS: ts, ReplyURL: c.ResponseURL},
	}
}

// pressedIn is the thread of the message whose button was pressed, "" in a channel.
func pressedIn(c slackgo.InteractionCallback) string {
	return cmp.Or(c.Container.ThreadTs, c.Message.ThreadTimestamp)
}

// gone passes on that Slack has let the app go. Once that is acknowledged Run ends: nothing can be answered any more. Slack
// repeats what nobody acknowledged, so the notice may be an old one of a token that was replaced since: ours is asked for.
func (a *Adapter) gone(ctx context.Context, id identity, why string) (after func(), err error) {
	switch _, err := a.api.AuthTestContext(ctx); {
	case err == nil:
		a.config.Log.Info().Str("team", id.team).Msg("Slack tells of another token that is gone; ours is good")
		return nil, nil
	case !locksOut(err):
		return nil, fmt.Errorf("ask Slack whether the token is still good: %w", err)
	}
	a.config.Log.Error().Str("team", id.team).Msg("Slack: " + why + "; install the app again to go on")
	if a.config.Gone != nil {
		if err := a.config.Gone(ctx, id.team); err != nil {
			return nil, err
		}
	}
	return func() {
		a.giveUp(fmt.Errorf("SLACK_BOT_TOKEN: %s; install the app again, set the new token and start Aurora again", why))
	}, nil
}

// changed takes the news of an account. What was known of it is forgotten; that it was deactivated is made durable.
func (a *Adapter) changed(ctx context.Context, id identity, eventID, user string, deleted bool) error {
	a.people.forget(user)
	if !deleted || a.config.Left == nil {
		return nil
	}
	return a.config.Left(ctx, "ev:"+id.team+":"+eventID, id.person(user, ""), store.Place{Platform: store.Slack, Team: id.team})
}

// at is the time of a Slack timestamp, now when it is none.
func at(ts string) time.Time {
	whole, micros, _ := strings.Cut(ts, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds <= 0 {
		return time.Now().UTC()
	}
	fraction, _ := strconv.ParseInt((micros + "000000")[:6], 10, 64)
	return time.Unix(seconds, fraction*1000).UTC()
}
