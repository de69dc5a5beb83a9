package policy

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

// judgeAz notes the places that resource ids name and refuses what touches everything.
func judgeAz(c *call, v *Verdict) {
	for i := range c.flags {
		if c.flags[i].name == "--ids" && v.Effect > Read {
			v.raise(Disrupt, Bulk, "raises", "--ids touches everything it names.")
		}
	}
	azPlaces(c, v)
}
