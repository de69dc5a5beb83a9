package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"aurora/store"
)

// connRow is a connection as the page shows it.
type connRow struct {
	ID       string // of one's own, which can be disconnected; "" otherwise
	Cloud    string
	Account  string
	Owner    string
	State    string
	May      string
	Projects string
	Used     string
}

// shownProjects is how many projects of a connection are named.
const shownProjects = 8

// connectors shows what a person has connected.
func (s *Server) connectors(w http.ResponseWriter, r *http.Request) {
	in, err := s.session(r)
	if errors.Is(err, errNobody) {
		s.render(w, http.StatusUnauthorized, view{Title: "Your connections", Text: signInFirst, Signed: false, Slack: s.Slack != nil})
		return
	}
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	conns, err := s.Connections.Connections(r.Context(), in.OrgID, in.UserID)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	used, err := s.Uses.LastUsed(r.Context(), in.OrgID, in.UserID)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	v := view{Title: "Your connections", Signed: true, Clouds: s.clouds(), Token: csrf(in.id, "/connectors"),
		Who: "You are signed in as " + string(in.Person.Platform) + " user " + in.Person.ID + " in workspace " + in.Person.Team + "."}
	if len(conns) == 0 {
		v.Text = "Nothing is connected yet."
	}
	for _, c := range conns {
		v.Conns = append(v.Conns, rowOf(c, in, used[c.ID]))
	}
	s.render(w, http.StatusOK, v)
}

func rowOf(c store.Connection, in session, used time.Time) connRow {
	row := connRow{Cloud: string(c.Cloud), Account: c.Account, Owner: "you", State: "connected", May: "reading and changing", Used: "not lately"}
	if c.Label != "" {
		row.Account = c.Label
	}
	if c.UserID == in.UserID {
		row.ID = c.ID
	} else {
		row.Owner = "your organisation"
	}
	if end := c.Expires(); !end.IsZero() {
		row.State = "connected, until " + end.UTC().Format("2006-01-02 15:04 UTC")
	}
	if c.Status == store.ConnectionBroken {
		row.State = "needs a new sign-in"
	}
	if c.ReadOnly {
		row.May = "reading only"
	}
	if scopes := c.Settings["scopes"]; scopes != "" {
		row.May += " (" + scopes + ")"
	}
	if !used.IsZero() {
		row.Used = used.UTC().Format("2006-01-02 15:04 UTC")
	}
	names := c.Projects
	if len(names) > shownProjects {
		names = append(append([]string{}, names[:shownProjects]...), "…")
	}
	row.Projects = strings.Join(names, ", ")
	return row
}

// mine finds a connection of one's own.
func (s *Server) mine(r *http.Request) (session, store.Connection, error) {
	in, err := s.session(r)
	if err != nil {
		return in, store.Connection{}, err
	}
	c, err := s.Connections.Connection(r.Context(), in.OrgID, in.UserID, r.PathValue("id"))
	if errors.Is(err, store.ErrNotFound) || err == nil && c.UserID != in.UserID {
		return in, c, &apiError{http.StatusNotFound, "not_connected", "You have no such connection of your own. Load the page of your connections again."}
	}
	return in, c, err
}

// askDisconnect asks once more before a connection is forgotten.
func (s *Server) askDisconnect(w http.ResponseWriter, r *http.Request) {
	in, c, err := s.mine(r)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	s.render(w, http.StatusOK, view{Title: "Disconnect " + string(c.Cloud) + "?", Token: csrf(in.id, r.URL.Path), Back: "/connectors",
		Text:    string(c.Cloud) + " account " + c.Account + ": its credential is taken back where the cloud can do that, and erased in any case. Cards that wait for a click on it do nothing any more.",
		Buttons: []Choice{{Value: "disconnect", Label: "Disconnect"}}})
}

// disconnectHere forgets a connection from the page.
func (s *Server) disconnectHere(w http.ResponseWriter, r *http.Request) {
	in, c, err := s.mine(r)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if r.ParseForm() != nil || !ownForm(r, in.id, r.URL.Path) {
		s.sorry(w, r, errForeign)
		return
	}
	said, err := s.disconnect(r.Context(), in, c)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	s.render(w, http.StatusOK, view{Title: "Disconnected", Back: "/connectors",
		Text: strings.TrimSpace(string(c.Cloud) + " account " + c.Account + " is disconnected, and its credential is erased. " + said)})
}
