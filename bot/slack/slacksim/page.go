package slacksim

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"mime"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed page/index.html page/app.css page/icon.svg page/*.js
var pageFiles embed.FS

// policy lets the page load its own script, style and data, and nothing else from anywhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageRoutes are the page, the files people open from it, and the links to messages.
func (s *Server) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", s.guard(s.servePage))
	mux.HandleFunc("GET /archives/{channel}/{message}", s.guard(s.servePage))
	mux.HandleFunc("GET /page/{file}", s.guard(s.serveAsset))
	mux.HandleFunc("GET /files/{id}", s.guard(s.serveFile))
}

// guard lets through who has the page token, as a cookie, a bearer or in the address, and only under a loopback
// name, so that no other site can reach the page by pointing its own name here.
func (s *Server) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !localName(r.Host):
			http.Error(w, "Open this page as 127.0.0.1 or localhost.", http.StatusForbidden)
		case s.config.PageToken == "" || s.allowed(r):
			next(w, r)
		case r.Method == http.MethodGet && sameSecret(r.URL.Query().Get("token"), s.config.PageToken):
			http.SetCookie(w, &http.Cookie{Name: cookieName(r), Value: s.cookie(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
		default:
			http.Error(w, "This page needs its token: open the whole address that was printed at the start, with ?token=.", http.StatusUnauthorized)
		}
	}
}

// localName tells whether a Host header names this machine.
func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Server) allowed(r *http.Request) bool {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return sameSecret(bearer, s.config.PageToken)
	}
	c, err := r.Cookie(cookieName(r))
	return err == nil && sameSecret(c.Value, s.cookie())
}

// cookieName differs by port: browsers share cookies between the ports of a machine.
func cookieName(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	return "slacksim_" + port
}

// cookie is what the browser keeps; it does not give the token away.
func (s *Server) cookie() string {
	sum := sha256.Sum256([]byte("slacksim page " + s.config.PageToken))
	return hex.EncodeToString(sum[:])
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	s.serveEmbedded(w, r, "index.html")
}

func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) {
	s.serveEmbedded(w, r, r.PathValue("file"))
}

func (s *Server) serveEmbedded(w http.ResponseWriter, r *http.Request, name string) {
	contents, err := fs.ReadFile(pageFiles, "page/"+name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	// Named here: what a machine's own tables say about types differs.
	types := map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", types[path.Ext(name)])
	// The browser may be gone; it will ask again.
	_, _ = w.Write(contents)
}

// serveFile gives out an uploaded file as plain text to save, whatever it claims to be.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	u := s.files[r.PathValue("id")]
	s.mu.Unlock()
	if u == nil || !u.shared {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	way := "inline"
	if r.URL.Query().Has("download") {
		way = "attachment"
	}
	w.Header().Set("Content-Disposition", mime.FormatMediaType(way, map[string]string{"filename": u.name}))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	// The browser may be gone; the file stays.
	_, _ = w.Write(u.contents)
}

// serveStream tells the page, by server-sent events, that something changed; it asks for the rest itself.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	pace := time.NewTicker(60 * time.Millisecond)
	defer pace.Stop()
	for {
		s.mu.Lock()
		changed, revision := s.changed, s.revision
		s.mu.Unlock()
		if _, err := fmt.Fprintf(w, "data: %d\n\n", revision); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		}
		// Several changes at once are one line.
		<-pace.C
	}
}

// serveState is what the page draws around the messages, as one person sees it.
func (s *Server) serveState(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	home := s.teams[s.teamOrder[0]]
	var people []object
	for _, key := range s.peopleOrder {
		p := s.people[key]
		people = append(people, object{"key": key, "id": p.ID, "team": p.Team, "team_name": s.teams[p.Team].Name, "name": p.Name, "real_name": p.RealName,
			"bot": p.Bot || p.Workflow, "guest": p.Guest, "deactivated": p.Deactivated, "admin": p.Admin, "foreign": s.teams[p.Team].Foreign})
	}
	viewer := s.people[r.URL.Query().Get("as")]
	body := object{"workspace": home.Name, "people": people, "channels": s.channelList(viewer), "bot": home.botKey(), "bot_user": home.BotUser,
		"app": s.config.AppName, "commands": s.config.Commands, "sockets": len(s.sockets), "revision": s.revision, "notice": s.config.Notice, "hints": s.config.Hints, "shortcuts": s.config.Shortcuts,
		"features": Features(), "missing": home.missingFeatures()}
	reply(w, body, nil)
}

// channelList is the channels a person sees in the sidebar, direct messages included.
func (s *Server) channelList(viewer *person) []object {
	list := []object{}
	for _, id := range s.channelOrder {
		ch := s.channels[id]
		if viewer == nil || !s.sees(viewer, ch) {
			continue
		}
		last := ""
		for _, m := range slices.Backward(ch.messages) {
			if m.onlyFor == "" || m.onlyFor == viewer.key {
				last = m.ts
				break
			}
		}
		var shared []string
		for _, t := range ch.SharedWith {
			shared = append(shared, s.teams[t].Name)
		}
		list = append(list, object{"id": ch.ID, "name": ch.Name, "topic": ch.Topic, "private": ch.Private, "dm": ch.dm != "", "archived": ch.Archived,
			"members": len(ch.members), "has_bot": ch.members[s.teams[ch.Team].botKey()], "joined": ch.members[viewer.key], "shared": shared,
			"guests": s.guests(ch), "people": slices.Sorted(maps.Keys(ch.members)), "last": last, "statuses": ch.statuses, "titles": ch.titles, "prompts": ch.prompts})
	}
	return list
}
