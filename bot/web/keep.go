package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"aurora/bot"
	"aurora/providers"
	"aurora/store"
)

// slot is where a credential goes, and which version of it is to be replaced.
type slot struct {
	path    string
	version int64
	old     store.Credential  // of that version
	conn    *store.Connection // that points there for this account; nil for a new one
}

// placeFor finds the place of a credential. The same account again replaces its credential; a further account of the
// same cloud gets a path of its own, and so does one whose path holds a credential that no connection of this account
// points to.
func (s *Server) placeFor(ctx context.Context, t bot.ConnectTicket, l Linked) (slot, error) {
	conns, err := s.owned(ctx, t)
	if err != nil {
		return slot{}, fmt.Errorf("list connections: %w", err)
	}
	path, known := pathFor(t, l, conns)
	further := store.CredentialPath(t.OrgID, t.Owner(), t.Cloud, l.Account, false)
	at, err := s.slotAt(ctx, t, path)
	if err == nil && at.version > 0 && known == nil && path != further {
		at, err = s.slotAt(ctx, t, further)
	}
	at.conn = known
	return at, err
}

// owned lists the connections among which the new one will stand.
func (s *Server) owned(ctx context.Context, t bot.ConnectTicket) ([]store.Connection, error) {
	if t.Shared {
		return s.Connections.OrganisationConnections(ctx, t.OrgID)
	}
	return s.Connections.Connections(ctx, t.OrgID, t.UserID)
}

// slotAt is what lies at a path; version 0 where there is nothing.
func (s *Server) slotAt(ctx context.Context, t bot.ConnectTicket, path string) (slot, error) {
	old, version, err := s.Keeper.Get(ctx, path)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return slot{}, fmt.Errorf("read the %s credential: %w", t.Cloud, err)
	}
	return slot{path: path, version: version, old: old}, nil
}

// pathFor is the path of the account's credential, and the connection that points there where there is one.
func pathFor(t bot.ConnectTicket, l Linked, conns []store.Connection) (path string, known *store.Connection) {
	first := true
	for _, c := range conns {
		if c.Cloud != t.Cloud || c.UserID != t.Owner() {
			continue
		}
		if c.Account == l.Account {
			return c.Token[len("vault:"):], &c
		}
		first = false
	}
	return store.CredentialPath(t.OrgID, t.Owner(), t.Cloud, l.Account, first), nil
}

// keepTime is what the stores may take to keep a connection, and as much again to undo half of it.
const keepTime = 20 * time.Second

// keepRow keeps the row of a connection at somebody's word.
type keepRow func(ctx context.Context, c store.Connection) (store.Connection, error)

// keep stores a credential, then its connection by row. It ends what it began also when the browser is closed
// meanwhile: a credential that lies there already is in use.
func (s *Server) keep(ctx context.Context, t bot.ConnectTicket, l Linked, at slot, row keepRow) (store.Connection, error) {
	if l.Merge && at.conn != nil {
		l = merged(l, at)
	}
	whole, done := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer done()
	version, err := s.Keeper.Put(whole, at.path, l.Credential, at.version)
	if err != nil {
		return store.Connection{}, fmt.Errorf("keep the %s credential: %w", t.Cloud, err)
	}
	kept, err := row(whole, connection(t, l, at.path))
	if err != nil {
		return store.Connection{}, fmt.Errorf("keep the %s connection: %w", t.Cloud, errors.Join(err, s.putBack(ctx, at, version)))
	}
	return kept, nil
}

// putBack undoes what was put into a slot as this version. Nobody would ever find a new credential again, and one in the
// place of another would be used under what was said and approved of that.
func (s *Server) putBack(ctx context.Context, at slot, version int64) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer done()
	if at.version == 0 {
		if err := s.Keeper.Delete(ctx, at.path); err != nil {
			return fmt.Errorf("erase the credential again: %w", err)
		}
		return nil
	}
	if _, err := s.Keeper.Put(ctx, at.path, at.old, version); err != nil {
		return fmt.Errorf("put the earlier credential back: %w", err)
	}
	return nil
}

func connection(t bot.ConnectTicket, l Linked, path string) store.Connection {
	return store.Connection{
		OrgID: t.OrgID, UserID: t.Owner(), Cloud: t.Cloud, Account: l.Account, Label: l.Label, Region: l.Region, Projects: l.Projects,
		Settings: l.Settings, ReadOnly: l.ReadOnly, Token: "vault:" + path, Status: store.ConnectionActive,
	}
}

// merged adds a further sign-in of an account to what is kept of it: the consents for reading and for changing are two,
// and the default project that was chosen stays. Of a connection that is broken no token stays: which of the two consents
// has ended is not kept, and with the dead one in it the new connection would break at the next run.
func merged(l Linked, at slot) Linked {
	if at.conn.Status != store.ConnectionBroken {
		l.Credential = providers.MergeCredential(at.old, l.Credential)
	}
	if _, wide := providers.TokensOf(l.Credential, providers.WideSlot); wide {
		l.ReadOnly = false
	}
	chosen := at.conn.Settings[store.SettingDefaultProject]
	if slices.Contains(l.Projects, chosen) {
		l.Settings = maps.Clone(l.Settings)
		if l.Settings == nil {
			l.Settings = map[string]string{}
		}
		l.Settings[store.SettingDefaultProject] = chosen
	}
	return l
}
