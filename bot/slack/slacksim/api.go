package slacksim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type tokenKind string

const (
	tokenBot tokenKind = "bot"
	tokenApp tokenKind = "app"
)

// token is what a token opens.
type token struct {
	kind    tokenKind
	team    *team // nil for the app token
	revoked bool
}

// endpoint is one Web API method.
type endpoint struct {
	token  tokenKind
	scopes []string // any of them is enough; empty: none is needed
	tier   int      // requests a minute
	run    func(s *Server, q *request) (object, *refusal)
}

// request is a call in the hands of its endpoint, which runs under the lock.
type request struct {
	args
	team    *team
	webhook bool // a post to a response_url: no metadata, no limit on the whole of the blocks
}

// refusal is an answer with ok: false.
type refusal struct {
	code     string
	messages []string // response_metadata.messages, with their [ERROR] mark
	errors   []string // the plain ones beside them, for blocks
	extra    object
}

func refuse(code string, messages ...string) *refusal {
	return &refusal{code: code, messages: messages}
}

func (f *refusal) body() object {
	out := object{"ok": false, "error": f.code}
	if len(f.errors) > 0 {
		out["errors"] = f.errors
	}
	if len(f.messages) > 0 {
		out["response_metadata"] = object{"messages": f.messages}
	}
	maps.Copy(out, f.extra)
	return out
}

// missing refuses a call without a required argument.
func missing(name string) *refusal {
	return refuse("invalid_arguments", "[ERROR] missing required field: "+name)
}

// endpoints are the methods this Slack knows.
func endpoints() map[string]endpoint {
	write, assistant, files := []string{"chat:write"}, []string{"assistant:write"}, []string{"files:write"}
	info := []string{"channels:read", "groups:read", "im:read", "mpim:read"}
	history := []string{"channels:history", "groups:history", "im:history", "mpim:history"}
	status := []string{"chat:write", "assistant:write"}
	return map[string]endpoint{
		"apps.connections.open":                 {tokenApp, nil, 50, (*Server).appsConnectionsOpen},
		"auth.test":                             {tokenBot, nil, 600, (*Server).authTest},
		"chat.postMessage":                      {tokenBot, write, 0, (*Server).chatPostMessage},
		"chat.update":                           {tokenBot, write, 50, (*Server).chatUpdate},
		"chat.delete":                           {tokenBot, write, 50, (*Server).chatDelete},
		"chat.postEphemeral":                    {tokenBot, write, 100, (*Server).chatPostEphemeral},
		"chat.startStream":                      {tokenBot, write, 20, (*Server).chatStartStream},
		"chat.appendStream":                     {tokenBot, write, 100, (*Server).chatAppendStream},
		"chat.stopStream":                       {tokenBot, write, 20, (*Server).chatStopStream},
		"chat.getPermalink":                     {tokenBot, nil, 600, (*Server).chatGetPermalink},
		"conversations.info":                    {tokenBot, info, 50, (*Server).conversationsInfo},
		"conversations.members":                 {tokenBot, info, 100, (*Server).conversationsMembers},
		"conversations.history":                 {tokenBot, history, 50, (*Server).conversationsHistory},
		"conversations.replies":                 {tokenBot, history, 50, (*Server).conversationsReplies},
		"conversations.open":                    {tokenBot, []string{"im:write", "mpim:write"}, 50, (*Server).conversationsOpen},
		"users.info":                            {tokenBot, []string{"users:read"}, 100, (*Server).usersInfo},
		"users.list":                            {tokenBot, []string{"users:read"}, 20, (*Server).usersList},
		"views.open":                            {tokenBot, nil, 100, (*Server).viewsOpen},
		"views.push":                            {tokenBot, nil, 100, (*Server).viewsPush},
		"views.update":                          {tokenBot, nil, 100, (*Server).viewsUpdate},
		"views.publish":                         {tokenBot, nil, 100, (*Server).viewsPublish},
		"assistant.threads.setStatus":           {tokenBot, status, 600, (*Server).assistantSetStatus},
		"assistant.threads.setTitle":            {tokenBot, assistant, 100, (*Server).assistantSetTitle},
		"assistant.threads.setSuggestedPrompts": {tokenBot, assistant, 100, (*Server).assistantSetPrompts},
		"agents.sessions.setStatus":             {tokenBot, status, 50, (*Server).sessionSetStatus},
		"agents.sessions.rename":                {tokenBot, status, 50, (*Server).sessionRename},
		"files.getUploadURLExternal":            {tokenBot, files, 100, (*Server).filesGetUploadURL},
		"files.completeUploadExternal":          {tokenBot, files, 100, (*Server).filesComplete},
	}
}

// serveAPI answers one Web API call: journal, hooks and faults around [Server.answer].
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	a, secret, bearer, readErr := readArgs(r)
	method := r.PathValue("method")
	c := s.begin(method, a, secret, bearer)
	s.tell(method, Before)
	f := s.takeFault(method, c)
	if s.failBefore(w, r, c, f) {
		return
	}
	status, body := http.StatusOK, refuse(fmt.Sprint(readErr)).body()
	if readErr == nil {
		status, body = s.answer(w, method, a, secret)
	}
	s.tell(method, After)
	if s.failAfter(w, c, f, body) {
		return
	}
	s.finish(c, status, body)
	s.scopeHeaders(w, method)
	writeJSON(w, status, body)
}

func (s *Server) tell(method string, phase Phase) {
	if s.config.OnCall != nil {
		s.config.OnCall(method, phase)
	}
}

// begin puts a call into the journal.
func (s *Server) begin(method string, a args, secret string, bearer bool) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callCount++
	c := &Call{N: s.callCount, Method: method, Args: a, Token: "none", Bearer: bearer, Started: time.Now()}
	if secret != "" {
		c.Token = "unknown"
	}
	if t := s.tokens[secret]; t != nil {
		c.Token = string(t.kind)
		if t.revoked {
			c.Token = "revoked"
		}
		if t.team != nil {
			c.Team = t.team.ID
		}
	}
	s.calls = append(s.calls, c)
	s.touch()
	return c
}

// finish notes how a call was answered.
func (s *Server) finish(c *Call, status int, body object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Status, c.Response, c.Ended = status, body, time.Now()
	s.touch()
}

// answer checks the token, the scopes and the rates, and runs the method.
func (s *Server) answer(w http.ResponseWriter, method string, a args, secret string) (int, object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := s.endpoints[method]
	if !known {
		return http.StatusOK, refuse("unknown_method").extraField("req_method", method).body()
	}
	t, f := s.authenticate(secret, e)
	if f != nil {
		return http.StatusOK, f.body()
	}
	if wait := s.limited(method, e, t, a); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
		return http.StatusTooManyRequests, refuse("ratelimited").body()
	}
	if f := s.scoped(e.scopes...); f != nil {
		return http.StatusOK, f.body()
	}
	if f := t.team.enabled(method); f != nil {
		return http.StatusOK, f.body()
	}
	body, f := e.run(s, &request{args: a, team: t.team})
	if f != nil {
		return http.StatusOK, f.body()
	}
	body["ok"] = true
	return http.StatusOK, body
}

func (f *refusal) extraField(name string, v any) *refusal {
	if f.extra == nil {
		f.extra = object{}
	}
	f.extra[name] = v
	return f
}

func (s *Server) authenticate(secret string, e endpoint) (*token, *refusal) {
	if secret == "" {
		return nil, refuse("not_authed")
	}
	t := s.tokens[secret]
	switch {
	case t == nil:
		return nil, refuse("invalid_auth")
	case t.revoked:
		return nil, refuse("token_revoked")
	case t.team != nil && !t.team.installed:
		return nil, refuse("account_inactive")
	case t.kind != e.token:
		return nil, refuse("not_allowed_token_type")
	}
	return t, nil
}

// scoped refuses when the app has none of the scopes.
func (s *Server) scoped(needed ...string) *refusal {
	if len(needed) == 0 || slices.ContainsFunc(needed, s.granted) {
		return nil
	}
	f := refuse("missing_scope")
	f.extra = object{"needed": strings.Join(needed, ","), "provided": strings.Join(s.config.Scopes, ",")}
	return f
}

func (s *Server) granted(scope string) bool { return slices.Contains(s.config.Scopes, scope) }

// scopeFor refuses when the app lacks the scope a kind of channel needs: prefix:read, prefix:history or prefix:write.
func (s *Server) scopeFor(ch *channel, right string) *refusal {
	prefix := map[string]string{"channel": "channels", "group": "groups", "im": "im"}[ch.kind()]
	return s.scoped(prefix + ":" + right)
}

// scopeHeaders tells the scopes as Slack does, in headers.
func (s *Server) scopeHeaders(w http.ResponseWriter, method string) {
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.config.Scopes, ","))
	if scopes := s.endpoints[method].scopes; len(scopes) > 0 {
		w.Header().Set("X-Accepted-OAuth-Scopes", strings.Join(scopes, ","))
	}
	w.Header().Set("X-Slack-Req-Id", strings.ToLower(newID(20)))
}

// RevokeToken makes one token invalid without telling anybody: calls with it get token_revoked.
func (s *Server) RevokeToken(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokens[secret]; t != nil {
		t.revoked = true
		s.touch()
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The caller may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}
