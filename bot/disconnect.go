package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"aurora/store"
)

// leaving is what a person can have disconnected: a connection, or one of his that still waits for an admin.
type leaving struct {
	conn    store.Connection
	pending string // the id of one that waits
}

// mostLeaving bounds how many buttons one account's connections get: the rest comes when it is asked for again.
const mostLeaving = 5

// disconnect asks the asker once more, with a button of his own, before a connection of his, or for an admin one of the
// organisation's, is forgotten. A press on Home was asked there.
func (d *Desk) disconnect(ctx context.Context, o order) (Message, error) {
	args, shared := forEveryone(o.verb.Args)
	if len(args) == 0 || cloudNamed(args[0]) == "" {
		return notice("Say which cloud, for example `disconnect aws`."), nil
	}
	if shared && o.asker.User.Role != store.Admin {
		return notice("Only Aurora admins can disconnect what belongs to everyone. You are %s.", o.asker.User.Role), nil
	}
	cloud, home := cloudNamed(args[0]), pressedHome(o.row) && !shared
	found, err := d.leaving(ctx, o.asker, shared)
	if err != nil {
		return Message{}, err
	}
	found = slices.DeleteFunc(found, func(l leaving) bool {
		return l.conn.Cloud != cloud || len(args) == 2 && l.conn.Account != args[1] || home && l.pending != ""
	})
	switch accounts := accountsOf(found); {
	case len(found) == 0 && shared:
		return notice("Your organisation has no such connection to %s.", cloud), nil
	case len(found) == 0:
		return notice("You have no such connection of your own to %s.", cloud), nil
	case len(accounts) > 1:
		return notice("There are several connections to %s: %s. Name the account behind the cloud, as in `disconnect %s %s`.", cloud, strings.Join(accounts, ", "), cloud, accounts[0]), nil
	case home:
		return d.cutOff(ctx, found[0].conn, o.row.Person)
	}
	return d.askLeaving(ctx, o.asker, found[:min(len(found), mostLeaving)], shared)
}

// leaving lists what the asker, or the organisation, has connected, and what of the asker's waits.
func (d *Desk) leaving(ctx context.Context, a asker, shared bool) (list []leaving, err error) {
	conns, err := d.ownedBy(ctx, a, shared)
	if err != nil {
		return nil, err
	}
	for _, c := range conns {
		list = append(list, leaving{conn: c})
	}
	waiting, err := d.Belongings.PendingOf(ctx, a.Org.ID, a.User.ID)
	if err != nil {
		return nil, fmt.Errorf("list what waits for an admin: %w", err)
	}
	for _, p := range waiting {
		if p.OfOrganisation() == shared {
			list = append(list, leaving{p.Connection, p.ID})
		}
	}
	return list, nil
}

// ownedBy lists what the asker, or the organisation, has connected.
func (d *Desk) ownedBy(ctx context.Context, a asker, shared bool) (conns []store.Connection, err error) {
	if shared {
		conns, err = d.Grants.OrganisationConnections(ctx, a.Org.ID)
	} else {
		conns, err = d.Connections.Connections(ctx, a.Org.ID, a.User.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return slices.DeleteFunc(conns, func(c store.Connection) bool { return (c.UserID == "") != shared }), nil
}

func accountsOf(list []leaving) []string {
	var names []string
	for _, l := range list {
		names = append(names, l.conn.Account)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// askLeaving names what goes, with a button for each.
func (d *Desk) askLeaving(ctx context.Context, a asker, found []leaving, shared bool) (m Message, err error) {
	var lines []string
	for _, l := range found {
		line, err := d.whatGoes(ctx, l)
		if err != nil {
			return m, err
		}
		lines = append(lines, line)
		b := Button{Action: actionCut, Label: "Disconnect " + connectionName(l.conn), Style: "danger"}
		means := pressed{User: a.User.ID, Shared: shared, Connection: l.conn.ID, Generation: l.conn.Generation}
		if l.pending != "" {
			b.Label, means = "Withdraw "+connectionName(l.conn), pressed{User: a.User.ID, Shared: shared, Pending: l.pending}
		}
		b.Press = detail(means)
		m.Buttons = append(m.Buttons, b)
	}
	m.Notice = strings.Join(append(lines, "Nothing goes before you press the button; without one, ask again in a minute."), " ")
	return m, nil
}

// whatGoes says what a press would take away.
func (d *Desk) whatGoes(ctx context.Context, l leaving) (string, error) {
	name := connectionName(l.conn)
	if l.pending != "" {
		return fmt.Sprintf("%s waits for an admin: it would wait no more, and its credential would be erased.", name), nil
	}
	line := fmt.Sprintf("Disconnect %s? Its credential is taken back where the cloud can do that, and erased in any case. Cards that wait for a click on it will not run.", name)
	if l.conn.UserID != "" {
		return line, nil
	}
	grants, err := d.Grants.Grants(ctx, l.conn.OrgID, l.conn.ID)
	if err != nil {
		return "", fmt.Errorf("list grants: %w", err)
	}
	if n := len(l.conn.Projects); n > 0 {
		line += fmt.Sprintf(" It reaches %d projects or accounts.", n)
	}
	if len(grants) == 0 {
		return line + " It is your organisation's; nobody was granted it.", nil
	}
	return line + fmt.Sprintf(" It is your organisation's, and what was granted on it ends: %s.", clip(joined(grants), 600)), nil
}

// pressDisconnect carries out what askLeaving asked.
func (d *Desk) pressDisconnect(ctx context.Context, claim store.Claim, row store.Received, a asker, means pressed) error {
	m, err := d.leave(ctx, a, row.Person, means)
	if err != nil {
		return err
	}
	return d.settle(ctx, claim, row, whisper(row, m))
}

func (d *Desk) leave(ctx context.Context, a asker, by store.Person, means pressed) (Message, error) {
	switch {
	case means.User != a.User.ID:
		return notice("This button is for the person who asked. Nothing was disconnected."), nil
	case means.Shared && a.User.Role != store.Admin:
		return notice("Only Aurora admins can disconnect what belongs to everyone. You are %s.", a.User.Role), nil
	case means.Pending != "":
		return d.withdraw(ctx, a.Org.ID, means.Pending, by)
	}
	conns, err := d.ownedBy(ctx, a, means.Shared)
	if err != nil {
		return Message{}, err
	}
	i := slices.IndexFunc(conns, func(c store.Connection) bool { return c.ID == means.Connection })
	if i < 0 {
		return notice("That is not connected any more."), nil
	}
	if c := conns[i]; c.Generation != means.Generation {
		return notice("%s was connected again since you were asked, so it stays. Say `disconnect %s` again if it is to go.", connectionName(c), c.Cloud), nil
	}
	return d.cutOff(ctx, conns[i], by)
}

// cutOff forgets a connection: credential first, then the row, so that a crash between leaves something that can be
// disconnected again, never a credential nobody knows of.
func (d *Desk) cutOff(ctx context.Context, c store.Connection, by store.Person) (Message, error) {
	said, err := d.Settings.Forget(ctx, c)
	if trouble, ok := errors.AsType[*store.Trouble](err); ok { // told now: a disconnection that happens an hour later helps nobody
		zerolog.Ctx(ctx).Error().Err(err).Msg("forget a credential")
		return notice("%s is still connected, because its credential could not be erased. %s", c.Cloud, trouble.Sentence()), nil
	}
	if err != nil {
		return Message{}, fmt.Errorf("forget the credential of %s: %w", c.Cloud, err)
	}
	_, err = d.Connections.Disconnect(ctx, c, by)
	if errors.Is(err, store.ErrConflict) {
		return notice("%s (%s) was connected again while I erased its credential. Look at `status`, and say `disconnect %[1]s` again if it is to go.", c.Cloud, c.Account), nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Message{}, fmt.Errorf("disconnect %s: %w", c.Cloud, err)
	}
	return notice("%s (%s) is disconnected and its credential is erased. %s", c.Cloud, c.Account, said), nil
}

// withdraw takes back what waits for an admin.
func (d *Desk) withdraw(ctx context.Context, orgID, id string, by store.Person) (Message, error) {
	said, err := d.Settings.Withdraw(ctx, orgID, id, by)
	if errors.Is(err, store.ErrNotFound) {
		return notice("That connection does not wait any more: it was approved, refused, withdrawn, or erased after a day."), nil
	}
	if trouble, ok := errors.AsType[*store.Trouble](err); ok {
		zerolog.Ctx(ctx).Error().Err(err).Msg("forget a credential that waits")
		return notice("It still waits, because its credential could not be erased. %s", trouble.Sentence()), nil
	}
	if err != nil {
		return Message{}, fmt.Errorf("withdraw a connection that waits: %w", err)
	}
	return Message{Notice: said}, nil
}
