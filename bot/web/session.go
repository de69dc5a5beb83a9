package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"aurora/bot"
	"aurora/store"
)

const (
	cookieLife = 8 * time.Hour
	bearerLife = time.Hour
)

// session is somebody signed in to the pages or the API.
type session struct {
	OrgID  string       `json:"org_id"`
	UserID string       `json:"user_id"`
	Person store.Person `json:"person"`
	Place  store.Place  `json:"place"` // where to whisper; without a channel in direct messages
	Proven bool         `json:"proven,omitempty"`
	id     string
	bearer bool
}

// errNobody says that nobody is signed in.
var errNobody = errors.New("nobody is signed in")

const signInFirst = "Nobody is signed in here. Say `/aurora login` in the chat and open the link you get, or send the token from that page as `Authorization: Bearer <token>`."

// beginSession signs the person of a pass in; as says to what. Nobody is signed in unseen: the audit knows of it first.
func (s *Server) beginSession(ctx context.Context, p pass, as string, life time.Duration) (id string, err error) {
	detail, err := json.Marshal(map[string]string{"session": as})
	if err != nil {
		return "", fmt.Errorf("note a session: %w", err)
	}
	if err := s.Audit.Audit(ctx, store.AuditEntry{Kind: store.AuditLogin, OrgID: p.OrgID, UserID: p.UserID, Person: p.Person.String(), Subject: p.UserID, Detail: detail}); err != nil {
		return "", fmt.Errorf("note a session: %w", err)
	}
	raw, err := json.Marshal(session{OrgID: p.OrgID, UserID: p.UserID, Person: p.Person, Place: p.Place, Proven: p.Proven})
	if err != nil {
		return "", fmt.Errorf("begin a session: %w", err)
	}
	return s.Sessions.NewSession(ctx, p.UserID, raw, life)
}

// session gives who is signed in: by a bearer token where one is sent, else by cookie. It is nobody whose user is switched
// off or has become another one since.
func (s *Server) session(r *http.Request) (session, error) {
	id, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		id = s.cookie(r, sessionCookie)
	}
	if !idShape.MatchString(id) {
		return session{}, errNobody
	}
	raw, err := s.Sessions.Session(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return session{}, errNobody
	}
	if err != nil {
		return session{}, fmt.Errorf("look up a session: %w", err)
	}
	in := session{id: id, bearer: bearer}
	if err := json.Unmarshal(raw, &in); err != nil {
		return session{}, fmt.Errorf("read a session: %w", err)
	}
	user, err := s.Users.Person(r.Context(), in.Person)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return session{}, errNobody
	case err != nil:
		return session{}, fmt.Errorf("look up who is signed in: %w", err)
	case !user.Active || user.ID != in.UserID || user.OrgID != in.OrgID:
		return session{}, errNobody
	}
	return in, nil
}

// ticket is what this person connects a cloud with.
func (in session) ticket(cloud store.Cloud, mark string, reading []string) bot.ConnectTicket {
	return bot.ConnectTicket{Purpose: bot.PurposeConnect, Cloud: cloud, OrgID: in.OrgID, UserID: in.UserID, Person: in.Person, Place: in.Place,
		Mark: mark, ReadOnly: reading}
}

// logout ends the session of this browser.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	in, err := s.session(r)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if r.ParseForm() != nil || !ownForm(r, in.id, "/connectors") {
		s.sorry(w, r, errForeign)
		return
	}
	if err := s.Sessions.EndSession(r.Context(), in.id); err != nil {
		s.sorry(w, r, err)
		return
	}
	s.setCookie(w, sessionCookie, "", -1)
	s.render(w, http.StatusOK, plainView("Signed out", "You are signed out of Aurora's pages in this browser."))
}
