package slacksim

import (
	"context"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is a Slack. It is an http.Handler; all its methods may be called from several goroutines.
type Server struct {
	config    Config
	mux       *http.ServeMux
	endpoints map[string]endpoint

	mu           sync.Mutex
	changed      chan struct{} // closed and replaced at every change
	revision     int
	base         string // http://host:port once known
	teams        map[string]*team
	teamOrder    []string
	people       map[string]*person
	peopleOrder  []string
	channels     map[string]*channel
	channelOrder []string
	tokens       map[string]*token

	calls      []*Call
	callCount  int
	deliveries []*Delivery
	sentCount  int
	open       int // envelopes neither acked nor given up
	faults     []*fault
	faultCount int
	limits     map[string]*bucket

	tickets   map[string]time.Time // unused Socket Mode tickets and their end
	sockets   []*socket            // in order of connecting
	socketNo  int
	turn      int // for round robin
	waiting   map[string]*attempt
	past      map[string]*envelope // by envelope id, for redelivery
	linkOff   bool
	holding   bool
	held      []*envelope
	responses map[string]*responseURL
	triggers  map[string]*trigger
	viewCount int
	uploads   map[string]*upload
	files     map[string]*upload
	timers    map[*time.Timer]struct{}
	closed    bool

	signedIn   string // who answers the sign-in page by himself, a key of people
	codes      map[string]signInCode
	userTokens map[string]object // what each tells of its person
	signer     *rsa.PrivateKey   // of id tokens; made when first needed

	http     *http.Server
	closing  chan struct{}
	serveErr chan error
}

// New makes a Slack; it serves once started or used as a handler. It panics when the world in the configuration
// contradicts itself (a channel of a workspace that is not there), as that is a mistake in the caller's code.
func New(c Config) *Server {
	s := &Server{
		config: c.filled(), changed: make(chan struct{}), closing: make(chan struct{}),
		teams: map[string]*team{}, people: map[string]*person{}, channels: map[string]*channel{}, tokens: map[string]*token{},
		limits: map[string]*bucket{}, tickets: map[string]time.Time{}, waiting: map[string]*attempt{}, past: map[string]*envelope{},
		responses: map[string]*responseURL{}, triggers: map[string]*trigger{}, uploads: map[string]*upload{},
		files: map[string]*upload{}, timers: map[*time.Timer]struct{}{},
	}
	if err := s.build(); err != nil {
		panic("slacksim: " + err.Error())
	}
	s.endpoints = endpoints()
	s.mux = s.routes()
	return s
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("GET /link/", s.serveLink)
	mux.HandleFunc("POST /actions/{team}/{id}/{secret}", s.serveResponse)
	mux.HandleFunc("POST /commands/{team}/{id}/{secret}", s.serveResponse)
	mux.HandleFunc("POST /upload/v1/{ticket}", s.serveUpload)
	s.signInRoutes(mux)
	s.controlRoutes(mux)
	s.pageRoutes(mux)
	return mux
}

// ServeHTTP serves the Web API, Socket Mode, response URLs, uploads, the control API and the page. As a handler
// of somebody else's server it takes its own address from the first request it sees.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.base == "" {
		s.base = "http://" + r.Host
	}
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// Start serves on a free port of 127.0.0.1 until Close.
func (s *Server) Start() error {
	return s.listen(context.Background(), "127.0.0.1:0")
}

func (s *Server) listen(ctx context.Context, addr string) error {
	if err := loopback(addr); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for the simulated Slack: %w", err)
	}
	s.mu.Lock()
	s.base = "http://" + listener.Addr().String()
	s.mu.Unlock()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.serveErr = make(chan error, 1)
	go func() { s.serveErr <- s.http.Serve(listener) }()
	return nil
}

// loopback refuses addresses other machines could reach.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address of the simulated Slack: %w", err)
	}
	if ip := net.ParseIP(host); host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("the simulated Slack serves on loopback only, not on %q; use 127.0.0.1", host)
}

// Close ends every socket, timer and request, and waits for the listener to end.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	for t := range s.timers {
		t.Stop()
	}
	sockets := s.sockets
	s.sockets = nil
	close(s.closing)
	s.touch()
	s.mu.Unlock()
	for _, k := range sockets {
		k.end()
	}
	if s.http != nil {
		_ = s.http.Close()
		<-s.serveErr
	}
}

// ListenAndServe serves a Slack on a loopback address until ctx ends; ready, when not nil, hears of the server
// once it listens.
func ListenAndServe(ctx context.Context, addr string, c Config, ready func(*Server)) error {
	s := New(c)
	if err := s.listen(ctx, addr); err != nil {
		return err
	}
	if ready != nil {
		ready(s)
	}
	select {
	case <-ctx.Done():
		s.Close()
		return nil
	case err := <-s.serveErr:
		s.serveErr <- err
		s.Close()
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return fmt.Errorf("serve the simulated Slack: %w", err)
	}
}

// URL is the base of the Web API, with a trailing slash: http://127.0.0.1:1234/api/.
func (s *Server) URL() string { return s.address() + "/api/" }

// PageURL is the address of the page, with the token when there is one.
func (s *Server) PageURL() string {
	if s.config.PageToken == "" {
		return s.address() + "/"
	}
	return s.address() + "/?token=" + s.config.PageToken
}

// ControlURL is the base of the control API, with a trailing slash.
func (s *Server) ControlURL() string { return s.address() + "/sim/" }

func (s *Server) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// socketAddress is the base of websocket addresses. The lock is held.
func (s *Server) socketAddress() string { return "ws" + strings.TrimPrefix(s.base, "http") }

// AppID is the app's id.
func (s *Server) AppID() string { return s.config.AppID }

// AppToken is the xapp token.
func (s *Server) AppToken() string { return s.config.AppToken }

// BotToken is the xoxb token of a workspace; of the first when team is empty.
func (s *Server) BotToken(team string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.team(team).BotToken
}

// BotUser is the bot's user id in a workspace; of the first when team is empty.
func (s *Server) BotUser(team string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.team(team).BotUser
}

// TeamID is the id of the first workspace.
func (s *Server) TeamID() string { return s.teamOrder[0] }

// team finds a workspace, the first for an unknown or empty id. The lock is held.
func (s *Server) team(id string) *team {
	if t := s.teams[id]; t != nil {
		return t
	}
	return s.teams[s.teamOrder[0]]
}

// after runs f under the lock once d has passed, unless the server was closed by then. The lock is held.
func (s *Server) after(d time.Duration, f func()) *time.Timer {
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.timers, t)
		if !s.closed {
			f()
		}
	})
	s.timers[t] = struct{}{}
	return t
}

// cancel stops a timer of after. The lock is held.
func (s *Server) cancel(t *time.Timer) {
	if t != nil {
		t.Stop()
		delete(s.timers, t)
	}
}

// sameSecret compares two secrets without telling how far they agree.
func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
