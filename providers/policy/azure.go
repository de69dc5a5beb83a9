package policy

import "strings"

// azGlobals are the az CLI's own flags.
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
`

// judgeAz notes the subscriptions named by resource ids and refuses credentials in arguments.
func judgeAz(c *call, v *Verdict) {
	for i := range c.flags {
		value := c.flags[i].value
		if len(value) < 16 || !strings.HasPrefix(strings.ToLower(value), "/subscriptions/") {
			continue
		}
		id, _, _ := strings.Cut(value[len("/subscriptions/"):], "/")
		v.Scope = append(v.Scope, Scope{Kind: "subscription", Flag: c.flags[i].name, Value: id})
	}
	if strings.HasPrefix(c.path, "az deployment ") && strings.HasSuffix(c.path, " what-if") || strings.HasSuffix(c.path, " validate") {
		plainTemplate(c, v)
	}
}

// plainTemplate lets a what-if name a template by a bare file name: it runs in an empty directory, where such a file does
// not exist unless the executor put it there.
func plainTemplate(c *call, v *Verdict) {
	if v.Effect != Read && v.Rule != "local-file" {
		return
	}
	for i := range c.flags {
		f := &c.flags[i]
		if f.own == nil || f.own.names[0] != "--template-file" {
			continue
		}
		if strings.ContainsAny(f.value, `/\~@`) || strings.Contains(f.value, "..") {
			v.forbid("local-file", "%s %s", f.name, forbiddenFlags["local-file"])
		}
	}
}
