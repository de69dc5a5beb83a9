package slacksim

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// assistantThread finds the channel and thread of a call about an assistant thread or a session.
func (s *Server) assistantThread(q *request, threadNeeded bool) (*channel, string, *refusal) {
	name := "channel_id"
	if q.str(name) == "" {
		name = "channel"
	}
	ch, f := s.reachable(q, name)
	if f != nil {
		return nil, "", f
	}
	thread := q.str("thread_ts")
	if thread == "" && threadNeeded {
		return nil, "", missing("thread_ts")
	}
	if thread != "" && threadOf(ch, thread) == "" {
		return nil, "", refuse("thread_not_found")
	}
	return ch, thread, nil
}

func (s *Server) assistantSetStatus(q *request) (object, *refusal) {
	ch, thread, f := s.assistantThread(q, true)
	if f != nil {
		return nil, f
	}
	status, given := q.args["status"]
	text, isText := status.(string)
	if !given || !isText {
		return nil, missing("status")
	}
	if loadingMessages(q) > 10 {
		return nil, refuse("invalid_arguments", "[ERROR] no more than 10 items allowed [json-pointer:/loading_messages]")
	}
	s.setStatus(ch, thread, text)
	s.expire(ch, thread)
	return object{}, nil
}

// expire takes a status away that nobody sets again in time. A session's stays: the app alone ends it.
func (s *Server) expire(ch *channel, thread string) {
	if ch.statuses[thread] != "" {
		ch.expiring[thread] = s.after(s.config.StatusLife, func() { s.setStatus(ch, thread, "") })
	}
}

// loadingMessages counts the loading messages of a call: a list, or words between commas.
func loadingMessages(q *request) int {
	v, err := q.json("loading_messages")
	if err != nil {
		return strings.Count(q.str("loading_messages"), ",") + 1
	}
	return len(asList(v))
}

// setStatus shows a status in a thread; an empty one clears it, and so does the app's next message there.
func (s *Server) setStatus(ch *channel, thread, text string) {
	s.cancel(ch.expiring[thread])
	delete(ch.expiring, thread)
	delete(ch.statuses, thread)
	if text != "" {
		ch.statuses[thread] = text
	}
	s.touch()
}

func (s *Server) assistantSetTitle(q *request) (object, *refusal) {
	ch, thread, f := s.assistantThread(q, true)
	if f != nil {
		return nil, f
	}
	title := q.str("title")
	if title == "" {
		return nil, missing("title")
	}
	ch.titles[thread] = title
	s.touch()
	return object{}, nil
}

func (s *Server) assistantSetPrompts(q *request) (object, *refusal) {
	ch, _, f := s.assistantThread(q, false)
	if f != nil {
		return nil, f
	}
	v, err := q.json("prompts")
	prompts, ok := v.([]any)
	if err != nil || !ok {
		return nil, missing("prompts")
	}
	c := &checker{}
	list(1, 4, an(shape{required: []string{"title", "message"}, fields: map[string]check{"title": text1(200), "message": text1(3000)}}))(c, "/prompts", prompts)
	if len(c.problems) > 0 {
		return nil, refuse("invalid_arguments", "[ERROR] "+c.problems[0])
	}
	ch.prompts = prompts
	s.touch()
	return object{}, nil
}

// sessionSetStatus moves a session on. Without the event of the stop button nobody could press it, which Slack
// says in a warning.
func (s *Server) sessionSetStatus(q *request) (object, *refusal) {
	ch, thread, f := s.assistantThread(q, false)
	status, title := q.str("status"), q.str("title")
	switch {
	case f != nil:
		return nil, f
	case thread == "":
		return nil, refuse("thread_ts_required")
	case !slices.Contains([]string{"processing", "active", "suspended", "closed"}, status):
		return nil, refuse("invalid_status")
	case utf8.RuneCountInString(title) > 200:
		return nil, refuse("invalid_arguments", "[ERROR] must be less than 201 characters [json-pointer:/title]")
	}
	if ch.titles[thread] == "" && title != "" {
		ch.titles[thread] = title
	}
	shown := ""
	if status == "processing" {
		shown = status
	}
	s.setStatus(ch, thread, shown)
	body := object{"status": status, "agent_status": status, "title": ch.titles[thread]}
	if !s.subscribed("agent_session_stopped") {
		body["warning"] = "missing_agent_session_stopped_event_subscription"
	}
	return body, nil
}

func (s *Server) sessionRename(q *request) (object, *refusal) {
	ch, thread, f := s.assistantThread(q, false)
	if f != nil {
		return nil, f
	}
	title := q.str("title")
	if title == "" {
		return nil, missing("title")
	}
	if utf8.RuneCountInString(title) > 200 {
		return nil, refuse("invalid_arguments", "[ERROR] must be less than 201 characters [json-pointer:/title]")
	}
	ch.titles[thread] = title
	s.touch()
	return object{}, nil
}
