package slacksim

import (
	"encoding/json"
	"slices"
	"time"
)

// message is a message as Slack keeps it.
type message struct {
	ts, thread string // thread is the parent's ts, empty on a message without replies
	broadcast  bool   // a reply also shown in the channel
	author     string // person key; the bot's key for the app's own
	fromApp    bool
	subtype    string
	text       string
	blocks     []any
	metadata   map[string]any
	editedBy   string // user id
	editedTS   string
	onlyFor    string // person key an ephemeral is shown to
	clientID   string
	files      []*upload
	pings      []string
	unfurls    []string
	failed     map[string]string // error marker by person key
	stream     *stream           // of a streamed message
	replies    []*message        // of a parent, in order, without ephemeral ones
	revision   int               // the world's when it last changed
}

// object is a JSON object.
type object = map[string]any

// wire is the message as the Web API and events show it to the app in team t.
func (s *Server) wire(t *team, ch *channel, m *message, withMetadata bool) object {
	p := s.people[m.author]
	out := object{"type": "message", "ts": m.ts, "text": m.text, "user": p.ID, "team": p.Team}
	if m.subtype != "" {
		out["subtype"] = m.subtype
	}
	if m.clientID != "" {
		out["client_msg_id"] = m.clientID
	}
	if len(m.blocks) > 0 {
		out["blocks"] = m.blocks
	}
	if m.editedTS != "" {
		out["edited"] = object{"user": m.editedBy, "ts": m.editedTS}
	}
	if m.metadata != nil && withMetadata {
		out["metadata"] = m.metadata
	}
	if len(m.files) > 0 {
		out["files"] = s.filesWire(m.files)
		out["upload"] = true
	}
	if m.fromApp || p.Bot || p.Workflow {
		s.wireBot(out, p)
	}
	if m.stream != nil {
		out["streaming_state"] = map[bool]string{true: "in_progress", false: "completed"}[m.streaming()]
	}
	if m.onlyFor == "" {
		s.wireThread(out, ch, m)
	}
	return out
}

// streaming tells whether the message is a stream that has not ended.
func (m *message) streaming() bool {
	return m.stream != nil && !m.stream.ended && !m.stream.stopped && time.Now().Before(m.stream.until)
}

// wireBot adds what marks a message as an app's: without it nobody could tell it from a person's.
func (s *Server) wireBot(out object, p *person) {
	t := s.teams[p.Team]
	botID, appID := t.BotID, s.config.AppID
	if p.ID != t.BotUser {
		botID, appID = "B"+p.ID[1:], "A"+p.ID[1:]
		out["subtype"] = "bot_message"
	}
	out["bot_id"], out["app_id"] = botID, appID
	out["bot_profile"] = object{"id": botID, "app_id": appID, "user_id": p.ID, "name": p.RealName, "team_id": p.Team, "deleted": false, "updated": 1700000000}
}

func (s *Server) wireThread(out object, ch *channel, m *message) {
	if m.thread == "" {
		return
	}
	out["thread_ts"] = m.thread
	if m.ts != m.thread {
		if parent := ch.find(m.thread); parent != nil {
			out["parent_user_id"] = s.people[parent.author].ID
		}
		if m.broadcast {
			out["subtype"] = "thread_broadcast"
		}
		return
	}
	if len(m.replies) == 0 {
		return
	}
	var users []string
	for _, r := range m.replies {
		if id := s.people[r.author].ID; !slices.Contains(users, id) {
			users = append(users, id)
		}
	}
	out["reply_count"] = len(m.replies)
	out["reply_users"] = users
	out["reply_users_count"] = len(users)
	out["latest_reply"] = m.replies[len(m.replies)-1].ts
	out["is_locked"] = false
	out["subscribed"] = false
}

// add puts a message into the channel. A reply whose parent is gone becomes a message of its own, as Slack does
// without a word; a reply to a reply joins its thread.
func (s *Server) add(ch *channel, m *message) {
	m.ts = ch.nextTS()
	if m.thread != "" && m.onlyFor == "" {
		m.thread = threadOf(ch, m.thread)
		if parent := ch.find(m.thread); parent != nil {
			parent.thread = parent.ts
			parent.replies = append(parent.replies, m)
			s.mark(parent)
		}
	}
	m.pings = livePings(m.text, m.blocks)
	ch.messages = append(ch.messages, m)
	s.mark(m)
}

// threadOf is the thread a reply to that ts ends up in, empty when there is none.
func threadOf(ch *channel, ts string) string {
	parent := ch.find(ts)
	if parent == nil || parent.onlyFor != "" {
		return ""
	}
	if parent.thread != "" {
		return parent.thread
	}
	return parent.ts
}

// remove takes a message away. A parent with replies leaves a tombstone, so that its thread goes on.
func (s *Server) remove(ch *channel, m *message) {
	if len(m.replies) > 0 {
		m.subtype, m.text, m.blocks, m.metadata, m.files = "tombstone", "This message was deleted.", nil, nil, nil
		s.mark(m)
		return
	}
	if parent := ch.find(m.thread); parent != nil && m.ts != m.thread {
		parent.replies = slices.DeleteFunc(slices.Clone(parent.replies), func(x *message) bool { return x == m })
		s.mark(parent)
	}
	ch.messages = slices.DeleteFunc(ch.messages, func(x *message) bool { return x == m })
	s.touch()
}

// shown is the message as a person sees it.
func (s *Server) shown(ch *channel, m *message, viewer string) Message {
	p := s.people[m.author]
	out := Message{
		TS: m.ts, ThreadTS: m.thread, Team: ch.Team, Channel: ch.ID, User: p.ID, Subtype: m.subtype, Text: m.text,
		Plain: s.plain(ch, m), Ephemeral: m.onlyFor != "", Edited: m.editedTS != "", Buttons: buttonsOf(m.blocks),
		Pings: m.pings, Unfurls: m.unfurls, Failed: m.failed[viewer], Streaming: m.streaming(),
	}
	if m.fromApp {
		out.BotID = s.teams[p.Team].BotID
	}
	if m.broadcast {
		out.Subtype = "thread_broadcast"
	}
	if m.onlyFor != "" {
		out.VisibleTo = s.people[m.onlyFor].ID
	}
	if len(m.blocks) > 0 {
		out.Blocks = mustJSON(m.blocks)
	}
	if m.metadata != nil {
		out.Metadata = mustJSON(m.metadata)
	}
	if m.thread == m.ts {
		out.ReplyCount = len(m.replies)
	}
	for _, f := range m.files {
		out.Files = append(out.Files, File{ID: f.id, Name: f.name, Title: f.title, Size: len(f.contents), Contents: f.contents})
	}
	return out
}

// Messages returns what a person sees in a channel, oldest first, thread replies included. Ephemerals of others
// are not among them.
func (s *Server) Messages(as, channel string) ([]Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.messages(as, channel, 0)
}

// messages are those a person sees in a channel that changed after a revision. The lock is held.
func (s *Server) messages(as, channel string, after int) ([]Message, error) {
	p, ch, err := s.actor(as, channel)
	if err != nil {
		return nil, err
	}
	out := []Message{}
	for _, m := range ch.messages {
		if m.revision > after && (m.onlyFor == "" || m.onlyFor == p.key) {
			out = append(out, s.shown(ch, m, p.key))
		}
	}
	return out, nil
}

// messagesSince is messages and the revision they were taken at; none while the channel is not there yet.
func (s *Server) messagesSince(as, channel string, after int) ([]Message, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, err := s.messages(as, channel, after)
	if err != nil {
		return nil, after
	}
	return out, s.revision
}

// Thread returns what a person sees in a thread, the parent first.
func (s *Server) Thread(as, channel, thread string) ([]Message, error) {
	all, err := s.Messages(as, channel)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(m Message) bool { return m.TS != thread && m.ThreadTS != thread }), nil
}

// Status is the assistant or session status shown in a thread, empty when there is none.
func (s *Server) Status(channel, thread string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(channel)
	if err != nil {
		return ""
	}
	return ch.statuses[thread]
}

// mustJSON encodes what was decoded from JSON or built from plain values before.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("slacksim: encode: " + err.Error())
	}
	return b
}
