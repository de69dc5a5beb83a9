package sql

import (
	"context"
	"errors"

	"aurora/store"
)

const grantColumns = `connection_id, user_id, role, channel, project, max_effect`

func scanGrant(row scanner) (g store.Grant, err error) {
	return g, row.Scan(&g.ConnectionID, &g.UserID, &g.Role, &g.Channel, &g.Project, &g.MaxEffect)
}

// Grants lists who may use an organisation's connection.
func (d *DB) Grants(ctx context.Context, orgID, connectionID string) (list []store.Grant, err error) {
	err = d.as(ctx, orgID, organisationItself, func(tx conn) error {
		list, err = all(ctx, tx, scanGrant, `SELECT `+grantColumns+` FROM grants
			WHERE org_id = $1 AND connection_id = $2 ORDER BY user_id, role, channel, project`, orgID, connectionID)
		return err
	})
	return list, err
}

// Grant lets somebody use an organisation's connection and audits who said so. The same user, role, channel and
// project again replaces the effect. A connection that a user owns cannot be granted: store.ErrNotFound.
func (d *DB) Grant(ctx context.Context, orgID string, g store.Grant, by store.Person) error {
	if g.MaxEffect == "" {
		return errors.New("a grant needs the effect up to which it goes")
	}
	return d.as(ctx, orgID, organisationItself, func(tx conn) error {
		n, err := tx.exec(ctx, `INSERT INTO grants (org_id, connection_id, user_id, role, channel, project, max_effect)
			SELECT org_id, id, $3, $4, $5, $6, $7 FROM user_tokens WHERE id = $1 AND org_id = $2 AND user_id IS NULL
			ON CONFLICT (connection_id, user_id, role, channel, project) DO UPDATE SET max_effect = excluded.max_effect`,
			g.ConnectionID, orgID, g.UserID, g.Role, clean(g.Channel), clean(g.Project), g.MaxEffect)
		if err != nil {
			return err
		}
		if n == 0 {
			return store.ErrNotFound
		}
		return tx.append(ctx, note(store.AuditGrant, orgID, by, g.ConnectionID, map[string]any{"granted": g}))
	})
}

// Revoke takes a grant back (its effect is not looked at) and audits who did it.
func (d *DB) Revoke(ctx context.Context, orgID string, g store.Grant, by store.Person) error {
	return d.as(ctx, orgID, organisationItself, func(tx conn) error {
		n, err := tx.exec(ctx, `DELETE FROM grants
			WHERE org_id = $1 AND connection_id = $2 AND user_id = $3 AND role = $4 AND channel = $5 AND project = $6`,
			orgID, g.ConnectionID, g.UserID, g.Role, clean(g.Channel), clean(g.Project))
		if err != nil {
			return err
		}
		if n == 0 {
			return store.ErrNotFound
		}
		return tx.append(ctx, note(store.AuditGrant, orgID, by, g.ConnectionID, map[string]any{"revoked": g}))
	})
}
