package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// Stop ends what runs for a person in a place, outside the queue, and says so; it says nothing where nothing of his runs,
// since it does not look who he is. What was asked after it was said goes on:
// a platform repeats what was not acknowledged in time, maybe to another replica. The row in SQL is what counts: it is
// checked in the statement that lets a command start. Waiting cards of the turns are voided.
func (d *Desk) Stop(ctx context.Context, p store.Person, place store.Place, said time.Time) string {
	turns, err := d.Stopper.RunningTurns(ctx, p, place, said)
	if err != nil {
		zerolog.Ctx(ctx).Error().Err(err).Msg("stop: list running turns")
		return "I could not stop anything: my database is away. Please try again."
	}
	if len(turns) == 0 {
		return ""
	}
	ids := make([]string, len(turns))
	for i, t := range turns {
		ids[i] = t.ID
	}
	if err := d.Stopper.RequestStop(ctx, ids, p); err != nil {
		zerolog.Ctx(ctx).Error().Err(err).Msg("stop: note the stop")
		return "I could not stop anything: my database is away. Please try again."
	}
	voided := 0
	for _, id := range ids {
		voided += d.voidCards(ctx, id)
	}
	answer := fmt.Sprintf("Stopping %d of your asks here; each says what had already run.", len(ids))
	if len(ids) == 1 {
		answer = "Stopping. The answer says what had already run."
	}
	if voided > 0 {
		answer += fmt.Sprintf(" %d waiting confirmation(s) will not run any more.", voided)
	}
	return answer
}

// voidCards voids every waiting confirmation of a turn. One that cannot be reached is no danger: the click asks SQL
// whether the turn was stopped. The edit of its card is asked for before: nothing else would bring a voided one up again.
func (d *Desk) voidCards(ctx context.Context, turnID string) int {
	ids, err := d.Waiting.PendingOf(ctx, turnID)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("turn", turnID).Msg("stop: list waiting confirmations")
		return 0
	}
	voided := 0
	for _, id := range ids {
		if err := d.askEnded(ctx, id); err != nil { // its card is edited when it runs out of time
			zerolog.Ctx(ctx).Warn().Err(err).Str("confirmation", id).Msg("stop: ask for the card's edit")
			continue
		}
		state, err := d.Confirmations.EndConfirmation(ctx, id, store.ConfirmationVoided)
		if err == nil && state == store.ConfirmationVoided {
			voided++
		}
	}
	return voided
}

// Hurry puts a freeze in force without waiting in the queue, which may be full of what is to be frozen. The event is
// answered in its turn, as any other; freezing again then changes nothing.
func (d *Desk) Hurry(ctx context.Context, e store.Event) {
	if e.Kind != store.EventMention && e.Kind != store.EventCommand {
		return
	}
	if v := parseVerb(e.Text); v.Name == "freeze" {
		if err := d.freezeNow(ctx, e.Person, v.Rest); err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("a freeze waits for its turn in the queue")
		}
	}
}

// freezeNow freezes for an admin whom SQL knows. Who is not known yet is looked up when the event is answered.
func (d *Desk) freezeNow(ctx context.Context, by store.Person, why string) error {
	user, err := d.Users.Person(ctx, by)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up who freezes: %w", err)
	}
	if !user.Active || user.Role != store.Admin && !d.Settings.Admins[by] {
		return nil
	}
	return d.Freezer.Freeze(ctx, store.Freeze{OrgID: user.OrgID, By: by.String(), Reason: clip(why, 200), At: time.Now()})
}
