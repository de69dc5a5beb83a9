package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"aurora/agent"
	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
)

// The prefixes of turn ids say what a turn is, where nobody who writes a message can.
const (
	ordinary  = "turn_"
	continued = "cont_"  // goes on after a click; its text is the JSON of []agent.Settled
	repeated  = "again_" // a command somebody else wrote, asked again by a click: never taken as typed
)

// asked is a turn at work, with the event that it began on: that stays in the inbox, whoever goes on with the turn.
type asked struct {
	turn    store.Turn
	row     store.Received
	who     *asker // nil where he is still to be looked up
	history []agent.Said
}

// answer works a turn out to its end, from wherever its journal stands, and puts the answer into the outbox in the
// transaction that ends the turn.
func (d *Desk) answer(ctx context.Context, claim store.Claim, q asked) error {
	r := &report{asked: q}
	if q.who == nil {
		a, refusal, err := d.identify(ctx, q.turn.Place, q.turn.Asker)
		if err != nil {
			return err
		}
		if refusal != "" {
			r.final = agent.Final{Notice: refusal, State: store.TurnDone}
			return d.finish(ctx, claim, r)
		}
		q.who = &a
	}
	r.history = d.history(ctx, q.row)
	if err := d.hold(ctx, claim, q.row, q.turn); err != nil {
		return err
	}
	caller, err := d.caller(ctx, *q.who, q.turn.Thread, q.turn.Place)
	if err != nil {
		return err
	}
	if q.turn.Mode == store.Ask { // what was asked in Ask mode stays a question
		caller.Mode = store.Ask
	}
	r.caller = caller
	if line, ok := typedLine(q.turn); ok {
		err = d.runTyped(ctx, claim, r, line)
	} else {
		err = d.think(ctx, claim, r)
	}
	if err != nil {
		return err
	}
	return d.finish(ctx, claim, r)
}

// hold puts the placeholder up, below the question where nobody saw that: the first visible sign, which the answer replaces.
func (d *Desk) hold(ctx context.Context, claim store.Claim, row store.Received, turn store.Turn) error {
	if !inThread(turn.Place) {
		return nil
	}
	if err := d.showQuestion(ctx, claim, row, turn); err != nil {
		return err
	}
	title := titleFor(row, turn.Text)
	post := say(turn.ID, partPlaceholder, turn.Place, outgoing{Message: Message{Status: "Looking into it …", Title: title}})
	if err := d.Outbox.AddPosts(ctx, claim, []store.Post{post}); err != nil {
		return fmt.Errorf("put the placeholder up: %w", err)
	}
	return d.flush(ctx, claim)
}

// inThread tells whether answers go below a message. A slash command has none: it is answered to its writer alone.
func inThread(p store.Place) bool { return p.Thread != "" }

// typedLine gives the command of a turn in which a person typed it himself.
func typedLine(turn store.Turn) (string, bool) {
	if strings.HasPrefix(turn.ID, continued) {
		return "", false
	}
	v := parseVerb(turn.Text)
	if v.Name != "run" || v.Rest == "" {
		return "", false
	}
	return v.Rest, !inThread(turn.Place) || aCommand(v.Args)
}

// typedCall names the one call of a typed command, in journal, intents and confirmations.
const typedCall = "typed"

// runTyped runs a command that a person typed, journaled like a model's: after a takeover it is not run again.
func (d *Desk) runTyped(ctx context.Context, claim store.Claim, r *report, line string) error {
	turn := r.turn
	steps, err := d.Journal.Steps(ctx, turn.ID)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	if len(steps) == 0 {
		reply := detail(agent.Reply{Calls: []agent.Call{{ID: typedCall, Name: "run", Arguments: detail(line)}}})
		if _, err := d.Journal.SaveReply(ctx, claim, turn.ID, 1, reply, nil, nil); err != nil {
			return fmt.Errorf("journal the command: %w", err)
		}
	}
	typed := !strings.HasPrefix(turn.ID, repeated)
	ask := providers.Ask{Turn: turn.ID, Step: 1, Call: typedCall, Caller: r.caller, Line: line, Typed: typed, Tainted: !typed}
	p := d.progress(ctx, r)
	defer p.end()
	if p.ts != "" && (len(steps) == 0 || steps[0].Results[typedCall] == nil) {
		p.see(d.started(ctx, ask))
	}
	result, err := d.runOnce(ctx, claim, steps, ask)
	if err != nil {
		return err
	}
	r.final = agent.Final{State: store.TurnDone}
	if result.Proposal != nil {
		r.final.State = store.TurnWaiting
		r.proposed = append(r.proposed, agent.Proposed{Step: 1, ID: result.Proposal.ID, Confirmation: *result.Proposal})
	}
	r.done = append(r.done, agent.CallDone{Step: 1, Ask: ask, Result: result, Ran: true})
	d.heed(ctx, r.caller.User, result)
	return d.showSecret(ctx, r, result)
}

// started names a typed command that is about to run, as the agent does for a model's.
func (d *Desk) started(ctx context.Context, ask providers.Ask) agent.CallStarted {
	e := agent.CallStarted{Step: ask.Step, Call: agent.Call{ID: ask.Call}, Ask: ask}
	if where := d.Executor.Judge(ctx, ask); where.Code == "" && where.Ruling.Decision == policy.Allow {
		e.Shown, e.Accounts = where.Shown, where.Labels()
	}
	return e
}

// runOnce gives the journaled result of a typed command, or runs it and journals what came of it.
func (d *Desk) runOnce(ctx context.Context, claim store.Claim, steps []store.Step, ask providers.Ask) (providers.Result, error) {
	if len(steps) > 0 && steps[0].Results[typedCall] != nil {
		var result providers.Result
		if err := json.Unmarshal(steps[0].Results[typedCall], &result); err != nil {
			return providers.Result{}, fmt.Errorf("read the journaled result: %w", err)
		}
		return result, nil
	}
	running, end := d.stoppable(ctx, ask.Turn)
	result := d.Executor.Run(running, ask)
	end()
	if ctx.Err() != nil && !errors.Is(context.Cause(running), store.ErrStopped) {
		return providers.Result{}, fmt.Errorf("run: %w", context.Cause(ctx))
	}
	if err := d.Journal.SaveResult(ctx, claim, ask.Turn, ask.Step, ask.Call, detail(result)); err != nil {
		return providers.Result{}, fmt.Errorf("journal the result: %w", err)
	}
	return result, nil
}

// think lets the agent answer, and keeps the placeholder telling what goes on.
func (d *Desk) think(ctx context.Context, claim store.Claim, r *report) error {
	in, err := d.input(ctx, r)
	if err != nil {
		return err
	}
	p := d.progress(ctx, r)
	defer p.end()
	for event, err := range d.Agent.Run(ctx, in, journal{d, claim, r.turn}) {
		if err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		p.see(event)
		switch e := event.(type) {
		case agent.CallDone:
			r.done = append(r.done, e)
			d.heed(ctx, r.caller.User, e.Result)
			if err := d.showSecret(ctx, r, e.Result); err != nil {
				return err
			}
		case agent.Proposed:
			r.proposed = append(r.proposed, e)
		case agent.Final:
			r.final = e
		case agent.Replied:
			meter(ctx, e)
		}
	}
	return nil
}

func meter(ctx context.Context, e agent.Replied) {
	if e.Replayed {
		return
	}
	zerolog.Ctx(ctx).Info().Int("step", e.Step).Str("model", e.Reply.Model).Int64("tokens_in", e.Reply.Usage.In).
		Int64("tokens_out", e.Reply.Usage.Out).Bool("estimated", e.Reply.Usage.Estimated).Dur("took", e.Took).Msg("model reply")
}

// input gathers what the agent needs to know.
func (d *Desk) input(ctx context.Context, r *report) (agent.Turn, error) {
	conns, err := d.Connections.Connections(ctx, r.caller.Org.ID, r.caller.User.ID)
	if err != nil {
		return agent.Turn{}, fmt.Errorf("list connections: %w", err)
	}
	in := agent.Turn{ID: r.turn.ID, Thread: r.turn.Thread, Caller: r.caller, Started: r.turn.CreatedAt, Text: r.turn.Text, History: r.history}
	if strings.HasPrefix(r.turn.ID, continued) {
		in.Text = ""
		if err := json.Unmarshal([]byte(r.turn.Text), &in.Settled); err != nil {
			return agent.Turn{}, fmt.Errorf("read what was confirmed: %w", err)
		}
	}
	seen := map[store.Cloud]bool{}
	for _, c := range conns {
		in.Accounts = append(in.Accounts, agent.Account{Cloud: c.Cloud, Account: c.Account, Label: c.Label, Projects: fewProjects(c.Projects)})
		if !seen[c.Cloud] {
			seen[c.Cloud] = true
			in.Clouds = append(in.Clouds, c.Cloud)
		}
	}
	return in, nil
}

// mostNamed is how many projects of a connection a model is told of; the rest it has to be told by the person.
const mostNamed = 50

func fewProjects(ids []string) []string {
	if len(ids) <= mostNamed {
		return ids
	}
	return append(slices.Clone(ids[:mostNamed]), fmt.Sprintf("and %d more: ask which is meant", len(ids)-mostNamed))
}

// journal binds the store's journal to one turn and claim.
type journal struct {
	desk  *Desk
	claim store.Claim
	turn  store.Turn
}

func (j journal) Steps(ctx context.Context) ([]store.Step, error) {
	return j.desk.Journal.Steps(ctx, j.turn.ID)
}

func (j journal) Stopped(ctx context.Context) (bool, error) {
	return j.desk.Journal.Stopped(ctx, j.turn.ID)
}

// SaveReply lets what the asker wrote meanwhile join. Everything else becomes a turn of its own.
func (j journal) SaveReply(ctx context.Context, n int, reply json.RawMessage) ([]store.Received, error) {
	rows, err := j.desk.Rows.Pending(ctx, j.claim)
	if err != nil {
		return nil, fmt.Errorf("look for further messages: %w", err)
	}
	var joinable []int64
	for _, row := range rows {
		if j.mayJoin(row) {
			joinable = append(joinable, row.ID)
		}
	}
	return j.desk.Journal.SaveReply(ctx, j.claim, j.turn.ID, n, reply, joinable, nil)
}

// mayJoin tells whether a row is more of what the asker says. A question from a dialog is not: it has still to be shown, and
// the model would not hear what it is about.
func (j journal) mayJoin(row store.Received) bool {
	if row.Kind != store.EventMention || row.Person != j.turn.Asker || aboutOf(row) != nil {
		return false
	}
	_, _, verb := mentionedVerb(row.Text)
	_, bad := unfit(strings.TrimSpace(row.Text), row.Payload)
	return !verb && !bad
}

func (j journal) SaveResult(ctx context.Context, n int, call string, result json.RawMessage) error {
	return j.desk.Journal.SaveResult(ctx, j.claim, j.turn.ID, n, call, result)
}

// mostSecret is the longest secret that is shown, in characters: a few messages of it.
const mostSecret = 40_000

// showSecret shows the asker what is shown once and kept nowhere: not in the outbox either, so it may be lost, never
// told twice. The answer says when it could not be shown: nobody looks for what he was told was shown.
func (d *Desk) showSecret(ctx context.Context, r *report, result providers.Result) error {
	if result.Private == "" {
		return nil
	}
	if n := utf8.RuneCountInString(result.Private); n > mostSecret {
		r.unshown = fmt.Sprintf("The secret has %d characters and I show at most %d, so nobody was shown it. Please ask for less at once.", n, mostSecret)
		return nil
	}
	place := r.turn.Place
	place.Whisper = r.turn.Asker.ID
	reply, _ := replyOf(r.row)
	m := Message{Notice: "For your eyes alone, and only this once:", Secret: result.Private}
	for _, part := range d.Chats[place.Platform].Splitter.Split(m) {
		err := d.Chats[place.Platform].Chat.Whisper(ctx, place, part, store.Secret(reply))
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("show a secret: %w", context.Cause(ctx))
		}
		zerolog.Ctx(ctx).Warn().Err(err).Str("turn", r.turn.ID).Msg("a secret cannot be shown, or not all of it")
		r.unshown = "I could not show you all of the secret here, and I kept none of it. Please ask again where you can read my private messages."
		return nil
	}
	return nil
}
