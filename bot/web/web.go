// Package web serves Aurora's own pages: the one a connect link leads to. cmd mounts it; it hands what a person typed
// to a cloud's Linker, puts the credential into the keeper and the connection into the database, and tells the person
// in chat how it went. It never runs a command, never shows a credential back, and takes no link for a proof of who is
// looking at it.
package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/rs/zerolog"

	"aurora/bot"
	"aurora/store"
)

// Tickets are the one-time references that links carry. A look does not spend one: link previews look.
type Tickets interface {
	Ticket(ctx context.Context, id string) (json.RawMessage, error)
	TakeTicket(ctx context.Context, id string) (json.RawMessage, error)
}

// Keeper keeps credentials, with check-and-set.
type Keeper interface {
	Get(ctx context.Context, path string) (store.Credential, int64, error)
	Put(ctx context.Context, path string, c store.Credential, cas int64) (int64, error)
	Delete(ctx context.Context, path string) error
}

// Connections keeps what is connected.
type Connections interface {
	Connections(ctx context.Context, orgID, userID string) ([]store.Connection, error)
	Connect(ctx context.Context, c store.Connection, by store.Person) (store.Connection, error)
}

// Whisperer tells a person in chat, best effort.
type Whisperer interface {
	Whisper(ctx context.Context, place store.Place, m bot.Message, reply store.Secret) error
}

// Field is one thing the page of a cloud asks for.
type Field struct {
	Name   string
	Label  string
	Hint   string
	Value  string // what stands there at first
	Secret bool   // shown as dots, never shown back
	Lines  bool   // takes several lines; shown as typed, for a browser has no dots for lines
}

// Page is what the page of a cloud says before its fields.
type Page struct {
	Steps  []string
	Links  []bot.Link // pages of the cloud that do a step
	Facts  []Field    // what the person needs at the cloud: name and value, to be copied
	Fields []Field
}

// Linked is a connection that its cloud accepted and that can be stored.
type Linked struct {
	Account    string
	Region     string
	Projects   []string
	Settings   map[string]string
	ReadOnly   bool
	Credential store.Credential
	Note       string // what the person should know about it, a sentence or nothing
}

// Linker asks what a cloud needs and checks it with the cloud. What a person can mend is a *providers.Problem.
type Linker interface {
	Page(ctx context.Context, t bot.ConnectTicket) Page
	Link(ctx context.Context, t bot.ConnectTicket, form url.Values) (Linked, error)
}

// Server serves the pages.
type Server struct {
	Tickets     Tickets
	Keeper      Keeper
	Connections Connections
	Linkers     map[store.Cloud]Linker
	Chats       map[store.Platform]Whisperer
	Homes       map[store.Platform]bot.Homes // may be nil
	Log         zerolog.Logger
}

// Handler gives the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /connect/{ticket}", s.show)
	mux.HandleFunc("POST /connect/{ticket}", s.link)
	mux.HandleFunc("GET /{$}", s.home)
	return guarded(mux)
}

// guarded gives every answer the headers that keep a page to itself, and every request an end.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next.ServeHTTP(w, r)
	})
}
