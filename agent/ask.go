package agent

import (
	"context"
	"errors"
	"regexp"
	"time"
)

// ask gets a usable reply for step n. A reply that broke off is asked for again, as nothing of it was used; every try
// that failed is told, because it may have cost something.
func (r *run) ask(ctx context.Context, n int, last bool) (Reply, error) {
	req := Request{
		System: r.system, Messages: r.messages, Tools: []Tool{CloudTool(r.Clouds)},
		NoCalls: last, Parallel: !last, User: r.turn.Caller.User.ID, MaxReply: r.Limits.ReplyTokens,
	}
	for try := 1; ; try++ {
		start := time.Now()
		reply, err := r.Model.Reply(ctx, req)
		if err == nil {
			err = usable(reply, r.messages)
		}
		if err == nil {
			return reply, nil
		}
		if ctx.Err() != nil {
			return Reply{}, context.Cause(ctx)
		}
		f := asFailure(err)
		r.usage = r.usage.Add(f.Usage)
		if err := r.emit(Replied{Step: n, Failure: f, Took: time.Since(start)}); err != nil {
			return Reply{}, err
		}
		if !f.Again() || try >= r.Limits.Tries {
			return Reply{}, f
		}
	}
}

var callID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// CallIDOK tells whether a call's id can be used: it becomes part of journal and intent keys.
func CallIDOK(id string) bool { return callID.MatchString(id) }

// usable checks what every Model promises, since the journal and the intents are keyed by it.
func usable(reply Reply, before []Message) error {
	seen := map[string]bool{}
	for _, m := range before {
		for _, c := range m.Calls {
			seen[c.ID] = true
		}
	}
	for _, c := range reply.Calls {
		if !CallIDOK(c.ID) || seen[c.ID] {
			return &Failure{Kind: FailMalformed, Detail: "a call's id is empty, odd or used twice", Usage: reply.Usage}
		}
		if !jsonObject(c.Arguments) {
			return &Failure{Kind: FailMalformed, Detail: "a call's arguments are not a JSON object", Usage: reply.Usage}
		}
		seen[c.ID] = true
	}
	return nil
}

// asFailure gives the failure inside err, or one that stands for it.
func asFailure(err error) *Failure {
	if f := (*Failure)(nil); errors.As(err, &f) {
		return f
	}
	return &Failure{Kind: FailUnavailable, Detail: "unexpected error"}
}
