package slacksim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Slack's limits on views.
const (
	maxStack = 3 // modals on top of each other
	maxView  = 250_000
)

// view is a modal or a home tab.
type view struct {
	id, hash       string
	root, previous string // of a modal: the first of its stack, and the one below it
	person         *person
	content        object
	errors         object // by block id, from a refused submission
}

// trigger is the right to open a view, given with an interaction.
type trigger struct {
	person *person
	team   *team
	from   *view // the modal it was given in, if any
	until  time.Time
	used   bool
}

// newTrigger makes the trigger_id of an interaction.
func (s *Server) newTrigger(t *team, p *person, from *view) string {
	id := newID(12) + "." + newID(12) + "." + newID(20)
	s.triggers[id] = &trigger{person: p, team: t, from: from, until: time.Now().Add(s.config.TriggerLife)}
	return id
}

// spend uses a trigger, once.
func (s *Server) spend(q *request) (*trigger, *refusal) {
	id := q.str("trigger_id")
	if id == "" {
		return nil, missing("trigger_id")
	}
	g := s.triggers[id]
	switch {
	case g == nil, g.team != q.team:
		return nil, refuse("invalid_trigger_id")
	case g.used:
		return nil, refuse("exchanged_trigger_id")
	case time.Now().After(g.until):
		return nil, refuse("expired_trigger_id")
	}
	g.used = true
	return g, nil
}

// viewContent reads and checks the view of a call, of one of the kinds.
func (q *request) viewContent(allowed ...string) (object, *refusal) {
	v, err := q.json("view")
	o := asObject(v)
	if err != nil || o == nil {
		return nil, missing("view")
	}
	if len(compact(o)) > maxView {
		return nil, refuse("view_too_large")
	}
	if problems := checkView(o, allowed...); len(problems) > 0 {
		f := refuse("invalid_arguments")
		for _, p := range problems {
			f.messages = append(f.messages, "[ERROR] "+p)
		}
		return nil, f
	}
	nameBlocks(asList(o["blocks"]))
	return o, nil
}

// checkView says what is wrong with a view. One that asks for something needs a button to send it.
func checkView(o object, allowed ...string) []string {
	kind := str(o["type"])
	if !slices.Contains(allowed, kind) {
		return []string{"unsupported type: " + kind + " [json-pointer:/view/type]"}
	}
	c := &checker{}
	c.object("/view", o, viewShape(kind))
	blocks := asList(o["blocks"])
	asks := slices.ContainsFunc(blocks, func(b any) bool { return asObject(b)["type"] == "input" })
	if kind == "modal" && asks && o["submit"] == nil {
		c.bad("/view", "missing required field: submit")
	}
	return append(c.problems, checkBlocks("/view/blocks", blocks, maxViewBlocks)...)
}

func viewShape(kind string) shape {
	anything := func(*checker, string, any) {}
	s := shape{required: []string{"blocks"}, fields: map[string]check{"blocks": anything, "private_metadata": text0(3000),
		"callback_id": text0(255), "external_id": text0(255)}}
	if kind == "home" {
		return s
	}
	s.required = append(s.required, "title")
	for _, name := range []string{"title", "submit", "close"} {
		s.fields[name] = textObject(24, "plain_text")
	}
	for _, name := range []string{"clear_on_close", "notify_on_close", "submit_disabled"} {
		s.fields[name] = boolean
	}
	return s
}

// named refuses a view whose external_id another view of the workspace has.
func (t *team) named(content object, self *view) *refusal {
	id := str(content["external_id"])
	for _, v := range t.views {
		if id != "" && v != self && v.content["external_id"] == id {
			return refuse("duplicate_external_id")
		}
	}
	return nil
}

func (s *Server) viewsOpen(q *request) (object, *refusal) {
	content, f := q.viewContent("modal")
	if f == nil {
		f = q.team.named(content, nil)
	}
	if f != nil {
		return nil, f
	}
	g, f := s.spend(q)
	if f != nil {
		return nil, f
	}
	v := s.putView(q.team, g.person, content, nil)
	return object{"view": s.viewWire(q.team, v, nil)}, nil
}

// viewsPush puts a modal on top of the one the trigger was given in.
func (s *Server) viewsPush(q *request) (object, *refusal) {
	content, f := q.viewContent("modal")
	if f == nil {
		f = q.team.named(content, nil)
	}
	if f != nil {
		return nil, f
	}
	g, f := s.spend(q)
	switch {
	case f != nil:
		return nil, f
	case g.from == nil, q.team.views[g.from.id] == nil:
		return nil, refuse("not_found")
	case len(q.team.stack(g.from.root)) >= maxStack:
		return nil, refuse("push_limit_reached")
	}
	v := s.putView(q.team, g.person, content, g.from)
	return object{"view": s.viewWire(q.team, v, nil)}, nil
}

// stack lists the modals on top of each other from a root, lowest first.
func (t *team) stack(root string) (out []*view) {
	for v := t.views[root]; v != nil; v = t.above(v) {
		out = append(out, v)
	}
	return out
}

func (t *team) above(v *view) *view {
	for _, other := range t.views {
		if other.previous == v.id {
			return other
		}
	}
	return nil
}

// putView opens a view, on top of another when one is given. Ids sort in the order views were opened.
func (s *Server) putView(t *team, p *person, content object, on *view) *view {
	s.viewCount++
	v := &view{id: fmt.Sprintf("V%06d%s", s.viewCount, newID(5)), hash: newID(16), person: p, content: content}
	v.root = v.id
	if on != nil {
		v.root, v.previous = on.root, on.id
	}
	t.views[v.id] = v
	s.touch()
	return v
}

func (s *Server) viewsUpdate(q *request) (object, *refusal) {
	v := q.team.views[q.str("view_id")]
	if id := q.str("external_id"); v == nil && id != "" {
		for _, other := range q.team.views {
			if other.content["external_id"] == id {
				v = other
			}
		}
	}
	if v == nil {
		return nil, refuse("not_found")
	}
	content, f := q.viewContent(str(v.content["type"]))
	if f == nil {
		f = q.team.named(content, v)
	}
	if f != nil {
		return nil, f
	}
	if hash := q.str("hash"); hash != "" && hash != v.hash {
		return nil, refuse("hash_conflict")
	}
	s.replaceView(v, content)
	return object{"view": s.viewWire(q.team, v, nil)}, nil
}

func (s *Server) replaceView(v *view, content object) {
	v.content, v.hash, v.errors = content, newID(16), nil
	s.touch()
}

func (s *Server) viewsPublish(q *request) (object, *refusal) {
	if q.str("user_id") == "" {
		return nil, missing("user_id")
	}
	p := s.people[q.team.ID+":"+q.str("user_id")]
	if p == nil || p.Bot {
		return nil, refuse("user_not_found")
	}
	content, f := q.viewContent("home")
	if f != nil {
		return nil, f
	}
	v := q.team.home(p)
	if f := q.team.named(content, v); f != nil {
		return nil, f
	}
	if v == nil {
		v = s.putView(q.team, p, content, nil)
		return object{"view": s.viewWire(q.team, v, nil)}, nil
	}
	if hash := q.str("hash"); hash != "" && hash != v.hash {
		return nil, refuse("hash_conflict")
	}
	s.replaceView(v, content)
	return object{"view": s.viewWire(q.team, v, nil)}, nil
}

// home is the home tab published to a person, nil when there is none.
func (t *team) home(p *person) *view {
	for _, v := range t.views {
		if v.person == p && v.content["type"] == "home" {
			return v
		}
	}
	return nil
}

// viewWire is a view as the app sees it; state is what was filled in.
func (s *Server) viewWire(t *team, v *view, state object) object {
	if state == nil {
		state = object{}
	}
	out := object{"id": v.id, "team_id": t.ID, "app_id": s.config.AppID, "app_installed_team_id": t.ID, "bot_id": t.BotID, "hash": v.hash,
		"root_view_id": v.root, "previous_view_id": nil, "state": object{"values": state}, "private_metadata": "", "callback_id": "", "external_id": "",
		"clear_on_close": false, "notify_on_close": false, "submit": nil, "close": nil, "title": nil}
	if v.previous != "" {
		out["previous_view_id"] = v.previous
	}
	for name, value := range v.content {
		out[name] = value
	}
	return out
}

// Modals returns the views open before a person in the order they opened, the home tab among them.
func (s *Server) Modals(user string) []Modal {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Modal{}
	for _, id := range s.teamOrder {
		for _, key := range sortedViews(s.teams[id].views) {
			v := s.teams[id].views[key]
			if v.person.ID == user || v.person.key == user {
				out = append(out, s.modal(v))
			}
		}
	}
	return out
}

func (s *Server) modal(v *view) Modal {
	var lines []string
	for _, b := range asList(v.content["blocks"]) {
		if line := s.plainBlock(asObject(b), v.person.Team); line != "" {
			lines = append(lines, line)
		}
	}
	m := Modal{ID: v.id, Type: str(v.content["type"]), Callback: str(v.content["callback_id"]), User: v.person.ID, Previous: v.previous,
		Title: str(asObject(v.content["title"])["text"]), Plain: strings.Join(lines, "\n"), Buttons: buttonsOf(asList(v.content["blocks"])), View: mustJSON(v.content)}
	if v.errors != nil {
		m.Errors = mustJSON(v.errors)
	}
	return m
}

// Home is the home tab published to a person, and whether there is one.
func (s *Server) Home(user string) (Modal, bool) {
	for _, m := range s.Modals(user) {
		if m.Type == "home" {
			return m, true
		}
	}
	return Modal{}, false
}

func sortedViews(views map[string]*view) []string {
	var ids []string
	for id := range views {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
