package slack

import (
	"context"
	"strings"
	"sync"
	"time"

	"aurora/bot"
	"aurora/store"
)

// isStop tells whether a text is the verb stop and nothing else: "stop the instance" is an ask.
func isStop(text string) bool {
	return strings.EqualFold(strings.TrimRight(strings.TrimSpace(text), ".!"), "stop")
}

// halt is a stop that somebody said or pressed.
type halt struct {
	key   string
	by    store.Person
	place store.Place
	said  time.Time
	say   func(context.Context, bot.Message) error
	word  *incoming // the message it was said in; nil when it was pressed
}

// stop goes past the queue, which may be what is to be stopped. The answer is said once the press is acknowledged. A word
// that stopped nothing is a message as any other: who may use Aurora is looked at before it is answered.
func (a *Adapter) stop(ctx context.Context, h halt) (after func(), err error) {
	if a.config.Stop == nil || !a.stops.first(h.key) {
		a.counts.repeated.Add(1)
		return nil, nil
	}
	answer, err := a.config.Stop(ctx, h.by, h.place, h.said)
	if err == nil && answer == "" && h.word != nil {
		h.word.event.Text = "stop" // not "Stop!", which would be an ask
		err = a.keep(ctx, *h.word)
	}
	if err != nil {
		a.stops.forget(h.key)
		return nil, err
	}
	if answer == "" {
		return nil, nil
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiTimeout)
		defer cancel()
		if err := h.say(ctx, bot.Message{Notice: answer}); err != nil {
			a.config.Log.Warn().Str("why", safe(err)).Msg("the answer to a stop could not be said")
		}
	}, nil
}

// sayIn answers in a place for everybody to see.
func (a *Adapter) sayIn(place store.Place) func(context.Context, bot.Message) error {
	return func(ctx context.Context, m bot.Message) error {
		_, err := a.Post(ctx, place, m, bot.Meta{})
		return err
	}
}

// recent remembers keys for an hour, so that a repeated press of stop is answered once by this process. Stopping twice
// does no harm; saying so twice would only look odd.
type recent struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

const recentRoom = 1000

func (r *recent) first(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[key]; ok {
		return false
	}
	if r.seen == nil || len(r.seen) >= recentRoom {
		kept := map[string]time.Time{}
		for k, t := range r.seen {
			if time.Since(t) < time.Hour && len(kept) < recentRoom/2 {
				kept[k] = t
			}
		}
		r.seen = kept
	}
	r.seen[key] = time.Now()
	return true
}

func (r *recent) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, key)
}
