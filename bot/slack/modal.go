package slack

import (
	"cmp"
	"context"
	"strings"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// The dialogs and what their fields are called. None of them has a field for a secret: those are typed into Aurora's own
// page, behind a one-time link.
const (
	shortcutAbout = "ask_about"
	viewAsk       = "ask"
	viewMenu      = "menu"
	fieldQuestion = "question"
	fieldText     = "text"
	mostQuestion  = 3000
	mostQuote     = 600
)

// dialog is a modal; blocks are what it shows.
func dialog(callback, title string, blocks []slackgo.Block) slackgo.ModalViewRequest {
	return slackgo.ModalViewRequest{Type: slackgo.VTModal, CallbackID: callback, Title: label(title, 24), Close: label("Close", 24),
		Blocks: slackgo.Blocks{BlockSet: blocks}}
}

// loading is what stands in a dialog until the stores have answered: a trigger is good for three seconds only.
func loading(title string) slackgo.ModalViewRequest {
	var d drawing
	d.section(span{text: "One moment …", style: style{italic: true}})
	d.close()
	return dialog("", title, d.blocks)
}

// openDialog shows a dialog before anything slow is asked, and then what it is to show. False when Slack did not show it.
func (a *Adapter) openDialog(trigger, title string, fill func(ctx context.Context) slackgo.ModalViewRequest) bool {
	ctx, cancel := context.WithTimeout(context.Background(), apiTimeout)
	defer cancel()
	opened, err := a.api.OpenViewContext(ctx, trigger, loading(title))
	if err != nil {
		a.config.Log.Info().Str("why", safe(err)).Msg("a dialog could not be opened")
		return false
	}
	a.fillDialog(ctx, opened.View, fill)
	return true
}

// fillDialog replaces what a dialog shows. One that changed or was closed meanwhile is left alone.
func (a *Adapter) fillDialog(ctx context.Context, view slackgo.View, fill func(ctx context.Context) slackgo.ModalViewRequest) {
	_, err := a.api.UpdateViewContext(ctx, fill(ctx), "", view.Hash, view.ID)
	switch slackWord(err) {
	case "hash_conflict", "not_found":
		return
	}
	if err != nil {
		a.config.Log.Warn().Str("why", safe(err)).Msg("a dialog could not be filled")
	}
}

// menu is the dialog that offers clouds, or leads to one.
func (a *Adapter) menu(by store.Person, place store.Place, choice string) func(ctx context.Context) slackgo.ModalViewRequest {
	return func(ctx context.Context) slackgo.ModalViewRequest {
		menu := a.config.Views.Menu(ctx, by, place, choice)
		var d drawing
		a.render.draw(&d, menu.Message)
		d.connectButtons(menu.Clouds)
		view := dialog(viewMenu, menuTitle(choice), d.fitted())
		view.PrivateMetadata = place.Channel
		return view
	}
}

func menuTitle(choice string) string {
	if choice == "" {
		return "Aurora"
	}
	return "Connect a cloud"
}

// quotedIn reads the message a shortcut was used on. With something attached, such as a forwarded message or what stands
// behind a link, its words are not its writer's alone, and so nobody's.
func quotedIn(id identity, c slackgo.InteractionCallback) bot.Quoted {
	m := c.Message
	text, by := m.Text, id.author(&m)
	if len(m.Attachments) > 0 {
		by = store.Person{}
	}
	for _, part := range m.Attachments {
		text += "\n" + cmp.Or(part.Text, part.Fallback, part.Title)
	}
	return bot.Quoted{
		Place: store.Place{Platform: store.Slack, Team: id.team, Channel: c.Channel.ID, Thread: cmp.Or(m.ThreadTimestamp, m.Timestamp, c.MessageTs)},
		Said:  bot.Said{Person: by, Own: m.User == id.user, Text: typed(text, id.user), TS: cmp.Or(m.Timestamp, c.MessageTs)},
	}
}

// askAbout is the dialog for a question about a message: the message quoted, and a field.
func (a *Adapter) askAbout(id identity, by store.Person, c slackgo.InteractionCallback) func(ctx context.Context) slackgo.ModalViewRequest {
	return func(ctx context.Context) slackgo.ModalViewRequest {
		if !a.isIn(ctx, c.Channel.ID) {
			return saying("I am not in this conversation, so I can't answer there. Invite me with `/invite @aurora` and choose the shortcut again.")
		}
		question := a.config.Views.Quote(ctx, by, quotedIn(id, c))
		if question.Refusal != "" {
			return saying(question.Refusal)
		}
		var d drawing
		d.quote(say(clip(cmp.Or(strings.TrimSpace(question.Quoted), "(a message without text)"), mostQuote)))
		if question.Warning != "" {
			d.section(sentence(question.Warning)...)
		}
		field := slackgo.NewPlainTextInputBlockElement(label("Why does this happen?", 150), fieldText)
		field.Multiline, field.MaxLength = true, mostQuestion
		input := slackgo.NewInputBlock(fieldQuestion, label("Your question", 2000),
			label("I answer in the message's thread. Your question is shown there as well.", 2000), field)
		d.block(input)
		view := dialog(viewAsk, "Ask Aurora", d.blocks)
		view.Submit, view.PrivateMetadata = label("Ask", 24), question.Ref
		return view
	}
}

// saying is a dialog of one sentence.
func saying(words string) slackgo.ModalViewRequest {
	var d drawing
	d.section(sentence(words)...)
	d.close()
	return dialog("", "Ask Aurora", d.blocks)
}

// isIn tells whether the bot can write in a channel.
func (a *Adapter) isIn(ctx context.Context, channel string) bool {
	c, err := a.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: channel})
	return err == nil && (c.IsMember || c.IsIM)
}
