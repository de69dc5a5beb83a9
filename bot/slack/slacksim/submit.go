package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// SubmitView submits a modal and returns when that was acked or failed. Values are by block id, then action id;
// of options they are the values, several of them with commas between. What a client would not send (a required
// field left empty, a text too long, an option that is not there) is an error, and the app never hears of it. The
// ack decides what becomes of the modal: it closes, shows errors, or is replaced.
func (s *Server) SubmitView(user, viewID string, values map[string]map[string]string) (Outcome, error) {
	s.mu.Lock()
	t, v, err := s.openView(user, viewID)
	if err == nil && (v.content["type"] != "modal" || v.content["submit"] == nil) {
		err = errors.New("that view has no submit button")
	}
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, err
	}
	state, err := filled(asList(v.content["blocks"]), values, true)
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, err
	}
	v.errors = nil
	payload := s.interaction(t, v.person, "view_submission", v)
	payload["view"], payload["response_urls"] = s.viewWire(t, v, state), []any{}
	done := make(chan Outcome, 1)
	s.send(&envelope{kind: "interactive", payload: mustJSON(payload), accepts: true, settle: func(o Outcome, ack json.RawMessage) {
		if o.Acked && s.settleView(t, v, ack) != nil {
			o.Error = "invalid_response_action"
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

// filled is the state of a view: what every element that holds something holds. With submitting, a client's own
// checks of the inputs hold too.
func filled(blocks []any, values map[string]map[string]string, submitting bool) (object, error) {
	state := object{}
	used := 0
	for _, b := range blocks {
		o := asObject(b)
		block, fields := str(o["block_id"]), object{}
		var problem error
		walk(o, func(e object) {
			id := str(e["action_id"])
			if id == "" || !holds(str(e["type"])) {
				return
			}
			value, given := values[block][id]
			if given {
				used++
			}
			field, err := fieldOf(e, value, given)
			if err == nil && submitting && o["type"] == "input" && o["optional"] != true && empty(field) {
				err = errors.New("please complete this required field")
			}
			if err != nil {
				problem = errors.Join(problem, fmt.Errorf("%s/%s: %w", block, id, err))
			}
			fields[id] = field
		})
		if problem != nil {
			return nil, problem
		}
		if len(fields) > 0 {
			state[block] = fields
		}
	}
	for _, fields := range values {
		used -= len(fields)
	}
	if used != 0 {
		return nil, errors.New("the view has no such field")
	}
	return state, nil
}

// holds tells whether an element of that type holds something a person chose or wrote.
func holds(kind string) bool {
	return interactive(kind) && !slices.Contains([]string{"button", "overflow", "feedback_buttons", "icon_button"}, kind)
}

// empty tells whether a field holds nothing.
func empty(field object) bool {
	for name, v := range field {
		if l, isList := v.([]any); name != "type" && v != nil && (!isList || len(l) > 0) {
			return false
		}
	}
	return true
}

// fieldOf is the state of one element: what was given, else what it began with.
func fieldOf(e object, value string, given bool) (object, error) {
	kind := str(e["type"])
	field := object{"type": kind}
	switch kind {
	case "plain_text_input":
		return textField(e, value, given)
	case "static_select", "radio_buttons":
		field["selected_option"] = e["initial_option"]
		if !given {
			return field, nil
		}
		chosen, err := options(e, value)
		field["selected_option"] = nil
		if len(chosen) > 0 {
			field["selected_option"] = chosen[0]
		}
		return field, err
	case "checkboxes":
		chosen, err := asList(e["initial_options"]), error(nil)
		if given {
			chosen, err = options(e, value)
		}
		field["selected_options"] = append([]any{}, chosen...)
		return field, err
	}
	name := map[string]string{"users_select": "user", "channels_select": "channel", "conversations_select": "conversation", "datepicker": "date"}[kind]
	field["selected_"+name] = e["initial_"+name]
	if given && value != "" {
		field["selected_"+name] = value
	}
	return field, nil
}

func textField(e object, value string, given bool) (object, error) {
	if !given {
		value = str(e["initial_value"])
	}
	field := object{"type": e["type"], "value": nil}
	if value == "" {
		return field, nil
	}
	field["value"] = value
	n := float64(utf8.RuneCountInString(value))
	if most, ok := e["max_length"].(float64); ok && n > most || n > 3000 {
		return field, errors.New("this is too long")
	}
	if least, ok := e["min_length"].(float64); ok && n < least {
		return field, errors.New("this is too short")
	}
	return field, nil
}

// options finds the options with the values named, of those the element offers.
func options(e object, values string) (out []any, err error) {
	for value := range strings.SplitSeq(values, ",") {
		all := asList(e["options"])
		i := slices.IndexFunc(all, func(o any) bool { return asObject(o)["value"] == value })
		if i < 0 && value != "" {
			return nil, fmt.Errorf("there is no option %q", value)
		}
		if i >= 0 {
			out = append(out, all[i])
		}
	}
	return out, nil
}

// settleView does with a modal what the ack of its submission says. An answer Slack would not take leaves the
// modal as it is, and the person is told that the app could not be reached.
func (s *Server) settleView(t *team, v *view, ack json.RawMessage) error {
	var answer struct {
		Action string `json:"response_action"`
		View   object `json:"view"`
		Errors object `json:"errors"`
	}
	if len(ack) > 0 && json.Unmarshal(ack, &answer) != nil {
		return errAnswer
	}
	defer s.touch()
	switch answer.Action {
	case "":
		delete(t.views, v.id)
	case "errors":
		if !v.takes(answer.Errors) {
			return errAnswer
		}
		v.errors = answer.Errors
	case "update", "push":
		if len(checkView(answer.View, "modal")) > 0 || answer.Action == "push" && len(t.stack(v.root)) >= maxStack {
			return errAnswer
		}
		nameBlocks(asList(answer.View["blocks"]))
		if answer.Action == "push" {
			s.putView(t, v.person, answer.View, v)
			return nil
		}
		s.replaceView(v, answer.View)
	case "clear":
		for _, other := range t.stack(v.root) {
			delete(t.views, other.id)
		}
	default:
		return errAnswer
	}
	return nil
}

// errAnswer is an ack of a submission that Slack would not take.
var errAnswer = errors.New("the ack says something Slack does not do")

// takes tells whether errors can be shown: there are some, each a text under an input of the view.
func (v *view) takes(errs object) bool {
	for block, words := range errs {
		input := slices.ContainsFunc(asList(v.content["blocks"]), func(b any) bool {
			return asObject(b)["type"] == "input" && asObject(b)["block_id"] == block
		})
		if !input || str(words) == "" {
			return false
		}
	}
	return len(errs) > 0
}

// CloseView closes a modal, with those on top of it, or all of its stack when it says so; the app hears of those
// that asked to be told.
func (s *Server) CloseView(user, viewID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, v, err := s.openView(user, viewID)
	if err != nil {
		return err
	}
	cleared := v.content["clear_on_close"] == true
	gone := t.stack(v.root)
	if !cleared {
		gone = gone[slices.Index(gone, v):]
	}
	for _, v := range gone {
		delete(t.views, v.id)
		if v.content["notify_on_close"] != true {
			continue
		}
		payload := s.interaction(t, v.person, "view_closed", nil)
		payload["view"], payload["is_cleared"] = s.viewWire(t, v, nil), cleared
		delete(payload, "trigger_id")
		s.send(&envelope{kind: "interactive", payload: mustJSON(payload)})
	}
	s.touch()
	return nil
}

// ClickView presses a button in a modal or on the home tab, or chooses something there, and returns when that was
// acked or failed. Value is what was chosen; it may be empty for buttons.
func (s *Server) ClickView(user, viewID, actionID, value string) (Outcome, error) {
	s.mu.Lock()
	payload, err := s.viewClick(user, viewID, actionID, value)
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, err
	}
	done := make(chan Outcome, 1)
	s.send(&envelope{kind: "interactive", payload: mustJSON(payload), settle: func(o Outcome, _ json.RawMessage) { done <- o }})
	s.mu.Unlock()
	return s.outcome(done), nil
}

// viewClick is the payload of a press in a view.
func (s *Server) viewClick(user, viewID, actionID, value string) (object, error) {
	t, v, err := s.openView(user, viewID)
	if err != nil {
		return nil, err
	}
	blocks := asList(v.content["blocks"])
	block, element := findAction(blocks, actionID)
	if element == nil {
		return nil, fmt.Errorf("the view has no button %s", actionID)
	}
	action, err := actionOf(block, element, value)
	if err != nil {
		return nil, err
	}
	var chosen map[string]map[string]string
	if holds(str(element["type"])) {
		chosen = map[string]map[string]string{block: {actionID: value}}
	}
	state, err := filled(blocks, chosen, false)
	if err != nil {
		return nil, err
	}
	from := v
	if v.content["type"] == "home" {
		from = nil
	}
	payload := s.interaction(t, v.person, "block_actions", from)
	payload["container"] = object{"type": "view", "view_id": v.id}
	payload["view"], payload["actions"] = s.viewWire(t, v, state), []object{action}
	return payload, nil
}

// actionOf is one action of a block_actions payload: what was pressed, or what was chosen.
func actionOf(block string, element object, value string) (object, error) {
	kind := str(element["type"])
	now := time.Now().UnixMicro()
	action := object{"type": kind, "action_id": element["action_id"], "block_id": block, "action_ts": fmt.Sprintf("%d.%06d", now/1e6, now%1e6)}
	switch {
	case kind == "feedback_buttons":
		for _, side := range []string{"positive_button", "negative_button"} {
			if b := asObject(element[side]); b["value"] == value {
				action["value"], action["text"] = value, b["text"]
				return action, nil
			}
		}
		return nil, fmt.Errorf("there is no feedback button with the value %q", value)
	case kind == "overflow":
		chosen, err := options(element, value)
		if err == nil && len(chosen) == 1 {
			action["selected_option"] = chosen[0]
			return action, nil
		}
		return nil, fmt.Errorf("there is no option %q", value)
	case holds(kind):
		field, err := fieldOf(element, value, true)
		for name, v := range field {
			action[name] = v
		}
		return action, err
	}
	for _, name := range []string{"text", "value", "style", "url"} {
		if v, ok := element[name]; ok {
			action[name] = v
		}
	}
	return action, nil
}
