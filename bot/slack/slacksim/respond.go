package slacksim

import (
	"io"
	"net/http"
	"slices"
	"time"
)

// maxResponses is how often a response_url works.
const maxResponses = 5

// responseURL is the right to answer an interaction without a token.
type responseURL struct {
	person  *person
	channel *channel
	team    *team
	source  *message // the message with the button; nil for a slash command until it is answered
	until   time.Time
	used    int
}

// newResponse makes the response_url of an interaction.
func (s *Server) newResponse(t *team, door string, r *responseURL) string {
	path := "/" + door + "/" + t.ID + "/" + newID(12) + "/" + newID(24)
	r.until = time.Now().Add(s.config.URLLife)
	s.responses[path] = r
	return s.base + path
}

// serveResponse takes a post to a response_url.
func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	a, _, _, err := readArgs(r)
	c := s.begin("response_url", a, "", false)
	f := s.takeFault("response_url", c)
	if s.failBefore(w, r, c, f) {
		return
	}
	status, body := http.StatusOK, object{"ok": true}
	if problem := s.useResponse(r.URL.Path, a, err); problem != nil {
		status, body = problem.status(), problem.body()
	}
	if s.failAfter(w, c, f, body) {
		return
	}
	s.finish(c, status, body)
	if status == http.StatusOK && !isJSON(r) {
		// The poster may be gone; what it posted stands.
		_, _ = io.WriteString(w, "ok")
		return
	}
	writeJSON(w, status, body)
}

// status is the HTTP status a response_url answers a refusal with.
func (f *refusal) status() int {
	switch f.code {
	case "expired_url", "used_url":
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}

func (s *Server) useResponse(path string, a args, err error) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.responses[path]
	switch {
	case r == nil, time.Now().After(r.until), !r.team.installed:
		return refuse("expired_url")
	case r.used >= maxResponses:
		return refuse("used_url")
	case err != nil:
		return refuse("invalid_payload")
	}
	r.used++
	return s.respond(r, &request{args: a, team: r.team, webhook: true})
}

// respond does what an answer asks: take the original away, replace it, or post something new.
func (s *Server) respond(r *responseURL, q *request) *refusal {
	if gone, _ := q.flag("delete_original"); gone {
		if r.source != nil {
			s.remove(r.channel, r.source)
			r.source = nil
		}
		return nil
	}
	c, f := q.content(maxText)
	if f != nil {
		return f
	}
	if c.empty() {
		return refuse("no_text")
	}
	original := r.source != nil && slices.Contains(r.channel.messages, r.source)
	if replace, _ := q.flag("replace_original"); replace && original {
		// An ephemeral stays one whatever response_type says.
		r.source.text, r.source.blocks, r.source.failed = c.text, c.blocks, nil
		r.source.pings = livePings(c.text, c.blocks)
		s.mark(r.source)
		return nil
	}
	s.answerNew(r, q, c)
	return nil
}

// answerNew posts an answer of its own, to the person alone unless it says in_channel.
func (s *Server) answerNew(r *responseURL, q *request, c content) {
	m := &message{author: r.team.botKey(), fromApp: true, text: c.text, blocks: c.blocks}
	thread := q.str("thread_ts")
	if thread != "" && threadOf(r.channel, thread) != "" {
		m.thread = threadOf(r.channel, thread)
	}
	if q.str("response_type") != "in_channel" {
		m.onlyFor = r.person.key
	}
	s.add(r.channel, m)
	s.enliven(q, m, false)
	if m.onlyFor == "" {
		s.emitMessage(r.channel, m, 1)
	}
	if r.source == nil {
		r.source = m
	}
}
