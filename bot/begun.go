package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aurora/agent"
	"aurora/store"
)

// noteTry notes on a click's row, before anything is decided, that its button was found and what it answers: the next try
// knows then that this one may have taken the click, also when Redis does not know it any more.
func (d *Desk) noteTry(ctx context.Context, claim store.Claim, row store.Received, p ClickPayload, confirmation string) (ClickPayload, error) {
	if p.Tried {
		return p, nil
	}
	p.Tried, p.Confirmation = true, confirmation
	if err := d.Begun.NoteTry(ctx, claim, row.ID, detail(p)); err != nil {
		return p, fmt.Errorf("note the try of a click: %w", err)
	}
	return p, nil
}

// memoryAway answers a click whose button cannot be looked up because Redis is away: nothing was decided, and a click
// that counts minutes later would surprise whoever made it. One that was tried before may have won its card, so it is
// tried until that is known. Every other error is for another try.
func (d *Desk) memoryAway(ctx context.Context, claim store.Claim, row store.Received, p ClickPayload, err error) error {
	if !errors.Is(err, store.ErrUnavailable) || p.Tried {
		return fmt.Errorf("look up a button: %w", err)
	}
	return d.settle(ctx, claim, row, whisper(row, notice("My short-term memory is away, so your click was not taken and nothing was run. Please click again in a minute.")))
}

// tellWaiting says that a click waits because Redis cannot decide on it safely now, and how long it may.
func (d *Desk) tellWaiting(ctx context.Context, claim store.Claim, row store.Received, conf store.Confirmation, err error) error {
	if !errors.Is(err, store.ErrUnavailable) {
		return nil
	}
	m := notice("Your click is noted, but my short-term memory cannot be relied on right now. I go on when it can, until %s at the latest. Whoever asked can still say `stop`.", clock(conf.Expires))
	if err := d.enqueue(ctx, claim, []store.Post{whisperPart(row, partNotices, m)}); err != nil {
		return err
	}
	return d.flush(ctx, claim)
}

// recalled gives what an earlier try of a click has begun of a confirmation, in the order of its plan. What still runs is
// waited for: its runner lives, or is taken for lost when its lease is over.
func (d *Desk) recalled(ctx context.Context, confirmation string) (settled []agent.Settled, turn string, err error) {
	intents, err := d.Begun.IntentsOf(ctx, confirmation)
	if err != nil {
		return nil, "", fmt.Errorf("look for what was begun of %s: %w", confirmation, err)
	}
	for _, i := range intents {
		if i.Outcome == nil && !i.Lost {
			return nil, "", &Later{After: time.Second}
		}
		result := d.Executor.Recall(i)
		settled = append(settled, agent.Settled{Confirmation: confirmation, State: store.ConfirmationTaken, Argv: i.Argv, Result: &result})
		turn = i.Turn
	}
	return settled, turn, nil
}

// outliveRecord concludes a click that has run something before the record of its card was lost; done when it was one.
// Who asked and where is read from SQL. Whether the card was for its asker alone is not known any more, so it is taken
// for one that was.
func (d *Desk) outliveRecord(ctx context.Context, claim store.Claim, row store.Received, p ClickPayload) (done bool, err error) {
	if p.Confirmation == "" { // no record was ever found for it
		return false, nil
	}
	settled, turnID, err := d.recalled(ctx, p.Confirmation)
	if err != nil || len(settled) == 0 {
		return false, err
	}
	turn, err := d.Turns.Turn(ctx, turnID)
	if err != nil {
		return false, fmt.Errorf("read the turn of %s: %w", p.Confirmation, err)
	}
	_, typed := typedLine(turn)
	conf := store.Confirmation{ID: p.Confirmation, Thread: turn.Thread, Asker: turn.Asker, Place: turn.Place,
		Typed: typed && !strings.HasPrefix(turn.ID, repeated)}
	return true, d.goOn(ctx, claim, row, conf, settled, d.concluded(ctx, row, p, turn, settled)...)
}

// concluded replaces a card whose record was lost by what became of it.
func (d *Desk) concluded(ctx context.Context, row store.Received, p ClickPayload, turn store.Turn, settled []agent.Settled) []store.Post {
	card, err := d.Standing.StandsAt(ctx, row.Place, p.MessageTS)
	if err != nil || card.Turn != turn.ID {
		return nil
	}
	open := notice("Confirmed by %s at %s. The record of this card was lost since; what became of it is told apart.", d.nameOf(ctx, row.Place, row.Person), clock(row.At))
	m := notice("What became of the card that was confirmed at %s:", clock(row.At))
	for _, s := range settled {
		m.Ran = append(m.Ran, ranLines(*s.Result)...)
	}
	out := outgoing{Message: m, Asker: turn.Asker.ID, Private: true, Instead: &open}
	return []store.Post{edit(turn.ID, partEdits+card.Part, card.Part, card.Place, out)}
}

// answered tells whether the message a click was made on is a card that was replaced by what became of it.
func (d *Desk) answered(ctx context.Context, place store.Place, p ClickPayload) (bool, error) {
	card, err := d.Standing.StandsAt(ctx, place, p.MessageTS)
	if err != nil || card.Part < partCards || card.Part >= partNotices {
		return false, nil //nolint:nilerr // no card of ours
	}
	_, _, err = d.Standing.PostTS(ctx, card.Turn, partEdits+card.Part)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find the edit of a card: %w", err)
	}
	return true, nil
}
