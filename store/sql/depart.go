package sql

import (
	"context"
	"fmt"

	"aurora/store"
)

// Depart switches off a user who left: he becomes a viewer, his grants and choices go, and no new intent of his is taken on
// once it has returned. It is audited once; of a user who has left already nothing changes.
func (d *DB) Depart(ctx context.Context, orgID, userID string, by store.Person) error {
	return d.as(ctx, orgID, organisationItself, func(tx conn) error {
		if err := tx.gate(ctx, orgID, ""); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `UPDATE users SET active = $1, role = $2, left_at = {now} WHERE id = $3 AND org_id = $4 AND left_at IS NULL`,
			false, store.Viewer, userID, orgID)
		if err != nil {
			return fmt.Errorf("switch a user off: %w", err)
		}
		if _, err := tx.exec(ctx, `DELETE FROM grants WHERE org_id = $1 AND user_id = $2`, orgID, userID); err != nil {
			return fmt.Errorf("take a user's grants back: %w", err)
		}
		if _, err := tx.exec(ctx, `DELETE FROM selections WHERE user_id = $1`, userID); err != nil {
			return fmt.Errorf("forget a user's choices: %w", err)
		}
		if n == 0 {
			return nil
		}
		return tx.append(ctx, note(store.AuditRole, orgID, by, userID, map[string]any{"active": false, "left": true}))
	})
}

// holdUser gives a user who may use Aurora, store.ErrNotFound for anybody else. He stays as he is until the transaction ends:
// whoever switches him off waits that long, and then finds what was kept for him.
func (c conn) holdUser(ctx context.Context, orgID, userID string) (store.User, error) {
	u, err := first(ctx, c, scanUser, `SELECT `+userColumns+` FROM users u WHERE u.id = $1 AND u.org_id = $2 AND u.active = $3 {lock}`, userID, orgID, true)
	if err != nil {
		return u, fmt.Errorf("hold a user who may use Aurora: %w", err)
	}
	return u, nil
}

// Return switches a user on again who left more than an hour ago, with a role as at first contact. Sooner than that it is
// not certain that the platform's word for it is not older than his leaving.
func (d *DB) Return(ctx context.Context, orgID, userID string, role store.Role, by store.Person) (returned bool, err error) {
	err = d.tx(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, `UPDATE users SET active = $1, role = $2, left_at = NULL WHERE id = $3 AND org_id = $4 AND left_at < {hour ago}`,
			true, role, userID, orgID)
		returned = n > 0
		if err != nil || n == 0 {
			return err
		}
		return tx.append(ctx, note(store.AuditRole, orgID, by, userID, map[string]any{"active": true, "returned": true, "role": role}))
	})
	return returned, err
}

// OpenTurns lists the turns of a user that run or wait, wherever they are.
func (d *DB) OpenTurns(ctx context.Context, orgID, userID string) ([]store.Turn, error) {
	return all(ctx, d.conn, scanTurn, `SELECT `+turnColumns+` FROM turns
		WHERE org_id = $1 AND user_id = $2 AND state IN ('running', 'waiting') ORDER BY created_at, id`, orgID, userID)
}

// LeftPersons lists everybody who has left.
func (d *DB) LeftPersons(ctx context.Context) ([]store.Person, error) {
	return all(ctx, d.conn, scanPerson, `SELECT p.platform, p.team, p.id FROM persons p JOIN users u ON u.id = p.user_id
		WHERE u.left_at IS NOT NULL ORDER BY p.platform, p.team, p.id`)
}

// ActivePersons lists everybody who can use Aurora.
func (d *DB) ActivePersons(ctx context.Context) ([]store.Person, error) {
	return all(ctx, d.conn, func(row scanner) (p store.Person, err error) {
		return p, row.Scan(&p.Platform, &p.Team, &p.ID)
	}, `SELECT p.platform, p.team, p.id FROM persons p JOIN users u ON u.id = p.user_id WHERE u.active ORDER BY p.platform, p.team, p.id`)
}
