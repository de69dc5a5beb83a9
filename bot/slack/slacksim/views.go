package slacksim

import (
	"encoding/json"
	"slices"
	"time"
)

// view is a modal or a home tab.
type view struct {
	id, hash string
	person   *person
	content  object
	errors   object // by block id, from a refused submission
}

// trigger is the right to open a view, given with an interaction.
type trigger struct {
	person *person
	team   *team
	until  time.Time
	used   bool
}

// newTrigger makes the trigger_id of an interaction.
func (s *Server) newTrigger(t *team, p *person) string {
	id := newID(12) + "." + newID(12) + "." + newID(20)
	s.triggers[id] = &trigger{person: p, team: t, until: time.Now().Add(s.config.TriggerLife)}
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
	if !slices.Contains(allowed, str(o["type"])) {
		return nil, refuse("invalid_arguments", "[ERROR] unsupported type: "+str(o["type"])+" [json-pointer:/view/type]")
	}
	c := &checker{}
	c.object("/view", o, viewShape(str(o["type"])))
	blocks := asList(o["blocks"])
	c.problems = append(c.problems, checkBlocks("/view/blocks", blocks, maxViewBlocks)...)
	if len(c.problems) > 0 {
		f := refuse("invalid_arguments")
		for _, p := range c.problems {
			f.messages = append(f.messages, "[ERROR] "+p)
		}
		return nil, f
	}
	nameBlocks(blocks)
	return o, nil
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

func (s *Server) viewsOpen(q *request) (object, *refusal) {
	content, f := q.viewContent("modal")
	if f != nil {
		return nil, f
	}
	g, f := s.spend(q)
	if f != nil {
		return nil, f
	}
	v := s.putView(q.team, g.person, content)
	return object{"view": s.viewWire(q.team, v, nil)}, nil
}

func (s *Server) putView(t *team, p *person, content object) *view {
	v := &view{id: "V" + newID(10), hash: newID(16), person: p, content: content}
	t.views[v.id] = v
	s.touch()
	return v
}

func (s *Server) viewsUpdate(q *request) (object, *refusal) {
	content, f := q.viewContent("modal", "home")
	if f != nil {
		return nil, f
	}
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
	p := s.people[q.team.ID+":"+q.str("user_id")]
	if q.str("user_id") == "" {
		return nil, missing("user_id")
	}
	if p == nil {
		return nil, refuse("user_not_found")
	}
	content, f := q.viewContent("home")
	if f != nil {
		return nil, f
	}
	for _, v := range q.team.views {
		if v.person == p && v.content["type"] == "home" {
			s.replaceView(v, content)
			return object{"view": s.viewWire(q.team, v, nil)}, nil
		}
	}
	v := s.putView(q.team, p, content)
	return object{"view": s.viewWire(q.team, v, nil)}, nil
}

// viewWire is a view as the app sees it; state is what was filled in.
func (s *Server) viewWire(t *team, v *view, state object) object {
	if state == nil {
		state = object{}
	}
	out := object{"id": v.id, "team_id": t.ID, "app_id": s.config.AppID, "bot_id": t.BotID, "hash": v.hash, "root_view_id": v.id,
		"previous_view_id": nil, "state": object{"values": state}, "private_metadata": "", "callback_id": "", "external_id": "",
		"clear_on_close": false, "notify_on_close": false, "submit": nil, "close": nil, "title": nil}
	for name, value := range v.content {
		out[name] = value
	}
	return out
}

// Modals returns the views open before a person, the home tab among them.
func (s *Server) Modals(user string) []Modal {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Modal{}
	for _, id := range s.teamOrder {
		for _, key := range sortedViews(s.teams[id].views) {
			v := s.teams[id].views[key]
			if v.person.ID != user && v.person.key != user {
				continue
			}
			m := Modal{ID: v.id, Type: str(v.content["type"]), Callback: str(v.content["callback_id"]), User: v.person.ID, View: mustJSON(v.content)}
			if v.errors != nil {
				m.Errors = mustJSON(v.errors)
			}
			out = append(out, m)
		}
	}
	return out
}

func sortedViews(views map[string]*view) []string {
	var ids []string
	for id := range views {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// SubmitView submits a modal and returns when that was acked or failed. Values are by block id, then action id.
// The ack decides what becomes of the modal: it closes, shows errors, or is replaced.
func (s *Server) SubmitView(user, viewID string, values map[string]map[string]string) (Outcome, error) {
	s.mu.Lock()
	t, v, err := s.openView(user, viewID)
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, err
	}
	state := object{}
	for block, actions := range values {
		fields := object{}
		for action, value := range actions {
			fields[action] = object{"type": "plain_text_input", "value": value}
		}
		state[block] = fields
	}
	payload := s.interaction(t, v.person, "view_submission")
	payload["view"], payload["response_urls"] = s.viewWire(t, v, state), []any{}
	done := make(chan Outcome, 1)
	s.send(&envelope{kind: "interactive", payload: mustJSON(payload), accepts: true, settle: func(o Outcome, ack json.RawMessage) {
		if o.Acked {
			s.settleView(t, v, ack)
		}
		done <- o
	}})
	s.mu.Unlock()
	return s.outcome(done), nil
}

func (s *Server) openView(user, viewID string) (*team, *view, error) {
	for _, id := range s.teamOrder {
		t := s.teams[id]
		if v := t.views[viewID]; v != nil && (v.person.ID == user || v.person.key == user) {
			return t, v, nil
		}
	}
	return nil, nil, errNoView
}

// settleView does with a modal what the ack of its submission says.
func (s *Server) settleView(t *team, v *view, ack json.RawMessage) {
	var answer struct {
		Action string `json:"response_action"`
		View   object `json:"view"`
		Errors object `json:"errors"`
	}
	if len(ack) > 0 && json.Unmarshal(ack, &answer) != nil {
		answer.Action = ""
	}
	switch answer.Action {
	case "errors":
		v.errors = answer.Errors
	case "update":
		nameBlocks(asList(answer.View["blocks"]))
		s.replaceView(v, answer.View)
	case "push":
		nameBlocks(asList(answer.View["blocks"]))
		s.putView(t, v.person, answer.View)
	case "clear":
		for id, other := range t.views {
			if other.person == v.person && other.content["type"] == "modal" {
				delete(t.views, id)
			}
		}
	default:
		delete(t.views, v.id)
	}
	s.touch()
}

// CloseView closes a modal; the app hears of it when the view asked to.
func (s *Server) CloseView(user, viewID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, v, err := s.openView(user, viewID)
	if err != nil {
		return err
	}
	delete(t.views, v.id)
	if v.content["notify_on_close"] == true {
		payload := s.interaction(t, v.person, "view_closed")
		payload["view"], payload["is_cleared"] = s.viewWire(t, v, nil), false
		s.send(&envelope{kind: "interactive", payload: mustJSON(payload)})
	}
	s.touch()
	return nil
}
