package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"aurora/store"
)

// readEffect is policy's word for what changes nothing: it may be run again.
const readEffect = "read"

const unknownOutcome = `{"status":"unknown"}`

// cutShort is the executor's code for what ended because its process did, or its turn.
const cutShort = "cancelled"

const intentColumns = `id, org_id, user_id, turn, step, call, confirmation, effect, cloud, connection_id, account, argv, policy_rule,
	policy, runner, outcome, started_at, CASE WHEN outcome IS NULL AND lease_until <= {now} THEN 1 ELSE 0 END`

func scanIntent(row scanner) (i store.Intent, err error) {
	lost := 0
	err = row.Scan(&i.ID, &i.OrgID, &i.UserID, &i.Turn, &i.Step, &i.Call, &i.Confirmation, &i.Effect, &i.Cloud, &i.ConnectionID,
		&i.Account, jsonColumn{&i.Argv}, &i.PolicyRule, &i.Policy, &i.Runner, jsonColumn{&i.Outcome}, timeColumn{&i.StartedAt}, &lost)
	i.Lost = lost == 1
	return i, err
}

// BeginIntent notes, in the table and in the audit, that a command is about to run, and is the last gate before it does:
// store.ErrStopped when its turn was stopped or its asker has left, store.ErrFrozen when the organisation is frozen and the command does more
// than read, store.ErrFenced when its turn is over or the runner does not hold the turn's thread any more (a click needs
// neither: it comes after the turn), store.ErrNotFound when there is no such turn. Nothing may run unless both results
// are nil.
//
// existing is the intent of the same turn, step and call, or of the same confirmation, that stands there already: its
// Outcome is the answer; without one it still runs, or, when Lost, nobody knows. A read that is Lost, that another runner
// began, or that was cut short is not given back but taken over: it may run again, under the new id.
func (d *DB) BeginIntent(ctx context.Context, i store.Intent) (existing *store.Intent, err error) {
	if i.Runner == "" {
		i.Runner = d.runner
	}
	if i.ID == "" || i.Turn == "" || i.Effect == "" || i.Runner == "" {
		return nil, errors.New("an intent needs its id, turn, effect and runner")
	}
	err = d.tx(ctx, func(tx conn) error {
		existing = nil
		if err := tx.gate(ctx, i.OrgID, "_shared"); err != nil {
			return err
		}
		begun, err := tx.insertIntent(ctx, i)
		if err != nil {
			return err
		}
		if !begun {
			if existing, err = tx.standing(ctx, i); existing != nil || err != nil {
				return err
			}
		}
		return tx.auditIntent(ctx, i)
	})
	if err != nil {
		return nil, err
	}
	return existing, nil
}

// insertIntent looks at stop and freeze in the statement that inserts. The gate, which BeginIntent holds, has let every
// stop and freeze that came before be committed; one that comes later waits until this intent is.
func (c conn) insertIntent(ctx context.Context, i store.Intent) (begun bool, err error) {
	argv, err := encode(append([]string{}, i.Argv...))
	if err != nil {
		return false, err
	}
	n, err := c.exec(ctx, `INSERT INTO intents (id, org_id, user_id, turn, step, call, confirmation, effect, cloud,
			connection_id, account, argv, policy_rule, policy, runner, lease_until)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, {lease}
		FROM turns t JOIN freezes f ON f.org_id = t.org_id JOIN users u ON u.id = t.user_id AND u.active
		WHERE t.id = $4 AND t.org_id = $2 AND t.stopped_at IS NULL AND (NOT f.frozen OR $8 = '`+readEffect+`')
		AND ($7 <> '' OR `+heldBy("$15")+`)
		ON CONFLICT DO NOTHING`,
		i.ID, i.OrgID, i.UserID, i.Turn, i.Step, clean(i.Call), i.Confirmation, i.Effect, i.Cloud, i.ConnectionID, clean(i.Account),
		argv, i.PolicyRule, i.Policy, i.Runner)
	return n == 1, err
}

// heldBy says that turn t runs in a thread that a runner holds. Whoever takes the thread over waits until the intent that
// looked is committed, and finds it then.
func heldBy(runner string) string {
	return `t.state = 'running' AND EXISTS (SELECT 1 FROM threads WHERE key = t.thread AND runner = ` + runner + ` {share})`
}

// standing finds why no row was inserted: the intent that is in its place, or what forbids it. It gives nothing at all
// when a read was taken over.
func (c conn) standing(ctx context.Context, i store.Intent) (*store.Intent, error) {
	there, err := first(ctx, c, scanIntent, `SELECT `+intentColumns+` FROM intents
		WHERE ($4 <> '' AND confirmation = $4) OR ($4 = '' AND confirmation = '' AND turn = $1 AND step = $2 AND call = $3) {lock}`,
		i.Turn, i.Step, clean(i.Call), i.Confirmation)
	if errors.Is(err, store.ErrNotFound) {
		return nil, c.forbidden(ctx, i)
	}
	if err != nil {
		return nil, err
	}
	if !repeats(there, i) {
		return &there, nil
	}
	ok, err := c.has(ctx, `SELECT 1 FROM turns t JOIN users u ON u.id = t.user_id AND u.active WHERE t.id = $1 AND t.stopped_at IS NULL AND ($2 <> '' OR `+heldBy("$3")+`)`,
		i.Turn, i.Confirmation, i.Runner)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, c.forbidden(ctx, i)
	}
	// The new id takes the row away from the old runner, should it come back.
	_, err = c.exec(ctx, `UPDATE intents SET id = $1, runner = $2, lease_until = {lease}, started_at = {now}, outcome = NULL, ended_at = NULL
		WHERE id = $3`, i.ID, i.Runner, there.ID)
	return nil, err
}

// repeats tells whether a read may run again: its answer is not known, and whoever asks holds the turn now, or it was cut
// short. A turn's own stop is asked for apart.
func repeats(there, i store.Intent) bool {
	if there.Effect != readEffect || i.Effect != readEffect {
		return false
	}
	if there.Outcome == nil {
		return there.Lost || there.Runner != i.Runner
	}
	var result struct {
		Code string `json:"code"`
	}
	return json.Unmarshal(there.Outcome, &result) == nil && result.Code == cutShort
}

func (c conn) forbidden(ctx context.Context, i store.Intent) error {
	var stopped, held int
	err := c.one(ctx, `SELECT CASE WHEN t.stopped_at IS NULL AND u.active THEN 0 ELSE 1 END, CASE WHEN $3 <> '' OR `+heldBy("$4")+` THEN 1 ELSE 0 END
		FROM turns t JOIN users u ON u.id = t.user_id WHERE t.id = $1 AND t.org_id = $2`, []any{i.Turn, i.OrgID, i.Confirmation, i.Runner}, &stopped, &held)
	if err != nil {
		return fmt.Errorf("begin intent of turn %s: %w", i.Turn, err)
	}
	if stopped == 1 {
		return store.ErrStopped
	}
	if held == 0 {
		return store.ErrFenced
	}
	// Nothing else keeps the insert from happening; a freeze lifted in this very moment is asked for again.
	return store.ErrFrozen
}

func (c conn) auditIntent(ctx context.Context, i store.Intent) error {
	var asker store.Person
	err := c.one(ctx, `SELECT person_platform, person_team, person_id FROM turns WHERE id = $1`, []any{i.Turn},
		&asker.Platform, &asker.Team, &asker.ID)
	if err != nil {
		return err
	}
	entry := note(store.AuditIntent, i.OrgID, asker, i.ID, map[string]any{
		"step": i.Step, "call": i.Call, "confirmation": i.Confirmation, "effect": i.Effect, "cloud": i.Cloud,
		"connection": i.ConnectionID, "account": i.Account, "argv": i.Argv, "rule": i.PolicyRule, "policy": i.Policy, "runner": i.Runner,
	})
	entry.UserID, entry.Turn = i.UserID, i.Turn
	return c.append(ctx, entry)
}

// IntentsOf lists the intents of a confirmation, in the order of its plan; none of its commands was begun when there is none.
func (d *DB) IntentsOf(ctx context.Context, confirmation string) (list []store.Intent, err error) {
	for {
		i, err := first(ctx, d.conn, scanIntent, `SELECT `+intentColumns+` FROM intents WHERE confirmation = $1 AND confirmation <> ''`,
			fmt.Sprintf("%s/%d", confirmation, len(list)))
		if errors.Is(err, store.ErrNotFound) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
}

// RenewIntents makes the open intents of a runner last Lease from now.
func (d *DB) RenewIntents(ctx context.Context, runner string) error {
	_, err := d.exec(ctx, `UPDATE intents SET lease_until = {lease} WHERE runner = $1 AND outcome IS NULL`, runner)
	return err
}

// FinishIntent notes what came of a command, in the table and in the audit. It may replace "unknown": the runner was
// taken for lost and was not. store.ErrConflict when there is an outcome already, store.ErrNotFound when another runner
// has taken the intent over.
func (d *DB) FinishIntent(ctx context.Context, id string, outcome json.RawMessage) error {
	text, err := document(outcome)
	if err != nil || text == nil {
		return errors.Join(errors.New("an intent needs its outcome"), err)
	}
	return d.tx(ctx, func(tx conn) error {
		i, err := first(ctx, tx, scanIntent, `SELECT `+intentColumns+` FROM intents WHERE id = $1 {lock}`, id)
		if err != nil {
			return err
		}
		late := string(i.Outcome) == unknownOutcome
		if i.Outcome != nil && !late {
			return fmt.Errorf("finish intent %s: it has its outcome: %w", id, store.ErrConflict)
		}
		if _, err := tx.exec(ctx, `UPDATE intents SET outcome = $1, ended_at = {now} WHERE id = $2`, text, id); err != nil {
			return err
		}
		return tx.append(ctx, outcomeEntry(i, outcomeDetail(outcome, late)))
	})
}

// LostIntents marks every intent that does more than read, has no outcome and whose runner is gone as unknown, in the
// audit too, and gives those it marked: of any number of replicas one gets each. None of them may be run again.
func (d *DB) LostIntents(ctx context.Context) (lost []store.Intent, err error) {
	err = d.tx(ctx, func(tx conn) error {
		lost, err = all(ctx, tx, scanIntent, `UPDATE intents SET outcome = $1, ended_at = {now}
			WHERE id IN (SELECT id FROM intents
				WHERE outcome IS NULL AND effect <> '`+readEffect+`' AND lease_until <= {now} ORDER BY started_at {skip})
			RETURNING `+intentColumns, unknownOutcome)
		if err != nil {
			return err
		}
		var entries []store.AuditEntry
		for _, i := range lost {
			entries = append(entries, outcomeEntry(i, map[string]any{"status": "unknown"}))
		}
		return tx.append(ctx, entries...)
	})
	return lost, err
}

func outcomeEntry(i store.Intent, detail map[string]any) store.AuditEntry {
	entry := note(store.AuditOutcome, i.OrgID, store.Person{}, i.ID, detail)
	entry.UserID, entry.Turn = i.UserID, i.Turn
	return entry
}

// outcomeDetail keeps how it went, and none of what the command said.
func outcomeDetail(outcome json.RawMessage, late bool) map[string]any {
	var result struct {
		Status   string          `json:"status"`
		Code     string          `json:"code"`
		Metadata json.RawMessage `json:"metadata"`
	}
	_ = json.Unmarshal(outcome, &result) // an outcome of another shape has nothing to keep
	detail := map[string]any{"status": result.Status}
	if result.Code != "" {
		detail["code"] = result.Code
	}
	if len(result.Metadata) > 0 {
		detail["metadata"] = result.Metadata
	}
	if late {
		detail["late"] = true
	}
	return detail
}
