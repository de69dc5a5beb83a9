package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"aurora/store"
)

// SaveReply journals the model reply of step n, before any of its calls run, and lets the asker's own pending messages
// among joinable join the turn; both stand or neither. The posts that the step makes are committed with it. The same
// reply again changes nothing and gives what joined the first time; another one for the same step is store.ErrConflict.
func (d *DB) SaveReply(ctx context.Context, c store.Claim, turnID string, n int, reply json.RawMessage, joinable []int64, posts []store.Post) (joined []store.Received, err error) {
	text, err := document(reply)
	if err != nil || text == nil {
		return nil, errors.Join(errors.New("a step needs the model's reply"), err)
	}
	err = d.held(ctx, c, func(tx conn) error {
		if err := tx.running(ctx, c, turnID); err != nil {
			return err
		}
		before, err := tx.step(ctx, turnID, n)
		if err == nil {
			joined = before.Joined
			if string(before.Reply) != text {
				return fmt.Errorf("step %d has another reply: %w", n, store.ErrConflict)
			}
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if joined, err = tx.join(ctx, c, turnID, joinable); err != nil {
			return err
		}
		if err := tx.addStep(ctx, turnID, n, text, joined); err != nil {
			return err
		}
		return tx.addPosts(ctx, c, posts)
	})
	if err != nil {
		return nil, err
	}
	return joined, nil
}

func (c conn) running(ctx context.Context, claim store.Claim, turnID string) error {
	ok, err := c.has(ctx, `SELECT 1 FROM turns WHERE id = $1 AND thread = $2 AND state = 'running'`, turnID, claim.Thread)
	if err == nil && !ok {
		return fmt.Errorf("turn %s does not run in this thread: %w", turnID, store.ErrConflict)
	}
	return err
}

// join takes the rows whose person is the turn's asker. The text is kept with the step, for it is erased in the inbox
// when the turn ends and a continuation may need it.
func (c conn) join(ctx context.Context, claim store.Claim, turnID string, joinable []int64) (joined []store.Received, err error) {
	for _, id := range joinable {
		got, err := first(ctx, c, scanReceived, `UPDATE inbox SET turn_id = $1
			WHERE id = $2 AND thread = $3 AND turn_id IS NULL AND settled_at IS NULL AND EXISTS (SELECT 1 FROM turns t
				WHERE t.id = $1 AND t.person_platform = inbox.person_platform AND t.person_team = inbox.person_team
				AND t.person_id = inbox.person_id)
			RETURNING `+eventColumns, turnID, id, claim.Thread)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		joined = append(joined, got)
	}
	return joined, nil
}

func (c conn) addStep(ctx context.Context, turnID string, n int, reply any, joined []store.Received) error {
	list, err := encode(append([]store.Received{}, joined...))
	if err != nil {
		return err
	}
	_, err = c.exec(ctx, `INSERT INTO steps (turn_id, n, reply, joined) VALUES ($1, $2, $3, $4)`, turnID, n, reply, list)
	return err
}

// SaveResult journals the result of one call of step n. The first one stands: a repeat changes nothing.
func (d *DB) SaveResult(ctx context.Context, c store.Claim, turnID string, n int, call string, result json.RawMessage) error {
	text, err := document(result)
	if err != nil || text == nil {
		return errors.Join(errors.New("a call needs its result"), err)
	}
	return d.held(ctx, c, func(tx conn) error {
		if err := tx.running(ctx, c, turnID); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO results (turn_id, n, call, result) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			turnID, n, clean(call), text)
		return err
	})
}

func scanStep(row scanner) (s store.Step, err error) {
	s.Results = map[string]json.RawMessage{}
	err = row.Scan(&s.N, jsonColumn{&s.Reply}, jsonColumn{&s.Joined})
	return s, err
}

func (c conn) step(ctx context.Context, turnID string, n int) (store.Step, error) {
	return first(ctx, c, scanStep, `SELECT n, reply, joined FROM steps WHERE turn_id = $1 AND n = $2`, turnID, n)
}

// Steps replays a turn's journal, step by step.
func (d *DB) Steps(ctx context.Context, turnID string) (steps []store.Step, err error) {
	err = d.tx(ctx, func(tx conn) error {
		steps, err = all(ctx, tx, scanStep, `SELECT n, reply, joined FROM steps WHERE turn_id = $1 ORDER BY n`, turnID)
		if err != nil {
			return err
		}
		at := map[int]store.Step{}
		for _, s := range steps {
			at[s.N] = s
		}
		return tx.each(ctx, `SELECT n, call, result FROM results WHERE turn_id = $1`, []any{turnID}, func(row scanner) error {
			var n int
			var call string
			var result json.RawMessage
			if err := row.Scan(&n, &call, jsonColumn{&result}); err != nil {
				return err
			}
			if s, ok := at[n]; ok { // a step saved between the two statements is left for the next replay
				s.Results[call] = result
			}
			return nil
		})
	})
	return steps, err
}
