package slack

import (
	"cmp"
	"sync"

	"github.com/slack-go/slack/slackevents"
)

// order keeps what is written in one thread in the order in which the socket brought it, though envelopes are made
// durable side by side: "mode agent" and a command right behind it must not change places.
type order struct {
	mu   sync.Mutex
	last map[string]chan struct{}
}

// join gives what the caller waits for, nil when nothing is before him, and how he lets the next one go on.
func (o *order) join(thread string) (before <-chan struct{}, leave func()) {
	if thread == "" {
		return nil, func() {}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == nil {
		o.last = map[string]chan struct{}{}
	}
	if c, ok := o.last[thread]; ok {
		before = c
	}
	mine := make(chan struct{})
	o.last[thread] = mine
	return before, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.last[thread] == mine {
			delete(o.last, thread)
		}
		close(mine)
	}
}

// writtenIn is the thread an envelope's message stands in; "" for what is no message.
func (e envelope) writtenIn() string {
	outer, ok := e.data.(slackevents.EventsAPIEvent)
	if !ok {
		return ""
	}
	switch m := outer.InnerEvent.Data.(type) {
	case *slackevents.AppMentionEvent:
		return m.Channel + ":" + cmp.Or(m.ThreadTimeStamp, m.TimeStamp)
	case *slackevents.MessageEvent:
		return m.Channel + ":" + cmp.Or(m.ThreadTimeStamp, m.TimeStamp)
	}
	return ""
}
