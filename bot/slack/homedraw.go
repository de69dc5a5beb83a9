package slack

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// The actions of buttons in views. What they mean stands in their value, which is a verb as the person could have
// written it, or a cloud; nothing a person may not do anyway.
const (
	actionVerb    = "verb"
	actionConnect = "connect"
	mostHome      = 20 // connections and waiting cards shown
)

// home draws a person's Home. Everything in it is plain or rich text: nothing is parsed.
func (r renderer) home(id identity, h bot.Home, notice string) slackgo.HomeTabViewRequest {
	var d drawing
	for _, line := range []string{notice, h.Refusal, h.Trouble, h.Frozen} {
		if line != "" {
			d.quote(sentence(line)...)
		}
	}
	if h.Role != "" { // else it is not known who looks, and nothing is anybody's
		drawStanding(&d, h)
		drawConnections(&d, h)
		drawWaiting(&d, id, h)
		drawTurns(&d, id, h)
		d.section(span{text: "Ask me in a channel or in the Messages tab. /aurora help lists what I understand.", style: style{italic: true}})
	}
	d.close()
	return slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, CallbackID: "home", PrivateMetadata: h.Place.Channel, Blocks: slackgo.Blocks{BlockSet: d.blocks}}
}

func (d *drawing) header(text string) {
	d.block(slackgo.NewHeaderBlock(label(text, 150)))
}

func drawStanding(d *drawing, h bot.Home) {
	d.header("You and Aurora")
	mode := "cannot be told now"
	switch h.Mode {
	case store.Ask:
		mode = "Ask: I only read"
	case store.Agent:
		mode = "Agent: I may change things; what stops, deletes or opens something waits for your click"
	}
	d.section(say("Mode in your messages with me: "), strong(mode), say("\nRole: "), strong(string(h.Role)))
	to, words := "agent", "Switch to Agent mode"
	if h.Mode == store.Agent {
		to, words = "ask", "Back to Ask mode"
	}
	if h.Mode != "" {
		d.block(slackgo.NewActionBlock("mode", verbButton("mode", "mode "+to, words)))
	}
}

// verbButton is a button that says a verb for the person; name tells it from the others.
func verbButton(name, verb, words string) *slackgo.ButtonBlockElement {
	return slackgo.NewButtonBlockElement(actionVerb+":"+name, verb, label(words, mostButtonText))
}

func drawConnections(d *drawing, h bot.Home) {
	d.header("Connections")
	if len(h.Connections) == 0 && h.Trouble == "" {
		d.section(say("No cloud is connected for you yet."))
	}
	for i, c := range h.Connections {
		if i == mostHome {
			d.section(say(fmt.Sprintf("… and %d more; /aurora status lists them all.", len(h.Connections)-mostHome)))
			break
		}
		block := slackgo.NewSectionBlock(lines(connectionWords(c)), nil, nil)
		if c.Own {
			button := verbButton(fmt.Sprintf("disconnect%d", i), fmt.Sprintf("disconnect %s %s", c.Cloud, c.Account), "Disconnect")
			button.Confirm = slackgo.NewConfirmationBlockObject(label("Disconnect "+string(c.Cloud)+"?", 100),
				label("Aurora erases its credential for "+c.Account+". You can connect it again at any time.", 300), label("Disconnect", 30), label("Keep it", 30))
			block.Accessory = slackgo.NewAccessory(button)
		}
		block.BlockID = fmt.Sprintf("connection:%d", i)
		d.block(block)
	}
	d.connectButtons(h.Connectable)
}

// connectButtons offers clouds to connect.
func (d *drawing) connectButtons(clouds []store.Cloud) {
	var buttons []slackgo.BlockElement
	for _, c := range clouds {
		buttons = append(buttons, slackgo.NewButtonBlockElement(actionConnect+":"+string(c), string(c), label("Connect "+string(c), mostButtonText)))
	}
	if len(buttons) > 0 {
		d.block(slackgo.NewActionBlock("connect", buttons[:min(len(buttons), mostButtons)]...))
	}
}

func connectionWords(c bot.HomeConnection) string {
	words := string(c.Cloud) + " · " + c.Account
	if c.Label != "" && c.Label != c.Account {
		words += " (" + c.Label + ")"
	}
	out := []string{words}
	facts := []string{}
	switch {
	case c.Broken:
		facts = append(facts, "needs a new sign-in: connect it again")
	case c.ReadOnly:
		facts = append(facts, "active, read-only")
	default:
		facts = append(facts, "active")
	}
	if !c.Own {
		facts = append(facts, "your organisation's")
	}
	if !c.Expires.IsZero() {
		facts = append(facts, "works until "+moment(c.Expires))
	}
	if !c.LastUsed.IsZero() {
		facts = append(facts, "last used "+moment(c.LastUsed))
	}
	out = append(out, strings.Join(facts, " · "))
	if c.Using != "" {
		out = append(out, "using "+c.Using)
	} else if len(c.Projects) > 0 {
		out = append(out, "projects: "+strings.Join(c.Projects, ", "))
	}
	return strings.Join(out, "\n")
}

// moment is a time as a line has room for.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// lines is a plain text object of several lines.
func lines(text string) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, clip(plain(text), mostPiece), false, false)
}

func drawWaiting(d *drawing, id identity, h bot.Home) {
	if len(h.Waiting) == 0 {
		return
	}
	d.header("Waiting for your click")
	for i, w := range h.Waiting {
		if i == mostHome {
			break
		}
		d.item(false, 0, 0, []span{id.lead(w.Place, w.TS, w.Title), say(" · until " + moment(w.Until) + " · decided on its card only")})
	}
}

func drawTurns(d *drawing, id identity, h bot.Home) {
	if len(h.Turns) == 0 {
		return
	}
	d.header("What you asked lately")
	states := map[store.TurnState]string{store.TurnRunning: "at work", store.TurnWaiting: "waits for a click", store.TurnDone: "answered", store.TurnStopped: "stopped"}
	for _, t := range h.Turns {
		text := t.Text
		if text == "" {
			text = "(its words are forgotten after a day)"
		}
		d.item(false, 0, 0, []span{id.lead(t.Place, t.Place.Thread, text), say(" · " + states[t.State] + " · " + moment(t.At))})
	}
}

// lead is text that leads to a message of this workspace, or to its channel when there is none.
func (i identity) lead(place store.Place, ts, text string) span {
	base, err := url.Parse(i.url)
	text = clip(visibleLine(text), mostLine)
	if err != nil || base.Host == "" || place.Channel == "" {
		return say(text)
	}
	to := base.JoinPath("archives", place.Channel)
	if ts != "" {
		to = to.JoinPath("p" + strings.ReplaceAll(ts, ".", ""))
	}
	if ts != "" && place.Thread != "" && place.Thread != ts {
		to.RawQuery = url.Values{"thread_ts": {place.Thread}, "cid": {place.Channel}}.Encode()
	}
	return span{text: text, url: to.String()}
}
