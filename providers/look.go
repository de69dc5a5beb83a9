package providers

import (
	"slices"
	"strings"

	"aurora/providers/policy"
)

// lookAfter gives a read-only command that shows what a command of unknown outcome may have changed, written as people
// type it; "" when there is none that policy knows as a plain read.
func (e *Executor) lookAfter(p Prepared) string {
	for _, argv := range looks(p) {
		command, bad := e.Policy.ParseArgv(argv)
		if bad != nil {
			continue
		}
		if v := e.Policy.Classify(command); v.Effect == policy.Read && v.Facets&^policy.Masked == 0 {
			return written(argv)
		}
	}
	return ""
}

// doubt is what is said of a command that was ended before its own end; nothing of one that only reads.
func (e *Executor) doubt(p Prepared) string {
	if p.Verdict.Effect == policy.Read {
		return ""
	}
	if look := e.lookAfter(p); look != "" {
		return e.Redact.Redact(" It may have taken effect: look before you ask for it again, for example with `" + look + "`.")
	}
	return " It may have taken effect: look before you ask for it again."
}

// looks lists what may be such a command, the nearest first. Policy tells which of them exist.
func looks(p Prepared) [][]string {
	var list [][]string
	if argv, _ := lookup(p.Command.Argv); argv != nil {
		list = append(list, argv)
	}
	path := strings.Fields(p.Verdict.Path)
	if len(path) < 2 {
		return list
	}
	head, last := path[:len(path)-1], path[len(path)-1]
	verbs := []string{"describe", "get", "show", "list"}
	if path[0] == "aws" {
		verbs = awsLooks(last)
	}
	where := whereabouts(p.Verdict.Flags)
	for _, verb := range verbs {
		list = append(list, slices.Concat(head, []string{verb}, p.Verdict.Position, where))
	}
	for _, verb := range verbs {
		list = append(list, slices.Concat(head, []string{verb}, where))
	}
	for _, verb := range verbs {
		list = append(list, slices.Concat(head, []string{verb}))
	}
	return list
}

// awsLooks makes describe-things of delete-thing.
func awsLooks(operation string) []string {
	_, noun, _ := strings.Cut(operation, "-")
	var list []string
	for _, verb := range []string{"describe-", "get-", "list-"} {
		list = append(list, verb+noun, verb+noun+"s", verb+noun+"es")
	}
	return list
}

// whereabouts are the flags that say which thing, and where it is.
func whereabouts(flags []policy.Flag) []string {
	var words []string
	for _, f := range flags {
		name := strings.TrimLeft(f.Name, "-")
		which := slices.Contains([]string{"zone", "region", "location", "project", "resource-group", "name", "namespace", "tailnet", "subscription"}, name)
		for _, ending := range []string{"-id", "-ids", "-identifier", "-name", "-names", "-arn", "-arns"} {
			which = which || strings.HasSuffix(name, ending)
		}
		if which && f.Value != "" {
			words = append(words, f.Name, f.Value)
		}
	}
	return words
}

// written puts an argv on a line that parses back into it.
func written(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = word
		if word == "" || strings.ContainsFunc(word, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./:,@+", r))
		}) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'"'"'`) + "'"
		}
	}
	return strings.Join(words, " ")
}
