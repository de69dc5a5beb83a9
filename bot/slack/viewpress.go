package slack

import (
	"cmp"
	"context"
	"strings"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// receiveInteraction makes presses on messages durable and answers views.
func (a *Adapter) receiveInteraction(ctx context.Context, id identity, e envelope, c slackgo.InteractionCallback) (after func(), answer any, err error) {
	if a.config.Views == nil {
		return nil, nil, a.receiveClicks(ctx, id, c)
	}
	switch {
	case c.Type == slackgo.InteractionTypeMessageAction && c.CallbackID == shortcutAbout:
		by := id.person(c.User.ID, c.User.TeamID)
		return func() { a.openDialog(c.TriggerID, "Ask Aurora", a.askAbout(id, by, c)) }, nil, nil
	case c.Type == slackgo.InteractionTypeViewSubmission && c.View.CallbackID == viewAsk:
		answer, err = a.submitQuestion(ctx, id, c)
		return nil, answer, err
	case c.Type == slackgo.InteractionTypeBlockActions && c.View.ID != "":
		after, err = a.pressedView(ctx, id, c)
		return after, nil, err
	}
	return nil, nil, a.receiveClicks(ctx, id, c)
}

// submitQuestion takes the question of a dialog, or says under its field what to put right.
func (a *Adapter) submitQuestion(ctx context.Context, id identity, c slackgo.InteractionCallback) (answer any, err error) {
	text := ""
	if c.View.State != nil {
		text = c.View.State.Values[fieldQuestion][fieldText].Value
	}
	key := strings.Join([]string{"view", id.team, c.View.ID}, ":")
	problem, err := a.config.Views.Ask(ctx, id.person(c.User.ID, c.User.TeamID), key, c.View.PrivateMetadata, text)
	if err != nil || problem == "" {
		return nil, err
	}
	return fieldError(problem), nil
}

// fieldError shows a sentence under the question's field.
func fieldError(sentence string) any {
	return slackgo.NewErrorsViewSubmissionResponse(map[string]string{fieldQuestion: sentence})
}

// pressedView is a press on the Home or in a dialog. What changes something goes through the inbox as the verb it says;
// a link is made at once, when it is asked for.
func (a *Adapter) pressedView(ctx context.Context, id identity, c slackgo.InteractionCallback) (after func(), err error) {
	by := id.person(c.User.ID, c.User.TeamID)
	place := store.Place{Platform: store.Slack, Team: id.team, Channel: c.View.PrivateMetadata}
	for _, action := range c.ActionCallback.BlockActions {
		if action == nil {
			continue
		}
		name, _, _ := strings.Cut(action.ActionID, ":")
		switch {
		case name == actionConnect && c.View.Type == slackgo.VTHomeTab:
			return func() { a.openDialog(c.TriggerID, "Connect a cloud", a.menu(by, place, action.Value)) }, nil
		case name == actionConnect:
			return func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiTimeout)
				defer cancel()
				a.fillDialog(ctx, c.View, a.menu(by, place, action.Value))
			}, nil
		case name == actionVerb && sayable(action.Value):
			return nil, a.keep(ctx, incoming{
				event: store.Event{
					Key:  strings.Join([]string{"act", id.team, "home", c.View.ID, c.User.ID, action.ActionID, action.ActionTs}, ":"),
					Kind: store.EventCommand, Thread: strings.Join([]string{id.team, place.Channel, c.User.ID}, ":"),
					Person: by, Place: place, Text: action.Value, At: at(action.ActionTs),
				},
				payload: bot.CommandPayload{Home: true},
			})
		}
	}
	a.counts.ignored.Add(1)
	return nil, nil
}

// sayable tells the verbs a Home's buttons say.
func sayable(verb string) bool {
	name, _, _ := strings.Cut(verb, " ")
	return name == "mode" || name == "disconnect"
}

// menuFor tells whether a slash command names too little, so that a dialog serves better than a sentence.
func menuFor(text string) (choice string, ok bool) {
	choice = strings.ToLower(strings.TrimSpace(text))
	return choice, choice == "" || choice == "connect"
}

// openMenu answers a slash command by a dialog. Where Slack does not show it the command is kept and answered in words.
func (a *Adapter) openMenu(id identity, c slackgo.SlashCommand, in incoming, choice string) func() {
	return func() {
		if a.openDialog(c.TriggerID, menuTitle(choice), a.menu(in.event.Person, in.event.Place, choice)) {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), receiveTime)
		defer cancel()
		if err := a.keep(ctx, in); err != nil {
			a.counts.unkept.Add(1)
			out := a.render.message(bot.Message{Notice: untaken(err)})
			if err := a.replies.send(ctx, c.ResponseURL, "", out); err != nil {
				a.config.Log.Warn().Str("why", safe(err)).Str("team", id.team).Msg("somebody could not be told that a command was not taken")
			}
		}
	}
}

// refuseView says in a view that an envelope was not taken; false when the envelope belongs to none.
func (a *Adapter) refuseView(s *socket, e envelope, sentence string) bool {
	c, ok := e.data.(slackgo.InteractionCallback)
	switch {
	case !ok || a.config.Views == nil:
		return false
	case c.Type == slackgo.InteractionTypeViewSubmission && c.View.CallbackID == viewAsk:
		a.ackWith(s, e, fieldError(sentence))
		return true
	case c.Type == slackgo.InteractionTypeBlockActions && c.View.ID != "":
		a.ack(s, e)
		if id, known := a.self.get(); known {
			a.HomeChanged(id.person(c.User.ID, cmp.Or(c.User.TeamID, id.team)), sentence)
		}
		return true
	}
	return false
}
