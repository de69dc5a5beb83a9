package slack

import (
	"context"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// Slack's limits for what stands around a thread of direct messages.
const (
	mostTitle       = 200
	mostPrompts     = 4
	mostPromptTitle = 100
	mostPrompt      = 1000
)

// furnish gives a thread of direct messages its title and its suggested prompts, beside. Both are courtesies: failing
// says nothing.
func (a *Adapter) furnish(ctx context.Context, place store.Place, m bot.Message) {
	if !isDirect(place.Channel) || m.Title == "" && len(m.Prompts) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	a.beside(func() {
		ctx, cancel := context.WithTimeout(ctx, replyTime)
		defer cancel()
		a.entitle(ctx, place, m.Title)
		a.suggest(ctx, place, m.Prompts)
	})
}

// entitle names a thread: as a session where the workspace has them, else as an assistant's thread.
func (a *Adapter) entitle(ctx context.Context, place store.Place, title string) {
	if title = clip(visibleLine(title), mostTitle); title == "" || place.Thread == "" {
		return
	}
	if a.offers(place, sessions) {
		_, err := a.api.RenameAgentSessionContext(ctx, slackgo.AgentSessionRenameParameters{
			ChannelID: place.Channel, ThreadTS: place.Thread, Title: title})
		if !a.without(place, sessions, err) {
			return
		}
	}
	if a.offers(place, titles) {
		err := a.api.SetAssistantThreadsTitleContext(ctx, slackgo.AssistantThreadsSetTitleParameters{
			ChannelID: place.Channel, ThreadTS: place.Thread, Title: title})
		a.without(place, titles, err)
	}
}

// suggest shows what one could ask next; in a thread, or where the direct messages open when place has none.
func (a *Adapter) suggest(ctx context.Context, place store.Place, next []bot.Prompt) {
	if len(next) == 0 || !a.offers(place, prompts) {
		return
	}
	p := slackgo.AssistantThreadsSetSuggestedPromptsParameters{ChannelID: place.Channel, ThreadTS: place.Thread}
	for _, n := range next[:min(len(next), mostPrompts)] {
		p.AddPrompt(clip(visibleLine(n.Title), mostPromptTitle), clip(visibleLine(n.Text), mostPrompt))
	}
	a.without(place, prompts, a.api.SetAssistantThreadsSuggestedPromptsContext(ctx, p))
}
