package slack

import (
	"context"
	"errors"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// Views answers what is asked of a view, at once and outside the queue. *bot.Views is one.
type Views interface {
	Home(ctx context.Context, p store.Person, opened store.Place) (h bot.Home, shown bool)
	Menu(ctx context.Context, p store.Person, place store.Place, choice string) bot.Menu
	Quote(ctx context.Context, p store.Person, q bot.Quoted) bot.Question
	Ask(ctx context.Context, p store.Person, key, ref, text string) (problem string, err error)
}

const (
	homeEvery  = time.Second      // how often one person's Home is published at most
	homeNotice = 30 * time.Second // how long what came of a press stands there
	homeTries  = 3
	homeRoom   = 256 // Homes drawn side by side
)

// homes are the Homes that are to be published, by user id: one after the other for each person, the newest state only.
type homes struct {
	room gate // its own: a Home must not take the place of a status line
	mu   sync.Mutex
	due  map[string]*dueHome
	told map[string]toldHome
}

// dueHome is a Home at work.
type dueHome struct {
	person store.Person
	opened store.Place // where the person talks to Aurora, when the Home was just opened
	again  bool
}

type toldHome struct {
	notice string
	at     time.Time
}

// HomeChanged publishes a person's Home again, beside. It never waits.
func (a *Adapter) HomeChanged(p store.Person, notice string) {
	if a.config.Views == nil || p.Platform != store.Slack || p.ID == "" {
		return
	}
	if notice != "" {
		a.homes.tell(p.ID, notice)
	}
	a.drawHome(p, store.Place{})
}

// drawHome sees to it that a person's Home is published at least once from now on.
func (a *Adapter) drawHome(p store.Person, opened store.Place) {
	if !a.homes.begin(p, opened) {
		return
	}
	if ok, _ := a.homes.room.enter(); !ok {
		a.homes.end(p.ID)
		return // the next change draws it
	}
	go func() {
		defer a.homes.room.leave()
		defer func() {
			if r := recover(); r != nil {
				a.panicked(r)
				a.homes.end(p.ID)
			}
		}()
		for due, ok := a.homes.next(p.ID); ok; due, ok = a.homes.next(p.ID) {
			a.publishHome(due)
			sleep(context.Background(), homeEvery)
		}
	}()
}

// begin notes that a Home is due; false when somebody is at it already, who will see it.
func (h *homes) begin(p store.Person, opened store.Place) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.due == nil {
		h.due = map[string]*dueHome{}
	}
	due, busy := h.due[p.ID]
	if !busy {
		due = &dueHome{person: p}
		h.due[p.ID] = due
	}
	due.again = true
	if opened.Channel != "" {
		due.opened = opened
	}
	return !busy
}

// next gives what is to be published; false when nothing is, and then nobody is at it any more.
func (h *homes) next(user string) (dueHome, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	due := h.due[user]
	if due == nil || !due.again {
		delete(h.due, user)
		return dueHome{}, false
	}
	now := *due
	due.again, due.opened = false, store.Place{}
	return now, true
}

func (h *homes) end(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.due, user)
}

func (h *homes) tell(user, notice string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told == nil || len(h.told) >= recentRoom {
		h.told = map[string]toldHome{}
	}
	h.told[user] = toldHome{notice, time.Now()}
}

func (h *homes) notice(user string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.told[user]; time.Since(t.at) < homeNotice {
		return t.notice
	}
	return ""
}

// publishHome draws a Home from what is true now. Where the workspace has no Home tab nothing is drawn.
func (a *Adapter) publishHome(due dueHome) {
	ctx, cancel := context.WithTimeout(context.Background(), apiTimeout)
	defer cancel()
	id, err := a.whoAmI(ctx)
	if err != nil {
		return
	}
	if due.person.Team != id.owner() {
		return
	}
	due.opened.Platform, due.opened.Team = store.Slack, id.team
	home, shown := a.config.Views.Home(ctx, due.person, due.opened)
	if !shown {
		return
	}
	view := a.render.home(id, home, a.homes.notice(due.person.ID))
	for range homeTries {
		_, err = a.api.PublishViewContext(ctx, slackgo.PublishViewContextRequest{UserID: due.person.ID, View: view})
		if after := retryAfter(err); after > 0 {
			sleep(ctx, after)
			continue
		}
		break
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		a.config.Log.Warn().Str("why", safe(err)).Msg("a Home could not be shown")
	}
}
