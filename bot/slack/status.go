package slack

import (
	"context"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// statuses are the "is thinking" lines Slack shows below a thread, and the sessions whose stop button it shows meanwhile.
// They are a courtesy: failing says nothing.
type statuses struct {
	mu      sync.Mutex
	threads map[string]*status
}

// status is one thread's line: what it should say and whether somebody is busy saying it. One at a time, so that
// clearing it never overtakes setting it.
type status struct {
	want, shown string
	busy        bool
	session     bool // it was told to be at work
}

// showStatus makes a thread's line say what m is about, and clears it once m is no word on progress. over clears it also
// where this process has set none: another one may have.
func (a *Adapter) showStatus(ctx context.Context, place store.Place, m bot.Message, over bool) {
	if place.Thread == "" || !a.offers(place, statusLines) && !a.offers(place, sessions) {
		return
	}
	if a.statuses.wish(place, clip(plain(m.Status), 100), over) {
		ctx = context.WithoutCancel(ctx)
		a.beside(func() { a.sendStatus(ctx, place) })
	}
}

// wish notes what the line should say; true when somebody has to go and say it.
func (s *statuses) wish(place store.Place, text string, over bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := place.Channel + ":" + place.Thread
	line := s.threads[key]
	if line == nil && text == "" && !over {
		return false
	}
	if line == nil {
		line = &status{session: over}
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
	ctx, cancel := context.WithTimeout(ctx, clearTime)
	defer cancel()
	text, more := a.statuses.next(place, false)
	for more {
		a.sayAtWork(ctx, place, text != "")
		if a.offers(place, statusLines) {
			a.without(place, statusLines, a.patiently(ctx, text == "", func(ctx context.Context) error {
				return a.api.SetAssistantThreadsStatusContext(ctx, slackgo.AssistantThreadsSetStatusParameters{
					ChannelID: place.Channel, ThreadTS: place.Thread, Status: text})
			}))
		}
		text, more = a.statuses.next(place, true)
	}
}

const (
	clearTime  = 2 * time.Minute // how long it is tried to clear a line: what stays says that somebody is still at work
	clearTries = 4
	workEvery  = 3 * time.Second // how often sessions are said to be worked on, which leaves half of Slack's pace for their ends
	workBurst  = 10
)

// patiently makes a call; one that clears is made again when Slack asks to wait.
func (a *Adapter) patiently(ctx context.Context, clears bool, call func(context.Context) error) (err error) {
	for range clearTries {
		err = func() error {
			ctx, cancel := context.WithTimeout(ctx, replyTime)
			defer cancel()
			return call(ctx)
		}()
		after := retryAfter(err)
		if !clears || after == 0 || !sleep(ctx, after) {
			return err
		}
	}
	return err
}

// sayAtWork tells Slack whether the thread's session is being worked on. While it is, people have a stop button.
func (a *Adapter) sayAtWork(ctx context.Context, place store.Place, atWork bool) {
	if !a.offers(place, sessions) || !a.statuses.turns(place, atWork) {
		return
	}
	if atWork && a.pace.take("slack:sessions:"+place.Team, workEvery, workBurst, time.Now()) > 0 {
		a.statuses.turns(place, false) // too many at once: without the button, "stop" works all the same
		return
	}
	state := "active"
	if atWork {
		state = "processing"
	}
	a.without(place, sessions, a.patiently(ctx, !atWork, func(ctx context.Context) error {
		_, err := a.api.SetAgentSessionStatusContext(ctx, slackgo.AgentSessionSetStatusParameters{
			ChannelID: place.Channel, ThreadTS: place.Thread, Status: state})
		return err
	}))
}

// turns notes the state of a session; true when it was another one.
func (s *statuses) turns(place store.Place, atWork bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := s.threads[place.Channel+":"+place.Thread]
	if line == nil || line.session == atWork {
		return false
	}
	line.session = atWork
	return true
}
