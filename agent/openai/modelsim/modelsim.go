// Package modelsim is a model server on loopback for the playground, tests and transcripts: it speaks OpenAI's streaming
// Chat Completions, answers from a script or from a small brain of its own that understands simple requests about
// clouds, misbehaves on demand, and keeps a journal of what it was asked. It is as strict about conversations as real
// servers are. It is no language model and never pretends to be one; it calls nothing and needs no key.
package modelsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Config is how a simulator answers. The zero value answers everything from the brain.
type Config struct {
	Script  Script        // tried first; what no rule matches goes to the brain
	NoBrain bool          // what no rule matches is an HTTP 500 that says so: for transcripts that must be complete
	Key     string        // when set, requests must carry it as Bearer
	Strict  bool          // refuse the request fields that simple servers do not know, with a 400
	Hostile *uint64       // seed: answers come from the hostile generator instead of script and brain
	Pace    time.Duration // between two chunks, to look alive; 0 for none
	Before  func(Request) // called before a request is answered, outside any lock; it may block
	After   func(Request, Reply)
}

// Server is a running simulator.
type Server struct {
	cfg  Config
	url  string
	done chan struct{}
	err  error

	mu       sync.Mutex
	script   Script
	used     []int // how often each rule answered
	hostile  *Hostile
	requests []Request
	arrived  chan struct{} // closed and replaced whenever a request arrives
	held     chan struct{} // closed to let held replies go
}

// ListenAndServe serves on addr (a loopback address) until ctx ends. That is no error.
func ListenAndServe(ctx context.Context, addr string, c Config) error {
	s, err := Start(ctx, addr, c)
	if err != nil {
		return err
	}
	return s.Wait()
}

// Start serves on addr ("127.0.0.1:0" for any port) until ctx ends, and returns as soon as it listens.
func Start(ctx context.Context, addr string, c Config) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("the model simulator serves on loopback alone, not on %q", addr)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the model simulator: %w", err)
	}
	s := &Server{
		cfg: c, url: "http://" + listener.Addr().String() + "/v1", done: make(chan struct{}),
		script: c.Script, used: make([]int, len(c.Script)), arrived: make(chan struct{}), held: make(chan struct{}),
	}
	if c.Hostile != nil {
		s.hostile = NewHostile(*c.Hostile)
	}
	go s.serve(ctx, listener)
	return s, nil
}

// serve ends with ctx, and does not wait for streams that somebody left open.
func (s *Server) serve(ctx context.Context, listener net.Listener) {
	defer close(s.done)
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		s.err = fmt.Errorf("serve the model simulator: %w", err)
	}
}

// URL is the base URL for OPENAI_BASE_URL, ending in /v1.
func (s *Server) URL() string { return s.url }

// Wait returns when the server has ended.
func (s *Server) Wait() error {
	<-s.done
	return s.err
}

// Requests gives what was asked so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Await waits until n requests have arrived since the start or the last Reset.
func (s *Server) Await(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		have, arrived := len(s.requests), s.arrived
		s.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for request %d of the model simulator, %d came: %w", n, have, context.Cause(ctx))
		case <-arrived:
		}
	}
}

// SetScript replaces the script; its rules are all unused.
func (s *Server) SetScript(script Script) error {
	if err := script.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.used = script, make([]int, len(script))
	return nil
}

// Reset forgets the requests and lets the rules answer afresh.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.used = nil, make([]int, len(s.script))
}

// Release lets the replies go that FaultHold holds now.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.held)
	s.held = make(chan struct{})
}
