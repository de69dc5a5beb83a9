package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"aurora/store"
)

// BreakConnection marks a connection that only a new sign-in mends, and in the same transaction puts the news of it into the
// inbox, so that whoever can mend it is told once. One that is marked already, or was connected again since c was read, is
// left alone.
func (d *DB) BreakConnection(ctx context.Context, c store.Connection) error {
	payload, err := json.Marshal(store.BrokenNews{OrgID: c.OrgID, UserID: c.UserID, ConnectionID: c.ID, Generation: c.Generation})
	if err != nil {
		return fmt.Errorf("write the news of a broken connection: %w", err)
	}
	key := fmt.Sprintf("broken:%s:%d", c.ID, c.Generation)
	news, err := newArrival(store.Event{Key: key, Kind: store.EventBroken, Thread: "broken:" + c.ID, Payload: payload, At: time.Now()})
	if err != nil {
		return err
	}
	fresh := false
	err = d.as(ctx, c.OrgID, ownerOf(c.UserID), func(tx conn) error {
		n, err := tx.exec(ctx, `UPDATE user_tokens SET status = $1
			WHERE id = $2 AND org_id = $3 AND coalesce(user_id, '') = $4 AND generation = $5 AND status <> $1`,
			store.ConnectionBroken, c.ID, c.OrgID, c.UserID, c.Generation)
		if err != nil || n == 0 {
			return err
		}
		fresh, err = tx.receive(ctx, news)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark a connection as broken: %w", err)
	}
	if fresh {
		d.wakes.signal()
	}
	return nil
}

// BrokenConnection gives the connection that the news is of; store.ErrNotFound when it was mended or dropped since.
func (d *DB) BrokenConnection(ctx context.Context, n store.BrokenNews) (c store.Connection, err error) {
	err = d.as(ctx, n.OrgID, ownerOf(n.UserID), func(tx conn) error {
		c, err = first(ctx, tx, scanConnection, `SELECT `+connectionColumns+` FROM user_tokens
			WHERE id = $1 AND org_id = $2 AND coalesce(user_id, '') = $3 AND generation = $4 AND status = $5`,
			n.ConnectionID, n.OrgID, n.UserID, n.Generation, store.ConnectionBroken)
		return err
	})
	return c, err
}

// PersonsOf lists the chat accounts of a user who may use Aurora.
func (d *DB) PersonsOf(ctx context.Context, orgID, userID string) ([]store.Person, error) {
	return all(ctx, d.conn, scanPerson, `SELECT p.platform, p.team, p.id FROM persons p JOIN users u ON u.id = p.user_id
		WHERE u.org_id = $1 AND u.id = $2 AND u.active ORDER BY p.platform, p.team, p.id`, orgID, userID)
}

func scanPerson(row scanner) (p store.Person, err error) {
	return p, row.Scan(&p.Platform, &p.Team, &p.ID)
}
