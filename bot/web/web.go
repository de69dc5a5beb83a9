// Package web serves Aurora's own pages: the one a connect link leads to, the sign-ins that begin there, and what a person
// has connected. cmd mounts it; it hands what a person typed, or what a sign-in brought back, to a cloud's Linker, puts the
// credential into the keeper and the connection into the database, and tells the person in chat how it went. It never runs
// a command, never shows a credential back, and takes no link for a proof of who is looking at it.
package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/rs/zerolog"

	"aurora/bot"
	"aurora/store"
)

// Tickets are the one-time references that links carry. A look does not spend one: link previews look.
type Tickets interface {
	NewTicket(ctx context.Context, value json.RawMessage, ttl time.Duration) (string, error)
	Ticket(ctx context.Context, id string) (json.RawMessage, error)
	TakeTicket(ctx context.Context, id string) (json.RawMessage, error)
}

// Browsers remembers which browser a link was opened in: the first one is the only one.
type Browsers interface {
	ClaimTicket(ctx context.Context, id, holder string, ttl time.Duration) (mine bool, err error)
}

// States keeps sign-ins under way. Of all that bring back a state one gets the sign-in.
type States interface {
	NewSignIn(ctx context.Context, value json.RawMessage, ttl time.Duration) (state string, err error)
	TakeSignIn(ctx context.Context, state string) (json.RawMessage, error)
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
	Connection(ctx context.Context, orgID, userID, id string) (store.Connection, error)
	OrganisationConnections(ctx context.Context, orgID string) ([]store.Connection, error)
	Connect(ctx context.Context, c store.Connection, by store.Person) (store.Connection, error)
}

// Projects keeps which project of a connection is taken when a command names none.
type Projects interface {
	// SetDefaultProject gives store.ErrNotFound for a project that the user's connection does not reach.
	SetDefaultProject(ctx context.Context, orgID, userID, id, project string) error
}

// Users tells what somebody may do now.
type Users interface {
	UserByID(ctx context.Context, orgID, userID string) (store.User, error)
	Person(ctx context.Context, p store.Person) (store.User, error)
	// LinkPerson makes a further chat account act as a user.
	LinkPerson(ctx context.Context, orgID, userID string, p, by store.Person) error
}

// Sessions keeps who is signed in to the pages and the API.
type Sessions interface {
	NewSession(ctx context.Context, user string, value json.RawMessage, ttl time.Duration) (id string, err error)
	Session(ctx context.Context, id string) (json.RawMessage, error)
	EndSession(ctx context.Context, id string) error
	EndSessions(ctx context.Context, user string) error
}

// Audit notes what happened, before it does.
type Audit interface {
	Audit(ctx context.Context, e store.AuditEntry) error
}

// Uses tells when a user's connections were last used.
type Uses interface {
	LastUsed(ctx context.Context, orgID, userID string) (map[string]time.Time, error)
}

// Disconnects takes connections away.
type Disconnects interface {
	// Disconnect gives store.ErrConflict for one that was connected again since c was read.
	Disconnect(ctx context.Context, c store.Connection, by store.Person) (store.Connection, error)
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
	// Choices are the sign-ins that the page offers, each a button.
	Choices []Choice
	// Or says what the fields are for where there are Choices, too.
	Or string
}

// Choice is a button of a page that leads to a sign-in.
type Choice struct {
	Value string
	Label string
	Hint  string
}

// Linked is a connection that its cloud accepted and that can be stored.
type Linked struct {
	Account    string
	Label      string // what people are shown, when it differs
	Region     string
	Projects   []string
	Settings   map[string]string
	ReadOnly   bool
	Credential store.Credential
	Note       string // what the person should know about it, a sentence or nothing
	Email      string // the address that the cloud vouches for as that of whoever signed in; empty where it names none
	Merge      bool   // adds to what is kept of the same identity, instead of taking its place
}

// Linker asks what a cloud needs and checks it with the cloud. What a person can mend is a *providers.Problem.
type Linker interface {
	Page(ctx context.Context, t bot.ConnectTicket) Page
	Link(ctx context.Context, t bot.ConnectTicket, form url.Values) (Linked, error)
}

// Server serves the pages.
type Server struct {
	PublicURL   string // where people's browsers find it
	Tickets     Tickets
	Browsers    Browsers
	States      States
	Keeper      Keeper
	Connections Connections
	Projects    Projects
	Linkers     map[store.Cloud]Linker
	Shared      map[store.Cloud]Linker // for what the organisation will own
	Chats       map[store.Platform]Whisperer
	Homes       map[store.Platform]bot.Homes // may be nil
	Local       bool                         // all is on one machine, so nobody has to prove who he is
	Waiting     Waiting
	Leases      bot.Leases
	Admins      Admins
	Chiefs      []store.Person // admins by the settings
	People      map[store.Platform]Directory
	Tellers     map[store.Platform]Teller
	// Forget revokes and erases a connection's credential and says what is left to do at the cloud.
	Forget      func(ctx context.Context, c store.Connection) (said string, err error)
	Users       Users
	Sessions    Sessions
	Audit       Audit
	Uses        Uses
	Disconnects Disconnects
	Counter     Counter        // nil: nobody is limited
	Proxies     []netip.Prefix // whose word on the caller's address is taken
	Slack       *SlackSignIn   // nil: people do not sign in to the chat here
	Log         zerolog.Logger
}

// Handler gives the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /connect/{ticket}", s.show)
	mux.HandleFunc("POST /connect/{ticket}", s.link)
	mux.HandleFunc("GET /login/{ticket}", s.show)
	mux.HandleFunc("POST /login/{ticket}", s.link)
	mux.HandleFunc("GET /connectors", s.connectors)
	mux.HandleFunc("GET /connectors/{id}/disconnect", s.askDisconnect)
	mux.HandleFunc("POST /connectors/{id}/disconnect", s.disconnectHere)
	mux.HandleFunc("POST /logout", s.logout)
	mux.HandleFunc("GET /api/auth/{provider}", s.start)
	mux.HandleFunc("GET /api/auth/{provider}/callback", s.callback)
	mux.HandleFunc("DELETE /api/auth/{provider}/disconnect", s.apiDisconnect)
	mux.HandleFunc("GET /api/user/connected-providers", s.apiProviders)
	mux.HandleFunc("GET /style.css", s.style)
	mux.HandleFunc("GET /{$}", s.home)
	return s.guarded(mux)
}
