package slack

import (
	"runtime/debug"
	"sync/atomic"

	"aurora/store"
)

// Stats counts what came from Slack since the adapter was made.
type Stats struct {
	Sockets    int   // open now, with their hello
	Received   int64 // envelopes read
	Acked      int64 // acknowledgements given to the socket
	AckFailed  int64 // acknowledgements whose socket was gone
	Repeated   int64 // events Slack sent once more
	Ignored    int64 // own, bots', edited and other messages nobody answers
	Unreadable int64 // envelopes that could not be decoded
	Unkept     int64 // envelopes that could not be made durable
	Panics     int64
}

type counters struct {
	received, acked, ackFailed, repeated, ignored, unreadable, unkept, panics atomic.Int64
}

// Stats gives the counts so far.
func (a *Adapter) Stats() Stats {
	c := &a.counts
	return Stats{Sockets: a.line.sockets(), Received: c.received.Load(), Acked: c.acked.Load(), AckFailed: c.ackFailed.Load(),
		Repeated: c.repeated.Load(), Ignored: c.ignored.Load(), Unreadable: c.unreadable.Load(), Unkept: c.unkept.Load(),
		Panics: c.panics.Load()}
}

const backgroundRoom = 256

// beside runs what nobody waits for, such as a status line; its panic ends nothing else. When too much is running
// already, the caller runs it.
func (a *Adapter) beside(task func()) {
	guarded := func() {
		defer func() {
			if r := recover(); r != nil {
				a.panicked(r)
			}
		}()
		task()
	}
	if ok, _ := a.aside.enter(); !ok {
		guarded()
		return
	}
	go func() {
		defer a.aside.leave()
		guarded()
	}()
}

// panicked notes a panic. Its value is not logged: it may quote a message.
func (a *Adapter) panicked(r any) {
	a.counts.panics.Add(1)
	a.config.Log.Error().Str("panic", store.PanicText(r)).Bytes("stack", debug.Stack()).Msg("a handler of the Slack adapter panicked")
}
