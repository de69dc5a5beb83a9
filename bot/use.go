package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aurora/providers"
	"aurora/store"
)

// nameQuotes are what people put around a name of several words; chat programs bend them.
const nameQuotes = "\"'“”‘’"

// use remembers which project or account of a cloud somebody works in, or with all forgets it.
func (d *Desk) use(ctx context.Context, o order) (Message, error) {
	if !cloudAndMore(o.verb.Args) {
		return notice("Say `use <cloud> <project>`, for example `use gcp shop-prod`, or `use gcp all` for all of them again."), nil
	}
	cloud, name := cloudNamed(o.verb.Args[0]), strings.Trim(strings.Join(o.verb.Args[1:], " "), nameQuotes)
	if strings.EqualFold(name, "all") {
		return d.selectPlace(ctx, o, store.Selection{Cloud: cloud})
	}
	conns, err := d.Connections.Connections(ctx, o.asker.Org.ID, o.asker.User.ID)
	if err != nil {
		return Message{}, fmt.Errorf("list connections: %w", err)
	}
	conns = slices.DeleteFunc(slices.Clone(conns), func(c store.Connection) bool { return c.Cloud != cloud || c.Status != store.ConnectionActive })
	if len(conns) == 0 {
		return notice("You have no connection to %s that works. Say `connect %s` first.", cloud, cloud), nil
	}
	switch ids := placesNamed(conns, name); len(ids) {
	case 1:
		return d.selectPlace(ctx, o, store.Selection{Cloud: cloud, Project: ids[0]})
	case 0:
		return notice("`%s` is not among what your %s connections reach: %s.", clip(name, 60), cloud, clip(strings.Join(reachable(conns), ", "), 400)), nil
	default:
		return notice("`%s` is the name of several in %s: say the id of one, %s.", clip(name, 60), cloud, clip(strings.Join(ids, ", "), 400)), nil
	}
}

// selectPlace keeps a selection; without a project it is taken back.
func (d *Desk) selectPlace(ctx context.Context, o order, s store.Selection) (Message, error) {
	if err := d.Preferences.SetSelection(ctx, o.asker.User.ID, s); err != nil {
		return Message{}, fmt.Errorf("keep the selection: %w", err)
	}
	if s.Project == "" {
		return notice("From now on I look at all that you have in %s again.", s.Cloud), nil
	}
	return notice("From now on I use %s in %s for you.", s.Project, s.Cloud), nil
}

// placesNamed gives the ids of the accounts and projects that people call by this id or name. An id is nobody else's name.
func placesNamed(conns []store.Connection, name string) []string {
	if name == "" {
		return nil
	}
	var ids []string
	for _, c := range conns {
		if c.Account == name || slices.Contains(c.Projects, name) {
			return []string{name}
		}
		ids = append(ids, projectsNamed(c, name)...)
		if strings.EqualFold(c.Label, name) {
			ids = append(ids, c.Account)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// projectsNamed are all of a connection's projects that share a name.
func projectsNamed(c store.Connection, name string) []string {
	names := providers.ProjectNames(c)
	return slices.DeleteFunc(slices.Clone(c.Projects), func(id string) bool { return !strings.EqualFold(names[id], name) })
}

// reachable lists the accounts and projects of connections, with the names that people have for them.
func reachable(conns []store.Connection) []string {
	var list []string
	add := func(id, name string) {
		if name != "" && name != id {
			id = name + " (" + id + ")"
		}
		list = append(list, id)
	}
	for _, c := range conns {
		names := providers.ProjectNames(c)
		for _, id := range c.Projects {
			add(id, names[id])
		}
		add(c.Account, c.Label)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
