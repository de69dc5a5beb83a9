package slacksim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// UseShortcut picks one of the app's shortcuts in the menu of a message and returns when that was acked or failed.
// The bot need not be in the channel: whoever sees a message can use it.
func (s *Server) UseShortcut(user, channel, ts, callback string) (Outcome, error) {
	s.mu.Lock()
	p, ch, err := s.actor(user, channel)
	if err == nil {
		err = s.offered(p, callback, true)
	}
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, err
	}
	m := ch.find(ts)
	if m == nil || m.onlyFor != "" {
		s.mu.Unlock()
		return Outcome{}, fmt.Errorf("message %s in %s has no menu of shortcuts before %s", ts, ch.ID, p.Name)
	}
	t := s.teams[p.Team]
	payload := s.shortcut(t, p, "message_action", callback)
	payload["channel"] = object{"id": ch.ID, "name": slashChannel(ch)}
	payload["message_ts"], payload["message"] = m.ts, s.wire(t, ch, m, false)
	payload["response_url"] = s.newResponse(t, "actions", &responseURL{person: p, channel: ch, team: t})
	done := s.sendShortcut(payload)
	s.mu.Unlock()
	return s.outcome(done), nil
}

// UseGlobalShortcut picks one of the app's shortcuts that belong to no message.
func (s *Server) UseGlobalShortcut(user, callback string) (Outcome, error) {
	s.mu.Lock()
	p, err := s.person(user, s.teamOrder[0])
	if err == nil {
		err = s.offered(p, callback, false)
	}
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, err
	}
	done := s.sendShortcut(s.shortcut(s.teams[p.Team], p, "shortcut", callback))
	s.mu.Unlock()
	return s.outcome(done), nil
}

// offered tells why a person is not offered a shortcut, if so.
func (s *Server) offered(p *person, callback string, message bool) error {
	if !s.teams[p.Team].installed || !s.granted("commands") || p.Deactivated {
		return fmt.Errorf("%s is offered none of the app's shortcuts", p.Name)
	}
	if !slices.ContainsFunc(s.config.Shortcuts, func(c Shortcut) bool { return c.Callback == callback && c.Message == message }) {
		return fmt.Errorf("the app has no such shortcut: %s", callback)
	}
	return nil
}

func (s *Server) shortcut(t *team, p *person, kind, callback string) object {
	payload := s.interaction(t, p, kind, nil)
	now := time.Now().UnixMicro()
	payload["callback_id"], payload["action_ts"] = callback, fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
	return payload
}

func (s *Server) sendShortcut(payload object) <-chan Outcome {
	done := make(chan Outcome, 1)
	s.send(&envelope{kind: "interactive", payload: mustJSON(payload), settle: func(o Outcome, _ json.RawMessage) { done <- o }})
	return done
}
