package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"aurora/store"
)

// Loop answers turns. It is safe for concurrent use; nothing of a turn stays in it.
type Loop struct {
	Model  Model
	Runner Runner
	Memory Memory        // its zero value remembers nothing
	Clouds []store.Cloud // clouds the tool offers; empty means all
	Limits Limits
}

// Run answers t and yields what happens until Final. An error ends it without Final: the turn is not over, and whoever
// claims it next goes on from the journal. A stop (context cause store.ErrStopped, or Journal.Stopped) is no error: the
// Final says what had run by then.
func (l *Loop) Run(ctx context.Context, t Turn, j Journal) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		r := &run{Loop: *l, turn: t, journal: j, outer: ctx, yield: yield}
		r.Limits = l.Limits.withDefaults()
		if err := r.answer(ctx); err != nil && !errors.Is(err, errLeft) {
			yield(nil, fmt.Errorf("answer turn %s: %w", t.ID, err))
		}
	}
}

var (
	errLeft = errors.New("nobody listens any more")
	errWall = errors.New("the turn took too long")
)

// run is one turn being answered.
type run struct {
	Loop
	turn    Turn
	journal Journal
	outer   context.Context // journal writes must outlive a stop, which ends the inner context
	yield   func(Event, error) bool

	system   string
	messages []Message
	tainted  bool // what the model was given by now holds more than the asker's own words
	private  bool // something for the asker alone was read
	usage    Usage
	model    string
	calls    int // commands given to the executor, replayed ones too
	bytes    int // of results given to the model
	ran      []ranCommand
	plan     *plan
}

// answer is the whole turn: open, then step after step until one of them ends it.
func (r *run) answer(ctx context.Context) error {
	ctx, release := r.bound(ctx)
	defer release()
	if err := r.open(ctx); err != nil {
		return r.unless(ctx, err)
	}
	recorded, err := r.journal.Steps(ctx)
	if err != nil {
		return r.unless(ctx, fmt.Errorf("read the journal: %w", err))
	}
	for n := 1; ; n++ {
		var old *store.Step
		if n <= len(recorded) {
			old = &recorded[n-1]
		}
		over, err := r.step(ctx, n, old)
		if err != nil {
			return r.unless(ctx, err)
		}
		if over {
			return nil
		}
	}
}

// bound gives the turn its end of time and somebody who watches for a stop.
func (r *run) bound(ctx context.Context) (context.Context, func()) {
	if r.turn.Started.IsZero() {
		r.turn.Started = time.Now()
	}
	ctx, stop := context.WithCancelCause(ctx)
	ctx, cancel := context.WithDeadlineCause(ctx, r.turn.Started.Add(r.Limits.Wall), errWall)
	var watch sync.WaitGroup
	watch.Go(func() { r.watch(ctx, stop) })
	return ctx, func() {
		cancel()
		stop(nil)
		watch.Wait()
	}
}

// watch ends the turn's context once a person has stopped it, so that a stream or a command does not run on.
func (r *run) watch(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(r.Limits.StopPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if stopped, err := r.journal.Stopped(ctx); err == nil && stopped {
				stop(store.ErrStopped)
				return
			}
		}
	}
}

// step does step n, from the journal as far as it goes, and tells whether the turn is over.
func (r *run) step(ctx context.Context, n int, old *store.Step) (over bool, err error) {
	if old == nil {
		if notice, err := r.spent(ctx, n); err != nil || notice != "" {
			return true, r.finish(Final{Notice: notice}, err)
		}
	}
	if err := r.emit(StepStarted{Step: n, Replayed: old != nil}); err != nil {
		return false, err
	}
	closing := r.closing(n)
	now := r.tainted
	reply, joined, err := r.reply(ctx, n, closing != "", old)
	if f := (*Failure)(nil); errors.As(err, &f) {
		return true, r.fail(f)
	}
	if err != nil {
		return false, err
	}
	if err := r.execute(ctx, n, reply, closing, old); err != nil {
		return false, err
	}
	r.tainted = r.tainted || now
	r.join(joined)
	if len(reply.Calls) > 0 && closing == "" || len(joined) > 0 && n < r.Limits.Steps {
		return false, nil
	}
	return true, r.conclude(reply, closing, len(joined) > 0)
}

// spent tells, before the model is asked again, why it must not be.
func (r *run) spent(ctx context.Context, n int) (string, error) {
	stopped, err := r.journal.Stopped(ctx)
	if err != nil {
		return "", fmt.Errorf("look for a stop: %w", err)
	}
	switch {
	case stopped:
		return "", store.ErrStopped
	case n > r.Limits.Steps:
		return r.noticeSteps(), nil
	case r.usage.Total() >= r.Limits.Tokens:
		return fmt.Sprintf("I stopped here: this turn used up its %d tokens. %s Ask again to go on, best for something narrower.",
			r.Limits.Tokens, r.account()), nil
	}
	return "", ctx.Err()
}

// closing tells why the next reply must be the model's last word, or gives "".
func (r *run) closing(n int) string {
	switch {
	case r.plan != nil && !r.plan.told:
		return "A click is being waited for: nothing else runs before it."
	case n >= r.Limits.Steps:
		return r.noticeSteps()
	case r.calls >= r.Limits.Calls:
		return fmt.Sprintf("I stopped after %d commands, so the answer may be incomplete. Ask again to go on.", r.Limits.Calls)
	case r.bytes >= r.Limits.TotalBytes:
		return fmt.Sprintf("I stopped after reading %d KiB of output, so the answer may be incomplete. Ask again for something narrower.",
			r.Limits.TotalBytes>>10)
	}
	return ""
}

// reply gives step n's reply: the journaled one, or a new one that is journaled before it is used.
func (r *run) reply(ctx context.Context, n int, last bool, old *store.Step) (Reply, []store.Received, error) {
	if old != nil {
		reply, err := r.replay(n, old)
		if err != nil {
			return Reply{}, nil, err
		}
		return reply, old.Joined, r.emit(Replied{Step: n, Reply: reply, Joined: old.Joined, Replayed: true})
	}
	start := time.Now()
	reply, err := r.ask(ctx, n, last)
	if err != nil {
		return Reply{}, nil, err
	}
	took := time.Since(start)
	joined, err := r.saveReply(n, reply)
	if err != nil {
		return Reply{}, nil, err
	}
	r.heard(reply)
	return reply, joined, r.emit(Replied{Step: n, Reply: reply, Took: took, Joined: joined})
}

// replay hears a journaled reply. Its calls are judged by what its model had been told. That may be more than is told now,
// for threads change and memory ends; and where it is less, a write that runs already must not be asked a click for.
func (r *run) replay(n int, old *store.Step) (Reply, error) {
	var was spoken
	if err := json.Unmarshal(old.Reply, &was); err != nil {
		return Reply{}, fmt.Errorf("read journaled reply %d: %w", n, err)
	}
	if was.Told == nil { // nobody noted it
		was.Told = &hearsay{Tainted: true, Private: true}
	}
	r.tainted, r.private = was.Told.Tainted, r.private || was.Told.Private
	r.heard(was.Reply)
	return was.Reply, nil
}

// heard counts a reply and puts it into the conversation.
func (r *run) heard(reply Reply) {
	r.usage = r.usage.Add(reply.Usage)
	if reply.Model != "" {
		r.model = reply.Model
	}
	r.messages = append(r.messages, Message{Role: RoleAssistant, Text: reply.Text, Calls: reply.Calls})
	if r.plan != nil {
		r.plan.told = true
	}
}

// join puts the asker's later messages into the conversation: they are his own words.
func (r *run) join(joined []store.Received) {
	for _, m := range joined {
		r.messages = append(r.messages, Message{Role: RoleUser, Text: shorten(m.Text, r.Limits.TextBytes)})
	}
}

func (r *run) saveReply(n int, reply Reply) ([]store.Received, error) {
	raw, err := json.Marshal(spoken{Reply: reply, Told: &hearsay{Tainted: r.tainted, Private: r.private}})
	if err != nil {
		return nil, fmt.Errorf("encode reply %d: %w", n, err)
	}
	ctx, cancel := r.saving()
	defer cancel()
	joined, err := r.journal.SaveReply(ctx, n, raw)
	if err != nil {
		return nil, fmt.Errorf("journal reply %d: %w", n, err)
	}
	return joined, nil
}

// saving gives the context of a journal write: a stop or the end of time must not keep what happened out of the journal,
// while a lost claim or a shutdown must.
func (r *run) saving() (context.Context, context.CancelFunc) {
	if errors.Is(context.Cause(r.outer), store.ErrStopped) {
		return context.WithTimeout(context.WithoutCancel(r.outer), 10*time.Second)
	}
	return context.WithCancel(r.outer)
}

func (r *run) emit(e Event) error {
	if !r.yield(e, nil) {
		return errLeft
	}
	return nil
}
