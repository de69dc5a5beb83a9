package web

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"aurora/store"
)

// away is an audit that takes nothing, and counts the sessions that begin beside it.
type away struct {
	Sessions
	begun int
}

func (*away) Audit(context.Context, store.AuditEntry) error {
	return errors.New("the database is away")
}

func (a *away) NewSession(context.Context, string, json.RawMessage, time.Duration) (string, error) {
	a.begun++
	return "id", nil
}

func TestNobodyIsSignedInThatTheAuditDoesNotKnowOf(t *testing.T) {
	t.Parallel()
	a := &away{}
	s := &Server{Sessions: a, Audit: a}
	if id, err := s.beginSession(t.Context(), pass{}, pressPage, time.Hour); err == nil || id != "" || a.begun != 0 {
		t.Errorf("a session %q began without a row: %v", id, err)
	}
}
