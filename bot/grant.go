package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
)

const (
	grantUsage = "Say `grant <cloud> to @person|<role>|#channel|everyone [in #channel] [on <project,..>] up to read|write|disrupt|delete`, " +
		"for example `grant aws to everyone up to read`."
	revokeUsage = "Say `revoke <cloud> from @person|<role>|#channel|everyone [in #channel] [on <project,..>]`; `grants` lists what is granted."
)

// grantWords is a grant as somebody said it: what is granted, to whom, where, on what, how far.
type grantWords struct {
	what     string
	person   string
	role     store.Role
	channel  string
	projects []string
	effect   policy.Effect
}

func aGrant(args []string) bool {
	w, ok := readGrant(args, "to")
	return ok && w.effect != 0
}

func aRevocation(args []string) bool {
	_, ok := readGrant(args, "from")
	return ok
}

// readGrant reads "<what> to|from <whom> [in #channel] [on <project,..>] [up to <effect>]"; ok is false for anything else.
func readGrant(args []string, joint string) (w grantWords, ok bool) {
	if len(args) < 3 || !strings.EqualFold(args[1], joint) || !w.whom(args[2]) {
		return w, false
	}
	w.what = args[0]
	for rest := args[3:]; len(rest) > 0; {
		taken := 0
		switch word := strings.ToLower(rest[0]); {
		case word == "in" && len(rest) > 1 && w.channel == "" && channelNamed(rest[1]) != "":
			w.channel, taken = channelNamed(rest[1]), 2
		case word == "on" && w.projects == nil:
			w.projects, taken = projectsIn(rest[1:])
		case word == "up" && len(rest) == 3 && strings.EqualFold(rest[1], "to"):
			effect, known := policy.ParseEffect(strings.ToLower(rest[2]))
			if !known || effect == policy.Forbidden {
				return w, false
			}
			w.effect, taken = effect, 3
		}
		if taken == 0 {
			return w, false
		}
		rest = rest[taken:]
	}
	return w, true
}

// whom reads for whom a grant is.
func (w *grantWords) whom(word string) bool {
	if strings.EqualFold(word, "everyone") {
		return true
	}
	w.person, w.channel = personNamed(word), channelNamed(word)
	role, ok := store.ParseRole(strings.TrimSuffix(strings.ToLower(word), "s"))
	if ok {
		w.role = role
	}
	return ok || w.person != "" || w.channel != ""
}

// projectsIn reads "a,b, c" up to the next word of a grant, and tells how many words it took with the one before.
func projectsIn(words []string) (list []string, taken int) {
	for i, word := range words {
		if i > 0 && slices.Contains([]string{"in", "on", "up"}, strings.ToLower(word)) {
			break
		}
		for part := range strings.SplitSeq(word, ",") {
			if part != "" {
				list = append(list, part)
			}
		}
		taken = i + 2
	}
	return list, taken
}

// grant lets somebody use what the organisation owns.
func (d *Desk) grant(ctx context.Context, o order) (Message, error) {
	w, ok := readGrant(o.verb.Args, "to")
	if !ok || w.effect == 0 {
		return Message{Notice: grantUsage}, nil
	}
	conn, grants, said, err := d.meant(ctx, o, w)
	if err != nil || said != "" {
		return Message{Notice: said}, err
	}
	for _, g := range grants {
		if err := d.Grants.Grant(ctx, o.asker.Org.ID, g, o.row.Person); err != nil {
			return Message{}, fmt.Errorf("keep the grant: %w", err)
		}
	}
	return notice("Granted: %s %s.", connectionName(conn), joined(grants)), nil
}

// revoke takes a grant back. Cards that wait for a click find out when they are clicked.
func (d *Desk) revoke(ctx context.Context, o order) (Message, error) {
	w, ok := readGrant(o.verb.Args, "from")
	if !ok {
		return Message{Notice: revokeUsage}, nil
	}
	conn, grants, said, err := d.meant(ctx, o, w)
	if err != nil || said != "" {
		return Message{Notice: said}, err
	}
	gone := 0
	for _, g := range grants {
		err := d.Grants.Revoke(ctx, o.asker.Org.ID, g, o.row.Person)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return Message{}, fmt.Errorf("take the grant back: %w", err)
		}
		if err == nil {
			gone++
		}
	}
	if gone == 0 {
		return notice("There is no such grant on %s. `grants` lists what is granted.", connectionName(conn)), nil
	}
	return notice("Taken back: %d of the grants on %s. What waits for a click under it will not run.", gone, connectionName(conn)), nil
}

// meant finds the connection and spells the grants out, one for each project. said is what is wrong with the words.
func (d *Desk) meant(ctx context.Context, o order, w grantWords) (conn store.Connection, grants []store.Grant, said string, err error) {
	if conn, said, err = d.shared(ctx, o.asker.Org.ID, w.what); err != nil || said != "" {
		return conn, nil, said, err
	}
	g := store.Grant{ConnectionID: conn.ID, Role: w.role, Channel: w.channel}
	if w.effect != 0 {
		g.MaxEffect = w.effect.String()
	}
	if w.person != "" {
		p := store.Person{Platform: o.row.Person.Platform, Team: o.row.Person.Team, ID: w.person}
		other, refusal, err := d.identify(ctx, o.row.Place, p)
		if err != nil {
			return conn, nil, "", err
		}
		if refusal != "" {
			return conn, nil, fmt.Sprintf("%s can't use Aurora, so there is nothing to grant.", p.ID), nil
		}
		g.UserID = other.User.ID
	}
	if len(w.projects) == 0 {
		return conn, []store.Grant{g}, "", nil
	}
	for _, name := range w.projects {
		id, ok := providers.ProjectNamed(conn, name)
		if !ok {
			return conn, nil, fmt.Sprintf("`%s` is not among what %s reaches, so nothing was changed.", clip(name, 60), connectionName(conn)), nil
		}
		g.Project = id
		grants = append(grants, g)
	}
	return conn, grants, "", nil
}

// shared finds the organisation's connection that people mean by a cloud, an account or a label.
func (d *Desk) shared(ctx context.Context, orgID, name string) (conn store.Connection, said string, err error) {
	conns, err := d.Grants.OrganisationConnections(ctx, orgID)
	if err != nil {
		return conn, "", fmt.Errorf("list the organisation's connections: %w", err)
	}
	cloud := cloudNamed(name)
	fitting := slices.DeleteFunc(slices.Clone(conns), func(c store.Connection) bool {
		return (cloud == "" || c.Cloud != cloud) && c.Account != name && c.ID != name && !(c.Label != "" && strings.EqualFold(c.Label, name))
	})
	switch {
	case len(fitting) == 1:
		return fitting[0], "", nil
	case len(fitting) > 1:
		return conn, fmt.Sprintf("There are several: %s. Name one by its account.", connectionNames(fitting)), nil
	case len(conns) == 0:
		return conn, "Nothing is connected for everyone yet: say `connect aws for everyone` first.", nil
	}
	return conn, fmt.Sprintf("`%s` is not connected for everyone. There is: %s.", clip(name, 60), connectionNames(conns)), nil
}

func connectionName(c store.Connection) string {
	name := fmt.Sprintf("%s %s", c.Cloud, c.Account)
	if c.Label != "" && c.Label != c.Account {
		name += " (" + c.Label + ")"
	}
	return name
}

func connectionNames(conns []store.Connection) string {
	names := make([]string, len(conns))
	for i, c := range conns {
		names[i] = connectionName(c)
	}
	return strings.Join(names, ", ")
}

// listGrants shows what the organisation owns and who may use it.
func (d *Desk) listGrants(ctx context.Context, o order) (Message, error) {
	conns, err := d.Grants.OrganisationConnections(ctx, o.asker.Org.ID)
	if err != nil {
		return Message{}, fmt.Errorf("list the organisation's connections: %w", err)
	}
	if len(conns) == 0 {
		return notice("Nothing is connected for everyone yet: say `connect aws for everyone` first."), nil
	}
	var lines []string
	for _, c := range conns {
		line := fmt.Sprintf("**%s**", connectionName(c))
		if len(c.Projects) > 0 {
			line += fmt.Sprintf(", reaching %d projects or accounts", len(c.Projects))
		}
		grants, err := d.Grants.Grants(ctx, o.asker.Org.ID, c.ID)
		if err != nil {
			return Message{}, fmt.Errorf("list grants: %w", err)
		}
		lines = append(lines, line)
		if len(grants) == 0 {
			lines = append(lines, "- nobody may use it yet: say `grant`")
		}
		for _, g := range grants {
			lines = append(lines, "- "+grantLine(g))
		}
	}
	return Message{Text: strings.Join(lines, "\n")}, nil
}

func joined(grants []store.Grant) string {
	lines := make([]string, len(grants))
	for i, g := range grants {
		lines[i] = grantLine(g)
	}
	return strings.Join(lines, "; ")
}

// grantLine says for whom, where, on what and how far.
func grantLine(g store.Grant) string {
	whom := "to everyone"
	switch {
	case g.UserID != "":
		whom = "to user " + g.UserID
	case g.Role != "":
		whom = fmt.Sprintf("to every %s", g.Role)
	}
	if g.Channel != "" {
		whom += " in channel " + g.Channel
	}
	if g.Project != "" {
		whom += ", on " + g.Project
	}
	return whom + ", up to " + g.MaxEffect
}
