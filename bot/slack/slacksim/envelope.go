package slacksim

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// maxAck is the size from which Slack drops what a socket sends, without a word.
const maxAck = 20 * 1024

// envelope is something the app must ack, through whatever socket it comes.
type envelope struct {
	id      string
	kind    string // events_api, slash_commands, interactive
	payload json.RawMessage
	event   string // inner type of an event
	eventID string
	accepts bool // whether the ack may carry a payload
	attempt int
	reason  string
	// settle hears, once and under the lock, what came of it. Events have none.
	settle func(Outcome, json.RawMessage)
}

// attempt is an envelope on its way through one socket.
type attempt struct {
	envelope *envelope
	delivery *Delivery
	socket   *socket
	timer    *time.Timer
}

// send hands a new envelope to a socket. The lock is held.
func (s *Server) send(e *envelope) {
	if s.closed {
		return
	}
	if s.holding && e.kind == "events_api" {
		s.held = append(s.held, e)
		return
	}
	s.open++
	s.try(e)
}

// try makes one attempt to deliver an envelope, under an id of its own.
func (s *Server) try(e *envelope) {
	e.id = envelopeID()
	s.past[e.id] = e
	s.deliver(e)
}

// deliver sends an envelope as it is to the next socket.
func (s *Server) deliver(e *envelope) {
	s.sentCount++
	d := &Delivery{N: s.sentCount, EnvelopeID: e.id, Type: e.kind, Event: e.event, EventID: e.eventID, Attempt: e.attempt,
		Sent: time.Now(), Outcome: "waiting", Payload: e.payload}
	s.deliveries = append(s.deliveries, d)
	a := &attempt{envelope: e, delivery: d, socket: s.pick()}
	if a.socket == nil {
		s.miss(a, "no_socket")
		return
	}
	d.Socket = a.socket.n
	s.waiting[e.id] = a
	a.timer = s.after(s.config.AckTimeout, func() { s.miss(a, "timeout") })
	a.socket.push(e.frame())
	s.touch()
}

// frame is the envelope as it goes over the wire.
func (e *envelope) frame() []byte {
	f := object{"envelope_id": e.id, "type": e.kind, "payload": e.payload, "accepts_response_payload": e.accepts}
	if e.kind == "events_api" {
		f["retry_attempt"], f["retry_reason"] = e.attempt, e.reason
	}
	return compact(f)
}

// miss notes that an attempt came to nothing. Events are tried again after the configured waits, the rest fails
// before the person's eyes.
func (s *Server) miss(a *attempt, outcome string) {
	e := a.envelope
	if s.waiting[e.id] == a {
		delete(s.waiting, e.id)
	}
	a.delivery.Outcome = outcome
	s.touch()
	if e.kind != "events_api" {
		code := "operation_timeout"
		if outcome == "no_socket" {
			code = "dispatch_failed"
		}
		s.settled(e, Outcome{EnvelopeID: e.id, Error: code}, nil)
		return
	}
	if e.attempt >= len(s.config.RetryDelays) {
		s.settled(e, Outcome{EnvelopeID: e.id, Error: "operation_timeout"}, nil)
		return
	}
	again := *e
	again.attempt, again.reason = e.attempt+1, "timeout"
	s.after(s.config.RetryDelays[e.attempt], func() { s.try(&again) })
}

func (s *Server) settled(e *envelope, o Outcome, ack json.RawMessage) {
	s.open--
	if e.settle != nil {
		e.settle(o, ack)
	}
	s.touch()
}

// acked takes a frame from a socket. An ack counts only in time and on the socket its envelope went through.
func (s *Server) acked(k *socket, raw []byte) {
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if json.Unmarshal(raw, &ack) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.waiting[ack.EnvelopeID]
	if a == nil || a.socket != k {
		return
	}
	if len(raw) >= maxAck {
		a.delivery.AckDropped = true
		s.touch()
		return
	}
	delete(s.waiting, ack.EnvelopeID)
	s.cancel(a.timer)
	a.delivery.Acked, a.delivery.Outcome, a.delivery.AckPayload = time.Now(), "acked", ack.Payload
	payload := ack.Payload
	if !a.envelope.accepts {
		payload = nil
	}
	s.settled(a.envelope, Outcome{EnvelopeID: ack.EnvelopeID, Acked: true}, payload)
}

// lose ends the attempts that went through a socket which is gone.
func (s *Server) lose(k *socket) {
	for _, a := range s.waiting {
		if a.socket == k {
			s.cancel(a.timer)
			s.miss(a, "closed")
		}
	}
}

var (
	errNoEnvelope = errors.New("no such envelope was sent")
	errNoSocket   = errors.New("no socket is open")
	errNoView     = errors.New("no such view is open before that person")
)

// Redeliver sends an envelope again as it was, with the same ids, to the next socket.
func (s *Server) Redeliver(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.past[id]
	if e == nil {
		return errNoEnvelope
	}
	again := *e
	again.settle = nil
	if a := s.waiting[id]; a != nil {
		s.cancel(a.timer)
		delete(s.waiting, id)
		a.delivery.Outcome = "timeout"
		again.settle = e.settle
		s.open--
	}
	s.open++
	s.deliver(&again)
	return nil
}

// HoldEvents keeps events back until ReleaseEvents. Commands and clicks go through.
func (s *Server) HoldEvents() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = true
}

// ReleaseEvents delivers what was held, in reverse order when asked.
func (s *Server) ReleaseEvents(reverse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.held
	s.held, s.holding = nil, false
	if reverse {
		slices.Reverse(held)
	}
	for _, e := range held {
		s.send(e)
	}
}

// EmitRaw sends one text frame as it is to the next socket; nobody waits for an ack.
func (s *Server) EmitRaw(frame string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.pick()
	if k == nil {
		return errNoSocket
	}
	k.push([]byte(frame))
	return nil
}

// outcome waits for what came of an envelope; it always comes, within the ack timeout.
func (s *Server) outcome(done <-chan Outcome) Outcome {
	select {
	case o := <-done:
		return o
	case <-s.closing:
		return Outcome{Error: "dispatch_failed"}
	}
}

// envelopeID looks like Slack's: a UUID.
func envelopeID() string {
	id := strings.ToLower(newID(26)) + strings.ToLower(newID(6))
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:32]
}
