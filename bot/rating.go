package bot

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"aurora/store"
)

// rated puts the two buttons below the last part of an answer that the model gave.
func (r *report) rated(m Message) Message {
	if r.final.Text == "" || r.final.State == store.TurnStopped {
		return m
	}
	m.Rating = []Button{
		{Action: actionRate, Label: "Good answer", Press: detail(pressed{Turn: r.turn.ID, Good: true})},
		{Action: actionRate, Label: "Bad answer", Press: detail(pressed{Turn: r.turn.ID})},
	}
	return m
}

// pressRate notes what a person thinks of an answer: which turn, good or bad, and none of its words. The adapter passes on
// one press of each person.
func (d *Desk) pressRate(ctx context.Context, claim store.Claim, row store.Received, a asker, means pressed) error {
	err := d.Audit.Audit(ctx, store.AuditEntry{
		Kind: store.AuditClick, OrgID: a.Org.ID, UserID: a.User.ID, Person: a.Person.String(), Turn: means.Turn, Subject: means.Turn,
		Detail: detail(map[string]any{"action": actionRate, "good": means.Good}),
	})
	if err != nil {
		return fmt.Errorf("note a rating: %w", err)
	}
	zerolog.Ctx(ctx).Info().Str("turn", means.Turn).Bool("good", means.Good).Msg("an answer was rated")
	thanks := notice("Thank you, I have noted that it helped.")
	if !means.Good {
		thanks = notice("Thank you, I have noted that it did not help. Ask again in other words, or tell whoever runs Aurora what was wrong.")
	}
	return d.settle(ctx, claim, row, whisper(row, thanks))
}
