package policy

// scwGlobals are the scw CLI's own flags.
const scwGlobals = `
--output,-o v format
--wait,-w b
--profile,-p v !identity-switch
--config,-c v !identity-switch
--debug,-D b !debug-output
--web b !interactive
--help,-h b !help
`

// judgeScw refuses positional files and more arguments than a command has.
func judgeScw(c *call, v *Verdict) {
	if len(c.args) > 1 && len(c.d.table.args[c.leaf.args]) == 0 {
		v.raise(Forbidden, 0, RuleUnknown, c.path+" takes arguments as key=value.")
	}
	if c.dash {
		v.raise(Forbidden, 0, RuleUnknown, c.path+" takes nothing after a bare --.")
	}
}
