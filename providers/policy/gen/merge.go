package main

import (
	"fmt"
	"slices"
	"strings"

	"aurora/providers/policy"
)

// merge settles effect, facets and rule of every command: label, then metadata, then overrides in file order.
func merge(tool string, cmds []*command, book *book) error {
	for _, c := range cmds {
		words := trackless(c.Path)
		settle(c, book)
		for i := range book.over {
			o := &book.over[i]
			if !o.pat.match(words) {
				continue
			}
			if o.exact && o.effect < c.label && !strings.Contains(c.notes, "conflict:") {
				return fmt.Errorf("%s: %s is labelled %s and may not be lowered to %s", o.at, c.Path, c.label, o.effect)
			}
			ch := o.change
			if c.effect == policy.Read && ch.effect <= policy.Read && !o.pat.literal {
				ch.facets &^= weighty
			}
			apply(c, o.rule, ch)
		}
		finish(c)
		for i := range c.Flags {
			c.Flags[i].rules = book.flagRules(c, words, c.Flags[i])
		}
	}
	return nil
}

// weighty facets refuse a read in Ask; only a rule that names the read in full may give them to it.
const weighty = policy.Permission | policy.Exposure | policy.Egress | policy.Payload | policy.Spend

// settle takes the worst of what label and metadata say.
func settle(c *command, book *book) {
	votes := map[string]policy.Effect{}
	if c.label != 0 {
		votes["label"] = c.label
	}
	if e, ok := httpEffect(c.Evidence.HTTP); ok {
		votes["http "+c.Evidence.HTTP] = e
	}
	if c.effect != 0 {
		votes["commands.txt"] = c.effect
	}
	if len(votes) == 0 {
		votes["verb"] = verbEffect(c.Path)
	}
	if strings.Contains(c.notes, "conflict:") && c.label == policy.Read {
		votes["other sources"] = policy.Write
	}
	c.effect = 0
	for _, e := range votes {
		c.effect = max(c.effect, e)
	}
	if c.rule == "" {
		c.rule = "table"
	}
	if differ(votes) {
		if c.rule == "table" {
			c.rule = "conflict"
		}
		note := c.notes
		if note == "" {
			note = fmt.Sprint(votes)
		}
		book.conflicts = append(book.conflicts, fmt.Sprintf("%s\t%s\t%s", c.Path, c.effect, note))
	}
	if len(c.Evidence.Secret) > 0 {
		facet := secretOrMasked(c)
		c.facets |= facet
		if facet == policy.Secret || c.effect == policy.Read {
			c.rule = map[policy.Facets]string{policy.Secret: "secret-value", policy.Masked: "secret-members"}[facet]
		}
		c.masked = append(c.masked, c.Evidence.Secret...)
	}
	if strings.Contains(c.notes, "perm-mgmt") {
		c.facets |= policy.Permission
	}
}

// httpEffect trusts an HTTP verb only where it cannot be a read in disguise: POST reads are too common.
func httpEffect(verb string) (policy.Effect, bool) {
	switch verb {
	case "DELETE":
		return policy.Delete, true
	case "PUT", "PATCH":
		return policy.Write, true
	}
	return 0, false
}

func differ(votes map[string]policy.Effect) bool {
	reads, changes := 0, 0
	for _, e := range votes {
		if e == policy.Read {
			reads++
			continue
		}
		changes++
	}
	return reads > 0 && changes > 0
}

// secretOrMasked tells a command whose point is the secret from one that also shows a secret: by its last word.
func secretOrMasked(c *command) policy.Facets {
	last := c.Path[strings.LastIndexByte(c.Path, ' ')+1:]
	for _, w := range []string{"token", "credential", "password", "secret-value", "access-key", "api-key", "private-key", "presigned-url", "signed-url", "download-url"} {
		if strings.Contains(last, w) {
			return policy.Secret
		}
	}
	if c.Evidence.Secret[0] == "*" && len(c.Evidence.Secret) == 1 && !strings.HasPrefix(c.Path, "aws ") {
		return policy.Secret
	}
	return policy.Masked
}

func apply(c *command, rule string, ch change) {
	if ch.drop {
		c.drop = true
		return
	}
	added := ch.facets &^ c.facets
	if c.effect > policy.Read {
		added &^= policy.Masked | policy.Data | policy.Log // what a change prints does not say what it does
	}
	touched := added != 0 || ch.remove&c.facets != 0
	if ch.exact {
		touched = touched || c.effect != ch.effect
		c.effect = ch.effect
	}
	if ch.effect > c.effect {
		c.effect, touched = ch.effect, true
	}
	c.facets = (c.facets &^ ch.remove) | ch.facets
	c.masked = append(c.masked, ch.masked...)
	if touched && !(c.effect == policy.Forbidden && ch.effect != policy.Forbidden) {
		c.rule = rule
	}
}

// finish keeps facets and mask consistent: what is secret is not also masked, nothing is masked without paths.
func finish(c *command) {
	if c.facets.Has(policy.Secret) {
		c.facets &^= policy.Masked
	}
	if !c.facets.Has(policy.Masked) {
		c.masked = nil
		return
	}
	if len(c.masked) == 0 {
		c.masked = []string{"*"}
	}
	slices.Sort(c.masked)
	c.masked = slices.Compact(c.masked)
	if len(c.masked) > 1 {
		c.masked = slices.DeleteFunc(c.masked, func(p string) bool { return p == "*" })
	}
}

// flagRules are the rules for one flag of one command. Rules that raise to disrupt or delete by a flag's name alone
// ("**" patterns) leave reads alone: a filter named --deleted does not delete. A flag that shows a secret does so in a
// read above all.
func (b *book) flagRules(c *command, words []string, f cflag) []flagRule {
	var rules []flagRule
	for i := range b.flags {
		r := &b.flags[i]
		if !matchFlag(r.flag, f.Names) || !r.pat.match(words) {
			continue
		}
		byName := strings.Contains(r.pat.text, "**") && (r.value == "" || r.value == "?*")
		if c.effect == policy.Read && r.effect != policy.Forbidden && !r.facets.Has(policy.Secret) && byName {
			continue
		}
		if r.exact {
			rules = nil
		}
		rules = append(rules, *r)
	}
	return rules
}

func matchFlag(glob string, names []string) bool {
	for _, n := range names {
		if matchWord(glob, n) {
			return true
		}
	}
	return false
}

// verbEffect reads the effect from the command's last word, for commands without a label. What it does not
// know is a write.
func verbEffect(path string) policy.Effect {
	last := path[strings.LastIndexByte(path, ' ')+1:]
	verb, _, _ := strings.Cut(last, "-")
	switch {
	case slices.Contains(readVerbs, verb):
		return policy.Read
	case slices.Contains(deleteVerbs, verb):
		return policy.Delete
	case slices.Contains(disruptVerbs, verb):
		return policy.Disrupt
	}
	return policy.Write
}

var (
	readVerbs    = []string{"list", "get", "describe", "show", "ls", "wait", "search", "lookup", "exists", "status", "history"}
	deleteVerbs  = []string{"delete", "remove", "destroy", "purge", "terminate", "drop", "rm", "erase", "unregister", "deregister", "clear", "wipe", "flush", "close"}
	disruptVerbs = []string{"stop", "reboot", "restart", "reset", "detach", "disassociate", "disable", "revoke", "cancel", "suspend", "deactivate", "failover", "rollback", "restore", "pause", "deny", "unpublish", "undeploy", "drain", "cordon", "shutdown", "poweroff", "release", "abort", "reject", "disconnect", "unassign", "untag", "replace"}
)
