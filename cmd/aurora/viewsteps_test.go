package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aurora/bot/slack/slacksim"
)

// viewStep is a step of a transcript on the Home tab or in a dialog.
func (s *story) viewStep(words []string, text string) error {
	who, rest := people[words[0]], strings.Join(words[1:], " ")
	switch {
	case rest == "opens home":
		return s.sims.slack.OpenHome(who, "home")
	case rest == "asks about":
		return s.shortcut(words[0], text)
	case rest == "submits":
		return s.submit(who, text)
	case rest == "closes":
		m, _ := s.dialog(who)
		return s.sims.slack.CloseView(who, m.ID)
	case rest == "has no dialog":
		return s.await(func() bool { _, open := s.dialog(who); return !open })
	case rest == "at home sees":
		return s.await(func() bool { return shows(s.home(who))(text) })
	case rest == "at home never sees":
		if shows(s.home(who))(text) {
			return errors.New("it is there")
		}
		return nil
	case rest == "in dialog sees":
		return s.await(func() bool { return shows(s.dialog(who))(text) })
	case strings.HasPrefix(rest, "at home presses "):
		return s.pressView(who, strings.TrimPrefix(rest, "at home presses "), s.home)
	case strings.HasPrefix(rest, "in dialog presses "):
		return s.pressView(who, strings.TrimPrefix(rest, "in dialog presses "), s.dialog)
	}
	return errors.New("there is no such step")
}

func (s *story) await(condition func() bool) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	return s.sims.slack.Wait(ctx, condition)
}

func (s *story) home(who string) (slacksim.Modal, bool) { return s.sims.slack.Home(who) }

// dialog is the topmost modal before a person.
func (s *story) dialog(who string) (slacksim.Modal, bool) {
	for _, m := range slices.Backward(s.sims.slack.Modals(who)) {
		if m.Type == "modal" {
			return m, true
		}
	}
	return slacksim.Modal{}, false
}

// shows tells whether a view shows a text, in its blocks, its buttons' addresses or under a field.
func shows(m slacksim.Modal, there bool) func(text string) bool {
	all := flat(m.Title + " " + m.Plain + " " + string(m.Errors))
	for _, b := range m.Buttons {
		all += " " + b.URL
	}
	return func(text string) bool { return there && strings.Contains(all, text) }
}

// shortcut chooses the message shortcut on the newest message that holds the text.
func (s *story) shortcut(who, text string) error {
	for _, m := range slices.Backward(s.seen(who)) {
		if strings.Contains(flat(m.Plain), text) && !m.Ephemeral {
			if s.thread = m.ThreadTS; s.thread == "" {
				s.thread = m.TS
			}
			o, err := s.sims.slack.UseShortcut(people[who], s.place(), m.TS, "ask_about")
			if err == nil && !o.Acked {
				err = fmt.Errorf("the shortcut failed: %s", o.Error)
			}
			return err
		}
	}
	return errors.New("there is no such message")
}

func (s *story) submit(who, text string) error {
	m, open := s.dialog(who)
	if !open {
		return errors.New("no dialog is open")
	}
	o, err := s.sims.slack.SubmitView(who, m.ID, map[string]map[string]string{"question": {"text": text}})
	if err == nil && (!o.Acked || o.Error != "") {
		err = fmt.Errorf("the submission failed: %+v", o)
	}
	return err
}

// pressView presses the button with a label, once it is there.
func (s *story) pressView(who, label string, view func(string) (slacksim.Modal, bool)) error {
	var at slacksim.Modal
	var id string
	err := s.await(func() bool {
		m, _ := view(who)
		for _, b := range m.Buttons {
			if b.Text == label {
				at, id = m, b.ActionID
				return true
			}
		}
		return false
	})
	if err != nil {
		return fmt.Errorf("no such button: %w", err)
	}
	o, err := s.sims.slack.ClickView(who, at.ID, id, "")
	if err == nil && !o.Acked {
		err = fmt.Errorf("the press failed: %s", o.Error)
	}
	return err
}
