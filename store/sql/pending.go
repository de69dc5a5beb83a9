package sql

import (
	"context"
	"errors"
	"fmt"

	"aurora/store"
)

const pendingColumns = `id, connection, person, place, created_at`

func scanPending(row scanner) (p store.PendingConnection, err error) {
	err = row.Scan(&p.ID, jsonColumn{&p.Connection}, jsonColumn{&p.Person}, jsonColumn{&p.Place}, timeColumn{&p.CreatedAt})
	return p, err
}

// NewPendingID makes the name of a connection that will wait, so that its credential can be kept under it beforehand.
func (*DB) NewPendingID() string { return newID("pen") }

// AddPending keeps a connection that waits for an admin, and audits that it does. store.ErrNotFound for somebody who may not
// use Aurora any more.
func (d *DB) AddPending(ctx context.Context, p store.PendingConnection) error {
	if p.ID == "" || p.Connection.OrgID == "" || p.Connection.UserID == "" {
		return errors.New("a connection that waits needs an id, an organisation and a user")
	}
	var texts [3]string
	for i, v := range []any{p.Connection, p.Person, p.Place} {
		var err error
		if texts[i], err = encode(v); err != nil {
			return err
		}
	}
	return d.tx(ctx, func(tx conn) error {
		if _, err := tx.holdUser(ctx, p.Connection.OrgID, p.Connection.UserID); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO pending_connections (id, org_id, user_id, connection, person, place) VALUES ($1, $2, $3, $4, $5, $6)`,
			p.ID, p.Connection.OrgID, p.Connection.UserID, texts[0], texts[1], texts[2])
		if err != nil {
			return fmt.Errorf("keep a connection that waits: %w", err)
		}
		return tx.append(ctx, note(store.AuditConnect, p.Connection.OrgID, p.Person, p.ID, pendingDetail(p, "waiting")))
	})
}

func pendingDetail(p store.PendingConnection, state string) map[string]any {
	return map[string]any{"state": state, "cloud": p.Connection.Cloud, "account": p.Connection.Account, "user": p.Connection.UserID, "for": p.Person.String()}
}

// PendingConnection gives a connection that waits, store.ErrNotFound once it does not.
func (d *DB) PendingConnection(ctx context.Context, orgID, id string) (store.PendingConnection, error) {
	return first(ctx, d.conn, scanPending, `SELECT `+pendingColumns+` FROM pending_connections WHERE id = $1 AND org_id = $2`, id, orgID)
}

// PendingOf lists what waits of a user's.
func (d *DB) PendingOf(ctx context.Context, orgID, userID string) ([]store.PendingConnection, error) {
	return all(ctx, d.conn, scanPending, `SELECT `+pendingColumns+` FROM pending_connections
		WHERE org_id = $1 AND user_id = $2 ORDER BY created_at, id`, orgID, userID)
}

// DuePending lists what has waited for longer than store.PendingLife.
func (d *DB) DuePending(ctx context.Context) ([]store.PendingConnection, error) {
	return all(ctx, d.conn, scanPending, `SELECT `+pendingColumns+` FROM pending_connections WHERE created_at < {day ago} ORDER BY created_at, id LIMIT 100`)
}

// ApprovePending puts what waited into use as the connection c, at an admin's word, and audits both. store.ErrNotFound, and
// nothing is changed, when it does not wait any more, or its owner may not use Aurora.
func (d *DB) ApprovePending(ctx context.Context, p store.PendingConnection, c store.Connection, by store.Person) (kept store.Connection, err error) {
	args, err := connectionArgs(c)
	if err != nil {
		return kept, err
	}
	err = d.as(ctx, c.OrgID, ownerOf(c.UserID), func(tx conn) error {
		if err := tx.mayConnect(ctx, c, by); err != nil {
			return err
		}
		if err := tx.takePending(ctx, p); err != nil {
			return err
		}
		if kept, err = tx.connect(ctx, args, by); err != nil {
			return err
		}
		return tx.append(ctx, note(store.AuditConnect, c.OrgID, by, p.ID, pendingDetail(p, "approved")))
	})
	return kept, err
}

func (c conn) takePending(ctx context.Context, p store.PendingConnection) error {
	n, err := c.exec(ctx, `DELETE FROM pending_connections WHERE id = $1 AND org_id = $2`, p.ID, p.Connection.OrgID)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// EndPending takes a connection off the list that comes into no use, and audits what became of it (refused, expired) and
// who said so. store.ErrNotFound when somebody else was faster.
func (d *DB) EndPending(ctx context.Context, p store.PendingConnection, state string, by store.Person) error {
	return d.tx(ctx, func(tx conn) error {
		if err := tx.takePending(ctx, p); err != nil {
			return err
		}
		return tx.append(ctx, note(store.AuditConnect, p.Connection.OrgID, by, p.ID, pendingDetail(p, state)))
	})
}

// Admins lists the people who are admins of an organisation.
func (d *DB) Admins(ctx context.Context, orgID string) ([]store.Person, error) {
	return all(ctx, d.conn, scanPerson, `SELECT p.platform, p.team, p.id FROM persons p JOIN users u ON u.id = p.user_id
		WHERE u.org_id = $1 AND u.role = 'admin' AND u.active ORDER BY p.platform, p.team, p.id`, orgID)
}
