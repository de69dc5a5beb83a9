package policy

import "strings"

// azGlobals are the az CLI's own flags, and three that its argument registry adds to nearly every command; a command that
// does not take them says so itself.
const azGlobals = `
--subscription v scope:subscription
--output,-o v format
--query v query
--only-show-errors b
--verbose b
--debug b !debug-output
--help,-h b !help
--defer b
--acquire-policy-token b !identity-switch
--change-reference v
--ids l
--resource-group,-g v
--name,-n v
`

// judgeAz notes the subscriptions named by resource ids and refuses credentials in arguments.
func judgeAz(c *call, v *Verdict) {
	for i := range c.flags {
		value := c.flags[i].value
		if c.flags[i].name == "--ids" && v.Effect > Read {
			v.raise(Disrupt, Bulk, "raises", "--ids touches everything it names.")
		}
		if len(value) < 16 || !strings.HasPrefix(strings.ToLower(value), "/subscriptions/") {
			continue
		}
		id, _, _ := strings.Cut(value[len("/subscriptions/"):], "/")
		v.Scope = append(v.Scope, Scope{Kind: "subscription", Flag: c.flags[i].name, Value: id})
	}
}
