package sql

import (
	"context"
	"fmt"
	"time"

	"aurora/store"
)

// Access lists who can use which connection, in all organisations: by organisation, user, cloud and account. It is a
// report for whoever runs Aurora: it reads as one user after the other, since row level security lets nobody read as all.
func (d *DB) Access(ctx context.Context) (list []store.Access, err error) {
	orgs, err := all(ctx, d.conn, func(row scanner) (o store.Organisation, err error) {
		return o, row.Scan(&o.ID, &o.Platform, &o.Team, &o.Name)
	}, `SELECT id, platform, team, name FROM organisations ORDER BY platform, team`)
	if err != nil {
		return nil, fmt.Errorf("list organisations: %w", err)
	}
	for _, org := range orgs {
		users, err := all(ctx, d.conn, scanUser, `SELECT `+userColumns+` FROM users u WHERE u.org_id = $1 ORDER BY u.person_id, u.id`, org.ID)
		if err != nil {
			return nil, fmt.Errorf("list users: %w", err)
		}
		used, err := d.lastUses(ctx, org.ID)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			rows, err := d.accessOf(ctx, org, u)
			if err != nil {
				return nil, fmt.Errorf("list the access of %s: %w", u.ID, err)
			}
			for i := range rows {
				rows[i].LastUse = used[use{u.ID, rows[i].Connection.ID}]
			}
			list = append(list, rows...)
		}
	}
	return list, nil
}

// accessOf lists what one user can use.
func (d *DB) accessOf(ctx context.Context, org store.Organisation, u store.User) (list []store.Access, err error) {
	persons, err := all(ctx, d.conn, func(row scanner) (p store.Person, err error) {
		return p, row.Scan(&p.Platform, &p.Team, &p.ID)
	}, `SELECT platform, team, id FROM persons WHERE user_id = $1 ORDER BY platform, team, id`, u.ID)
	if err != nil {
		return nil, err
	}
	err = d.as(ctx, org.ID, u.ID, func(tx conn) error {
		list = nil // the transaction may be tried again
		conns, err := all(ctx, tx, scanConnection, `SELECT `+connectionColumns+` FROM user_tokens
			WHERE org_id = $1 AND (user_id = $2 OR user_id IS NULL) ORDER BY cloud, account, id`, org.ID, u.ID)
		if err != nil {
			return err
		}
		grants, err := all(ctx, tx, scanGrant, `SELECT `+grantColumns+` FROM grants WHERE org_id = $1 ORDER BY connection_id, channel, project, role`, org.ID)
		if err != nil {
			return err
		}
		for _, c := range conns {
			if c.UserID == u.ID {
				list = append(list, store.Access{Org: org, User: u, Persons: persons, Connection: c})
				continue
			}
			for _, g := range grants {
				if g.ConnectionID == c.ID && g.Covers(u.ID, u.Role) {
					list = append(list, store.Access{Org: org, User: u, Persons: persons, Connection: c, Grant: &g})
				}
			}
		}
		return nil
	})
	return list, err
}

// use is a connection in a user's hands.
type use struct{ user, connection string }

// lastUses tells when each user last had a command run with each connection. The audit knows for ever; intents are pruned.
func (d *DB) lastUses(ctx context.Context, orgID string) (map[use]time.Time, error) {
	used := map[use]time.Time{}
	err := d.each(ctx, `SELECT user_id, {used connection}, max(at) FROM audit WHERE org_id = $1 AND kind = 'intent' GROUP BY 1, 2`, []any{orgID},
		func(row scanner) error {
			var u use
			var at time.Time
			if err := row.Scan(&u.user, &u.connection, timeColumn{&at}); err != nil {
				return err
			}
			used[u] = at
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read last uses from the audit: %w", err)
	}
	return used, nil
}
