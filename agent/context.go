package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"aurora/providers"
	"aurora/store"
)

// told is what the model is given to know besides the ask. Marshalled, it cannot leave its <data> block: json writes
// every < as \u003c.
type told struct {
	Thread   []toldLine    `json:"thread,omitempty"`
	Earlier  []toldLine    `json:"earlier,omitempty"` // what this thread remembers
	Alert    string        `json:"alert,omitempty"`
	Settled  []toldOutcome `json:"settled,omitempty"`
	Accounts []Account     `json:"accounts,omitempty"`
}

type toldLine struct {
	Who    string `json:"who"` // "asker", "aurora", "command" or "somebody else"
	Name   string `json:"name,omitempty"`
	Text   string `json:"text"`
	Origin string `json:"command,omitempty"`

	private bool // for the asker alone
}

type toldOutcome struct {
	Confirmation string                  `json:"confirmation_id"`
	State        store.ConfirmationState `json:"state"`
	Argv         []string                `json:"argv"`
	Result       json.RawMessage         `json:"result,omitempty"`
}

// open makes the conversation that the first step starts from, and with it the first taint.
func (r *run) open(ctx context.Context) error {
	r.system = systemPrompt(r.turn)
	data, err := r.gather(ctx)
	if err != nil {
		return err
	}
	if text, some := data.draw(); some {
		r.messages = append(r.messages, Message{Role: RoleUser, Text: text})
	}
	if text := strings.TrimSpace(r.turn.Text); text != "" {
		r.messages = append(r.messages, Message{Role: RoleUser, Text: shorten(text, r.Limits.TextBytes)})
	}
	if r.turn.Alert != "" {
		r.messages = append(r.messages, Message{Role: RoleUser, Text: draw("alert.md", nil)})
	}
	if len(r.turn.Settled) > 0 {
		r.messages = append(r.messages, Message{Role: RoleUser, Text: draw("settled.md", nil)})
	}
	return nil
}

// gather collects what the model is told, newest first where room is short, and notes what taints.
func (r *run) gather(ctx context.Context) (told, error) {
	data := told{Alert: shorten(r.turn.Alert, r.Limits.TextBytes)}
	r.tainted = r.turn.Alert != "" || len(r.turn.Settled) > 0
	for _, s := range r.turn.Settled {
		data.Settled = append(data.Settled, r.outcome(s))
	}
	room := r.Limits.HistoryBytes
	for _, s := range r.turn.History {
		data.Thread = append(data.Thread, toldLine{Who: s.speaker(), Name: s.Who, Text: shorten(s.Text, r.Limits.TextBytes)})
	}
	data.Thread, room = lastWithin(data.Thread, room)
	earlier, err := r.recall(ctx)
	if err != nil {
		return told{}, err
	}
	data.Earlier, _ = lastWithin(earlier, room)
	for _, line := range slices.Concat(data.Thread, data.Earlier) {
		r.tainted = r.tainted || line.Who != whoAsker
		r.private = r.private || line.private
	}
	if r.namesAllowed() {
		data.Accounts = r.turn.Accounts
		r.tainted = r.tainted || len(data.Accounts) > 0
	}
	return data, nil
}

// namesAllowed tells whether the labels of connections may be told from the start. They are other people's text, so in
// Agent mode they would taint every turn and make each plain write wait for a click.
func (r *run) namesAllowed() bool {
	return r.tainted || r.turn.Caller.Mode != store.Agent
}

const whoAsker = "asker"

func (s Said) speaker() string {
	switch {
	case s.Own:
		return whoAsker
	case s.Bot:
		return "aurora"
	}
	return "somebody else"
}

func (r *run) outcome(s Settled) toldOutcome {
	o := toldOutcome{Confirmation: s.Confirmation, State: s.State, Argv: s.Argv}
	if s.Result != nil {
		o.Result = fit(*s.Result, r.Limits.ResultBytes)
		r.private = r.private || s.Result.AskerOnly
	}
	return o
}

// recall reads thread memory: what everybody saw, unless the thread itself was given, and what only this user may know.
func (r *run) recall(ctx context.Context) ([]toldLine, error) {
	layers := []string{layerOf(r.turn.Caller.User.ID)}
	if len(r.turn.History) == 0 {
		layers = append([]string{layerPosted}, layers...)
	}
	var lines []toldLine
	for _, layer := range layers {
		found, err := r.Memory.recall(ctx, r.turn.Thread, layer)
		if err != nil {
			if err := r.emit(Forgot{Err: err}); err != nil {
				return nil, err
			}
			continue
		}
		lines = append(lines, r.lines(found)...)
	}
	return lines, nil
}

// lines tells remembered things, without those of this turn: a takeover hears them from the journal.
func (r *run) lines(found []Remembered) []toldLine {
	var lines []toldLine
	for _, m := range found {
		if m.Turn == r.turn.ID {
			continue
		}
		line := toldLine{Who: "somebody else", Name: m.User, Text: shorten(m.Text, r.Limits.TextBytes), Origin: m.Origin, private: m.Private}
		switch {
		case m.Kind == kindAsk && m.User == r.turn.Caller.User.ID:
			line.Who, line.Name = whoAsker, ""
		case m.Kind == kindAnswer:
			line.Who, line.Name = "aurora", ""
		case m.Kind == kindFinding:
			line.Who, line.Name = "command", ""
		}
		lines = append(lines, line)
	}
	return lines
}

// lastWithin keeps the newest lines that fit into room bytes, and gives the room that is left.
func lastWithin(lines []toldLine, room int) ([]toldLine, int) {
	from := len(lines)
	for from > 0 && room >= len(lines[from-1].Text) {
		from--
		room -= len(lines[from].Text)
	}
	return lines[from:], room
}

// draw writes the data as a message; false when there is none.
func (d told) draw() (string, bool) {
	raw, err := json.Marshal(d)
	if err != nil || string(raw) == "{}" {
		return "", false
	}
	return draw("context.md", string(raw)), true
}

// findingBytes is how much of an output a thread remembers: the next turn can read it again.
const findingBytes = 2 << 10

// remember keeps what a command showed, for the asker alone. What is never to be shown in the open is not kept: a later
// turn would not know that it must whisper.
func (r *run) remember(ctx context.Context, j *job) error {
	res := j.record.Result
	if j.old || res == nil || res.Status != providers.StatusOK || res.Output == "" || res.AskerOnly {
		return nil
	}
	origin := spell(argvOf(j.ask, *res))
	err := r.Memory.Found(ctx, r.turn.Thread, r.turn.ID, r.turn.Caller.User.ID, origin, shorten(res.Output, findingBytes))
	if err == nil || ctx.Err() != nil {
		return nil
	}
	return r.emit(Forgot{Err: fmt.Errorf("keep a finding: %w", err)})
}
