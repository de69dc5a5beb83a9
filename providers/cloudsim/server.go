package cloudsim

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const maxBody = 6 << 20 // no request of a command line tool is larger

// Server is one simulated set of clouds. Its methods may be called from several goroutines.
type Server struct {
	config Config

	mu       sync.Mutex
	world    World
	changed  chan struct{} // closed and replaced at every change
	release  chan struct{} // closed and replaced by Release
	journal  []*Entry
	number   int
	faults   []*Fault
	buckets  map[string]*bucket // what is left of each limit
	hook     Hook
	clouds   []mounted
	aws      *awsCloud
	tailnet  *tailscaleCloud
	scaleway *scalewayCloud
	issuer   *rsa.PrivateKey                 // of Aurora's own platform; nil until a token is asked for
	grants   map[string]*authorizationServer // by OAuth client name
	base     string                          // http://127.0.0.1:port once it listens
	secure   string                          // https://127.0.0.1:port once it listens with TLS
	http     *http.Server

	life context.Context // ends with Close
	end  context.CancelFunc
}

// cloud is one provider's endpoints. plan reads who asks for what, notes it in the request's entry and gives back what is
// to be done; both are called with the server locked. That is all a further cloud has to implement.
type cloud interface {
	plan(r *request) func() reply
	// refusal is the answer to an injected failure, in the shape the caller of this request expects.
	refusal(r *request, status int, code, message string) reply
}

// mounted is a cloud with the path it answers below.
type mounted struct {
	prefix string // without a slash at its end
	name   string
	cloud  cloud
}

// request is one request on its way through a cloud.
type request struct {
	*http.Request
	body  []byte
	rest  string // the path below the cloud's prefix, escaped as it came
	base  string // scheme and host as the caller reached them
	entry *Entry
}

// reply is what goes back. A status from 400 on means that nothing was carried out.
type reply struct {
	status int
	header map[string]string
	body   []byte
	code   string // the cloud's error code, for the journal
	dryRun bool
}

func (r reply) done() bool { return r.status < 400 }

// New makes a simulator with its world in place. It answers once it is started or served.
func New(config Config) *Server {
	config = config.filled()
	s := &Server{config: config, world: config.World.clone(), changed: make(chan struct{}), release: make(chan struct{}), buckets: map[string]*bucket{}}
	s.life, s.end = context.WithCancel(context.Background())
	s.mount()
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return s.life },
	}
	return s
}

// Start listens on a free port of 127.0.0.1. Close ends it.
func (s *Server) Start() error {
	listener, err := s.listen(s.life, "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = s.http.Serve(listener) }() // ends with Close, which is then the whole reason
	return nil
}

// ListenAndServe answers on the address, which must be a loopback one, until ctx ends.
func (s *Server) ListenAndServe(ctx context.Context, addr string) error {
	listener, err := s.listen(ctx, addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, s.Close)
	defer stop()
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the simulated clouds: %w", err)
	}
	return nil
}

func (s *Server) listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the simulated clouds: %w", err)
	}
	bound, ok := listener.Addr().(*net.TCPAddr)
	if !ok || !bound.IP.IsLoopback() {
		_ = listener.Close()
		return nil, fmt.Errorf("the simulated clouds answer on loopback only, not on %s: use 127.0.0.1", addr)
	}
	s.update(func() { s.base = "http://" + listener.Addr().String() })
	return listener, nil
}

// Close ends the server and every request it holds. It may be called more than once.
func (s *Server) Close() {
	s.end()
	_ = s.http.Close()
}

// URL is where the server listens, without a slash at its end; empty until it does.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// ServeHTTP answers for every cloud and for the control interface.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !loopbackHost(r.Host) {
		// A web page that resolves its own name to 127.0.0.1 must not reach the simulator.
		http.Error(w, "the simulated clouds answer on loopback only", http.StatusMisdirectedRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the request's body could not be read: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/sim/") {
		s.control(w, r, body)
		return
	}
	if r.URL.Path == "/batch/compute/v1" {
		s.batch(w, r, body)
		return
	}
	answer, cut := s.handle(r, body)
	if cut {
		panic(http.ErrAbortHandler) // the server's own way to close a connection without an answer
	}
	write(w, answer)
}

// handle takes one request through the cloud it is for. cut tells that the connection is to be closed unanswered.
func (s *Server) handle(r *http.Request, body []byte) (answer reply, cut bool) {
	m := s.cloudOf(r.URL.Path)
	req := &request{
		Request: r, body: body, base: scheme(r) + r.Host,
		rest:  strings.TrimPrefix(r.URL.EscapedPath(), m.prefix),
		entry: &Entry{Cloud: m.name, Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent(), Started: time.Now()},
	}
	var act func() reply
	s.update(func() {
		s.number++
		req.entry.N = s.number
		s.journal = append(s.journal, req.entry)
		act = m.cloud.plan(req)
	})
	answer, cut = s.perform(req, m.cloud, act)
	s.update(func() {
		req.entry.Ended = time.Now()
		if !cut {
			req.entry.Status = answer.status
		}
	})
	return answer, cut
}

// perform carries the request out between its two stages. cut tells that the connection is to be closed unanswered.
func (s *Server) perform(r *request, c cloud, act func() reply) (answer reply, cut bool) {
	fault := s.strike(r.Context(), Before, r.entry)
	if r.Context().Err() != nil {
		return reply{}, true // the caller went away while it was held: nothing was asked any more
	}
	if fault != nil && fault.Kind == FaultCutBefore {
		return reply{}, true
	}
	if fault != nil && fault.Kind == FaultStatus {
		act = func() reply {
			return c.refusal(r, orInt(fault.Status, http.StatusServiceUnavailable), fault.Code, fault.Message)
		}
	}
	s.update(func() {
		if s.throttles(r.entry) {
			status, code, message := tooMany(r.entry)
			act = func() reply { return c.refusal(r, status, code, message) }
		}
		answer = act()
		r.entry.Done = answer.done()
		r.entry.Code = answer.code
		r.entry.DryRun = answer.dryRun
	})
	fault = s.strike(r.Context(), After, r.entry)
	return answer, fault != nil && fault.Kind == FaultCutAfter
}

// update runs change with the server locked and wakes whoever waits for one.
func (s *Server) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// cloudOf finds the cloud that answers below this path. AWS has the root: it is the last.
func (s *Server) cloudOf(path string) mounted {
	for _, m := range s.clouds {
		if path == m.prefix || strings.HasPrefix(path, m.prefix+"/") {
			return m
		}
	}
	return s.clouds[len(s.clouds)-1]
}

func write(w http.ResponseWriter, answer reply) {
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // a caller that went away hears nothing
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https://"
	}
	return "http://"
}

func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || (ip != nil && ip.IsLoopback())
}

func orInt(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
