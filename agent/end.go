package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aurora/providers"
	"aurora/store"
)

// ranCommand is what is told of a command when a turn ends early.
type ranCommand struct {
	argv    []string
	changes bool
	state   string
}

// conclude ends the turn with the model's last word, and ours where a limit or a click needs one.
func (r *run) conclude(reply Reply, closing string, unanswered bool) error {
	var notices []string
	switch {
	case r.plan != nil && strings.TrimSpace(reply.Text) == "":
		notices = append(notices, r.noticeWaiting())
	case r.plan != nil:
	case closing != "":
		notices = append(notices, closing)
	case strings.TrimSpace(reply.Text) == "":
		notices = append(notices, "The model gave no answer. "+r.account()+" Please ask again, perhaps in other words.")
	}
	if unanswered {
		notices = append(notices, "Your last message came too late for this turn. Please send it again.")
	}
	return r.finish(Final{Text: reply.Text, Notice: strings.Join(notices, " ")}, nil)
}

// fail ends the turn because the model gave no usable reply.
func (r *run) fail(f *Failure) error {
	return r.finish(Final{Notice: f.Sentence() + " " + r.account()}, nil)
}

// finish yields the Final, unless err is what ends the turn.
func (r *run) finish(f Final, err error) error {
	if err != nil {
		return err
	}
	if f.State == "" {
		f.State = store.TurnDone
		if r.plan != nil {
			f.State = store.TurnWaiting
		}
	}
	f.Usage, f.Model, f.AskerOnly, f.Tainted = r.usage, r.model, r.private, r.tainted
	return r.emit(f)
}

// unless turns a person's stop and the end of the turn's time into a Final; any other error goes up.
func (r *run) unless(ctx context.Context, err error) error {
	if errors.Is(err, errLeft) {
		return err
	}
	cause := context.Cause(ctx)
	switch {
	case errors.Is(err, store.ErrFenced), errors.Is(err, store.ErrUnavailable):
		return err
	case errors.Is(err, store.ErrStopped), errors.Is(cause, store.ErrStopped):
		return r.finish(Final{Notice: "Stopped. " + r.account(), State: store.TurnStopped}, nil)
	case errors.Is(cause, errWall):
		return r.finish(Final{Notice: fmt.Sprintf("I stopped after %s: that is the longest a turn may take. %s Ask again to go on.", r.Limits.Wall, r.account())}, nil)
	case cause != nil:
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

func (r *run) noticeSteps() string {
	return fmt.Sprintf("I stopped after %d rounds with the model, so the answer may be incomplete. Ask again to go on.", r.Limits.Steps)
}

func (r *run) noticeWaiting() string {
	if len(r.plan.conf.Commands) == 1 {
		return "One command waits for a click. It has not run."
	}
	return fmt.Sprintf("%d commands wait for a click. None of them has run.", len(r.plan.conf.Commands))
}

// account says in a few words what the turn ran by now: every change by name, the reads by number.
func (r *run) account() string {
	var changes []string
	reads := 0
	for _, c := range r.ran {
		if !c.changes {
			reads++
			continue
		}
		changes = append(changes, fmt.Sprintf("%s (%s)", spell(c.argv), c.state))
	}
	return spellReads(reads) + " " + spellChanges(changes)
}

func spellReads(n int) string {
	switch n {
	case 0:
		return "No read had run."
	case 1:
		return "One read had run."
	}
	return fmt.Sprintf("%d reads had run.", n)
}

func spellChanges(changes []string) string {
	const shown = 10
	switch {
	case len(changes) == 0:
		return "Nothing was changed."
	case len(changes) > shown:
		return fmt.Sprintf("These changes were started: %s, and %d more.", strings.Join(changes[:shown], "; "), len(changes)-shown)
	}
	return fmt.Sprintf("These changes were started: %s.", strings.Join(changes, "; "))
}

// spell writes an argv so that its words can be told apart, without invisible characters, at most 200 bytes of it.
func spell(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = word
		if quoted := strconv.QuoteToASCII(word); word == "" || quoted != `"`+word+`"` || strings.ContainsAny(word, " ';") {
			words[i] = quoted
		}
	}
	text := strings.Join(words, " ")
	if len(text) > 200 {
		text = text[:197] + "..."
	}
	return text
}

// stateOf says what became of a command that was started; "" when it was not.
func stateOf(res providers.Result) string {
	switch {
	case res.Status == providers.StatusOK:
		return "ok"
	case res.Code == providers.CodeTimeout:
		return "timed out"
	case res.Code == providers.CodeCancelled:
		return "cancelled while it ran"
	case res.Code == providers.CodeLost:
		return "outcome unknown"
	case res.Status == providers.StatusFailed:
		return "failed"
	}
	return ""
}

// argvOf prefers what the executor says it ran: secrets are redacted there.
func argvOf(ask providers.Ask, res providers.Result) []string {
	switch {
	case len(res.Argv) > 0:
		return slices.Clone(res.Argv)
	case len(ask.Argv) > 0:
		return slices.Clone(ask.Argv)
	}
	return strings.Fields(ask.Line)
}
