package bot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"aurora/agent"
	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
)

// continuation goes on in the thread after a click ran something: with what it printed, or with a turn in which the
// model reads it.
func (d *Desk) continuation(ctx context.Context, claim store.Claim, row store.Received) error {
	var p continuationPayload
	if err := json.Unmarshal(row.Payload, &p); err != nil {
		return fmt.Errorf("read what was confirmed: %w", err)
	}
	if !anyRan(p.Settled) {
		return d.settle(ctx, claim, row)
	}
	if p.Typed {
		return d.settle(ctx, claim, row, d.results(row, p.Settled)...)
	}
	a, refusal, err := d.identify(ctx, row.Place, row.Person)
	if err != nil {
		return err
	}
	if refusal != "" {
		return d.settle(ctx, claim, row)
	}
	turn, err := d.Turns.BeginTurn(ctx, claim, store.Turn{
		ID: continued + rand.Text(), Thread: claim.Thread, InboxID: row.ID, OrgID: a.Org.ID, UserID: a.User.ID, Asker: row.Person,
		Place: row.Place, Mode: d.mode(ctx, row.Person, claim.Thread, row.Place), State: store.TurnRunning, Text: string(detail(p.Settled)),
	})
	if err != nil {
		return fmt.Errorf("begin the continuation: %w", err)
	}
	return d.answer(ctx, claim, asked{turn: turn, row: row, who: &a})
}

func anyRan(settled []agent.Settled) bool {
	for _, s := range settled {
		if s.Result != nil && (s.Result.Ran() || s.Result.Code == providers.CodeLost) {
			return true
		}
	}
	return false
}

// results shows what confirmed commands printed, to whom it may be shown.
func (d *Desk) results(row store.Received, settled []agent.Settled) []store.Post {
	r := report{asked: asked{turn: store.Turn{ID: rowTurn(row), Place: row.Place, Asker: row.Person}}}
	for _, s := range settled {
		if s.Result != nil {
			r.done = append(r.done, agent.CallDone{Result: *s.Result, Ran: true})
		}
	}
	m := Message{Outputs: r.outputs(), Ran: r.ran()}
	for _, s := range settled {
		if s.Result != nil && s.Result.Code == providers.CodeLost {
			m.Notice = s.Result.Error
		}
	}
	parts := d.Chats[row.Place.Platform].Splitter.Split(m)
	var posts []store.Post
	for i, part := range parts {
		out := outgoing{Message: part, Asker: row.Person.ID}
		if r.askerOnly() || !inThread(row.Place) {
			posts = append(posts, whisperTo(r.turn.ID, partNotices+i, row.Place, row.Person, out))
			continue
		}
		posts = append(posts, say(r.turn.ID, partMore+i, row.Place, out))
	}
	return posts
}

// allow lets the plain writes of a confirmation run in its thread without a click for a while.
func (d *Desk) allow(ctx context.Context, conf store.Confirmation) {
	for _, c := range conf.Commands {
		command, bad := d.Policy.ParseArgv(c.Argv)
		if bad != nil {
			continue
		}
		path := d.Policy.Classify(command).Path
		if err := d.Allowances.Allow(ctx, conf.Thread, conf.Asker, path, allowLife); err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("remember an allowance")
		}
	}
}

// Permissive is the executor the agent is given: it lets a plain write that the asker allowed in the thread run without
// a click, and nothing else. Policy judges all the same.
type Permissive struct {
	Executor
	Policy     Explainer
	Allowances Allowances
}

// Judge judges with the asker's allowances in mind. It never runs anything.
func (p Permissive) Judge(ctx context.Context, ask providers.Ask) providers.Prepared {
	return p.Executor.Judge(ctx, p.eased(ctx, ask))
}

// Run runs with the asker's allowances in mind.
func (p Permissive) Run(ctx context.Context, ask providers.Ask) providers.Result {
	return p.Executor.Run(ctx, p.eased(ctx, ask))
}

// eased takes the taint off a command whose path the asker allowed. Taint is the only reason for which a plain write
// waits; everything that waits for another reason still does.
func (p Permissive) eased(ctx context.Context, ask providers.Ask) providers.Ask {
	if !ask.Tainted || ask.Typed {
		return ask
	}
	command, bad := p.Policy.ParseArgv(ask.Argv)
	if len(ask.Argv) == 0 {
		command, bad = p.Policy.Parse(ask.Line)
	}
	if bad != nil {
		return ask
	}
	v := p.Policy.Classify(command)
	if v.Effect != policy.Write || slices.ContainsFunc(v.Facets.Names(), needsClick) {
		return ask // it waits anyway, and its card must say that the model had read what others wrote
	}
	path := v.Path
	allowed, err := p.Allowances.Allowed(ctx, ask.Caller.Thread, ask.Caller.Person, path)
	if err != nil || !allowed || strings.TrimSpace(path) == "" {
		return ask
	}
	ask.Tainted = false
	return ask
}
