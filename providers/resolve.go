package providers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aurora/providers/policy"
	"aurora/store"
)

// Target is one place a command would run in.
type Target struct {
	Connection store.Connection
	Project    string
	Region     string // named by a flag, else the connection's default
	Ruling     policy.Ruling
}

// mostTargets bounds a fan-out: beyond it people have to say which they mean.
const mostTargets = 12

// resolve finds where the command runs: the caller's connections to that cloud, narrowed by what the flags, the ask and
// `/aurora use` name. Reads may have several targets, anything else has one.
func (e *Executor) resolve(ctx context.Context, ask Ask, p Prepared) ([]Target, *refusal) {
	cloud := store.Cloud(p.Command.Provider)
	connections, bad := e.usable(ctx, ask.Caller, cloud)
	if bad != nil {
		return nil, bad
	}
	want, bad := wanted(p, ask.Project, cloud)
	if bad != nil {
		return nil, bad
	}
	fitting, bad := want.fitting(connections)
	if bad != nil {
		return nil, bad
	}
	if want.project == "" && want.account == "" {
		chosen, err := e.selection(ctx, ask.Caller.User.ID, cloud)
		if err != nil {
			return nil, unavailable
		}
		want.selected, fitting = chosen, preferSelected(fitting, chosen)
	}
	targets := want.targets(p.Verdict.Path, fitting)
	if len(targets) > 1 && (p.Verdict.Effect != policy.Read || len(targets) > mostTargets) {
		r := ambiguous(p.Verdict, targets)
		return nil, &r
	}
	return e.rule(ctx, ask, p.Verdict, targets)
}

var unavailable = &refusal{CodeUnavailable, "Aurora's own store cannot be reached, so nothing ran. Try again in a minute."}

// usable lists the active connections of the cloud that the caller may use now.
func (e *Executor) usable(ctx context.Context, c Caller, cloud store.Cloud) ([]store.Connection, *refusal) {
	all, err := e.Connections.Connections(ctx, c.Org.ID, c.User.ID)
	if err != nil {
		return nil, unavailable
	}
	var active []store.Connection
	broken := false
	for _, conn := range all {
		if conn.Cloud != cloud || len(c.Only) > 0 && !slices.Contains(c.Only, conn.ID) {
			continue
		}
		if conn.Status != store.ConnectionActive {
			broken = true
			continue
		}
		active = append(active, conn)
	}
	switch {
	case len(active) > 0:
		slices.SortFunc(active, func(a, b store.Connection) int { return strings.Compare(a.Account+a.ID, b.Account+b.ID) })
		return active, nil
	case broken:
		return nil, &refusal{CodeExpired, fmt.Sprintf("The sign-in to %s no longer works: connect again with /aurora connect %s.", cloud, cloud)}
	}
	return nil, &refusal{CodeNotConnected, fmt.Sprintf("You have no connection to %s: make one with /aurora connect %s.", cloud, cloud)}
}

func (e *Executor) selection(ctx context.Context, userID string, cloud store.Cloud) (string, error) {
	all, err := e.Connections.Selections(ctx, userID)
	if err != nil {
		return "", err
	}
	for _, s := range all {
		if s.Cloud == cloud {
			return s.Project, nil
		}
	}
	return "", nil
}

// preferSelected narrows to what `/aurora use` chose. A choice that no longer fits anything is passed over, so that
// losing one connection does not take the others with it.
func preferSelected(connections []store.Connection, chosen string) []store.Connection {
	var fitting []store.Connection
	for _, c := range connections {
		if _, inside := projectIn(c, chosen); chosen != "" && (c.Account == chosen || inside) {
			fitting = append(fitting, c)
		}
	}
	if len(fitting) == 0 {
		return connections
	}
	return fitting
}

// rule decides for each target, with the grant that lets the caller use it.
func (e *Executor) rule(ctx context.Context, ask Ask, v policy.Verdict, targets []Target) ([]Target, *refusal) {
	for i := range targets {
		t := &targets[i]
		limit, ok, err := e.grant(ctx, ask.Caller, *t)
		if err != nil {
			return nil, unavailable
		}
		if !ok {
			t.Ruling = policy.Ruling{Decision: policy.Refuse, Rule: "grant", Reason: fmt.Sprintf(
				"You have no grant on %s: ask an admin.", t.describe())}
			continue
		}
		t.Ruling = e.decide(ask, v, *t, limit)
	}
	return targets, nil
}

// grant gives the most that the caller may do there: no limit on his own connection, the largest fitting grant on the
// organisation's; false when he has none.
func (e *Executor) grant(ctx context.Context, c Caller, t Target) (policy.Effect, bool, error) {
	if t.Connection.UserID != "" {
		return 0, t.Connection.UserID == c.User.ID, nil
	}
	grants, err := e.Connections.Grants(ctx, c.Org.ID, t.Connection.ID)
	if err != nil {
		return 0, false, err
	}
	var most policy.Effect
	for _, g := range grants {
		if !g.Covers(c.User.ID, c.User.Role) {
			continue
		}
		if g.Project != "" && g.Project != t.Project {
			continue
		}
		if effect, ok := policy.ParseEffect(g.MaxEffect); ok && effect < policy.Forbidden {
			most = max(most, effect)
		}
	}
	return most, most > 0, nil
}

// ambiguous says that there is more than one place, and lists them.
func ambiguous(v policy.Verdict, targets []Target) refusal {
	names := make([]string, 0, len(targets))
	for _, t := range targets {
		names = append(names, t.describe())
	}
	what := "Something that changes things runs in exactly one place"
	if v.Effect == policy.Read {
		what = fmt.Sprintf("That would run in %d places", len(targets))
	}
	const most = 20
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(targets)-most))
	}
	return refusal{CodeAmbiguous, fmt.Sprintf(
		"%s: name one of %s, with selected_project_id or `/aurora use %s <name>`.", what, strings.Join(names, "; "), targets[0].Connection.Cloud)}
}

func (t Target) describe() string {
	name := label(t.Connection)
	if t.Connection.Account != name {
		name += " (" + t.Connection.Account + ")"
	}
	if t.Project != "" {
		name += ", project " + t.Project
	}
	if t.Connection.UserID == "" {
		name += ", the organisation's"
	}
	return name
}

func label(c store.Connection) string {
	if c.Label != "" {
		return c.Label
	}
	return c.Account
}
