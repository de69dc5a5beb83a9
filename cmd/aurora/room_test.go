package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"aurora/bot"
	"aurora/store"
)

// room is a chat platform in memory, as the desk sees one: it keeps what stands there and who heard what.
type room struct {
	mu      sync.Mutex
	n       int
	said    []utterance
	metas   map[bot.Meta]string
	gone    map[string]bool       // ids of deactivated accounts
	history map[string][]bot.Said // by channel and thread: what people wrote to each other
}

// utterance is one thing that was shown: to is empty when everybody in the place could read it.
type utterance struct {
	place   store.Place
	ts      string
	to      string
	message bot.Message
	edit    bool
}

func newRoom() *room {
	return &room{metas: map[bot.Meta]string{}, history: map[string][]bot.Said{}}
}

// Post keeps a message.
func (r *room) Post(_ context.Context, place store.Place, m bot.Message, meta bot.Meta) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	ts := "900." + strconv.Itoa(r.n)
	r.metas[meta] = ts
	r.said = append(r.said, utterance{place: place, ts: ts, message: m})
	return ts, nil
}

// Update keeps what a message became.
func (r *room) Update(_ context.Context, place store.Place, ts string, m bot.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, utterance{place: place, ts: ts, message: m, edit: true})
	return nil
}

// Whisper keeps what one person was shown.
func (r *room) Whisper(_ context.Context, place store.Place, m bot.Message, _ store.Secret) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if place.Whisper == "" {
		return errors.New("a whisper to nobody")
	}
	r.said = append(r.said, utterance{place: place, to: place.Whisper, message: m})
	return nil
}

// Find looks a message up by what it was marked with.
func (r *room) Find(_ context.Context, _ store.Place, meta bot.Meta) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ts, ok := r.metas[meta]; ok {
		return ts, nil
	}
	return "", store.ErrNotFound
}

// Profile knows the cast, a guest and a stranger.
func (r *room) Profile(_ context.Context, _ string, p store.Person) (bot.Profile, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.gone[p.ID]:
		return bot.Profile{Kind: bot.Deactivated, Name: p.ID}, nil
	case p.ID == "gus":
		return bot.Profile{Kind: bot.Guest, Name: "Gus"}, nil
	case p.Team != stageTeam:
		return bot.Profile{Kind: bot.External, Name: "ada"}, nil
	}
	return bot.Profile{Kind: bot.Member, Name: strings.ToUpper(p.ID[:1]) + p.ID[1:]}, nil
}

// deactivate ends an account, or brings it back.
func (r *room) deactivate(id string, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = map[string]bool{id: gone}
}

// Audience tells who reads where.
func (r *room) Audience(_ context.Context, place store.Place) (bot.Audience, error) {
	return bot.Audience{Direct: strings.HasPrefix(place.Channel, "D"), Shared: place.Channel == shared, Name: strings.ToLower(place.Channel)}, nil
}

// History gives what stands in a thread.
func (r *room) History(_ context.Context, place store.Place, _ string, limit int) ([]bot.Said, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.history[threadKey(place.Channel, place.Thread)]
	return all[max(0, len(all)-limit):], nil
}

// chatter lets somebody write into a thread without addressing Aurora.
func (r *room) chatter(who store.Person, channel, root, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := threadKey(channel, root)
	r.history[key] = append(r.history[key], bot.Said{Person: who, Text: text, TS: "1.1"})
}

// Split takes any length.
func (r *room) Split(m bot.Message) []bot.Message { return []bot.Message{m} }

// heard gives what was shown since the last call.
func (r *room) heard() []utterance {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said
	r.said = nil
	return said
}
