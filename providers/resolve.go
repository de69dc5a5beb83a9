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
		preferred := preferSelected(fitting, chosen)
		switch {
		case len(preferred) > 0 && (p.Verdict.Reach() > policy.Read || slices.ContainsFunc(preferred, works)):
			want.selected, fitting = chosen, preferred
		case chosen != "" && p.Verdict.Reach() > policy.Read && len(ask.Caller.Only) == 0: // a card says itself where it runs
			r := choiceAway(chosen, want.targets(p.Verdict.Path, fitting))
			return nil, &r
		}
	}
	entitled, bad := e.entitle(ctx, ask, p.Verdict, want.targets(p.Verdict.Path, fitting))
	if bad != nil {
		return nil, bad
	}
	if p.Verdict.Reach() > policy.Read && len(entitled) == 1 && !works(entitled[0].Connection) {
		return nil, &refusal{CodeExpired, signInOver(entitled[0].Connection)}
	}
	if len(entitled) > 1 && (p.Verdict.Effect != policy.Read || len(entitled) > mostTargets) {
		r := ambiguous(p.Verdict, bare(entitled))
		return nil, &r
	}
	return e.rule(ctx, ask, p.Verdict, entitled), nil
}

var unavailable = &refusal{CodeUnavailable, "Aurora's own store cannot be reached, so nothing ran. Try again in a minute."}

// usable lists the connections of the cloud that the caller may use now, one of which works at least. Those that need a new
// sign-in are among them: a change must not go elsewhere because one broke, nor a read leave one out without a word.
func (e *Executor) usable(ctx context.Context, c Caller, cloud store.Cloud) ([]store.Connection, *refusal) {
	all, err := e.Connections.Connections(ctx, c.Org.ID, c.User.ID)
	if err != nil {
		return nil, unavailable
	}
	var fitting []store.Connection
	var broken *store.Connection
	active := false
	for _, conn := range all {
		if conn.Cloud != cloud || len(c.Only) > 0 && !slices.Contains(c.Only, conn.ID) {
			continue
		}
		fitting = append(fitting, conn)
		if active = active || works(conn); !works(conn) {
			broken = &conn
		}
	}
	switch {
	case active:
		slices.SortFunc(fitting, func(a, b store.Connection) int { return strings.Compare(a.Account+a.ID, b.Account+b.ID) })
		return fitting, nil
	case broken != nil:
		return nil, &refusal{CodeExpired, signInOver(*broken)}
	}
	return nil, &refusal{CodeNotConnected, fmt.Sprintf("You have no connection to %s: make one with /aurora connect %s.", cloud, cloud)}
}

func works(c store.Connection) bool { return c.Status == store.ConnectionActive }

func signInOver(c store.Connection) string {
	return fmt.Sprintf("The sign-in to %s of %s no longer works: %s.", c.Cloud, label(c), Mend(c))
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

// preferSelected narrows to what `/aurora use` chose; to nothing where the choice no longer fits. A read passes over that, so
// that losing one connection does not take the others with it. What changes something never goes elsewhere by itself.
func preferSelected(connections []store.Connection, chosen string) []store.Connection {
	var fitting []store.Connection
	for _, c := range connections {
		if _, inside := projectIn(c, chosen); chosen != "" && (c.Account == chosen || inside) {
			fitting = append(fitting, c)
		}
	}
	return fitting
}

// choiceAway says that a change does not go where it would have gone, and lists where it could go.
func choiceAway(chosen string, targets []Target) refusal {
	names := make([]string, 0, len(targets))
	for _, t := range targets {
		names = append(names, t.describe())
	}
	cloud := targets[0].Connection.Cloud
	return refusal{CodeRefused, fmt.Sprintf("You chose %q for %s with use, and it cannot be used now, so nothing ran. Connect it again, or name one of %s, with selected_project_id or `/aurora use %s <name>`.",
		chosen, cloud, strings.Join(few(names), "; "), cloud)}
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
	return refusal{CodeAmbiguous, fmt.Sprintf(
		"%s: name one of %s, with selected_project_id or `/aurora use %s <name>`.", what, strings.Join(few(names), "; "), targets[0].Connection.Cloud)}
}

// account is the cloud account that the target is in.
func (t Target) account() string { return t.Connection.AccountIn(t.Project) }

// label is what people call the target's account.
func (t Target) label() string {
	if !t.Connection.Spans() {
		return label(t.Connection)
	}
	if name := ProjectNames(t.Connection)[t.account()]; name != "" {
		return name
	}
	return t.account()
}

// project is what people call the target's project, with its id where that is another word.
func (t Target) project() string {
	if name := ProjectNames(t.Connection)[t.Project]; name != "" && name != t.Project {
		return name + " (" + t.Project + ")"
	}
	return t.Project
}

func (t Target) describe() string {
	name := t.label()
	if t.account() != name {
		name += " (" + t.account() + ")"
	}
	if t.Project != "" && !t.Connection.Spans() {
		name += ", project " + t.project()
	}
	if t.Connection.UserID == "" {
		name += " of the organisation's"
	}
	if t.Connection.Status == store.ConnectionBroken {
		name += " (needs a new sign-in)"
	}
	return name
}

func label(c store.Connection) string {
	if c.Label != "" {
		return c.Label
	}
	return c.Account
}
