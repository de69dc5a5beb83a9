package sql

import (
	"context"
	"errors"
	"maps"
	"slices"

	"aurora/store"
)

// gateLock is the first half of the key of an organisation's gate.
const gateLock = 0x6175726f

// gate lets intents of an organisation through side by side (_shared), or a stop or freeze alone (""). Row locks would
// do, but those who share one never let a writer in while they keep coming; this lock is fair. SQLite has one writer.
func (c conn) gate(ctx context.Context, orgID, way string) error {
	if c.speech != postgres {
		return nil
	}
	_, err := c.exec(ctx, `SELECT pg_advisory_xact_lock`+way+`($1, hashtext($2))`, int32(gateLock), orgID)
	return err
}

// RequestStop stops turns, running or waiting, and audits who did it. Once it has returned no intent of theirs is taken
// on any more. Turns that are stopped already, over, or unknown are passed over.
func (d *DB) RequestStop(ctx context.Context, turnIDs []string, by store.Person) error {
	return d.tx(ctx, func(tx conn) error {
		orgs := map[string]string{} // turn to organisation
		for _, id := range turnIDs {
			turn, err := first(ctx, tx, scanTurn, `SELECT `+turnColumns+` FROM turns WHERE id = $1`, id)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			orgs[id] = turn.OrgID
		}
		// Always in the same order, so that two stops never wait for each other.
		for _, org := range slices.Compact(slices.Sorted(maps.Values(orgs))) {
			if err := tx.gate(ctx, org, ""); err != nil {
				return err
			}
		}
		var entries []store.AuditEntry
		for _, id := range slices.Sorted(maps.Keys(orgs)) {
			n, err := tx.exec(ctx, `UPDATE turns SET stopped_at = {now}, stopped_by = $1
				WHERE id = $2 AND stopped_at IS NULL AND state IN ('running', 'waiting')`, by.String(), id)
			if err != nil {
				return err
			}
			if n == 1 {
				entry := note(store.AuditStop, orgs[id], by, id, nil)
				entry.Turn = id
				entries = append(entries, entry)
			}
		}
		return tx.append(ctx, entries...)
	})
}

// Stopped tells whether a stop was asked for.
func (d *DB) Stopped(ctx context.Context, turnID string) (bool, error) {
	return d.has(ctx, `SELECT 1 FROM turns WHERE id = $1 AND stopped_at IS NOT NULL`, turnID)
}

// Freeze lets only reads start in an organisation from now on, and audits who did it. Once it has returned no other
// intent is taken on. A second freeze keeps the first one's name and reason.
func (d *DB) Freeze(ctx context.Context, f store.Freeze) error {
	return d.tx(ctx, func(tx conn) error {
		if err := tx.gate(ctx, f.OrgID, ""); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `UPDATE freezes SET frozen = $1, by = $2, reason = $3, at = {now} WHERE org_id = $4 AND NOT frozen`,
			true, clean(f.By), clean(f.Reason), f.OrgID)
		if err != nil {
			return err
		}
		if n == 0 {
			ok, err := tx.has(ctx, `SELECT 1 FROM freezes WHERE org_id = $1`, f.OrgID)
			if err == nil && !ok {
				return store.ErrNotFound
			}
			return err
		}
		entry := note(store.AuditFreeze, f.OrgID, store.Person{}, f.OrgID, map[string]any{"frozen": true, "reason": f.Reason})
		entry.Person = f.By
		return tx.append(ctx, entry)
	})
}

// Unfreeze lifts a freeze and audits who did it; where there is none it changes nothing.
func (d *DB) Unfreeze(ctx context.Context, orgID string, by store.Person) error {
	return d.tx(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, `UPDATE freezes SET frozen = $1, by = $2, reason = '', at = {now} WHERE org_id = $3 AND frozen`,
			false, by.String(), orgID)
		if err != nil || n == 0 {
			return err
		}
		return tx.append(ctx, note(store.AuditFreeze, orgID, by, orgID, map[string]any{"frozen": false}))
	})
}

// Frozen tells whether an organisation is frozen, and by whom, why and since when.
func (d *DB) Frozen(ctx context.Context, orgID string) (f store.Freeze, frozen bool, err error) {
	err = d.one(ctx, `SELECT org_id, by, reason, at FROM freezes WHERE org_id = $1 AND frozen`, []any{orgID},
		&f.OrgID, &f.By, &f.Reason, timeColumn{&f.At})
	if errors.Is(err, store.ErrNotFound) {
		return store.Freeze{}, false, nil
	}
	return f, err == nil, err
}
