package slack

import (
	"context"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

const (
	historyPage  = 100 // apps that are limited to 15 get 15 and a cursor
	historyPages = 5
)

// History reads what was said in the thread before ts. It is help, not authority: when Slack gives only a part, or
// nothing, that is what is returned, without an error.
func (a *Adapter) History(ctx context.Context, place store.Place, before string, limit int) ([]bot.Said, error) {
	if place.Thread == "" || limit <= 0 || a.served(ctx, place) != nil {
		return nil, nil
	}
	id, err := a.whoAmI(ctx)
	if err != nil {
		return nil, nil
	}
	var found []bot.Said
	cursor := ""
	for range historyPages {
		page, _, next, err := a.api.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{ChannelID: place.Channel,
			Timestamp: place.Thread, Latest: before, Cursor: cursor, Limit: historyPage})
		if err != nil {
			a.config.Log.Debug().Str("why", safe(err)).Msg("a thread is read without its history")
			break
		}
		for i := range page {
			if said, ok := heard(id, &page[i], before); ok {
				found = append(found, said)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return found[max(0, len(found)-limit):], nil
}

// heard reads one message of a thread; false for what is nobody's word or not older than before.
func heard(id identity, m *slackgo.Message, before string) (bot.Said, bool) {
	if m.User == "" || m.Text == "" || (before != "" && m.Timestamp >= before) {
		return bot.Said{}, false
	}
	return bot.Said{Person: id.author(m), Own: m.User == id.user, Text: typed(m.Text, ""), TS: m.Timestamp}, true
}

// author is who wrote a message: the app, where an app posted it in a person's name.
func (i identity) author(m *slackgo.Message) store.Person {
	if m.BotID != "" && m.User != i.user {
		return i.person(m.BotID, m.Team)
	}
	return i.person(m.User, m.Team)
}
