// Package openai is agent.Model on any server that speaks OpenAI's Chat Completions with streaming. cmd makes the Client
// and hands it to the loop. It gives a reply only when the stream was whole; a broken, cut, filtered or foreign one is an
// *agent.Failure and nothing of it is used. It never reads the environment, never logs, never puts a body, a URL or a
// key into an error, and never runs a call.
package openai

import (
	"context"
	"time"

	"aurora/agent"
	"aurora/store"
)

// Config says which server and model to use. BaseURL must be https; http is taken for loopback alone.
type Config struct {
	BaseURL string       // "https://api.openai.com/v1/" when empty
	Key     store.Secret // may be empty on servers that want none
	Model   string
	First   time.Duration // longest wait for the first chunk; 2 min when 0
	Idle    time.Duration // longest wait between chunks; 60 s when 0
	Whole   time.Duration // longest time for a whole reply; 5 min when 0
	Retries int           // further tries on 429, 5xx and connection errors before the first chunk; 2 when 0, none when negative
	MaxWait time.Duration // longest Retry-After that is waited for; 20 s when 0
}

// Client asks one model on one server. It is safe for concurrent use.
type Client struct{ cfg Config }

// New checks the configuration. It opens no connection.
func New(c Config) (*Client, error) { return &Client{cfg: c}, nil }

// Reply asks the model and returns when the whole reply is there.
func (c *Client) Reply(ctx context.Context, r agent.Request) (agent.Reply, error) {
	return agent.Reply{}, &agent.Failure{Kind: agent.FailNone}
}
