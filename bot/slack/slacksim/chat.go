package slacksim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Slack's limits on text.
const (
	maxText       = 40000 // longer messages are cut
	maxUpdateText = 4000  // longer updates and ephemerals are refused
)

// unshown is the text of a message that has blocks only, for those who cannot draw them.
const unshown = "This content can't be displayed."

var timestamp = regexp.MustCompile(`^\d{10}\.\d{6}$`)

// content is what a message is to say, checked.
type content struct {
	text      string
	blocks    []any
	metadata  object
	truncated bool
}

// empty tells whether there is nothing to show.
func (c content) empty() bool { return c.text == "" && len(c.blocks) == 0 }

// content reads text, blocks, markdown and metadata of a call.
func (q *request) content(limit int) (content, *refusal) {
	c := content{text: q.str("text")}
	blocks, f := q.blocks("blocks", maxMessageBlocks)
	if f != nil {
		return c, f
	}
	c.blocks = blocks
	if markdown := q.str("markdown_text"); markdown != "" {
		if c.text != "" || len(blocks) > 0 {
			return c, refuse("markdown_text_conflict")
		}
		if utf8.RuneCountInString(markdown) > maxMarkdown {
			return c, refuse("msg_too_long")
		}
		c.blocks = []any{object{"type": "markdown", "text": markdown}}
	}
	if tooLong(c.blocks, q.webhook) {
		return c, refuse("msg_blocks_too_long")
	}
	if limit > 0 && utf8.RuneCountInString(c.text) > limit {
		return c, refuse("msg_too_long")
	}
	if runes := []rune(c.text); len(runes) > maxText {
		c.text, c.truncated = string(runes[:maxText]), true
	}
	if c.text == "" && len(c.blocks) > 0 {
		c.text = unshown
	}
	nameBlocks(c.blocks)
	if !q.webhook {
		c.metadata, f = q.metadata()
	}
	return c, f
}

// blocks reads and checks a list of blocks.
func (q *request) blocks(name string, most int) ([]any, *refusal) {
	v, err := q.json(name)
	if v == nil && err == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if err != nil || !ok || slices.ContainsFunc(list, func(b any) bool { return asObject(b) == nil }) {
		return nil, refuse("invalid_blocks_format")
	}
	problems := checkBlocks("/"+name, list, most)
	for i, b := range list {
		if q.team != nil && q.team.off[FeatureFeedback] && asObject(b)["type"] == "context_actions" {
			problems = append(problems, fmt.Sprintf("unsupported type: context_actions [json-pointer:/%s/%d/type]", name, i))
		}
	}
	return list, blockRefusal(problems)
}

// blockRefusal words problems with blocks as Slack does; nil when there are none.
func blockRefusal(problems []string) *refusal {
	if len(problems) == 0 {
		return nil
	}
	f := refuse("invalid_blocks")
	f.errors = problems
	for _, p := range problems {
		f.messages = append(f.messages, "[ERROR] "+p)
	}
	return f
}

// metadata reads and checks message metadata.
func (q *request) metadata() (object, *refusal) {
	v, err := q.json("metadata")
	if err != nil {
		return nil, refuse("invalid_metadata_format")
	}
	if v == nil {
		return nil, nil
	}
	o := asObject(v)
	kind, _ := o["event_type"].(string)
	payload, isObject := o["event_payload"].(object)
	switch {
	case o == nil, kind == "", !isObject:
		return nil, refuse("invalid_metadata_schema", "[ERROR] metadata needs a string event_type and an object event_payload")
	case len(o) > 2 && o["entities"] == nil:
		return nil, refuse("invalid_metadata_schema", "[ERROR] metadata has unknown fields")
	case len(compact(payload)) > 16000:
		return nil, refuse("metadata_too_large")
	}
	return o, nil
}

// reachable finds the channel of a call and refuses as Slack does when the bot may not write or read there.
func (s *Server) reachable(q *request, name string) (*channel, *refusal) {
	id := q.str(name)
	if id == "" {
		return nil, missing(name)
	}
	ch := s.channels[id]
	if ch == nil {
		return nil, refuse("channel_not_found")
	}
	member := ch.members[q.team.botKey()]
	switch {
	case !ch.in(q.team.ID), !member && ch.kind() != "channel":
		return nil, refuse("channel_not_found")
	case !member:
		return nil, refuse("not_in_channel")
	}
	return ch, nil
}

// writable is reachable, and not archived.
func (s *Server) writable(q *request) (*channel, *refusal) {
	ch, f := s.reachable(q, "channel")
	if f == nil && ch.Archived {
		return nil, refuse("is_archived")
	}
	return ch, f
}

func (s *Server) chatPostMessage(q *request) (object, *refusal) {
	if id := q.str("channel"); strings.HasPrefix(id, "U") {
		return s.postToUser(q, id)
	}
	ch, f := s.writable(q)
	if f != nil {
		return nil, f
	}
	return s.post(q, ch)
}

// postToUser posts to a person's id, which reaches the direct messages of the app with that person.
func (s *Server) postToUser(q *request, id string) (object, *refusal) {
	p := s.people[q.team.ID+":"+id]
	if p == nil || p.Deactivated || p.Bot {
		return nil, refuse("channel_not_found")
	}
	ch, err := s.openDM(p)
	if err != nil {
		return nil, refuse("channel_not_found")
	}
	return s.post(q, ch)
}

func (s *Server) post(q *request, ch *channel) (object, *refusal) {
	thread := q.str("thread_ts")
	if thread != "" && !timestamp.MatchString(thread) {
		return nil, refuse("invalid_thread_ts", "[ERROR] "+thread+" is not a valid thread_ts")
	}
	c, f := q.content(0)
	if f != nil {
		return nil, f
	}
	if c.empty() {
		return nil, refuse("no_text")
	}
	broadcast, _ := q.flag("reply_broadcast")
	m := &message{thread: thread, broadcast: broadcast, author: q.team.botKey(), fromApp: true, text: c.text, blocks: c.blocks, metadata: c.metadata}
	s.add(ch, m)
	s.enliven(q, m, false)
	s.setStatus(ch, threadKey(m), "")
	s.emitMessage(ch, m, 1)
	body := object{"channel": ch.ID, "ts": m.ts, "message": s.wire(q.team, ch, m, true)}
	if c.truncated {
		body["warning"] = "message_truncated"
		body["response_metadata"] = object{"warnings": []string{"message_truncated"}}
	}
	return body, nil
}

// threadKey is the ts of the thread a message belongs to, its own when it starts one.
func threadKey(m *message) string { return firstOf(m.thread, m.ts) }

// enliven notes what Slack would do with a message besides showing it: addresses it would fetch for a preview
// unless both unfurl arguments say no, and bare names that parse or link_names turn into mentions. An update is
// never unfurled, but parses as a client does when it does not say otherwise.
func (s *Server) enliven(q *request, m *message, update bool) {
	m.unfurls = nil
	links, givenLinks := q.flag("unfurl_links")
	media, givenMedia := q.flag("unfurl_media")
	if quiet := givenLinks && !links && givenMedia && !media; !update && !quiet {
		m.unfurls = unfurls(m.text, m.blocks)
	}
	names, _ := q.flag("link_names")
	parse := q.str("parse")
	if len(m.blocks) == 0 && (names || parse == "full" || update && parse != "none") {
		m.pings = append(m.pings, bareNames.FindAllString(m.text, -1)...)
	}
}

// bareNames are the names that link_names or parse=full turn into mentions.
var bareNames = regexp.MustCompile(`\B@[a-z0-9][a-z0-9._-]*`)

func (s *Server) chatUpdate(q *request) (object, *refusal) {
	ch, f := s.writable(q)
	if f != nil {
		return nil, f
	}
	m, f := ownMessage(q, ch, "cant_update_message")
	if f == nil && m.streaming() {
		f = refuse("streaming_state_conflict")
	}
	if f != nil {
		return nil, f
	}
	c, f := q.content(maxUpdateText)
	if f != nil {
		return nil, f
	}
	_, keepText := q.args["text"]
	_, blocksGiven := q.args["blocks"]
	if c.empty() && !blocksGiven {
		return nil, refuse("no_text")
	}
	before := *m
	if keepText || len(c.blocks) > 0 {
		m.text = c.text
	}
	if keepText || blocksGiven || len(c.blocks) > 0 {
		m.blocks = c.blocks
	}
	if c.metadata != nil {
		m.metadata = c.metadata
	}
	if len(m.blocks) == 0 {
		m.editedBy, m.editedTS = q.team.BotUser, ch.nextTS()
	}
	m.pings = livePings(m.text, m.blocks)
	s.enliven(q, m, true)
	m.failed = nil
	s.mark(m)
	s.emitChanged(ch, m, &before)
	return object{"channel": ch.ID, "ts": m.ts, "text": m.text, "message": s.wire(q.team, ch, m, true)}, nil
}

// ownMessage finds the message of a call and refuses when it is not the app's own. Ephemerals are not found.
func ownMessage(q *request, ch *channel, foreign string) (*message, *refusal) {
	ts := q.str("ts")
	if ts == "" {
		return nil, missing("ts")
	}
	m := ch.find(ts)
	switch {
	case m == nil, m.onlyFor != "", m.subtype == "tombstone":
		return nil, refuse("message_not_found")
	case m.author != q.team.botKey():
		return nil, refuse(foreign)
	}
	return m, nil
}

func (s *Server) chatDelete(q *request) (object, *refusal) {
	ch, f := s.reachable(q, "channel")
	if f != nil {
		return nil, f
	}
	m, f := ownMessage(q, ch, "cant_delete_message")
	if f != nil {
		return nil, f
	}
	before := *m
	s.remove(ch, m)
	s.emitDeleted(ch, &before)
	return object{"channel": ch.ID, "ts": before.ts}, nil
}

func (s *Server) chatPostEphemeral(q *request) (object, *refusal) {
	if q.str("user") == "" {
		return nil, missing("user")
	}
	ch, f := s.writable(q)
	if f != nil {
		return nil, f
	}
	p, err := s.person(q.str("user"), q.team.ID)
	if err != nil || !ch.members[p.key] || p.Deactivated {
		return nil, refuse("user_not_in_channel")
	}
	c, f := q.content(maxUpdateText)
	if f != nil {
		return nil, f
	}
	if c.empty() {
		return nil, refuse("no_text")
	}
	thread := q.str("thread_ts")
	if thread != "" && threadOf(ch, thread) == "" {
		thread = ""
	}
	m := &message{thread: thread, author: q.team.botKey(), fromApp: true, text: c.text, blocks: c.blocks, onlyFor: p.key}
	s.add(ch, m)
	return object{"message_ts": m.ts}, nil
}

func (s *Server) chatGetPermalink(q *request) (object, *refusal) {
	ch, f := s.reachable(q, "channel")
	if f != nil {
		return nil, f
	}
	ts := q.str("message_ts")
	if ts == "" {
		return nil, missing("message_ts")
	}
	m := ch.find(ts)
	if m == nil || m.onlyFor != "" {
		return nil, refuse("message_not_found")
	}
	link := s.base + "/archives/" + ch.ID + "/p" + strings.Replace(ts, ".", "", 1)
	if m.thread != "" && m.thread != m.ts {
		link += "?thread_ts=" + m.thread + "&cid=" + ch.ID
	}
	return object{"channel": ch.ID, "permalink": link}, nil
}
