package slacksim

import (
	"slices"
	"strings"
	"time"
)

// eventScope is the scope an event needs besides its subscription; empty when none.
func eventScope(name string) string {
	scopes := map[string]string{
		"app_mention": "app_mentions:read", "message.im": "im:history", "message.channels": "channels:history",
		"message.groups": "groups:history", "channel_created": "channels:read", "channel_rename": "channels:read",
		"channel_id_changed": "channels:read", "channel_left": "channels:read", "group_left": "groups:read", "user_change": "users:read",
		"channel_shared": "channels:read", "channel_unshared": "channels:read",
	}
	return scopes[name]
}

// subscribed tells whether the app gets events of that name, as the manifest writes it.
func (s *Server) subscribed(name string) bool {
	scope := eventScope(name)
	return slices.Contains(s.config.Events, name) && (scope == "" || s.granted(scope))
}

// emit sends an event to the installation in a workspace, under as many event ids as copies.
func (s *Server) emit(t *team, ch *channel, event object, copies int) {
	for range max(1, copies) {
		id := "Ev" + newID(10)
		s.send(&envelope{kind: "events_api", event: str(event["type"]), eventID: id, payload: mustJSON(s.eventPayload(t, ch, event, id))})
	}
}

func (s *Server) eventPayload(t *team, ch *channel, event object, id string) object {
	payload := object{
		"token": "verification-token", "team_id": t.ID, "context_team_id": t.ID, "context_enterprise_id": nil, "api_app_id": s.config.AppID,
		"event": event, "type": "event_callback", "event_id": id, "event_time": time.Now().Unix(),
		"is_ext_shared_channel": ch != nil && len(ch.SharedWith) > 0, "event_context": "4-" + newID(20),
	}
	authorization := object{"enterprise_id": nil, "team_id": t.ID, "user_id": t.BotUser, "is_bot": true, "is_enterprise_install": false}
	if t.Enterprise != "" {
		payload["enterprise_id"], payload["context_enterprise_id"], authorization["enterprise_id"] = t.Enterprise, t.Enterprise, t.Enterprise
	}
	payload["authorizations"] = []object{authorization}
	return payload
}

// emitIf sends an event only when the app subscribed to it.
func (s *Server) emitIf(t *team, ch *channel, name string, event object) {
	if t.installed && s.subscribed(name) {
		s.emit(t, ch, event, 1)
	}
}

// listeners are the workspaces whose bot is in the channel.
func (s *Server) listeners(ch *channel) []*team {
	var out []*team
	for _, id := range s.teamOrder {
		if t := s.teams[id]; t.installed && ch.in(id) && ch.members[t.botKey()] {
			out = append(out, t)
		}
	}
	return out
}

// messageEvent is the event name of messages in a channel, as the manifest writes it.
func messageEvent(ch *channel) string {
	return map[string]string{"im": "message.im", "group": "message.groups", "channel": "message.channels"}[ch.kind()]
}

// emitMessage tells the app of a new message: as a mention when it names the bot, and as a message.
func (s *Server) emitMessage(ch *channel, m *message, copies int) {
	for _, t := range s.listeners(ch) {
		mention := strings.Contains(m.text, "<@"+t.BotUser+">") && ch.dm == "" && m.author != t.botKey() && m.subtype == ""
		if mention && s.subscribed("app_mention") {
			s.emit(t, ch, s.mentionEvent(t, ch, m), copies)
		}
		if s.subscribed(messageEvent(ch)) {
			s.emit(t, ch, s.messageEvent(t, ch, m), copies)
		}
	}
}

// mentionEvent is the inner event of a mention: it names no workspace of its own, the outer one does.
func (s *Server) mentionEvent(t *team, ch *channel, m *message) object {
	event := s.messageEvent(t, ch, m)
	event["type"] = "app_mention"
	delete(event, "team")
	delete(event, "channel_type")
	return event
}

func (s *Server) messageEvent(t *team, ch *channel, m *message) object {
	event := s.wire(t, ch, m, true)
	event["channel"], event["channel_type"], event["event_ts"] = ch.ID, ch.kind(), m.ts
	for _, name := range []string{"reply_count", "reply_users", "reply_users_count", "latest_reply", "is_locked", "subscribed"} {
		delete(event, name)
	}
	if len(ch.SharedWith) > 0 {
		author := s.people[m.author].Team
		event["user_team"], event["source_team"] = author, author
	}
	return event
}

// emitChanged tells of an edit. An edited message that mentions the bot is a mention once more, with "edited".
func (s *Server) emitChanged(ch *channel, m, before *message) {
	for _, t := range s.listeners(ch) {
		if m.author != t.botKey() && ch.dm == "" && strings.Contains(m.text, "<@"+t.BotUser+">") && s.subscribed("app_mention") {
			s.emit(t, ch, s.mentionEvent(t, ch, m), 1)
		}
		if !s.subscribed(messageEvent(ch)) {
			continue
		}
		ts := ch.nextTS()
		s.emit(t, ch, object{"type": "message", "subtype": "message_changed", "hidden": true, "channel": ch.ID, "channel_type": ch.kind(),
			"ts": ts, "event_ts": ts, "message": s.wire(t, ch, m, true), "previous_message": s.wire(t, ch, before, true)}, 1)
	}
}

func (s *Server) emitDeleted(ch *channel, before *message) {
	for _, t := range s.listeners(ch) {
		if !s.subscribed(messageEvent(ch)) {
			continue
		}
		ts := ch.nextTS()
		s.emit(t, ch, object{"type": "message", "subtype": "message_deleted", "hidden": true, "channel": ch.ID, "channel_type": ch.kind(),
			"ts": ts, "event_ts": ts, "deleted_ts": before.ts, "previous_message": s.wire(t, ch, before, true)}, 1)
	}
}

// Emit sends any inner event to a workspace's installation, subscribed or not, known or not.
func (s *Server) Emit(team string, event map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(s.team(team), s.channels[str(event["channel"])], event, 1)
}
