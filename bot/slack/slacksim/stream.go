package slacksim

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// stream is a message on its way: what was appended so far, and how it may go on.
type stream struct {
	chunked bool   // begun with chunks; it must go on the way it began
	mode    string // how tasks are shown: timeline, plan or dense
	parts   []object
	title   string // of the plan
	until   time.Time
	ended   bool
	stopped bool // by a person, who pressed stop
}

// chatStartStream begins a streamed message, which is always a reply, in a channel one to somebody in particular.
func (s *Server) chatStartStream(q *request) (object, *refusal) {
	ch, f := s.writable(q)
	if f == nil {
		f = s.streamTarget(q, ch)
	}
	if f != nil {
		return nil, f
	}
	mode := firstOf(q.str("task_display_mode"), "timeline")
	if !slices.Contains([]string{"timeline", "plan", "dense"}, mode) {
		return nil, refuse("invalid_arguments", "[ERROR] value must be one of: timeline, plan, dense [json-pointer:/task_display_mode]")
	}
	chunks, chunked, f := q.chunks()
	if f != nil {
		return nil, f
	}
	m := &message{thread: q.str("thread_ts"), author: q.team.botKey(), fromApp: true,
		stream: &stream{chunked: chunked, mode: mode, until: time.Now().Add(s.config.StreamLife)}}
	s.add(ch, m)
	m.extend(chunks)
	m.pings = livePings(m.text, m.blocks)
	s.setStatus(ch, threadKey(m), "")
	s.emitMessage(ch, m, 1)
	return object{"channel": ch.ID, "ts": m.ts}, nil
}

// streamTarget refuses a stream that is no reply, or in a channel to nobody.
func (s *Server) streamTarget(q *request, ch *channel) *refusal {
	thread := q.str("thread_ts")
	switch {
	case thread == "":
		return missing("thread_ts")
	case !timestamp.MatchString(thread), threadOf(ch, thread) == "":
		return refuse("invalid_thread_ts")
	case ch.dm != "":
		return nil
	case q.str("recipient_user_id") == "":
		return refuse("missing_recipient_user_id")
	case q.str("recipient_team_id") == "":
		return refuse("missing_recipient_team_id")
	}
	p := s.people[q.str("recipient_team_id")+":"+q.str("recipient_user_id")]
	if p == nil || p.Deactivated || !s.sees(p, ch) {
		return refuse("user_not_found")
	}
	return nil
}

// streaming finds the message of a call that goes on with a stream.
func (s *Server) streaming(q *request) (*channel, *message, *refusal) {
	ch, f := s.writable(q)
	if f != nil {
		return nil, nil, f
	}
	m, f := ownMessage(q, ch, "message_not_owned_by_app")
	switch {
	case f != nil:
		return nil, nil, f
	case m.stream == nil, m.stream.ended, time.Now().After(m.stream.until):
		return nil, nil, refuse("message_not_in_streaming_state")
	}
	return ch, m, nil
}

func (s *Server) chatAppendStream(q *request) (object, *refusal) {
	ch, m, f := s.streaming(q)
	if f != nil {
		return nil, f
	}
	chunks, chunked, f := q.chunks()
	switch {
	case f != nil:
		return nil, f
	case m.stream.stopped:
		return nil, refuse("stopped_by_user")
	case len(chunks) == 0:
		return nil, refuse("markdown_text_or_chunks_required")
	case chunked != m.stream.chunked:
		return nil, refuse("streaming_mode_mismatch")
	}
	if blocksIn(m.stream.parts)+blocksIn(chunks) > maxMessageBlocks {
		return nil, refuse("msg_blocks_too_many")
	}
	m.extend(chunks)
	m.pings = livePings(m.text, m.blocks)
	s.mark(m)
	return object{"channel": ch.ID, "ts": m.ts}, nil
}

// chatStopStream ends a stream with what is left to say, blocks below it, and metadata.
func (s *Server) chatStopStream(q *request) (object, *refusal) {
	ch, m, f := s.streaming(q)
	if f != nil {
		return nil, f
	}
	chunks, chunked, f := q.chunks()
	if f != nil {
		return nil, f
	}
	if len(chunks) > 0 && chunked != m.stream.chunked {
		return nil, refuse("streaming_mode_mismatch")
	}
	blocks, f := q.blocks("blocks", maxMessageBlocks)
	if f != nil {
		return nil, f
	}
	metadata, f := q.metadata()
	if f != nil {
		return nil, f
	}
	before := *m
	m.extend(append(chunks, object{"type": "blocks", "blocks": blocks}))
	m.stream.ended, m.metadata = true, metadata
	m.pings = livePings(m.text, m.blocks)
	s.setStatus(ch, threadKey(m), "")
	s.mark(m)
	s.emitChanged(ch, m, &before)
	return object{"channel": ch.ID, "ts": m.ts, "message": s.wire(q.team, ch, m, true)}, nil
}

// chunks reads what a call adds to a stream: a text of its own, or chunks, never both.
func (q *request) chunks() (list []object, chunked bool, f *refusal) {
	text := q.str("markdown_text")
	v, err := q.json("chunks")
	if err != nil {
		return nil, true, refuse("invalid_chunks")
	}
	raw := asList(v)
	switch {
	case text != "" && v != nil:
		return nil, false, refuse("cannot_provide_both_markdown_text_and_chunks")
	case v == nil && text == "":
		return nil, false, nil
	case v == nil:
		raw = []any{object{"type": "markdown_text", "text": text}}
	case raw == nil:
		return nil, true, refuse("invalid_chunks")
	}
	c := &checker{}
	for _, e := range raw {
		kinds(chunkShape)(c, "/chunks", e)
		o := asObject(e)
		if o["type"] == "markdown_text" && utf8.RuneCountInString(str(o["text"])) > maxMarkdown {
			return nil, false, refuse("msg_too_long")
		}
		if o["type"] == "blocks" {
			c.problems = append(c.problems, checkBlocks("/chunks/blocks", asList(o["blocks"]), maxMessageBlocks)...)
		}
		list = append(list, o)
	}
	if len(c.problems) > 0 {
		f = refuse("invalid_chunks", "[ERROR] "+c.problems[0])
	}
	return list, v != nil, f
}

// chunkShape is what Slack allows in a chunk of that type.
func chunkShape(kind string) (shape, bool) {
	anything := func(*checker, string, any) {}
	switch kind {
	case "markdown_text":
		return shape{required: []string{"text"}, fields: map[string]check{"text": text1(1 << 20)}}, true
	case "task_update":
		return shape{required: []string{"id", "title"}, fields: map[string]check{"id": text1(255), "title": text1(256),
			"status": taskStatus, "details": text0(maxMarkdown), "output": text0(maxMarkdown), "sources": list(0, 100, an(sourceShape()))}}, true
	case "plan_update":
		return shape{required: []string{"title"}, fields: map[string]check{"title": text1(256)}}, true
	case "blocks":
		return shape{required: []string{"blocks"}, fields: map[string]check{"blocks": anything}}, true
	}
	return shape{}, false
}

func taskStatus(c *checker, path string, v any) {
	oneOf("pending", "in_progress", "complete", "error")(c, path, v)
}

func sourceShape() shape {
	return shape{required: []string{"url", "text"}, fields: map[string]check{"url": text1(3000), "text": text1(256)}}
}

func blocksIn(parts []object) (n int) {
	for _, p := range parts {
		n += len(asList(p["blocks"]))
	}
	return n
}

// extend adds chunks to a streamed message and draws it anew. A task named again takes the new title, status and
// output, and more details; text joins the text before it.
func (m *message) extend(chunks []object) {
	st := m.stream
	for _, c := range chunks {
		switch c["type"] {
		case "plan_update":
			st.title = str(c["title"])
		case "task_update":
			st.task(c)
		case "markdown_text":
			st.write(str(c["text"]))
		default:
			if len(asList(c["blocks"])) > 0 {
				st.parts = append(st.parts, c)
			}
		}
	}
	m.blocks = st.blocks()
	m.text = strings.Join(st.words(), "\n")
	nameBlocks(m.blocks)
}

func (st *stream) write(text string) {
	if n := len(st.parts); n > 0 && st.parts[n-1]["type"] == "markdown_text" {
		st.parts[n-1] = object{"type": "markdown_text", "text": str(st.parts[n-1]["text"]) + text}
		return
	}
	st.parts = append(st.parts, object{"type": "markdown_text", "text": text})
}

func (st *stream) task(c object) {
	i := slices.IndexFunc(st.parts, func(p object) bool { return p["type"] == "task_update" && p["id"] == c["id"] })
	if i < 0 {
		st.parts = append(st.parts, c)
		return
	}
	was := st.parts[i]
	now := object{}
	for name, v := range was {
		now[name] = v
	}
	for name, v := range c {
		now[name] = v
	}
	if details := str(was["details"]) + str(c["details"]); details != "" {
		now["details"] = details
	}
	st.parts[i] = now
}

// words is the text of a streamed message for those who cannot draw it.
func (st *stream) words() (out []string) {
	for _, p := range st.parts {
		if p["type"] == "markdown_text" {
			out = append(out, str(p["text"]))
		}
	}
	return out
}

// blocks draws the stream: text, cards of tasks (in one plan when that was asked), and the app's own blocks.
func (st *stream) blocks() (out []any) {
	plan := object{"type": "plan", "title": firstOf(st.title, "Working"), "tasks": []any{}}
	shown := false
	for _, p := range st.parts {
		switch p["type"] {
		case "markdown_text":
			out = append(out, object{"type": "markdown", "text": p["text"]})
		case "task_update":
			if st.mode != "plan" {
				out = append(out, taskCard(p))
				continue
			}
			plan["tasks"] = append(asList(plan["tasks"]), taskCard(p))
			if !shown {
				out = append(out, plan)
			}
			shown = true
		default:
			out = append(out, asList(p["blocks"])...)
		}
	}
	return out
}

func taskCard(p object) object {
	card := object{"type": "task_card", "task_id": p["id"], "title": p["title"], "status": firstOf(str(p["status"]), "pending")}
	for _, name := range []string{"details", "output"} {
		if words := str(p[name]); words != "" {
			run := []any{object{"type": "text", "text": words}}
			card[name] = object{"type": "rich_text", "elements": []any{object{"type": "rich_text_section", "elements": run}}}
		}
	}
	if len(asList(p["sources"])) > 0 {
		card["sources"] = p["sources"]
	}
	return card
}

// stopStreams ends, on a person's word, what the app streams in a thread, and returns the messages' timestamps.
func (s *Server) stopStreams(ch *channel, thread string) []string {
	out := []string{}
	for _, m := range ch.messages {
		if st := m.stream; st != nil && !st.ended && m.thread == thread {
			st.stopped = true
			out = append(out, m.ts)
			s.mark(m)
		}
	}
	return out
}
