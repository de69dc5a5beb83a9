package providers

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"aurora/providers/policy"
	"aurora/store"
)

// lateAfter is how long after its time a click that came in time may still begin to run.
const lateAfter = time.Minute

// fourEyesTimes is how many times longer a second person is waited for.
const fourEyesTimes = 6

// thaw says why a click is not even asked for: while an admin has frozen all changes it would come to nothing.
func (e *Executor) thaw(ctx context.Context, ask Ask, p Prepared) (s Section) {
	if p.Verdict.Effect == policy.Read {
		return s
	}
	_, frozen, err := e.Intents.Frozen(ctx, ask.Caller.Org.ID)
	if err == nil && frozen {
		err = store.ErrFrozen
	}
	if err != nil {
		return s.problem(err, e.Redact)
	}
	return s
}

// proposed is the result for a command that waits for a click.
func (e *Executor) proposed(ctx context.Context, ask Ask, p Prepared) Result {
	r := e.describe(p)
	t := p.Targets[0]
	wait := e.ConfirmWait
	if p.Ruling.FourEyes {
		wait *= fourEyesTimes
	}
	now := e.Now().UTC().Round(0)
	r.Proposal = &store.Confirmation{
		ID: ConfirmationID(ask), OrgID: ask.Caller.Org.ID, UserID: ask.Caller.User.ID, Asker: ask.Caller.Person,
		Thread: ask.Caller.Thread, Turn: ask.Turn, Step: ask.Step, Call: ask.Call, Place: ask.Caller.Place, Mode: ask.Caller.Mode,
		Cloud: t.Connection.Cloud, ConnectionID: t.Connection.ID, Generation: t.Connection.Generation,
		Account: t.account(), Project: t.Project, Region: t.Region,
		Commands: []store.Planned{{
			Argv: slices.Clone(p.Command.Argv), Effect: p.Verdict.Effect.String(), Facets: p.Verdict.Facets.Names(),
			Rule: p.Ruling.Rule, Touches: e.touches(ctx, ask, p),
		}},
		FourEyes: p.Ruling.FourEyes, Tainted: ask.Tainted, Typed: ask.Typed, Policy: e.Policy.Version(),
		AskedAt: now, Expires: now.Add(wait), State: store.ConfirmationPending,
	}
	r.Sections = []Section{{
		ConnectionID: t.Connection.ID, Account: t.account(), Label: t.label(), Project: t.Project, Region: t.Region,
	}}
	return r
}

// ConfirmationID gives the public reference of the confirmation that an ask would lead to: the same for the same turn,
// step and call, so that a turn that is taken over does not ask twice. It opens nothing.
func ConfirmationID(ask Ask) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q", ask.Caller.Org.ID, ask.Turn, ask.Step, ask.Call))
	return "conf_" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// judgeConfirmed judges a planned command again. What differs from what was shown on the card does not run, and nothing
// does long after the card's time: a click waits for stores and platforms that are away, maybe for hours.
func (e *Executor) judgeConfirmed(ctx context.Context, asker Caller, conf store.Confirmation, index int) (Ask, Prepared) {
	ask := Ask{
		Turn: conf.Turn, Step: conf.Step, Call: conf.Call, Caller: asker, Cloud: conf.Cloud, Project: conf.Project,
		Typed: conf.Typed, Tainted: conf.Tainted,
	}
	ask.Caller.Only = []string{conf.ConnectionID}
	no := func(p Prepared, sentence string) (Ask, Prepared) {
		return ask, p.refuse(refusal{CodeRefused, sentence})
	}
	if index < 0 || index >= len(conf.Commands) || conf.ConnectionID == "" {
		return no(Prepared{}, "The confirmation has no such command.")
	}
	if asker.User.ID != conf.UserID || asker.Org.ID != conf.OrgID {
		return no(Prepared{}, "The confirmation belongs to somebody else.")
	}
	if e.Now().After(conf.Expires.Add(lateAfter)) {
		return no(Prepared{}, "The click could not be carried out before the card's time was over, and nobody expects it to count any more. Nothing ran: ask again.")
	}
	planned := conf.Commands[index]
	ask.Argv = planned.Argv
	p := e.Judge(ctx, ask)
	if p.Code != "" {
		return ask, p
	}
	if len(p.Targets) != 1 {
		return no(p, "The command no longer has exactly one place to run in: ask again.")
	}
	if difference := differs(p, conf, planned); difference != "" {
		return no(p, fmt.Sprintf("%s since the confirmation was asked, so nothing ran: ask again.", difference))
	}
	return ask, p
}

func differs(p Prepared, conf store.Confirmation, planned store.Planned) string {
	t := p.Targets[0]
	switch {
	case !slices.Equal(p.Command.Argv, planned.Argv):
		return "The command changed"
	case t.Connection.ID != conf.ConnectionID, t.Connection.Cloud != conf.Cloud,
		t.account() != conf.Account, t.Connection.Generation != conf.Generation:
		return "The connection changed"
	case t.Project != conf.Project, t.Region != conf.Region:
		return "The project or region changed"
	case p.Verdict.Effect.String() != planned.Effect, !sameFacets(p.Verdict.Facets, planned.Facets):
		return "What policy says about the command changed"
	case p.Ruling.FourEyes && !conf.FourEyes:
		return "A second person's approval became necessary"
	case p.Ruling.Decision != policy.Allow && p.Ruling.Decision != policy.Confirm:
		return "Policy changed"
	}
	return ""
}

func sameFacets(f policy.Facets, names []string) bool {
	if len(names) == 0 { // an empty list is left out of the record
		return f == 0
	}
	return slices.Equal(f.Names(), names)
}
