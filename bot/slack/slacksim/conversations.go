package slacksim

import (
	"encoding/base64"
	"slices"
	"strings"
)

// visible finds a channel the bot may know about, member or not.
func (s *Server) visible(q *request) (*channel, *refusal) {
	id := q.str("channel")
	if id == "" {
		return nil, missing("channel")
	}
	ch := s.channels[id]
	if ch == nil || !ch.in(q.team.ID) || ch.kind() != "channel" && !ch.members[q.team.botKey()] {
		return nil, refuse("channel_not_found")
	}
	return ch, nil
}

func (s *Server) conversationsInfo(q *request) (object, *refusal) {
	ch, f := s.visible(q)
	if f == nil {
		f = s.scopeFor(ch, "read")
	}
	if f != nil {
		return nil, f
	}
	info := s.channelWire(q.team, ch)
	if n, _ := q.flag("include_num_members"); n {
		info["num_members"] = len(ch.members)
	}
	return object{"channel": info}, nil
}

// channelWire is a channel as the app in a workspace sees it.
func (s *Server) channelWire(t *team, ch *channel) object {
	created := ch.created.Unix()
	if ch.dm != "" {
		p := s.people[ch.dm]
		return object{"id": ch.ID, "created": created, "is_im": true, "is_archived": false, "is_org_shared": false, "context_team_id": t.ID,
			"user": p.ID, "is_user_deleted": p.Deactivated, "latest": nil, "unread_count": 0, "is_open": true, "priority": 0}
	}
	shared := len(ch.SharedWith) > 0
	out := object{
		"id": ch.ID, "name": ch.Name, "name_normalized": ch.Name, "created": created, "creator": ch.Creator, "context_team_id": t.ID, //nolint:misspell // Slack's own word
		"is_channel": !ch.Private, "is_group": ch.Private, "is_im": false, "is_mpim": false, "is_private": ch.Private,
		"is_archived": ch.Archived, "is_general": ch.Name == "general", "is_member": ch.members[t.botKey()],
		"is_shared": shared || ch.OrgShared, "is_ext_shared": shared, "is_org_shared": ch.OrgShared, "is_pending_ext_shared": ch.Pending,
		"pending_shared": []string{}, "pending_connected_team_ids": []string{}, "parent_conversation": nil, "previous_names": []string{},
		"topic":   object{"value": ch.Topic, "creator": ch.Creator, "last_set": created},
		"purpose": object{"value": "", "creator": "", "last_set": 0}, "updated": created * 1000, "unlinked": 0,
	}
	if shared {
		out["conversation_host_id"] = ch.Team
		out["connected_team_ids"] = append([]string{ch.Team}, ch.SharedWith...)
		out["shared_team_ids"] = append([]string{ch.Team}, ch.SharedWith...)
		out["internal_team_ids"] = []string{ch.Team}
	}
	return out
}

func (s *Server) conversationsMembers(q *request) (object, *refusal) {
	ch, f := s.visible(q)
	if f == nil {
		f = s.scopeFor(ch, "read")
	}
	if f != nil {
		return nil, f
	}
	limit, ok := q.number("limit", 100)
	if !ok || limit < 1 || limit > 1000 {
		return nil, refuse("invalid_limit")
	}
	var ids []string
	for _, key := range s.peopleOrder {
		if ch.members[key] {
			ids = append(ids, s.people[key].ID)
		}
	}
	ids, next, f := page(ids, q.str("cursor"), limit, func(id string) string { return id })
	if f != nil {
		return nil, f
	}
	return object{"members": ids, "response_metadata": object{"next_cursor": next}}, nil
}

// page cuts one page out of a list and returns the cursor of the next one.
func page[T any](all []T, cursor string, limit int, name func(T) string) ([]T, string, *refusal) {
	from := 0
	if cursor != "" {
		raw, err := base64.StdEncoding.DecodeString(cursor)
		at, ok := strings.CutPrefix(string(raw), "next:")
		from = slices.IndexFunc(all, func(t T) bool { return name(t) == at })
		if err != nil || !ok || from < 0 {
			return nil, "", refuse("invalid_cursor")
		}
	}
	rest := all[from:]
	if len(rest) <= limit {
		return rest, "", nil
	}
	return rest[:limit], base64.StdEncoding.EncodeToString([]byte("next:" + name(rest[limit]))), nil
}

// span is the part of a channel's history a call asks for.
type span struct {
	oldest, latest string
	inclusive      bool
	limit          int
	withMetadata   bool
	cursor         string
}

func (s *Server) span(q *request, limit, most int) (span, *refusal) {
	p := span{oldest: q.str("oldest"), latest: q.str("latest"), cursor: q.str("cursor")}
	p.inclusive, _ = q.flag("inclusive")
	p.withMetadata, _ = q.flag("include_all_metadata")
	n, ok := q.number("limit", limit)
	if !ok || n < 1 || n > most {
		return p, refuse("invalid_limit")
	}
	if s.config.HistoryRestricted {
		n = min(n, 15)
	}
	p.limit = n
	return p, nil
}

// holds tells whether a ts lies in the span.
func (p span) holds(ts string) bool {
	if p.oldest != "" && p.oldest != "0" && (ts < p.oldest || ts == p.oldest && !p.inclusive) {
		return false
	}
	return p.latest == "" || ts < p.latest || ts == p.latest && p.inclusive
}

// readable finds a channel whose history the bot may read.
func (s *Server) readable(q *request) (*channel, *refusal) {
	ch, f := s.reachable(q, "channel")
	if f != nil {
		return nil, f
	}
	return ch, s.scopeFor(ch, "history")
}

func (s *Server) conversationsHistory(q *request) (object, *refusal) {
	ch, f := s.readable(q)
	if f != nil {
		return nil, f
	}
	p, f := s.span(q, 100, 999)
	if f != nil {
		return nil, f
	}
	var all []*message
	for _, m := range slices.Backward(ch.messages) {
		top := m.thread == "" || m.thread == m.ts || m.broadcast
		if m.onlyFor == "" && top && p.holds(m.ts) {
			all = append(all, m)
		}
	}
	all, next, f := page(all, p.cursor, p.limit, func(m *message) string { return m.ts })
	if f != nil {
		return nil, f
	}
	body := s.messagesBody(q.team, ch, all, p, next)
	body["pin_count"] = 0
	return body, nil
}

func (s *Server) messagesBody(t *team, ch *channel, messages []*message, p span, next string) object {
	list := make([]object, 0, len(messages))
	for _, m := range messages {
		list = append(list, s.wire(t, ch, m, p.withMetadata))
	}
	body := object{"messages": list, "has_more": next != ""}
	if next != "" {
		body["response_metadata"] = object{"next_cursor": next}
	}
	return body
}

// conversationsReplies pages through a thread; Slack repeats the parent on every page.
func (s *Server) conversationsReplies(q *request) (object, *refusal) {
	ch, f := s.readable(q)
	if f != nil {
		return nil, f
	}
	ts := q.str("ts")
	if ts == "" {
		return nil, missing("ts")
	}
	p, f := s.span(q, 1000, 1000)
	if f != nil {
		return nil, f
	}
	m := ch.find(ts)
	if m == nil || m.onlyFor != "" {
		return nil, refuse("thread_not_found")
	}
	parent := ch.find(threadKey(m))
	replies := slices.DeleteFunc(slices.Clone(parent.replies), func(r *message) bool { return !p.holds(r.ts) })
	replies, next, f := page(replies, p.cursor, max(1, p.limit-1), func(m *message) string { return m.ts })
	if f != nil {
		return nil, f
	}
	return s.messagesBody(q.team, ch, append([]*message{parent}, replies...), p, next), nil
}

func (s *Server) conversationsOpen(q *request) (object, *refusal) {
	users := strings.Split(q.str("users"), ",")
	if id := q.str("channel"); id != "" {
		ch := s.channels[id]
		if ch == nil || ch.dm == "" || !ch.members[q.team.botKey()] {
			return nil, refuse("channel_not_found")
		}
		return object{"channel": object{"id": ch.ID}, "no_op": true, "already_open": true}, nil
	}
	if users[0] == "" {
		return nil, refuse("users_list_not_supplied")
	}
	if len(users) > 1 {
		return nil, s.scoped("mpim:write")
	}
	p := s.people[q.team.ID+":"+users[0]]
	switch {
	case p == nil:
		return nil, refuse("user_not_found")
	case p.Deactivated:
		return nil, refuse("user_disabled")
	case p.Bot:
		return nil, refuse("cannot_dm_bot")
	}
	ch, err := s.openDM(p)
	if err != nil {
		return nil, refuse("channel_not_found")
	}
	if full, _ := q.flag("return_im"); full {
		return object{"channel": s.channelWire(q.team, ch)}, nil
	}
	return object{"channel": object{"id": ch.ID}}, nil
}
