// Package modelsim is a model server on loopback for the playground, tests and transcripts: it speaks OpenAI's streaming
// Chat Completions, answers from a script or from a small brain of its own that understands simple requests about
// clouds, misbehaves on demand, and keeps a journal of what it was asked. It is no language model and never pretends to
// be one; it calls nothing and needs no key.
package modelsim

import (
	"context"
	"encoding/json"
)

// Config is how a simulator answers. The zero value answers everything from the brain.
type Config struct {
	Script  Script  // tried first
	Key     string  // when set, requests must carry it as Bearer
	Strict  bool    // refuse request fields this server does not know, as some servers do
	Hostile *uint64 // seed: answers come from the hostile generator instead of script and brain
	Before  func(Request)
	After   func(Request, Reply)
}

// Script is a list of rules; the first that matches and is not used up answers.
type Script []Rule

// Rule answers one kind of request.
type Rule struct {
	User  string `json:"user,omitempty"`  // regular expression on the asker's last message; empty matches all
	Tool  string `json:"tool,omitempty"`  // regular expression on the results after it; empty: no results yet, unless Any
	Any   bool   `json:"any,omitempty"`   // Tool does not matter
	Times int    `json:"times,omitempty"` // how often it may answer; 0 means always
	Reply Reply  `json:"reply"`
}

// Reply is what is answered: text, calls, or a misbehaviour.
type Reply struct {
	Text  string `json:"text,omitempty"`
	Calls []Call `json:"calls,omitempty"`
	Fault Fault  `json:"fault,omitempty"`
}

// Call is one call of cloud_tool, or of another tool when Name is set.
type Call struct {
	ID       string   `json:"id,omitempty"`   // made up when empty
	Name     string   `json:"name,omitempty"` // cloud_tool when empty
	Provider string   `json:"provider,omitempty"`
	Command  string   `json:"command,omitempty"`
	Argv     []string `json:"argv,omitempty"`
	Project  string   `json:"project,omitempty"`
	Raw      string   `json:"raw,omitempty"` // the arguments as they are, valid JSON or not
}

// Fault is a misbehaviour.
type Fault string

// Request is what the simulator was asked.
type Request struct {
	N    int             `json:"n"` // from 1
	Body json.RawMessage `json:"body"`
}

// ListenAndServe serves on addr (a loopback address) until ctx ends.
func ListenAndServe(ctx context.Context, addr string, c Config) error { <-ctx.Done(); return nil }

// Start serves on addr ("127.0.0.1:0" for any port) until ctx ends, and returns as soon as it listens.
func Start(ctx context.Context, addr string, c Config) (*Server, error) { return &Server{}, nil }

// Server is a running simulator.
type Server struct{}

// URL is the base URL for OPENAI_BASE_URL, ending in /v1.
func (s *Server) URL() string { return "" }
