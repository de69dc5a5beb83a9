package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

// report is what happened in a turn, gathered while it happens. What is said in the end is drawn from it.
type report struct {
	asked
	caller   providers.Caller
	done     []agent.CallDone
	proposed []agent.Proposed
	final    agent.Final
	unshown  string // why a secret that is shown once was not, as a sentence
}

// finish ends the turn and puts everything that is to be said into the outbox, in one transaction.
func (d *Desk) finish(ctx context.Context, claim store.Claim, r *report) error {
	posts, err := d.compose(ctx, r)
	if err != nil {
		return err
	}
	state := r.final.State
	if state == "" {
		state = store.TurnDone
	}
	if err := d.Turns.FinishTurn(ctx, claim, r.turn.ID, state, posts); err != nil {
		return fmt.Errorf("finish %s: %w", r.turn.ID, err)
	}
	return nil
}

// heed does what a result asks for besides being shown: a connection that only a new sign-in mends is marked, so that
// `status` says so and its owner is told.
func (d *Desk) heed(ctx context.Context, who store.User, res providers.Result) {
	if res.AuditErr != nil {
		zerolog.Ctx(ctx).Error().Err(res.AuditErr).Msg("note a refusal in the audit")
	}
	if res.Fault != nil {
		zerolog.Ctx(ctx).Error().Err(res.Fault).Msg("run a command")
	}
	for _, s := range res.Sections {
		if s.Fault != nil {
			zerolog.Ctx(ctx).Error().Err(s.Fault).Str("intent", s.Intent).Msg("run a command")
		}
		if !s.Broken {
			continue
		}
		if err := d.breakOne(ctx, who, s); err != nil && !errors.Is(err, store.ErrNotFound) {
			zerolog.Ctx(ctx).Warn().Err(err).Str("connection", s.ConnectionID).Msg("mark a connection as broken")
		}
	}
}

// compose turns the report into posts: the answer over the placeholder, what did not fit below it, then the cards.
func (d *Desk) compose(ctx context.Context, r *report) ([]store.Post, error) {
	parts := d.Chats[r.turn.Place.Platform].Splitter.Split(r.message())
	if len(parts) == 0 {
		parts = []Message{{Notice: "There is nothing to say."}}
	}
	v := d.veilOf(ctx, r.turn.ID)
	posts := r.place(parts, v)
	for i, p := range r.proposed {
		card, err := d.card(ctx, r, i, p, v)
		if err != nil {
			return nil, err
		}
		posts = append(posts, card)
	}
	return posts, nil
}

// place decides who sees the answer: everybody in the thread, or the asker alone when it holds data or came by slash.
func (r *report) place(parts []Message, v veil) []store.Post {
	turn, keep := r.turn, r.exchange()
	reply, _ := replyOf(r.row)
	var posts []store.Post
	private := r.askerOnly() && !r.caller.Direct
	if !inThread(turn.Place) || private {
		for i, m := range parts {
			posts = append(posts, whisperTo(turn.ID, partNotices+i, turn.Place, turn.Asker, outgoing{Message: m, Reply: reply, Keep: keep.of(i)}))
		}
		if inThread(turn.Place) {
			hint := notice("I answered privately: what I read is for the person who asked.")
			bare := hint
			hint.Ran = v.lines(r.ran())
			posts = append(posts, edit(turn.ID, partAnswer, partPlaceholder, turn.Place, outgoing{
				Message: hint, Asker: turn.Asker.ID, Instead: &bare, Quiet: true}))
		}
		return posts
	}
	asker := ""
	if r.showsCloud() {
		asker = turn.Asker.ID
	}
	last := len(parts) - 1
	parts[last] = r.rated(parts[last])
	if r.caller.Direct {
		parts[last].Prompts = r.prompts()
	}
	for i, m := range parts {
		out := outgoing{Message: m, Asker: asker, Keep: keep.of(i)}
		if i == 0 {
			posts = append(posts, edit(turn.ID, partAnswer, partPlaceholder, turn.Place, out))
			continue
		}
		posts = append(posts, say(turn.ID, partMore+i, turn.Place, out))
	}
	return posts
}

func (r *report) askerOnly() bool {
	for _, c := range r.done {
		if c.Result.AskerOnly && c.Result.Ran() {
			return true
		}
	}
	return r.final.AskerOnly // it was read before the click that this turn continues
}

// showsCloud tells whether the answer may hold what a cloud said: what ran, what was refused with the names of accounts,
// or what the model was told from earlier turns.
func (r *report) showsCloud() bool {
	return len(r.done) > 0 || r.final.Tainted || strings.HasPrefix(r.turn.ID, continued)
}

// message is the answer as one message, before it is cut to the platform's size.
func (r *report) message() Message {
	m := Message{Text: r.final.Text, Notice: strings.TrimSpace(r.final.Notice + " " + r.unshown), Ran: r.ran()}
	if r.final.Text == "" && r.final.State != store.TurnStopped {
		m.Outputs = r.outputs()
	}
	if m.Text == "" && m.Notice == "" && len(m.Outputs) == 0 {
		m.Notice = r.bareNotice()
	}
	if b, ok := r.switchButton(); ok {
		m.Buttons = append(m.Buttons, b)
	}
	return m
}

func (r *report) bareNotice() string {
	if len(r.proposed) > 0 {
		return "This waits for a click below. Nothing has been changed yet."
	}
	for _, c := range r.done {
		if c.Result.Error != "" {
			return c.Result.Error
		}
	}
	return "Done."
}

// mostFull bounds what is shown of all commands together, in bytes; beyond it each is as short as the model sees it.
const mostFull = 4 << 20

// outputs is what the commands printed, a part for each account they ran on. People see all of what was cut for the
// model, as long as the process that ran it is the one that answers.
func (r *report) outputs() []Output {
	var outs []Output
	room := mostFull
	for _, c := range r.done {
		if !c.Result.Ran() {
			continue
		}
		for _, out := range outputsOf(c.Result) {
			if room -= len(out.full); room >= 0 && out.full != "" {
				out.Text = out.full
			}
			outs = append(outs, out.Output)
		}
	}
	return outs
}

// printed is an output with all of it where that was shortened.
type printed struct {
	Output
	full string
}

func outputsOf(res providers.Result) (outs []printed) {
	title := strings.Join(res.Argv, " ")
	if len(res.Sections) <= 1 {
		out := printed{Output: Output{Title: title, Text: res.Output}}
		for _, s := range res.Sections {
			out.full = s.Full
		}
		return []printed{out}
	}
	for _, s := range res.Sections {
		outs = append(outs, printed{Output{Title: title + " — " + s.Label, Text: cmp.Or(s.Output, s.Error)}, s.Full})
	}
	return outs
}

// ran draws what ran, was refused or waits, by code alone.
func (r *report) ran() []Ran {
	var lines []Ran
	for _, c := range r.done {
		if c.Ran {
			lines = append(lines, ranLines(c.Result)...)
		}
	}
	return lines
}

func ranLines(res providers.Result) []Ran {
	if res.Proposal != nil {
		return []Ran{{Argv: res.Argv, Cloud: res.Cloud, Account: res.Proposal.Account, Project: besides(res.Proposal.Project, res.Proposal.Account),
			Region: res.Proposal.Region, State: RanWaiting, Detail: "waits for a click"}}
	}
	if len(res.Sections) == 0 {
		return []Ran{{Argv: res.Argv, Cloud: res.Cloud, State: stateOf(res.Status, res.Code), Detail: res.Error}}
	}
	var lines []Ran
	for _, s := range res.Sections {
		lines = append(lines, Ran{Argv: res.Argv, Cloud: res.Cloud, Account: s.Label, Project: besides(s.Project, s.Account), Region: s.Region,
			State: stateOf(s.Status, s.Code), Detail: sectionDetail(s)})
	}
	return lines
}

// besides is a project, unless it is the account itself, as where an organisation's accounts are what one chooses from.
func besides(project, account string) string {
	if project == account {
		return ""
	}
	return project
}

func sectionDetail(s providers.Section) string {
	took := fmt.Sprintf("%.1f s", max(0.1, time.Duration(s.Duration).Seconds()))
	switch {
	case s.Error != "":
		return s.Error
	case s.Status == providers.StatusFailed:
		return fmt.Sprintf("exit status %d, %s", s.ExitCode, took)
	}
	return took
}

func stateOf(status string, code providers.Code) RanState {
	switch {
	case code == providers.CodeLost:
		return RanUnknown
	case status == providers.StatusOK:
		return RanOK
	case status == providers.StatusFailed:
		return RanFailed
	}
	return RanRefused
}

// switchButton offers Agent mode to an asker whose change was refused only because he is in Ask mode.
func (r *report) switchButton() (Button, bool) {
	if r.caller.Mode != store.Ask || r.caller.User.Role == store.Viewer || r.caller.User.Role == store.Admin {
		return Button{}, false
	}
	for _, c := range r.done {
		if c.Result.Code == providers.CodeRefused && c.Result.Effect != "read" && c.Result.Effect != "forbidden" && c.Result.Effect != "" {
			return Button{Action: actionAgent, Label: "Switch to Agent mode", Press: detail(pressed{Turn: r.turn.ID})}, true
		}
	}
	return Button{}, false
}

// pressed is what a button other than a confirmation's means.
type pressed struct {
	Turn         string `json:"turn,omitempty"`
	Part         int    `json:"part,omitempty"`
	Confirmation string `json:"confirmation,omitempty"`
	Good         bool   `json:"good,omitempty"`    // of a rating; of a connection that waits: approve it
	Pending      string `json:"pending,omitempty"` // a connection that waits for an admin
	Token        string `json:"token,omitempty"`   // where its credential lies
	Connection   string `json:"connection,omitempty"`
	Generation   int64  `json:"generation,omitempty"` // of that connection
	User         string `json:"user,omitempty"`       // who alone may press it
	Shared       bool   `json:"shared,omitempty"`     // the connection is the organisation's
	Cloud        string `json:"cloud,omitempty"`      // that is to be connected
}

// The actions of buttons.
const (
	actionConfirm = "confirm"
	actionAllow   = "allow" // confirm, and let the same plain write run in this thread for a while
	actionCancel  = "cancel"
	actionAgent   = "agent"
	actionAdmit   = "admit" // a connection that waits for an admin
	actionExpel   = "expel"
	actionCut     = "disconnect"
	actionAgain   = "again"
	actionLink    = "reconnect" // the link that `connect` gives
	actionShare   = "share"     // say in the open what was whispered
	actionShow    = "show"      // whisper the whole of a card that is veiled
	actionRate    = "rate"      // say whether an answer helped
	actionExpire  = "expire"    // not a button: the clock presses it
)

func readPressed(raw json.RawMessage) (pressed, error) {
	var p pressed
	if err := json.Unmarshal(raw, &p); err != nil {
		return pressed{}, fmt.Errorf("read what a button means: %w", err)
	}
	return p, nil
}
