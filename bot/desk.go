package bot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"

	"github.com/rs/zerolog"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

// Desk works on one claimed thread: it goes on with an open turn, answers what is pending, and says what the outbox
// holds. It keeps nothing between two threads.
type Desk struct {
	Stores
	Chats    map[store.Platform]Platform
	Agent    Agent // answers "no model is configured" where there is none
	Memory   agent.Memory
	Executor Executor
	Policy   Explainer
	Clean    Cleaner // of what others wrote in a thread
	Settings Settings
}

// Stores is everything the desk keeps things in.
type Stores struct {
	Rows          Rows
	Turns         Turns
	Outbox        Outbox
	Offers        Offers
	Standing      Standing
	Users         Users
	Preferences   Preferences
	Connections   Connections
	Breaks        Breaks
	Grants        Grants
	Freezer       Freezer
	Audit         Audit
	Modes         Modes
	Tickets       Tickets
	Confirmations Confirmations
	Waiting       Waiting
	Allowances    Allowances
	ChannelRules  ChannelRules
	Asked         Asked
	Begun         Begun
	Journal       Journal
	Stopper       Stopper
	Inbox         Inbox
	Departures    Departures
	Belongings    Belongings
	Sessions      Sessions // nil where nobody signs in to pages
}

// Platform is one chat platform.
type Platform struct {
	Chat      Chat
	Directory Directory
	Splitter  Splitter
	Homes     Homes // nil where people have none
}

// Agent answers an ask; *agent.Loop is one.
type Agent interface {
	Run(ctx context.Context, t agent.Turn, j agent.Journal) iter.Seq2[agent.Event, error]
}

// Executor runs commands; *providers.Executor is one.
type Executor interface {
	Judge(ctx context.Context, ask providers.Ask) providers.Prepared
	Run(ctx context.Context, ask providers.Ask) providers.Result
	RunConfirmed(ctx context.Context, asker providers.Caller, conf store.Confirmation, index int) providers.Result
	Recall(i store.Intent) providers.Result
}

// Settings is what an operator decided.
type Settings struct {
	PublicURL   string // where Aurora's own pages are
	DefaultRole store.Role
	Admins      map[store.Person]bool
	Connectable []store.Cloud // clouds that can be linked
	Shareable   []store.Cloud // clouds that can be linked for the whole organisation
	// Forget revokes and erases a connection's credential and says what is left to do at the cloud.
	Forget func(ctx context.Context, c store.Connection) (said string, err error)
	// Admit carries out an admin's word on a connection that waits, and says what came of it. store.ErrNotFound when it
	// does not wait any more, *Later while another word on it is carried out.
	Admit func(ctx context.Context, orgID string, word Word, by store.Person) (said string, err error)
	// Withdraw revokes and erases what waits for an admin, at the word of whoever connected it. store.ErrNotFound when it
	// does not wait any more, *Later while another word on it is carried out.
	Withdraw func(ctx context.Context, orgID, pendingID string, by store.Person) (said string, err error)
}

// Work does everything that is open in the claimed thread, oldest first. An error means: try again later.
func (d *Desk) Work(ctx context.Context, claim store.Claim) error {
	if err := d.resume(ctx, claim); err != nil {
		return err
	}
	if err := d.flush(ctx, claim); err != nil {
		return err
	}
	for {
		rows, err := d.Rows.Pending(ctx, claim)
		if err != nil {
			return fmt.Errorf("read pending events: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := d.handle(ctx, claim, rows[0]); err != nil {
			return err
		}
		if err := d.flush(ctx, claim); err != nil {
			return err
		}
	}
}

// handle answers one event.
func (d *Desk) handle(ctx context.Context, claim store.Claim, row store.Received) (err error) {
	defer func() {
		if p := recover(); p != nil {
			logPanic(ctx, p)
			err = d.apologise(ctx, claim, row)
		}
	}()
	err = d.respond(ctx, claim, row)
	d.homeChanged(row.Person, "")
	if row.Kind != store.EventDeparted && d.outOfTries(ctx, claim, row.ID, err) { // of who left nothing may stay
		return d.apologise(ctx, claim, row)
	}
	return err
}

func (d *Desk) respond(ctx context.Context, claim store.Claim, row store.Received) error {
	switch row.Kind {
	case store.EventMention:
		return d.mention(ctx, claim, row)
	case store.EventCommand:
		return d.command(ctx, claim, row)
	case store.EventClick:
		return d.click(ctx, claim, row)
	case store.EventContinuation:
		return d.continuation(ctx, claim, row)
	case store.EventDeparted:
		return d.departed(ctx, claim, row)
	case store.EventBroken:
		return d.broken(ctx, claim, row)
	}
	return d.settle(ctx, claim, row)
}

func logPanic(ctx context.Context, p any) {
	zerolog.Ctx(ctx).Error().Str("panic", store.PanicText(p)).Bytes("stack", debug.Stack()).Msg("event")
}

// apologise ends what an error of ours left open: an event that breaks us must not come back for ever, here or on the
// next replica.
func (d *Desk) apologise(ctx context.Context, claim store.Claim, row store.Received) error {
	turn, _, err := d.Turns.OpenTurn(ctx, claim)
	if errors.Is(err, store.ErrNotFound) {
		posts := []store.Post{whisper(row, sorry(row.Key))}
		if d.tookCard(ctx, row) { // it is nobody else's to answer any more, and its buttons would say that it runs
			posts = append(posts, d.withdrawn(ctx, row, sorry(row.Key))...)
		}
		return d.settle(ctx, claim, row, posts...)
	}
	if err != nil {
		return fmt.Errorf("look for the turn that broke: %w", err)
	}
	return d.breakOff(ctx, claim, turn)
}

// breakOff ends a turn that cannot be answered.
func (d *Desk) breakOff(ctx context.Context, claim store.Claim, turn store.Turn) error {
	out := outgoing{Message: sorry(turn.ID)}
	post := edit(turn.ID, partAnswer, partPlaceholder, turn.Place, out)
	if !inThread(turn.Place) {
		post = whisperTo(turn.ID, partNotices, turn.Place, turn.Asker, out)
	}
	if err := d.Turns.FinishTurn(ctx, claim, turn.ID, store.TurnDone, []store.Post{post}); err != nil {
		return fmt.Errorf("break %s off: %w", turn.ID, err)
	}
	return nil
}

// resume goes on with a turn that was left open: by another process, or for something that was away.
func (d *Desk) resume(ctx context.Context, claim store.Claim) (err error) {
	turn, row, err := d.Turns.OpenTurn(ctx, claim)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for an open turn: %w", err)
	}
	defer func() {
		if p := recover(); p != nil {
			logPanic(ctx, p)
			err = d.breakOff(ctx, claim, turn)
		}
	}()
	err = d.answer(ctx, claim, asked{turn: turn, row: row})
	d.homeChanged(turn.Asker, "")
	if d.outOfTries(ctx, claim, turn.InboxID, err) {
		return d.breakOff(ctx, claim, turn)
	}
	return err
}
