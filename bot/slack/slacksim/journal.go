package slacksim

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Call is one Web API call, as it came and as it was answered.
type Call struct {
	N        int            `json:"n"` // from 1, in order of arrival
	Method   string         `json:"method"`
	Args     map[string]any `json:"args"`  // without the token; JSON values as decoded, form values as strings
	Token    string         `json:"token"` // bot, app, none, unknown or revoked
	Bearer   bool           `json:"bearer"`
	Team     string         `json:"team,omitempty"`
	Started  time.Time      `json:"started"`
	Ended    time.Time      `json:"ended,omitzero"` // zero while it is being handled
	Status   int            `json:"status"`         // 0 when the connection was cut
	Response map[string]any `json:"response,omitempty"`
	Fault    string         `json:"fault,omitempty"` // the injected fault that hit it
}

// OK tells whether the call was answered with ok: true.
func (c Call) OK() bool {
	ok, _ := c.Response["ok"].(bool)
	return ok
}

// Error is the error code the call was answered with, empty when it succeeded.
func (c Call) Error() string {
	code, _ := c.Response["error"].(string)
	return code
}

// Delivery is one attempt to hand an envelope to a socket.
type Delivery struct {
	N          int             `json:"n"` // from 1, in order of sending
	EnvelopeID string          `json:"envelope_id"`
	Type       string          `json:"type"`               // events_api, slash_commands, interactive
	Event      string          `json:"event,omitempty"`    // inner event type, for events
	EventID    string          `json:"event_id,omitempty"` // for events
	Attempt    int             `json:"attempt"`            // retry_attempt
	Socket     int             `json:"socket"`             // number of the socket; 0 when none was open
	Sent       time.Time       `json:"sent"`
	Acked      time.Time       `json:"acked,omitzero"`
	Outcome    string          `json:"outcome"` // waiting, acked, timeout, closed, no_socket
	Payload    json.RawMessage `json:"payload"`
	AckPayload json.RawMessage `json:"ack_payload,omitempty"`
	AckDropped bool            `json:"ack_dropped,omitempty"` // the ack's payload was over 20 KB and ignored
}

// Latency is how long the ack took; 0 when there was none.
func (d Delivery) Latency() time.Duration {
	if d.Acked.IsZero() {
		return 0
	}
	return d.Acked.Sub(d.Sent)
}

// Calls returns the calls of one Web API method so far, of all methods when method is empty.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			out = append(out, *c)
		}
	}
	return out
}

// Deliveries returns every attempt so far to hand an envelope to a socket.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Delivery, 0, len(s.deliveries))
	for _, d := range s.deliveries {
		out = append(out, *d)
	}
	return out
}

// Forget empties the journal of calls and deliveries, and with it what can be redelivered; the numbers go on.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
	s.deliveries = slices.DeleteFunc(s.deliveries, func(d *Delivery) bool { return d.Outcome != "waiting" })
	maps.DeleteFunc(s.past, func(id string, _ *envelope) bool { return s.waiting[id] == nil })
}

// Wait blocks until condition holds or ctx ends. The condition is asked again after every change in the world or
// the journal, outside the server's lock, so it may call any method of the server.
func (s *Server) Wait(ctx context.Context, condition func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// WaitCalls blocks until that Web API method was called and answered n times, and returns those calls.
func (s *Server) WaitCalls(ctx context.Context, method string, n int) ([]Call, error) {
	var done []Call
	err := s.Wait(ctx, func() bool {
		done = slices.DeleteFunc(s.Calls(method), func(c Call) bool { return c.Ended.IsZero() })
		return len(done) >= n
	})
	return done, err
}

// WaitSockets blocks until n sockets had their hello and are open.
func (s *Server) WaitSockets(ctx context.Context, n int) error {
	return s.Wait(ctx, func() bool { return len(s.Sockets()) >= n })
}

// WaitMessage blocks until the person sees a message in the channel that matches, and returns the first such.
func (s *Server) WaitMessage(ctx context.Context, as, channel string, match func(Message) bool) (Message, error) {
	var found Message
	looked := 0
	err := s.Wait(ctx, func() bool {
		fresh, revision := s.messagesSince(as, channel, looked)
		looked = revision
		i := slices.IndexFunc(fresh, match)
		if i >= 0 {
			found = fresh[i]
		}
		return i >= 0
	})
	return found, err
}

// WaitQuiet blocks until every envelope sent so far was acked or given up and no call is being handled.
func (s *Server) WaitQuiet(ctx context.Context) error {
	return s.Wait(ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		busy := slices.ContainsFunc(s.calls, func(c *Call) bool { return c.Ended.IsZero() })
		return !busy && s.open == 0
	})
}
