package agent

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"strings"
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
		reply, err := r.hear(ctx, n, req)
		if err == nil {
			err = usable(reply, r.messages)
		}
		if err == nil || errors.Is(err, errLeft) {
			return reply, err
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

// hear listens to one reply, tells how far its text has come, and gives it once it is whole.
func (r *run) hear(ctx context.Context, n int, req Request) (Reply, error) {
	draft := drafting{run: r, step: n}
	for piece, err := range r.Model.Reply(ctx, req) {
		if err != nil {
			return Reply{}, cmp.Or(draft.drop(), err)
		}
		if piece.Reply != nil {
			if len(piece.Reply.Calls) == 0 {
				return *piece.Reply, nil
			}
			return *piece.Reply, draft.drop()
		}
		if err := draft.add(piece); err != nil {
			return Reply{}, err
		}
	}
	return Reply{}, cmp.Or(draft.drop(), error(&Failure{Kind: FailTruncated, Detail: "the reply has no end"}))
}

// mostDraft is how much of a text is told while it is written, in bytes.
const mostDraft = 64 << 10

// drafting is the text of a reply that is still being written.
type drafting struct {
	run   *run
	step  int
	text  strings.Builder
	shown int // bytes that were told
	over  bool
}

// add takes a piece and tells of the lines that are whole now: half a line may be half a mention or half a link.
func (d *drafting) add(p Piece) error {
	if p.Call {
		d.over = true
		return d.drop()
	}
	whole := d.text.Len() + strings.LastIndexByte(p.Text, '\n') + 1
	d.text.WriteString(p.Text)
	if d.over || whole > mostDraft || !strings.Contains(p.Text, "\n") {
		return nil
	}
	d.shown = whole
	return d.run.emit(Drafted{Step: d.step, Text: d.text.String()[:whole], Private: d.run.private})
}

// drop takes back what was told.
func (d *drafting) drop() error {
	if d.shown == 0 {
		return nil
	}
	d.shown = 0
	return d.run.emit(Drafted{Step: d.step, Private: d.run.private})
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
