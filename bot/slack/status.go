package slack

import (
	"context"
	"sync"
	"sync/atomic"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// statuses are the "is thinking" lines Slack shows below a thread. They are a courtesy: failing says nothing, and a
// workspace that refuses the feature is not asked again.
type statuses struct {
	refused atomic.Bool
	mu      sync.Mutex
	threads map[string]*status
}

// status is one thread's line: what it should say and whether somebody is busy saying it. One at a time, so that
// clearing it never overtakes setting it.
type status struct {
	want, shown string
	busy        bool
}

// showStatus makes a thread's line say what m is about, and clears it once m is no word on progress.
func (a *Adapter) showStatus(ctx context.Context, place store.Place, m bot.Message) {
	if place.Thread == "" || a.statuses.refused.Load() {
		return
	}
	if a.statuses.wish(place, clip(plain(m.Status), 100)) {
		ctx = context.WithoutCancel(ctx)
		a.beside(func() { a.sendStatus(ctx, place) })
	}
}

// wish notes what the line should say; true when somebody has to go and say it.
func (s *statuses) wish(place store.Place, text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := place.Channel + ":" + place.Thread
	line := s.threads[key]
	if line == nil && text == "" {
		return false
	}
	if line == nil {
		line = &status{}
		if s.threads == nil {
			s.threads = map[string]*status{}
		}
		s.threads[key] = line
	}
	line.want = text
	if line.busy {
		return false
	}
	line.busy = true
	return true
}

// next gives what is still to be said; false when the line says what it should.
func (s *statuses) next(place store.Place, said bool) (text string, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := place.Channel + ":" + place.Thread
	line := s.threads[key]
	if said && line.shown == line.want {
		line.busy = false
		if line.want == "" {
			delete(s.threads, key)
		}
		return "", false
	}
	line.shown = line.want
	return line.want, true
}

func (a *Adapter) sendStatus(ctx context.Context, place store.Place) {
	ctx, cancel := context.WithTimeout(ctx, replyTime)
	defer cancel()
	text, more := a.statuses.next(place, false)
	for more {
		err := a.api.SetAssistantThreadsStatusContext(ctx, slackgo.AssistantThreadsSetStatusParameters{
			ChannelID: place.Channel, ThreadTS: place.Thread, Status: text})
		switch slackWord(err) {
		case "feature_not_enabled", "not_allowed_token_type", "unknown_method", "missing_scope", "no_permission", "access_denied":
			a.statuses.refused.Store(true)
			a.config.Log.Info().Str("why", safe(err)).Msg("this workspace shows no status lines")
		}
		text, more = a.statuses.next(place, true)
	}
}
