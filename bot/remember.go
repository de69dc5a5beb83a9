package bot

import (
	"context"
	"strings"

	"github.com/rs/zerolog"

	"aurora/store"
)

// exchange is what is to be remembered of the report's answer once it is said.
func (r *report) exchange() *exchange {
	keep := &exchange{User: r.turn.UserID, Ask: r.turn.Text, Private: r.askerOnly()}
	if strings.HasPrefix(r.turn.ID, continued) {
		keep.Ask = ""
	}
	return keep
}

// of gives what part i of an answer leaves to memory: the ask goes with the first.
func (e *exchange) of(i int) *exchange {
	part := *e
	if i > 0 {
		part.Ask = ""
	}
	return &part
}

// remember keeps what was said for the thread's next turns: for everybody when it stands in the open, else for the asker
// alone. It is done when a message was sent, since nobody knows before who could read it. A thread without memory
// still works.
func (d *Desk) remember(ctx context.Context, claim store.Claim, post store.Post, out outgoing) {
	if out.Keep == nil {
		return
	}
	k, thread := out.Keep, claim.Thread
	if turn, err := d.Turns.Turn(ctx, post.Turn); err == nil {
		thread = turn.Thread // what a click shares is sent from the click's own thread
	}
	var err error
	if post.Kind == store.PostWhisper {
		err = d.Memory.Whispered(ctx, thread, post.Turn, k.User, k.Ask, out.Message.Text, k.Private)
	} else {
		err = d.Memory.Posted(ctx, thread, post.Turn, k.User, k.Ask, out.Message.Text)
	}
	if err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("remember the exchange")
	}
}
