package providers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aurora/store"
)

var errTimeout = errors.New("the command's time is over")

func (s Section) fail(code Code, sentence string) Section {
	s.Code, s.Error = code, sentence
	return s
}

// problem says why nothing was started.
func (s Section) problem(err error, r Redactor) Section {
	var p *Problem
	switch {
	case errors.As(err, &p):
		s.Broken = p.Broken
		return s.fail(p.Code, r.Redact(Clean(p.Sentence)))
	case errors.Is(err, store.ErrFrozen):
		return s.fail(CodeFrozen, "An admin froze all changes: nothing ran. Reads still work; an admin lifts it with /aurora unfreeze.")
	case errors.Is(err, store.ErrStopped):
		return s.fail(CodeStopped, "The turn was stopped: nothing ran.")
	case errors.Is(err, store.ErrFenced):
		return s.fail(CodeUnavailable, "Another process of Aurora has taken this thread over: nothing ran here.")
	case errors.Is(err, context.Canceled):
		return s.fail(CodeCancelled, "It was stopped before the command started: nothing ran.")
	}
	return s.fail(CodeUnavailable, "Aurora could not get ready to run the command, so nothing ran. Try again in a minute.")
}

// ended says why a command that was started did not come to its own end; doubt is what to do about it.
func (s Section) ended(err error, limit time.Duration, doubt string, r Redactor) Section {
	var p *Problem
	switch {
	case errors.As(err, &p):
		s.Status = ""
		return s.problem(err, r)
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return s.fail(CodeTimeout, fmt.Sprintf("It took longer than %s and was ended.%s", limit, doubt))
	case errors.Is(err, context.Canceled):
		return s.fail(CodeCancelled, "It was stopped while it ran."+doubt)
	case errors.Is(err, ErrNoAnswer):
		return s.fail(CodeLost, "The cloud was asked, and gave no usable answer."+doubt)
	}
	return s.fail(CodeUnavailable, "Aurora could not run the command to its end on its machine."+doubt)
}
