package slack

import (
	slackgo "github.com/slack-go/slack"

	"aurora/bot"
)

// rateAction is the action id of the feedback buttons. One person's press of either counts, and only the first.
const rateAction = "rate"

// rating draws the two buttons by which people say what they think of an answer, where there is room for them.
func (r renderer) rating(d *drawing, sides []bot.Button) {
	if r.bare || len(sides) != 2 || sides[0].Value == "" || sides[1].Value == "" {
		return
	}
	b := slackgo.NewContextActionsBlock("", slackgo.NewFeedbackButtonsBlockElement(rateAction, side(sides[0]), side(sides[1])))
	d.close()
	if len(d.blocks) < mostBlocks && sum(d.sizes)+jsonSize(b) <= mostJSON {
		d.block(b)
	}
}

func side(b bot.Button) *slackgo.FeedbackButton {
	return slackgo.NewFeedbackButton(label(b.Label, mostButtonText), clip(b.Value, mostValue))
}
