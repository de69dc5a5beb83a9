package slack

import (
	"context"
	"encoding/json"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	readLimit = 1 << 20 // bytes of one frame; a longer one ends the socket
	ackTime   = time.Second
)

// socket is one connection. It is left behind when the connection ends: slack-go's own reconnecting forgets how long it
// waited, so every connection gets a client of its own.
type socket struct {
	client *socketmode.Client
	ctx    context.Context // ends with the connection
}

// connect opens one socket and hands its envelopes on until it ends.
func (a *Adapter) connect(ctx context.Context) (greeted bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &socket{ctx: ctx, client: socketmode.New(a.api, socketmode.OptionReadLimit(readLimit), socketmode.OptionLog(silent()))}
	ended := make(chan error, 1)
	go func() { ended <- s.client.RunContext(ctx) }()
	for over := false; !over; {
		select {
		case err = <-ended:
			ended <- err
			over = true
		case evt := <-s.client.Events:
			if evt.Type == socketmode.EventTypeHello && !greeted {
				greeted = true
				a.line.up()
			}
			over, err = a.dispatch(s, evt)
		}
	}
	cancel()
	<-ended //nolint:errcheck // err has it already, or ctx ended it
	a.takeRest(s)
	if greeted {
		a.line.down(a.config.Silence)
	}
	return greeted, err
}

// takeRest hands on what was read before the socket ended: Slack repeats events, but neither commands nor clicks.
func (a *Adapter) takeRest(s *socket) {
	for {
		select {
		case evt := <-s.client.Events:
			_, _ = a.dispatch(s, evt)
		default:
			return
		}
	}
}

// dispatch looks at what the socket says; over when the connection is.
func (a *Adapter) dispatch(s *socket, evt socketmode.Event) (over bool, err error) {
	switch evt.Type {
	case socketmode.EventTypeConnecting:
		if c, ok := evt.Data.(*slackgo.ConnectingEvent); ok && c.ConnectionCount > 0 {
			return true, nil
		}
	case socketmode.EventTypeConnectionError:
		if c, ok := evt.Data.(*slackgo.ConnectionErrorEvent); ok {
			return true, c.ErrorObj
		}
	case socketmode.EventTypeErrorBadMessage:
		if bad, ok := evt.Data.(*socketmode.ErrorBadMessage); ok {
			a.unreadable(s, bad.Message)
		}
	case socketmode.EventTypeErrorWriteFailed:
		a.counts.ackFailed.Add(1)
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive:
		if evt.Request != nil {
			a.take(s, newEnvelope(evt))
		}
	}
	return false, nil
}

// unreadable acknowledges what cannot be decoded, or Slack would send it three times more. The body is not logged.
func (a *Adapter) unreadable(s *socket, raw json.RawMessage) {
	a.counts.unreadable.Add(1)
	var head struct {
		ID   string `json:"envelope_id"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.ID == "" {
		a.config.Log.Warn().Int("bytes", len(raw)).Msg("Slack sent a frame that is no envelope")
		return
	}
	a.config.Log.Warn().Str("envelope", head.ID).Str("type", head.Type).Int("bytes", len(raw)).Msg("Slack sent an envelope that cannot be read")
	// Not in the caller's goroutine: a full acknowledgement queue must not keep the socket from being read.
	a.beside(func() { a.ack(s, envelope{id: head.ID, kind: head.Type, arrived: time.Now()}) })
}

// ack acknowledges on the socket the envelope came from; no other would count.
func (a *Adapter) ack(s *socket, e envelope) { a.ackWith(s, e, nil) }

// ackWith is ack with an answer, which Slack takes for the submission of a dialog.
func (a *Adapter) ackWith(s *socket, e envelope, answer any) {
	ctx, cancel := context.WithTimeout(s.ctx, ackTime)
	defer cancel()
	if err := s.client.AckCtx(ctx, e.id, answer); err != nil {
		a.counts.ackFailed.Add(1)
		return
	}
	a.counts.acked.Add(1)
	if a.config.Acked != nil {
		a.config.Acked(e.kind, time.Since(e.arrived))
	}
}
