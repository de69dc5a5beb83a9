package slacksim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// SlashOption changes where a slash command is typed.
type SlashOption func(*slashing)

type slashing struct{ thread string }

// FromThread types the command in a thread, which Slack refuses.
func FromThread(ts string) SlashOption { return func(o *slashing) { o.thread = ts } }

// Slash types a slash command ("/aurora mode ask") and returns when it was acked or failed. The error says that
// Slack itself refused it and the app never heard: in a thread, unknown, or from the other side of a shared channel.
func (s *Server) Slash(user, channel, line string, opts ...SlashOption) (Outcome, error) {
	var o slashing
	for _, opt := range opts {
		opt(&o)
	}
	s.mu.Lock()
	p, ch, err := s.actor(user, channel)
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, err
	}
	command, text, _ := strings.Cut(strings.TrimSpace(line), " ")
	if problem := s.slashRefused(p, ch, command, o.thread); problem != "" {
		s.whisper(ch, p, o.thread, problem)
		s.mu.Unlock()
		return Outcome{}, fmt.Errorf("slack refuses: %s", problem)
	}
	done := s.sendSlash(p, ch, command, strings.TrimSpace(text))
	s.mu.Unlock()
	return s.outcome(done), nil
}

// slashRefused says why Slack would not run the command, in its words; empty when it would.
func (s *Server) slashRefused(p *person, ch *channel, command, thread string) string {
	switch {
	case thread != "":
		return command + " is not supported in threads. Sorry!"
	case !slices.Contains(s.config.Commands, command):
		return command + " is not a valid command. In Slack, all messages that start with the \"/\" character are interpreted as slash commands."
	case !s.teams[p.Team].installed, !s.granted("commands"):
		return command + " is not a valid command. In Slack, all messages that start with the \"/\" character are interpreted as slash commands."
	}
	return ""
}

func (s *Server) sendSlash(p *person, ch *channel, command, text string) <-chan Outcome {
	t := s.teams[p.Team]
	if !s.config.PlainCommands {
		text = s.commandText(s.listenTo(text, ch.Team), ch.Team)
	}
	payload := object{
		"token": "verification-token", "team_id": t.ID, "team_domain": t.Domain, "channel_id": ch.ID, "channel_name": slashChannel(ch),
		"user_id": p.ID, "user_name": p.Name, "command": command, "text": text, "api_app_id": s.config.AppID, "is_enterprise_install": "false",
		"response_url": s.newResponse(t, "commands", &responseURL{person: p, channel: ch, team: t}), "trigger_id": s.newTrigger(t, p, nil),
	}
	if t.Enterprise != "" {
		payload["enterprise_id"], payload["enterprise_name"] = t.Enterprise, t.Enterprise
	}
	done := make(chan Outcome, 1)
	s.send(&envelope{kind: "slash_commands", payload: mustJSON(payload), accepts: true, settle: func(o Outcome, ack json.RawMessage) {
		s.settleSlash(p, ch, t, command, o, ack)
		done <- o
	}})
	return done
}

func slashChannel(ch *channel) string {
	switch ch.kind() {
	case "im":
		return "directmessage"
	case "group":
		return "privategroup"
	}
	return ch.Name
}

// settleSlash shows the person what the ack carried, or that the app failed.
func (s *Server) settleSlash(p *person, ch *channel, t *team, command string, o Outcome, ack json.RawMessage) {
	if !o.Acked {
		s.whisper(ch, p, "", fmt.Sprintf("%s failed with the error %q", command, o.Error))
		return
	}
	if len(ack) == 0 {
		return
	}
	body, err := readJSON(strings.NewReader(string(ack)))
	if err != nil {
		return
	}
	r := &responseURL{person: p, channel: ch, team: t}
	// A malformed answer in an ack is dropped; the command itself was taken.
	_ = s.respond(r, &request{args: body, team: t, webhook: true})
}

// interaction is what all interactive payloads share; from is the modal it happened in, if any.
func (s *Server) interaction(t *team, p *person, kind string, from *view) object {
	payload := object{
		"type": kind, "token": "verification-token", "api_app_id": s.config.AppID, "trigger_id": s.newTrigger(t, p, from),
		"team": object{"id": t.ID, "domain": t.Domain}, "enterprise": nil, "is_enterprise_install": false,
		"user": object{"id": p.ID, "username": p.Name, "name": p.Name, "team_id": p.Team},
	}
	if t.Enterprise != "" {
		payload["enterprise"] = object{"id": t.Enterprise, "name": t.Enterprise}
	}
	return payload
}

// Click presses a button and returns when that was acked or failed. Whoever sees the message can press it. A
// confirm dialog is the client's affair: this is the press after it.
func (s *Server) Click(user, channel, ts, actionID string) (Outcome, error) {
	return s.Choose(user, channel, ts, actionID, "")
}

// Choose is Click for what has several sides: a feedback button or an option, by its value.
func (s *Server) Choose(user, channel, ts, actionID, value string) (Outcome, error) {
	s.mu.Lock()
	p, ch, err := s.actor(user, channel)
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, err
	}
	m := ch.find(ts)
	if m == nil || m.onlyFor != "" && m.onlyFor != p.key {
		s.mu.Unlock()
		return Outcome{}, fmt.Errorf("%s sees no message %s in %s", p.Name, ts, ch.ID)
	}
	block, element := findAction(m.blocks, actionID)
	if element == nil {
		s.mu.Unlock()
		return Outcome{}, fmt.Errorf("message %s has no button %s", ts, actionID)
	}
	action, err := actionOf(block, element, value)
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, err
	}
	done := s.sendClick(p, ch, m, action)
	s.mu.Unlock()
	return s.outcome(done), nil
}

// findAction finds an interactive element and the id of its block.
func findAction(blocks []any, actionID string) (block string, element object) {
	for _, b := range blocks {
		walk(b, func(o object) {
			if element == nil && interactive(str(o["type"])) && o["action_id"] == actionID {
				block, element = str(asObject(b)["block_id"]), o
			}
		})
	}
	return block, element
}

func (s *Server) sendClick(p *person, ch *channel, m *message, action object) <-chan Outcome {
	t := s.teams[s.people[m.author].Team]
	payload := s.interaction(t, p, "block_actions", nil)
	container := object{"type": "message", "message_ts": m.ts, "channel_id": ch.ID, "is_ephemeral": m.onlyFor != ""}
	if m.thread != "" {
		container["thread_ts"] = m.thread
	}
	payload["container"], payload["actions"], payload["state"] = container, []object{action}, object{"values": object{}}
	payload["channel"] = object{"id": ch.ID, "name": slashChannel(ch)}
	if m.onlyFor == "" {
		payload["message"] = s.wire(t, ch, m, true)
	}
	payload["response_url"] = s.newResponse(t, "actions", &responseURL{person: p, channel: ch, team: t, source: m})
	done := make(chan Outcome, 1)
	s.send(&envelope{kind: "interactive", payload: mustJSON(payload), settle: func(o Outcome, _ json.RawMessage) {
		s.settleClick(p, m, o)
		done <- o
	}})
	return done
}

// settleClick puts the error marker beside the message for whoever pressed, or takes it away.
func (s *Server) settleClick(p *person, m *message, o Outcome) {
	if m.failed == nil {
		m.failed = map[string]string{}
	}
	delete(m.failed, p.key)
	if !o.Acked {
		m.failed[p.key] = o.Error
	}
	s.mark(m)
}
