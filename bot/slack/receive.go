package slack

import (
	"context"
	"errors"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"aurora/bot"
	"aurora/store"
)

const (
	receiveTime = 2500 * time.Millisecond // Slack waits 3 s for an acknowledgement
	atOnce      = 64                      // envelopes made durable side by side
	atMost      = 8192                    // envelopes held at all

	sentenceAway  = "Not taken: my database is away. Please try again in a minute."
	sentenceMaybe = "My database did not answer in time, so I don't know whether I have taken this. Wait a minute for an answer, and look at what is there before you try again."
	sentenceBusy  = "Not taken: too much is waiting for me right now. Please try again in a minute."
	sentencePanic = "Not taken: something went wrong inside Aurora. Please try again, and tell an admin if it stays so."
)

// envelope is what Slack wants acknowledged.
type envelope struct {
	id      string
	kind    string // events_api, slash_commands, interactive
	data    any
	reply   string // response_url of a command or click; a capability
	thread  string // of the message with the button
	arrived time.Time
}

func newEnvelope(evt socketmode.Event) envelope {
	e := envelope{id: evt.Request.EnvelopeID, kind: evt.Request.Type, data: evt.Data, arrived: time.Now()}
	switch d := evt.Data.(type) {
	case slackgo.SlashCommand:
		e.reply = d.ResponseURL
	case slackgo.InteractionCallback:
		e.reply, e.thread = d.ResponseURL, pressedIn(d)
	}
	return e
}

// repeats tells whether Slack sends the envelope again when nobody acknowledges it.
func (e envelope) repeats() bool { return e.kind == socketmode.RequestTypeEventsAPI }

// intakeDoor bounds how many envelopes are held, and how many of them are made durable side by side.
type intakeDoor struct {
	gate
	order order
	busy  chan struct{}
}

// pass waits for what came before in the thread, and then for a place; out gives the place back. In this order: who waits
// for another must not keep the place he needs.
func (d *intakeDoor) pass(ctx context.Context, before <-chan struct{}) (out func(), err error) {
	if before != nil {
		select {
		case <-before:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	select {
	case d.busy <- struct{}{}:
		return func() { <-d.busy }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// take works on an envelope beside the socket's loop, which must go on reading.
func (a *Adapter) take(s *socket, e envelope) {
	a.counts.received.Add(1)
	ok, closed := a.intake.enter()
	if closed {
		return // Slack sends it to another replica
	}
	if !ok {
		a.turnAway(s, e, sentenceBusy)
		return
	}
	before, leave := a.intake.order.join(e.writtenIn()) // here, where they still come one by one
	go func() {
		defer a.intake.leave()
		defer leave()
		// The socket's context is not used: a row half-written because a socket closed would help nobody.
		ctx, cancel := context.WithDeadline(context.WithoutCancel(s.ctx), e.arrived.Add(receiveTime))
		defer cancel()
		out, err := a.intake.pass(ctx, before)
		if err != nil {
			a.notKept(s, e, err)
			return
		}
		defer out()
		a.handle(ctx, s, e)
	}()
}

// notKept says that an envelope could not be made durable in time.
func (a *Adapter) notKept(s *socket, e envelope, why error) {
	a.counts.unkept.Add(1)
	a.config.Log.Error().Str("envelope", e.id).Str("type", e.kind).Str("why", safe(why)).Msg("an envelope could not be kept")
	a.turnAway(s, e, untaken(why))
}

// untaken says why something was not taken, or that nobody knows whether it was.
func untaken(why error) string {
	if errors.Is(why, store.ErrUncertain) {
		return sentenceMaybe
	}
	return sentenceAway
}

// handle makes the envelope durable and only then acknowledges it.
func (a *Adapter) handle(ctx context.Context, s *socket, e envelope) {
	defer func() {
		if r := recover(); r != nil {
			a.panicked(r)
			a.turnAway(s, e, sentencePanic)
		}
	}()
	after, answer, err := a.receive(ctx, e)
	if err != nil {
		a.notKept(s, e, err)
		return
	}
	a.ackWith(s, e, answer)
	if after != nil {
		a.beside(after)
	}
}

// turnAway leaves what Slack repeats unacknowledged; the rest is acknowledged and answered, as it will not come again.
func (a *Adapter) turnAway(s *socket, e envelope, sentence string) {
	if e.repeats() {
		return
	}
	a.beside(func() {
		if a.refuseView(s, e, sentence) {
			return
		}
		a.ack(s, e)
		ctx, cancel := context.WithTimeout(context.Background(), replyTime)
		defer cancel()
		if err := a.replies.send(ctx, e.reply, e.thread, a.render.message(bot.Message{Notice: sentence})); err != nil {
			a.config.Log.Warn().Str("envelope", e.id).Str("why", safe(err)).Msg("somebody could not be told that an envelope was not taken")
		}
	})
}

// receive makes the envelope durable. after is what remains to be said once it is acknowledged, answer what goes with
// the acknowledgement; both may be nil.
func (a *Adapter) receive(ctx context.Context, e envelope) (after func(), answer any, err error) {
	id, err := a.whoAmI(ctx)
	if err != nil {
		return nil, nil, err
	}
	switch d := e.data.(type) {
	case slackevents.EventsAPIEvent:
		after, err = a.receiveEvent(ctx, id, d)
		return after, nil, err
	case slackgo.SlashCommand:
		after, err = a.receiveCommand(ctx, id, e, d)
		return after, nil, err
	case slackgo.InteractionCallback:
		return a.receiveInteraction(ctx, id, e, d)
	}
	a.counts.ignored.Add(1)
	return nil, nil, nil
}

// keep gives an event to the intake.
func (a *Adapter) keep(ctx context.Context, in incoming) error {
	fresh, err := a.config.Intake.Receive(ctx, in.event, in.payload)
	if err == nil && !fresh {
		a.counts.repeated.Add(1)
	}
	return err
}
