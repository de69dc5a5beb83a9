package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"aurora/providers/policy"
)

// explain says what policy thinks of a command and what would happen to it here and now; nothing runs.
func (d *Desk) explain(ctx context.Context, o order) (Message, error) {
	if o.verb.Rest == "" {
		return notice("Say which command, for example `explain aws ec2 stop-instances --instance-ids i-1`."), nil
	}
	c, bad := d.Policy.Parse(o.verb.Rest)
	if bad != nil {
		return notice("I would not run that (%s): %s", bad.Rule, bad.Reason), nil
	}
	caller, err := d.caller(ctx, o.asker, o.row.Thread, o.row.Place)
	if err != nil {
		return Message{}, err
	}
	v := d.Policy.Classify(c)
	var b strings.Builder
	fmt.Fprintf(&b, "`%s` is **%s**", v.Path, v.Effect)
	if v.Facets != 0 {
		fmt.Fprintf(&b, " (%s)", v.Facets)
	}
	fmt.Fprintf(&b, ", by rule `%s`. %s\n\n", v.Rule, v.Reason)
	for _, mode := range []policy.Mode{policy.Ask, policy.Agent, policy.Incident} {
		r := d.Policy.Decide(v, policy.Context{Mode: mode, Role: string(o.asker.User.Role), Typed: true, Channel: o.row.Place.Channel,
			ChannelName: caller.ChannelName, ChannelRule: caller.ChannelRule, Now: time.Now()})
		fmt.Fprintf(&b, "- %s mode: **%s** — %s\n", mode, r.Decision, r.Reason)
	}
	return Message{Text: b.String()}, nil
}
