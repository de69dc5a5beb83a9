// Package openai is agent.Model on any server that speaks OpenAI's Chat Completions with streaming. cmd makes the Client
// and hands it to the loop. It gives a reply only when the stream was whole; a broken, cut, filtered or foreign one is an
// *agent.Failure and nothing of it is used. It never reads the environment, never logs, never puts a body, a URL or a
// key into an error, and never runs a call.
package openai

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"aurora/agent"
	"aurora/store"
)

// Config says which server and model to use. BaseURL must be https; http is taken for loopback alone.
type Config struct {
	BaseURL   string       // "https://api.openai.com/v1/" when empty
	Key       store.Secret // may be empty on servers that want none
	Model     string
	First     time.Duration     // longest wait for the first chunk; 2 min when 0
	Idle      time.Duration     // longest wait between chunks; 60 s when 0
	Whole     time.Duration     // longest time for a whole reply; 5 min when 0
	Retries   int               // further tries on 429, 5xx and connection errors before the first chunk; 2 when 0, none when negative
	MaxWait   time.Duration     // longest Retry-After that is waited for; 20 s when 0
	MaxBytes  int64             // largest answer taken; 8 MiB when 0
	Transport http.RoundTripper // a direct one, without proxy, when nil
}

// Client asks one model on one server. It is safe for concurrent use.
type Client struct {
	cfg  Config
	api  openai.ChatCompletionService
	bare atomic.Bool // the server does not take the optional request fields
}

var _ agent.Model = (*Client)(nil)

// New checks the configuration. It opens no connection.
func New(c Config) (*Client, error) {
	if c.Model == "" {
		return nil, errors.New("no model is named: set AURORA_MODEL, for example to gpt-5")
	}
	if c.BaseURL == "" {
		c.BaseURL = "https://api.openai.com/v1/"
	}
	if err := checkURL(c.BaseURL); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	options := []option.RequestOption{
		option.WithBaseURL(c.BaseURL), option.WithMaxRetries(0), option.WithHTTPClient(c.httpClient()),
	}
	if c.Key != "" {
		options = append(options, option.WithAPIKey(c.Key.Reveal()))
	}
	// The service, not the client: the latter takes keys, organisations and headers from the environment.
	return &Client{cfg: c, api: openai.NewChatCompletionService(options...)}, nil
}

// checkURL takes https, and http on loopback. The address is not repeated: it may hold a password.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("OPENAI_BASE_URL must be an address such as https://api.openai.com/v1, without user, password or query")
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return nil
	}
	return errors.New("OPENAI_BASE_URL must begin with https:// (http:// is taken for 127.0.0.1, ::1 and localhost alone)")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.First, 2 * time.Minute}, {&c.Idle, time.Minute}, {&c.Whole, 5 * time.Minute}, {&c.MaxWait, 20 * time.Second}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Retries == 0 {
		c.Retries = 2
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 8 << 20
	}
	if c.Transport == nil {
		direct := http.DefaultTransport.(*http.Transport).Clone()
		direct.Proxy = nil
		c.Transport = direct
	}
	return c
}

// httpClient follows no redirect, since the conversation and the key would travel along, and reads no more than MaxBytes.
func (c Config) httpClient() *http.Client {
	return &http.Client{Transport: limited{c.Transport, c.MaxBytes}}
}

// limited is a transport that takes no redirect and no endless body.
type limited struct {
	next http.RoundTripper
	max  int64
}

func (l limited) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 3 {
		_ = resp.Body.Close()
		return nil, errMoved
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, l.max)
	return resp, nil
}

// Reply asks the model and yields what it says. When ctx ends first, the error is its cause.
func (c *Client) Reply(ctx context.Context, r agent.Request) iter.Seq2[agent.Piece, error] {
	return func(yield func(agent.Piece, error) bool) {
		listener := &listener{yield: yield}
		reply, err := c.ask(ctx, r, listener)
		switch {
		case listener.left:
		case err != nil:
			yield(agent.Piece{}, err)
		default:
			yield(agent.Piece{Reply: &reply}, nil)
		}
	}
}

// listener is who hears the pieces of a reply.
type listener struct {
	yield func(agent.Piece, error) bool
	heard bool // something was said, so the request is not sent again
	left  bool // nobody listens any more
}

var errLeft = errors.New("nobody listens any more")

// say passes on what a chunk added.
func (l *listener) say(p agent.Piece) error {
	if p == (agent.Piece{}) {
		return nil
	}
	l.heard = true
	if l.left = !l.yield(p, nil); l.left {
		return errLeft
	}
	return nil
}

// ask sends the request until there is a whole reply, or an error that trying again does not mend.
func (c *Client) ask(ctx context.Context, r agent.Request, l *listener) (agent.Reply, error) {
	within, cancel := context.WithTimeoutCause(ctx, c.cfg.Whole, errWhole)
	defer cancel()
	for try := 0; ; try++ {
		bare := c.bare.Load()
		reply, err := c.once(within, r, bare, l)
		if err == nil {
			return reply, nil
		}
		if ctx.Err() != nil {
			return agent.Reply{}, context.Cause(ctx)
		}
		f := failure(within, err)
		switch {
		case l.heard:
			return agent.Reply{}, f
		case (f.Kind == agent.FailRejected || f.Kind == agent.FailContext) && !bare && optionalRefused(f.Status):
			if reply, err := c.once(within, r, true, l); err == nil {
				c.bare.Store(f.Kind == agent.FailRejected) // the room kept for the reply may be all there was too much of
				return reply, nil
			}
			return agent.Reply{}, f
		case !again(f, c.cfg.MaxWait) || try >= c.cfg.Retries:
			return agent.Reply{}, f
		}
		if err := wait(within, f.After, try); err != nil {
			return agent.Reply{}, f
		}
	}
}

// optionalRefused tells whether a status may mean that the server does not know one of the optional fields.
func optionalRefused(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
}

// Reach tells whether the server is there and takes the key, without asking the model anything: it asks for the list of
// models, and takes every answer but a refusal of the key or an error of the server's own as one.
func (c *Client) Reach(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.cfg.BaseURL, "/")+"/models", nil)
	if err != nil {
		return &agent.Failure{Kind: agent.FailRejected, Detail: "the address cannot be asked"}
	}
	if c.cfg.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Key.Reveal())
	}
	resp, err := c.cfg.httpClient().Do(req)
	if err != nil {
		return &agent.Failure{Kind: agent.FailUnavailable, Detail: "no connection to the server"}
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return &agent.Failure{Kind: agent.FailRejected, Status: resp.StatusCode}
	case resp.StatusCode == http.StatusTooManyRequests:
		return &agent.Failure{Kind: agent.FailLimited, Status: resp.StatusCode}
	case resp.StatusCode >= http.StatusInternalServerError:
		return &agent.Failure{Kind: agent.FailUnavailable, Status: resp.StatusCode}
	}
	return nil
}
