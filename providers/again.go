package providers

import (
	"context"
	"fmt"

	"aurora/store"
)

// again looks once more, when everything is ready to run, at what was judged a while ago: the wait for a place has no
// bound, and a connection that was made anew may keep its credential where the one before did.
func (e *Executor) again(ctx context.Context, j job) error {
	was := j.target.Connection
	all, err := e.Connections.Connections(ctx, j.ask.Caller.Org.ID, j.ask.Caller.User.ID)
	if err != nil {
		return &Problem{Code: CodeUnavailable, Sentence: unavailable.sentence, Err: err}
	}
	for _, c := range all {
		if c.ID == was.ID && c.Generation == was.Generation && works(c) {
			return e.grantedStill(ctx, j)
		}
	}
	return &Problem{Code: CodeExpired, Sentence: fmt.Sprintf("The connection to %s (%s) was changed or ended while this waited, so nothing ran. Ask again.", label(was), was.Cloud)}
}

// grantedStill tells whether what the caller was granted on an organisation's connection still reaches as far.
func (e *Executor) grantedStill(ctx context.Context, j job) error {
	if j.target.Connection.UserID != "" {
		return nil
	}
	list, err := e.grants(ctx, j.ask.Caller, []Target{j.target})
	if err != nil {
		return &Problem{Code: CodeUnavailable, Sentence: unavailable.sentence, Err: err}
	}
	if limit := list[0].limit; limit > 0 && limit >= j.prepared.Verdict.Reach() {
		return nil
	}
	return &Problem{Code: CodeRefused, Sentence: "Your grant on " + j.target.describe() + " was taken back or made smaller while this waited, so nothing ran."}
}

// Mend says how a connection that does not work any more is made to: by its owner, or for the organisation's by an admin.
func Mend(c store.Connection) string {
	if c.UserID == "" {
		return fmt.Sprintf("it is the organisation's, so ask an Aurora admin to say /aurora connect %s for everyone", c.Cloud)
	}
	return fmt.Sprintf("connect again with /aurora connect %s", c.Cloud)
}
