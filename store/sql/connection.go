package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aurora/store"
)

// organisation stands in app.user_id when no user is meant but the organisation itself. User ids begin with usr_.
const organisationItself = "organisation"

const connectionColumns = `id, org_id, coalesce(user_id, ''), cloud, account, label, region, projects, settings, token,
	generation, status, read_only, created_at`

func scanConnection(row scanner) (c store.Connection, err error) {
	err = row.Scan(&c.ID, &c.OrgID, &c.UserID, &c.Cloud, &c.Account, &c.Label, &c.Region, jsonColumn{&c.Projects},
		jsonColumn{&c.Settings}, &c.Token, &c.Generation, &c.Status, &c.ReadOnly, timeColumn{&c.CreatedAt})
	return c, err
}

// Connections lists what a user may use: his own connections and those of the organisation that he is granted, by cloud
// and account. How far a grant goes is told by Grants.
func (d *DB) Connections(ctx context.Context, orgID, userID string) (list []store.Connection, err error) {
	if userID == "" {
		return nil, nil
	}
	err = d.as(ctx, orgID, userID, func(tx conn) error {
		list, err = tx.connections(ctx, orgID, userID, "")
		return err
	})
	return list, err
}

// Connection gives one of them, store.ErrNotFound when the user may not use it.
func (d *DB) Connection(ctx context.Context, orgID, userID, id string) (c store.Connection, err error) {
	if userID == "" || id == "" {
		return c, store.ErrNotFound
	}
	err = d.as(ctx, orgID, userID, func(tx conn) error {
		list, err := tx.connections(ctx, orgID, userID, id)
		if err == nil && len(list) == 0 {
			return store.ErrNotFound
		}
		if err == nil {
			c = list[0]
		}
		return err
	})
	return c, err
}

func (c conn) connections(ctx context.Context, orgID, userID, id string) ([]store.Connection, error) {
	user, err := c.user(ctx, orgID, userID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := all(ctx, c, scanConnection, `SELECT `+connectionColumns+` FROM user_tokens
		WHERE org_id = $1 AND (user_id = $2 OR user_id IS NULL) AND (id = $3 OR $3 = '')
		ORDER BY cloud, account, id`, orgID, userID, id)
	if err != nil {
		return nil, err
	}
	grants, err := all(ctx, c, scanGrant, `SELECT `+grantColumns+` FROM grants
		WHERE org_id = $1 AND (connection_id = $2 OR $2 = '')`, orgID, id)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(c store.Connection) bool {
		return c.UserID == "" && !slices.ContainsFunc(grants, func(g store.Grant) bool {
			return g.ConnectionID == c.ID && g.Covers(user.ID, user.Role)
		})
	}), nil
}

// OrganisationConnections lists what the organisation owns, granted or not: for admins, and for what the organisation
// itself does (incidents).
func (d *DB) OrganisationConnections(ctx context.Context, orgID string) (list []store.Connection, err error) {
	err = d.as(ctx, orgID, organisationItself, func(tx conn) error {
		list, err = all(ctx, tx, scanConnection, `SELECT `+connectionColumns+` FROM user_tokens
			WHERE org_id = $1 AND user_id IS NULL ORDER BY cloud, account, id`, orgID)
		return err
	})
	return list, err
}

// Connect keeps a connection and audits who made it. A second one of the same owner, cloud and account takes the place of
// the first under the same id, with the next generation. The connection as it stands is given back. store.ErrNotFound, and
// nothing is kept, for an owner who may not use Aurora any more; the organisation's own is kept on an admin's word alone.
func (d *DB) Connect(ctx context.Context, c store.Connection, by store.Person) (kept store.Connection, err error) {
	args, err := connectionArgs(c)
	if err != nil {
		return kept, err
	}
	err = d.as(ctx, c.OrgID, ownerOf(c.UserID), func(tx conn) error {
		if err := tx.mayConnect(ctx, c, by); err != nil {
			return err
		}
		kept, err = tx.connect(ctx, args, by)
		return err
	})
	return kept, err
}

// connect keeps a connection and audits it.
func (c conn) connect(ctx context.Context, args []any, by store.Person) (kept store.Connection, err error) {
	kept, err = first(ctx, c, scanConnection, `INSERT INTO user_tokens
		(id, org_id, user_id, owner, cloud, account, label, region, projects, settings, token, status, read_only)
		VALUES ($1, $2, nullif($3, ''), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (org_id, coalesce(user_id, ''), cloud, account) DO UPDATE SET
			label = excluded.label, region = excluded.region, projects = excluded.projects, settings = excluded.settings,
			token = excluded.token, status = excluded.status, read_only = excluded.read_only,
			generation = user_tokens.generation + 1
		RETURNING `+connectionColumns, args...)
	if err != nil {
		return kept, fmt.Errorf("keep connection: %w", err)
	}
	return kept, c.append(ctx, note(store.AuditConnect, kept.OrgID, by, kept.ID, connectionDetail(kept)))
}

// mayConnect is asked last: while a cloud was being asked, its person may have left, or be no admin any more.
func (c conn) mayConnect(ctx context.Context, in store.Connection, by store.Person) error {
	if in.UserID != "" {
		_, err := c.holdUser(ctx, in.OrgID, in.UserID)
		return err
	}
	user, err := c.person(ctx, by)
	if err != nil {
		return fmt.Errorf("find who connects for everyone: %w", err)
	}
	if user, err = c.holdUser(ctx, in.OrgID, user.ID); err != nil {
		return err
	}
	if user.Role != store.Admin {
		return fmt.Errorf("connect for everyone as %s: %w", user.Role, store.ErrNotFound)
	}
	return nil
}

func connectionArgs(c store.Connection) ([]any, error) {
	switch {
	case c.OrgID == "" || c.Cloud == "" || c.Account == "":
		return nil, errors.New("a connection needs an organisation, a cloud and an account")
	case !strings.HasPrefix(c.Token, "vault:"):
		return nil, errors.New("a connection's token must say where the credential lies (vault:...): the database holds no secret")
	}
	if c.ID == "" {
		c.ID = newID("con")
	}
	if c.Status == "" {
		c.Status = store.ConnectionActive
	}
	projects, err := encode(append([]string{}, c.Projects...))
	if err != nil {
		return nil, err
	}
	if c.Settings == nil {
		c.Settings = map[string]string{}
	}
	settings, err := encode(c.Settings)
	if err != nil {
		return nil, err
	}
	return []any{c.ID, c.OrgID, c.UserID, c.Owner(), c.Cloud, clean(c.Account), clean(c.Label), clean(c.Region), projects, settings,
		clean(c.Token), c.Status, c.ReadOnly}, nil
}

func ownerOf(userID string) string {
	if userID == "" {
		return organisationItself
	}
	return userID
}

func connectionDetail(c store.Connection) map[string]any {
	return map[string]any{"cloud": c.Cloud, "account": c.Account, "owner": c.Owner(), "user": c.UserID, "generation": c.Generation}
}

// Disconnect removes a connection and its grants, audits who did it and gives back what stood there. It has to be the owner's
// that c names, in c's generation: store.ErrConflict for one that was connected again since c was read, whose credential
// would be nobody's, store.ErrNotFound for one that is not there.
func (d *DB) Disconnect(ctx context.Context, c store.Connection, by store.Person) (gone store.Connection, err error) {
	const which = ` FROM user_tokens WHERE id = $1 AND org_id = $2 AND coalesce(user_id, '') = $3`
	err = d.as(ctx, c.OrgID, ownerOf(c.UserID), func(tx conn) error {
		gone, err = first(ctx, tx, scanConnection, `DELETE`+which+` AND generation = $4 RETURNING `+connectionColumns, c.ID, c.OrgID, c.UserID, c.Generation)
		if errors.Is(err, store.ErrNotFound) {
			return tx.connectedAgain(ctx, which, c)
		}
		if err != nil {
			return err
		}
		return tx.append(ctx, note(store.AuditDisconnect, c.OrgID, by, c.ID, connectionDetail(gone)))
	})
	return gone, err
}

// connectedAgain says why a connection could not be removed.
func (c conn) connectedAgain(ctx context.Context, which string, gone store.Connection) error {
	if _, err := first(ctx, c, scanConnection, `SELECT `+connectionColumns+which, gone.ID, gone.OrgID, gone.UserID); err != nil {
		return err
	}
	return store.ErrConflict
}

// SetDefaultProject keeps which project of a user's own connection is taken when a command names none. store.ErrNotFound
// for one that the connection does not reach.
func (d *DB) SetDefaultProject(ctx context.Context, orgID, userID, id, project string) error {
	if userID == "" {
		return store.ErrNotFound
	}
	return d.as(ctx, orgID, userID, func(tx conn) error {
		c, err := first(ctx, tx, scanConnection, `SELECT `+connectionColumns+` FROM user_tokens
			WHERE id = $1 AND org_id = $2 AND user_id = $3 {lock}`, id, orgID, userID)
		if err != nil {
			return err
		}
		if !slices.Contains(c.Projects, project) {
			return store.ErrNotFound
		}
		if c.Settings == nil {
			c.Settings = map[string]string{}
		}
		c.Settings[store.SettingDefaultProject] = project
		settings, err := encode(c.Settings)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE user_tokens SET settings = $1 WHERE id = $2`, settings, id)
		return err
	})
}
