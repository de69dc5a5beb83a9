package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"aurora/bot"
	"aurora/store"
)

const (
	replyTime = 5 * time.Second
	replyUses = 5
	replyLife = 30 * time.Minute
)

// errReplyOver says that a response_url cannot be used any more; the message may go another way.
var errReplyOver = errors.New("the response_url is used up or too old")

// responder answers through response_urls. The address comes from a stored event, so it goes to Slack's own hosts alone.
type responder struct {
	client *http.Client
	local  string // port of the Web API while that is on loopback, by whichever of its names

	mu   sync.Mutex
	uses map[string]used // by hash of the address
}

type used struct {
	times int
	since time.Time
}

func newResponder(apiURL string, transport http.RoundTripper) *responder {
	r := &responder{client: &http.Client{Timeout: replyTime, Transport: transport, CheckRedirect: refuseRedirect}, uses: map[string]used{}}
	if u, err := url.Parse(apiURL); err == nil && isLoopback(u.Hostname()) {
		r.local = u.Port()
	}
	return r
}

func (r *responder) allowed(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return false
	}
	if r.local != "" && isLoopback(u.Hostname()) && u.Port() == r.local {
		return true
	}
	return u.Scheme == "https" && (u.Host == "hooks.slack.com" || u.Host == "hooks.slack-gov.com")
}

// count notes one use; false when Slack would refuse it.
func (r *responder) count(raw string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, u := range r.uses {
		if time.Since(u.since) > replyLife {
			delete(r.uses, key)
		}
	}
	key := store.HashNonce(raw)
	u, ok := r.uses[key]
	if !ok {
		u.since = time.Now()
	}
	u.times++
	r.uses[key] = u
	return u.times <= replyUses
}

// send shows the message to whoever the response_url belongs to, in the thread they pressed the button in: without its
// ts Slack shows it in the channel, where nobody who reads the thread looks.
func (r *responder) send(ctx context.Context, raw, thread string, m rendered) error {
	if !r.allowed(raw) {
		return fmt.Errorf("a response_url leads elsewhere than to Slack: %w", errReplyOver)
	}
	if !r.count(raw) {
		return errReplyOver
	}
	answer := map[string]any{"response_type": "ephemeral", "replace_original": false, "text": escapeWithin(m.text, mostFallback),
		"blocks": m.blocks, "parse": "none", "unfurl_links": false, "unfurl_media": false}
	if thread != "" {
		answer["thread_ts"] = thread
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode a reply: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, raw, bytes.NewReader(body))
	if err != nil {
		return errReplyOver
	}
	req.Header.Set("Content-Type", "application/json")
	taken, err := r.client.Do(req)
	if unreached(err) {
		return fmt.Errorf("the response_url cannot be reached (%s): %w", safe(err), errReplyOver)
	}
	if err != nil {
		return fmt.Errorf("answer through the response_url: %s: %w", safe(err), bot.ErrInDoubt)
	}
	defer func() { _ = taken.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(taken.Body, 1<<16))
	switch {
	case taken.StatusCode == http.StatusOK:
		return nil
	case taken.StatusCode == http.StatusTooManyRequests:
		return &bot.Later{After: time.Second}
	case taken.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("the response_url answered HTTP %d: %w", taken.StatusCode, bot.ErrInDoubt)
	}
	return fmt.Errorf("HTTP %d: %w", taken.StatusCode, errReplyOver)
}

// unreached tells that no connection was made, so that nothing can have been delivered.
func unreached(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
