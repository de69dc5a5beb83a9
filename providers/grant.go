package providers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aurora/providers/policy"
	"aurora/store"
)

// entitled is a target with how far the caller may go there.
type entitled struct {
	Target
	limit policy.Effect // the most that a grant permits; 0 for no limit, on a connection of one's own
	here  bool          // the organisation granted it to this very channel
	short bool          // what the caller was granted does not reach as far as the command goes
}

func bare(list []entitled) []Target {
	targets := make([]Target, len(list))
	for i, t := range list {
		targets[i] = t.Target
	}
	return targets
}

// entitle keeps the targets where the caller may do this at all, by owner and grant. Reads default to what the organisation
// granted to this very channel; what changes something goes wherever the caller may change it. Where he may nowhere, one
// target is left, to say so of.
func (e *Executor) entitle(ctx context.Context, ask Ask, v policy.Verdict, targets []Target) ([]entitled, *refusal) {
	all, err := e.grants(ctx, ask.Caller, targets)
	if err != nil {
		return nil, unavailable
	}
	fit := keep(all, func(t entitled) bool {
		own := t.Connection.UserID != "" && t.Connection.UserID == ask.Caller.User.ID
		return own || t.Connection.UserID == "" && t.limit > 0 && t.limit >= v.Reach()
	})
	if len(fit) == 0 {
		nearest := slices.MaxFunc(all, func(a, b entitled) int { return int(a.limit) - int(b.limit) })
		nearest.short = true
		return []entitled{nearest}, nil
	}
	if v.Reach() == policy.Read {
		if here := keep(fit, func(t entitled) bool { return t.here }); len(here) > 0 {
			return here, nil
		}
	}
	return fit, nil
}

func keep(list []entitled, fits func(entitled) bool) []entitled {
	return slices.DeleteFunc(slices.Clone(list), func(t entitled) bool { return !fits(t) })
}

// grants reads how far the caller may go in each target: the grants of an organisation's connection are read once, now.
func (e *Executor) grants(ctx context.Context, c Caller, targets []Target) ([]entitled, error) {
	byConnection := map[string][]store.Grant{}
	list := make([]entitled, len(targets))
	for i, t := range targets {
		list[i].Target = t
		if t.Connection.UserID != "" {
			continue
		}
		grants, known := byConnection[t.Connection.ID]
		if !known {
			var err error
			if grants, err = e.Connections.Grants(ctx, c.Org.ID, t.Connection.ID); err != nil {
				return nil, fmt.Errorf("read grants: %w", err)
			}
			byConnection[t.Connection.ID] = grants
		}
		list[i].take(c, grants)
	}
	return list, nil
}

// take notes the largest of the grants that are meant for the caller, in this channel, on this target.
func (t *entitled) take(c Caller, grants []store.Grant) {
	for _, g := range grants {
		if !g.Covers(c.User.ID, c.User.Role) || !g.HoldsIn(c.Place.Channel) || g.Project != "" && g.Project != t.Project {
			continue
		}
		effect, ok := policy.ParseEffect(g.MaxEffect)
		if !ok || effect >= policy.Forbidden {
			continue
		}
		t.limit = max(t.limit, effect)
		t.here = t.here || g.Channel != ""
	}
}

// rule decides for each target. That somebody has no grant is told only of what nothing else forbids.
func (e *Executor) rule(ctx context.Context, ask Ask, v policy.Verdict, list []entitled) []Target {
	for i := range list {
		t := &list[i]
		limit := t.limit
		if t.short {
			limit = 0
		}
		t.Ruling = e.decide(ask, v, t.Target, limit)
		if t.short && t.Ruling.Decision != policy.Refuse {
			t.Ruling = policy.Ruling{Decision: policy.Refuse, Rule: "grant", Reason: e.ungranted(ctx, ask.Caller, v, *t)}
		}
	}
	return bare(list)
}

// ungranted says what grant is missing and whom to ask for it.
func (e *Executor) ungranted(ctx context.Context, c Caller, v policy.Verdict, t entitled) string {
	have := "You have no grant on " + t.describe()
	if t.limit > 0 {
		have = fmt.Sprintf("Your grant on %s goes up to %s, and this needs %s", t.describe(), t.limit, v.Reach())
	}
	where := ""
	if t.Project != "" {
		where = " on " + t.Project
	}
	return fmt.Sprintf("%s. Ask %s for it, who can say `grant %s to @you%s up to %s`, or connect %s for yourself.",
		have, e.admins(ctx, c.Org.ID), t.Connection.Cloud, where, v.Reach(), t.Connection.Cloud)
}

// admins names the organisation's admins, as far as they can be told.
func (e *Executor) admins(ctx context.Context, orgID string) string {
	const anybody = "an Aurora admin"
	if e.Admins == nil {
		return anybody
	}
	list, err := e.Admins.Admins(ctx, orgID)
	if err != nil || len(list) == 0 {
		return anybody
	}
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.ID
	}
	return "one of Aurora's admins (" + strings.Join(few(names), ", ") + ")"
}
