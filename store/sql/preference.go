package sql

import (
	"context"
	"encoding/json"
	"errors"

	"aurora/store"
)

// SetPrefer says which clouds a user's reads look at; none means all.
func (d *DB) SetPrefer(ctx context.Context, userID string, clouds []store.Cloud) error {
	if clouds == nil {
		clouds = []store.Cloud{}
	}
	list, err := encode(clouds)
	if err != nil {
		return err
	}
	n, err := d.exec(ctx, `UPDATE users SET prefer = $1 WHERE id = $2`, list, userID)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// Selections lists what `/aurora use` remembered for a user, by cloud.
func (d *DB) Selections(ctx context.Context, userID string) ([]store.Selection, error) {
	scan := func(row scanner) (s store.Selection, err error) { return s, row.Scan(&s.Cloud, &s.Project) }
	return all(ctx, d.conn, scan, `SELECT cloud, project FROM selections WHERE user_id = $1 ORDER BY cloud`, userID)
}

// SetSelection remembers one; an empty project forgets it.
func (d *DB) SetSelection(ctx context.Context, userID string, s store.Selection) error {
	if s.Project == "" {
		_, err := d.exec(ctx, `DELETE FROM selections WHERE user_id = $1 AND cloud = $2`, userID, s.Cloud)
		return err
	}
	_, err := d.exec(ctx, `INSERT INTO selections (user_id, cloud, project) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, cloud) DO UPDATE SET project = excluded.project`, userID, s.Cloud, clean(s.Project))
	return err
}

// ChannelRule gives what an admin laid down for a channel, store.ErrNotFound when nothing.
func (d *DB) ChannelRule(ctx context.Context, orgID, channel string) (rule json.RawMessage, err error) {
	err = d.one(ctx, `SELECT rule FROM channel_rules WHERE org_id = $1 AND channel = $2`, []any{orgID, clean(channel)}, jsonColumn{&rule})
	return rule, err
}

// SetChannelRule lays down a channel's rule and audits who did it; an empty one lifts it.
func (d *DB) SetChannelRule(ctx context.Context, orgID, channel string, rule json.RawMessage, by store.Person) error {
	text, err := document(rule)
	if err != nil {
		return err
	}
	if channel == "" {
		return errors.New("a channel rule needs a channel")
	}
	return d.tx(ctx, func(tx conn) error {
		query, args := `DELETE FROM channel_rules WHERE org_id = $1 AND channel = $2`, []any{orgID, clean(channel)}
		if text != nil {
			query = `INSERT INTO channel_rules (org_id, channel, rule) VALUES ($1, $2, $3)
				ON CONFLICT (org_id, channel) DO UPDATE SET rule = excluded.rule`
			args = append(args, text)
		}
		if _, err := tx.exec(ctx, query, args...); err != nil {
			return err
		}
		return tx.append(ctx, note(store.AuditRule, orgID, by, clean(channel), map[string]any{"rule": rule}))
	})
}
