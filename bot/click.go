package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

const (
	goneCard    = "This confirmation is not known any more: expired, not run. Please ask again."
	aloneCard   = "Only the person who asked can answer this card."
	changedCard = "The record of this confirmation is not the one that was asked, so nothing was run. Please ask again."
	overCard    = "This card was answered before. Nothing more was run."

	strangeButton = "This button does not belong to this message. Nothing was changed."
)

// click answers a button. It works outside the lease of the turn's thread, under a thread key made of the button's own
// nonce, so that clicks on one card queue up behind each other.
func (d *Desk) click(ctx context.Context, claim store.Claim, row store.Received) error {
	var p ClickPayload
	if err := json.Unmarshal(row.Payload, &p); err != nil {
		return d.settle(ctx, claim, row, whisper(row, sorry(row.Key)))
	}
	if p.Action == actionExpire && row.Person == (store.Person{}) {
		return d.ended(ctx, claim, row, p)
	}
	a, refusal, err := d.identify(ctx, row.Place, row.Person)
	if err != nil {
		return err
	}
	if refusal != "" {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: refusal}))
	}
	switch p.Action {
	case actionConfirm, actionAllow, actionCancel, actionShow:
		return d.decide(ctx, claim, row, a, p)
	}
	return d.press(ctx, claim, row, a, p)
}

// decide is a click on a card. What cannot be answered with yes or no is answered with a sentence and changes nothing.
func (d *Desk) decide(ctx context.Context, claim store.Claim, row store.Received, a asker, p ClickPayload) error {
	conf, err := d.Waiting.ConfirmationByNonce(ctx, p.NonceHash)
	if errors.Is(err, store.ErrNotFound) {
		return d.unknown(ctx, claim, row, p)
	}
	if err != nil {
		return d.memoryAway(ctx, claim, row, p, err)
	}
	defer d.homeChanged(conf.Asker, "") // who clicks may be somebody else
	no, err := d.mayDecide(ctx, a, row, p, conf)
	if err != nil {
		return err
	}
	if no != "" {
		if err := d.noteClick(ctx, a, conf, p.Action, no); err != nil {
			return err
		}
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: no}))
	}
	if p, err = d.noteTry(ctx, claim, row, p, conf.ID); err != nil {
		return err
	}
	if p.Action == actionCancel {
		return d.cancel(ctx, claim, row, a, conf)
	}
	blind, err := d.blind(ctx, a, conf)
	if err != nil {
		return err
	}
	if blind || p.Action == actionShow {
		return d.showCard(ctx, claim, row, a, p, conf)
	}
	return d.take(ctx, claim, row, a, p, conf)
}

// unknown answers a button no record is found by. Its card is of no use any more, unless it waits for a click by the
// buttons it was last sent with: then it stays, or anybody could take it away with a made-up button. What this click set
// going before the record was lost is told all the same: SQL knows it.
func (d *Desk) unknown(ctx context.Context, claim store.Claim, row store.Received, p ClickPayload) error {
	if done, err := d.outliveRecord(ctx, claim, row, p); done || err != nil {
		return err
	}
	waits, err := d.stillWaits(ctx, row.Place, p)
	if err != nil {
		return d.memoryAway(ctx, claim, row, p, err)
	}
	if waits {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: strangeButton}))
	}
	over, err := d.answered(ctx, row.Place, p)
	if err != nil {
		return err
	}
	if over {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: overCard}))
	}
	gone := Message{Notice: goneCard}
	return d.settle(ctx, claim, row, append(d.withdrawn(ctx, row, gone), whisper(row, gone))...)
}

// stillWaits tells whether the message a click was made on is a card that another button than the pressed one answers.
func (d *Desk) stillWaits(ctx context.Context, place store.Place, p ClickPayload) (bool, error) {
	card, err := d.Standing.StandsAt(ctx, place, p.MessageTS)
	if err != nil {
		return false, nil //nolint:nilerr // no card of ours, or none that could be withdrawn
	}
	ids, err := d.Waiting.PendingOf(ctx, card.Turn)
	if err != nil {
		return false, fmt.Errorf("look for what waits on a card: %w", err)
	}
	for _, id := range ids {
		conf, err := d.Confirmations.Confirmation(ctx, id)
		if err == nil && conf.CardPart == card.Part && conf.NonceHash != p.NonceHash {
			return true, nil
		}
	}
	return false, nil
}

// withdrawn replaces the card that a click was made on by why it is of no use any more, so that nobody presses its
// buttons again. There is nothing to replace where the message is no card of ours; one that was replaced before stays.
func (d *Desk) withdrawn(ctx context.Context, row store.Received, why Message) []store.Post {
	var p ClickPayload
	if row.Kind != store.EventClick || json.Unmarshal(row.Payload, &p) != nil || p.MessageTS == "" {
		return nil
	}
	card, err := d.Standing.StandsAt(ctx, row.Place, p.MessageTS)
	if err != nil || card.Part < partCards || card.Part >= partNotices {
		return nil // its buttons stay: they answer with the same sentence
	}
	return []store.Post{edit(card.Turn, partEdits+card.Part, card.Part, card.Place, outgoing{Message: why})}
}

// tookCard tells whether an event is the click that won a card.
func (d *Desk) tookCard(ctx context.Context, row store.Received) bool {
	var p ClickPayload
	if row.Kind != store.EventClick || json.Unmarshal(row.Payload, &p) != nil {
		return false
	}
	conf, err := d.Waiting.ConfirmationByNonce(ctx, p.NonceHash)
	return err == nil && conf.TakenBy == row.Key
}

// mayDecide says why a person may not answer a card; "" when he may. Who asked, where, and whether it was answered
// before is SQL's to say: the record is only believed where the audit knows it.
func (d *Desk) mayDecide(ctx context.Context, a asker, row store.Received, p ClickPayload, conf store.Confirmation) (string, error) {
	if conf.OrgID != a.Org.ID {
		return goneCard, nil
	}
	if same, err := d.asAsked(ctx, conf); err != nil || !same {
		return changedCard, err
	}
	place, ts, err := d.Standing.PostTS(ctx, conf.Turn, conf.CardPart)
	if errors.Is(err, store.ErrNotFound) { // the card can be seen already, and is not noted as sent yet
		err = &Later{After: time.Second}
	}
	if err != nil {
		return "", fmt.Errorf("find the card of %s: %w", conf.ID, err)
	}
	if ts != p.MessageTS || place.Channel != row.Place.Channel || place.Team != row.Place.Team {
		return strangeButton, nil
	}
	if no := notEntitled(a, p, conf); no != "" || conf.State != store.ConfirmationPending {
		return no, nil
	}
	if _, _, err := d.Standing.PostTS(ctx, conf.Turn, partEdits+conf.CardPart); !errors.Is(err, store.ErrNotFound) {
		return overCard, err // its card was replaced, so it is only pending because somebody made it so
	}
	return "", nil
}

// notEntitled says why this is not the person to answer; "" when it is.
func notEntitled(a asker, p ClickPayload, conf store.Confirmation) string {
	own := a.User.ID == conf.UserID
	switch {
	case p.Action == actionCancel && (own || a.User.Role == store.Approver):
		return ""
	case p.Action == actionShow && (own || conf.FourEyes && a.User.Role == store.Approver):
		return ""
	case conf.FourEyes && own:
		return "This needs a second person: an approver other than you. You may only cancel it."
	case conf.FourEyes && a.User.Role != store.Approver:
		return "Only an approver can confirm this."
	case !conf.FourEyes && !own:
		return aloneCard
	}
	return ""
}

// take wins the card for this click, or says who did. The record is read again after it was won: from there on nobody
// else changes it by the rules, and whoever changes it against them is found out by the digest.
func (d *Desk) take(ctx context.Context, claim store.Claim, row store.Received, a asker, p ClickPayload, conf store.Confirmation) error {
	state, err := d.Confirmations.TakeConfirmation(ctx, conf.ID, row.Key)
	if errors.Is(err, store.ErrNotFound) {
		return d.unknown(ctx, claim, row, p)
	}
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return errors.Join(fmt.Errorf("take %s: %w", conf.ID, err), d.tellWaiting(ctx, claim, row, conf, err))
	}
	if err != nil || state != store.ConfirmationTaken {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: tooLate(state)}))
	}
	won, err := d.Confirmations.Confirmation(ctx, conf.ID)
	if errors.Is(err, store.ErrNotFound) {
		return d.unknown(ctx, claim, row, p)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", conf.ID, err)
	}
	if won.TakenBy != row.Key {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: tooLate(store.ConfirmationTaken)}))
	}
	same, err := d.asAsked(ctx, won)
	if err != nil {
		return err
	}
	if !same || won.NonceHash != conf.NonceHash {
		return d.disown(ctx, claim, row, a, p, conf)
	}
	if err := d.noteClick(ctx, a, won, p.Action, ""); err != nil {
		return err
	}
	settled, err := d.runPlan(ctx, won)
	if err != nil {
		return err
	}
	if p.Action == actionAllow && plainWrites(won) && anyRan(settled) {
		d.allow(ctx, won)
	}
	return d.conclude(ctx, claim, row, won, "Confirmed by "+d.nameOf(ctx, row.Place, row.Person)+" at "+clock(row.At), settled)
}

func tooLate(state store.ConfirmationState) string {
	switch state {
	case store.ConfirmationTaken:
		return "Somebody was faster: this was already confirmed, and runs once."
	case store.ConfirmationCancelled:
		return "This was cancelled. Nothing was run."
	case store.ConfirmationVoided:
		return "This was stopped. Nothing was run."
	}
	return "This confirmation has expired. Nothing was run; please ask again."
}

// asAsked tells whether the record is the one that the audit noted when it was asked.
func (d *Desk) asAsked(ctx context.Context, conf store.Confirmation) (bool, error) {
	digest, err := d.Asked.Asked(ctx, conf.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what was asked as %s: %w", conf.ID, err)
	}
	return digest == conf.Digest(), nil
}

// disown answers a card whose record was changed while it was clicked. Nothing that the record now says is shown or
// used: conf is what it said when the audit still knew it.
func (d *Desk) disown(ctx context.Context, claim store.Claim, row store.Received, a asker, p ClickPayload, conf store.Confirmation) error {
	if err := d.noteClick(ctx, a, conf, p.Action, changedCard); err != nil {
		return err
	}
	m := Message{Notice: changedCard}
	return d.settle(ctx, claim, row, edit(conf.Turn, partEdits+conf.CardPart, conf.CardPart, conf.Place, outgoing{Message: m}))
}

// runPlan runs the commands of a won card one after the other, up to the first that fails. Each is judged again, but for
// those that an earlier try has begun: what became of them is told, whatever would be said of them now.
func (d *Desk) runPlan(ctx context.Context, conf store.Confirmation) ([]agent.Settled, error) {
	settled, _, err := d.recalled(ctx, conf.ID)
	if err != nil {
		return nil, err
	}
	if n := len(settled); n > 0 && (n >= len(conf.Commands) || settled[n-1].Result.Status != providers.StatusOK) {
		return settled, nil
	}
	who, refusal, err := d.identify(ctx, conf.Place, conf.Asker)
	if err != nil {
		return nil, err
	}
	if refusal != "" && len(settled) > 0 {
		return settled, nil
	}
	if refusal != "" {
		return notRun(conf, "The person who asked may not use Aurora any more, so nothing ran."), nil
	}
	caller, err := d.caller(ctx, who, conf.Thread, conf.Place)
	if err != nil {
		return nil, err
	}
	// The click has won the card already. Taking Ask for the mode because Redis is away would spend it on a refusal; the
	// same click may win again once Redis answers.
	if caller.Mode, err = d.modeNow(ctx, conf.Asker, conf.Thread, conf.Place); err != nil {
		return nil, err
	}
	running, end := d.stoppable(ctx, conf.Turn)
	defer end()
	for i := len(settled); i < len(conf.Commands); i++ {
		result := d.Executor.RunConfirmed(running, caller, conf, i)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("run %s: %w", conf.ID, context.Cause(ctx))
		}
		d.heed(ctx, caller.User, result)
		settled = append(settled, agent.Settled{Confirmation: conf.ID, State: store.ConfirmationTaken, Argv: conf.Commands[i].Argv, Result: &result})
		if result.Status != providers.StatusOK {
			break
		}
	}
	return settled, nil
}

func notRun(conf store.Confirmation, why string) []agent.Settled {
	result := providers.Result{Code: providers.CodeRefused, Error: why, Cloud: conf.Cloud}
	if len(conf.Commands) > 0 {
		result.Argv = conf.Commands[0].Argv
	}
	return []agent.Settled{{Confirmation: conf.ID, State: store.ConfirmationVoided, Argv: result.Argv, Result: &result}}
}

// conclude replaces the card by what became of it and starts the continuation, in the transaction that settles the click.
func (d *Desk) conclude(ctx context.Context, claim store.Claim, row store.Received, conf store.Confirmation, outcome string, settled []agent.Settled) error {
	return d.goOn(ctx, claim, row, conf, settled, d.decided(ctx, conf, outcome, settled))
}

// goOn settles a click and leaves what became of it to the thread its card came from.
func (d *Desk) goOn(ctx context.Context, claim store.Claim, row store.Received, conf store.Confirmation, settled []agent.Settled, posts ...store.Post) error {
	e := store.Event{
		Key: "cont:" + conf.ID, Kind: store.EventContinuation, Thread: conf.Thread, Person: conf.Asker, Place: conf.Place,
		At: row.At, Payload: detail(continuationPayload{Typed: conf.Typed, Settled: settled}),
	}
	if err := d.Rows.ContinueTurn(ctx, claim, row.ID, e, posts); err != nil {
		return fmt.Errorf("conclude %s: %w", conf.ID, err)
	}
	return nil
}

// continuationPayload is what a click leaves to the thread it came from.
type continuationPayload struct {
	Typed   bool            `json:"typed"`
	Settled []agent.Settled `json:"settled"`
}

// decided is the card after the decision: the same words, no buttons, what became of it.
func (d *Desk) decided(ctx context.Context, conf store.Confirmation, outcome string, settled []agent.Settled, buttons ...Button) store.Post {
	card := drawCard(conf, d.nameOf(ctx, conf.Place, conf.Asker))
	card.Outcome = outcome
	m := Message{Card: &card, Buttons: buttons}
	for i, s := range settled {
		if s.Result == nil {
			continue
		}
		m.Ran = append(m.Ran, ranLines(*s.Result)...)
		if i < len(card.Commands) {
			card.Commands[i].State = stateOf(s.Result.Status, s.Result.Code)
		}
	}
	if left := len(conf.Commands) - len(settled); len(settled) > 0 && left > 0 {
		m.Notice = fmt.Sprintf("The plan stopped there: %d further command(s) were not run.", left)
	}
	return edit(conf.Turn, partEdits+conf.CardPart, conf.CardPart, conf.Place, outgoing{
		Message: m, Asker: conf.Asker.ID, Private: conf.Private, Instead: d.veilOf(ctx, conf.Turn).veiledCard(conf, m), Quiet: len(m.Ran) == 0})
}

func (d *Desk) cancel(ctx context.Context, claim store.Claim, row store.Received, a asker, conf store.Confirmation) error {
	state, err := d.Confirmations.EndConfirmation(ctx, conf.ID, store.ConfirmationCancelled)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("cancel %s: %w", conf.ID, err)
	}
	if err != nil || state != store.ConfirmationCancelled {
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: tooLate(state)}))
	}
	if _, _, err := d.Standing.PostTS(ctx, conf.Turn, partEdits+conf.CardPart); !errors.Is(err, store.ErrNotFound) {
		if err != nil {
			return fmt.Errorf("find the edit of %s: %w", conf.ID, err)
		}
		return d.settle(ctx, claim, row, whisper(row, Message{Notice: tooLate(state)})) // an earlier click cancelled it
	}
	if err := d.noteClick(ctx, a, conf, actionCancel, ""); err != nil {
		return err
	}
	outcome := "Cancelled by " + d.nameOf(ctx, row.Place, row.Person) + " at " + clock(row.At) + ". Nothing was run."
	return d.settle(ctx, claim, row, d.decided(ctx, conf, outcome, nil))
}

// noteClick puts a click into the audit, also one that was refused.
func (d *Desk) noteClick(ctx context.Context, a asker, conf store.Confirmation, action, refused string) error {
	err := d.Audit.Audit(ctx, store.AuditEntry{
		Kind: store.AuditClick, OrgID: a.Org.ID, UserID: a.User.ID, Person: a.Person.String(), Turn: conf.Turn, Subject: conf.ID,
		Detail: detail(map[string]string{"action": action, "refused": refused, "digest": conf.Digest()}),
	})
	if err != nil {
		return fmt.Errorf("note a click on %s: %w", conf.ID, err)
	}
	return nil
}
