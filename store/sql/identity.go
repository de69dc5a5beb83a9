package sql

import (
	"context"
	"errors"
	"fmt"

	"aurora/store"
)

// EnsureOrganisation gives the organisation of a workspace or tenant, made at first contact. A name that is not empty
// replaces the one that is kept.
func (d *DB) EnsureOrganisation(ctx context.Context, platform store.Platform, team, name string) (store.Organisation, error) {
	if platform == "" || team == "" {
		return store.Organisation{}, errors.New("an organisation needs its platform and its team")
	}
	org, err := d.organisation(ctx, platform, team)
	if err == nil && (name == "" || name == org.Name) {
		return org, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Organisation{}, err
	}
	err = d.tx(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `INSERT INTO organisations (id, platform, team, name) VALUES ($1, $2, $3, $4)
			ON CONFLICT (platform, team) DO UPDATE SET name = CASE WHEN excluded.name = '' THEN organisations.name ELSE excluded.name END`,
			newID("org"), platform, clean(team), clean(name))
		if err != nil {
			return err
		}
		if org, err = tx.organisation(ctx, platform, team); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO freezes (org_id) VALUES ($1) ON CONFLICT DO NOTHING`, org.ID)
		return err
	})
	return org, err
}

func (c conn) organisation(ctx context.Context, platform store.Platform, team string) (o store.Organisation, err error) {
	err = c.one(ctx, `SELECT id, platform, team, name FROM organisations WHERE platform = $1 AND team = $2`,
		[]any{platform, clean(team)}, &o.ID, &o.Platform, &o.Team, &o.Name)
	return o, err
}

const userColumns = `u.id, u.org_id, u.role, u.active, u.prefer, u.created_at, u.person_platform, u.person_team, u.person_id`

func scanUser(row scanner) (u store.User, err error) {
	err = row.Scan(&u.ID, &u.OrgID, &u.Role, &u.Active, jsonColumn{&u.Prefer}, timeColumn{&u.CreatedAt},
		&u.DefaultWith.Platform, &u.DefaultWith.Team, &u.DefaultWith.ID)
	return u, err
}

// Person gives the user a person is linked to, store.ErrNotFound for a stranger. It is one look-up by key.
func (d *DB) Person(ctx context.Context, p store.Person) (store.User, error) {
	return d.person(ctx, p)
}

func (c conn) person(ctx context.Context, p store.Person) (store.User, error) {
	return first(ctx, c, scanUser, `SELECT `+userColumns+` FROM persons p JOIN users u ON u.id = p.user_id
		WHERE p.platform = $1 AND p.team = $2 AND p.id = $3`, p.Platform, clean(p.Team), clean(p.ID))
}

// EnsureUser gives a person's user, made with the role at first contact, which is audited as a login. Two first contacts
// at once make one user.
func (d *DB) EnsureUser(ctx context.Context, org store.Organisation, p store.Person, role store.Role) (u store.User, created bool, err error) {
	if p.Platform == "" || p.Team == "" || p.ID == "" {
		return u, false, errors.New("a person needs a platform, a team and an id")
	}
	if u, err = d.person(ctx, p); !errors.Is(err, store.ErrNotFound) {
		return u, false, err
	}
	err = d.tx(ctx, func(tx conn) error {
		created = false
		// The organisation's row is the lock under which first contacts take turns.
		if _, err := tx.has(ctx, `SELECT 1 FROM organisations WHERE id = $1 {lock}`, org.ID); err != nil {
			return err
		}
		if u, err = tx.person(ctx, p); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		created = true
		u, err = tx.newUser(ctx, org, p, role)
		return err
	})
	if err != nil {
		return store.User{}, false, err
	}
	return u, created, nil
}

func (c conn) newUser(ctx context.Context, org store.Organisation, p store.Person, role store.Role) (store.User, error) {
	id := newID("usr")
	_, err := c.exec(ctx, `INSERT INTO users (id, org_id, role, person_platform, person_team, person_id) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, org.ID, role, p.Platform, clean(p.Team), clean(p.ID))
	if err != nil {
		return store.User{}, err
	}
	_, err = c.exec(ctx, `INSERT INTO persons (platform, team, id, user_id) VALUES ($1, $2, $3, $4)`,
		p.Platform, clean(p.Team), clean(p.ID), id)
	if err != nil {
		return store.User{}, err
	}
	err = c.append(ctx, note(store.AuditLogin, org.ID, p, id, map[string]any{"first_contact": true, "role": role}))
	if err != nil {
		return store.User{}, err
	}
	return c.user(ctx, org.ID, id)
}

// UserByID gives a user of an organisation.
func (d *DB) UserByID(ctx context.Context, orgID, userID string) (store.User, error) {
	return d.user(ctx, orgID, userID)
}

func (c conn) user(ctx context.Context, orgID, userID string) (store.User, error) {
	return first(ctx, c, scanUser, `SELECT `+userColumns+` FROM users u WHERE u.id = $1 AND u.org_id = $2`, userID, orgID)
}

// LinkPerson makes a further person act as a user, audited as a login. Whoever calls it has proven that both are one
// human being. A person already linked to another user moves.
func (d *DB) LinkPerson(ctx context.Context, orgID, userID string, p, by store.Person) error {
	return d.tx(ctx, func(tx conn) error {
		if _, err := tx.user(ctx, orgID, userID); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO persons (platform, team, id, user_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT (platform, team, id) DO UPDATE SET user_id = excluded.user_id, linked_at = {now}`,
			p.Platform, clean(p.Team), clean(p.ID), userID)
		if err != nil {
			return err
		}
		return tx.append(ctx, note(store.AuditLogin, orgID, by, userID, map[string]any{"linked": p.String()}))
	})
}

// SetRole changes a user's role and audits who did it.
func (d *DB) SetRole(ctx context.Context, orgID string, by store.Person, userID string, role store.Role) error {
	return d.tx(ctx, func(tx conn) error {
		var before store.Role
		err := tx.one(ctx, `SELECT role FROM users WHERE id = $1 AND org_id = $2 {lock}`, []any{userID, orgID}, &before)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE users SET role = $1 WHERE id = $2`, role, userID); err != nil {
			return fmt.Errorf("set role: %w", err)
		}
		return tx.append(ctx, note(store.AuditRole, orgID, by, userID, map[string]any{"from": before, "to": role}))
	})
}

// SetActive switches a user off or on again and audits who did it, as a change of his role.
func (d *DB) SetActive(ctx context.Context, orgID string, by store.Person, userID string, active bool) error {
	return d.tx(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, `UPDATE users SET active = $1 WHERE id = $2 AND org_id = $3`, active, userID, orgID)
		if err != nil {
			return err
		}
		if n == 0 {
			return store.ErrNotFound
		}
		return tx.append(ctx, note(store.AuditRole, orgID, by, userID, map[string]any{"active": active}))
	})
}
