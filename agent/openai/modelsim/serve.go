package modelsim

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const maxRequest = 16 << 20

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.complete)
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("GET /sim/requests", s.showRequests)
	mux.HandleFunc("GET /sim/await/{n}", s.awaitRequests)
	mux.HandleFunc("PUT /sim/script", s.replaceScript)
	mux.HandleFunc("POST /sim/reset", func(w http.ResponseWriter, _ *http.Request) { s.Reset(); w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /sim/release", func(w http.ResponseWriter, _ *http.Request) { s.Release(); w.WriteHeader(http.StatusNoContent) })
	return mux
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"object": "list", "data": []any{map[string]any{"id": "modelsim", "object": "model", "owned_by": "aurora"}},
	})
}

// complete answers one chat completion.
func (s *Server) complete(w http.ResponseWriter, req *http.Request) {
	r, ok := s.admit(w, req)
	if !ok {
		return
	}
	if s.cfg.Before != nil {
		s.cfg.Before(r)
	}
	reply, ok := s.think(r.Conversation)
	if !ok {
		refuse(w, http.StatusInternalServerError, "no rule of the script matches: "+r.Conversation.Asked())
		return
	}
	if s.cfg.After != nil {
		defer s.cfg.After(r, reply)
	}
	if reply.Fault == FaultHold && !s.hold(req) {
		return
	}
	a := answer{Reply: reply.bend(), id: "chatcmpl-" + strings.ToLower(rand.Text()), in: len(r.Body) / 4, asked: r.Conversation, pace: s.cfg.Pace}
	if a.plain(w, req) {
		return
	}
	if !r.Conversation.Stream {
		writeJSON(w, http.StatusOK, a.whole())
		return
	}
	a.stream(w, req)
}

// admit reads a request and refuses what a real server refuses; all that can be read is journaled.
func (s *Server) admit(w http.ResponseWriter, req *http.Request) (Request, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxRequest))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "the request is too large")
		return Request{}, false
	}
	bearer := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	r := Request{Body: body, Authorized: bearer != "", Organization: req.Header.Get("OpenAI-Organization")}
	if err := json.Unmarshal(body, &r.Conversation); err != nil {
		refuse(w, http.StatusBadRequest, "the body is no chat completion request: "+err.Error())
		return r, false
	}
	s.mu.Lock()
	r.N = len(s.requests) + 1
	s.requests = append(s.requests, r)
	close(s.arrived)
	s.arrived = make(chan struct{})
	s.mu.Unlock()
	if s.cfg.Key != "" && bearer != s.cfg.Key {
		refuse(w, http.StatusUnauthorized, "incorrect API key provided")
		return r, false
	}
	err = s.strictly(body)
	if err == nil {
		err = r.Conversation.check()
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
	}
	return r, err == nil
}

// strictly refuses every field beyond the oldest ones, when the server is set up so.
func (s *Server) strictly(body []byte) error {
	if !s.cfg.Strict {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return err
	}
	for name := range fields {
		switch name {
		case "model", "messages", "tools", "stream":
		default:
			return fmt.Errorf("unrecognized request argument supplied: %s", name)
		}
	}
	return nil
}

// think finds the reply: hostile, scripted, or the brain's.
func (s *Server) think(c Conversation) (Reply, bool) {
	if s.hostile != nil {
		return s.hostile.next(c.NoCalls()), true
	}
	if reply, ok := s.choose(c); ok {
		return reply, true
	}
	if s.cfg.NoBrain {
		return Reply{}, false
	}
	return think(c), true
}

// hold waits for Release; false when the client went away.
func (s *Server) hold(req *http.Request) bool {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	select {
	case <-held:
		return true
	case <-req.Context().Done():
		return false
	}
}

func (s *Server) showRequests(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.Requests())
}

func (s *Server) awaitRequests(w http.ResponseWriter, req *http.Request) {
	n, err := strconv.Atoi(req.PathValue("n"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "how many requests? A number is needed.")
		return
	}
	if err := s.Await(req.Context(), n); err != nil {
		refuse(w, http.StatusRequestTimeout, err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// replaceScript takes a script as JSON, or as text in the form of ParseScript.
func (s *Server) replaceScript(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxRequest))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "the script is too large")
		return
	}
	var script Script
	if strings.Contains(req.Header.Get("Content-Type"), "json") {
		err = json.Unmarshal(body, &script)
	} else {
		script, err = ParseScript(string(body))
	}
	if err == nil {
		err = s.SetScript(script)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func refuse(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error", "code": status}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; nobody else would hear of it
}
