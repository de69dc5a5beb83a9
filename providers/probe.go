package providers

import (
	"regexp"
	"slices"
	"strings"

	"aurora/providers/policy"
)

// A filter is applied by the program, before anything is masked: whether there is an answer tells a secret bit by bit.
// These are the parts of gcloud's filters that can be told from questions to secret members.
var (
	filterBreak   = regexp.MustCompile(`^(?:[\s()]+|(?:AND|OR|NOT)\b|-)`)
	filterKey     = regexp.MustCompile(`^[A-Za-z_]\w*(?:\.[\w-]+|\[\d*\])*\s*`)
	filterCompare = regexp.MustCompile(`^(?:!=|<=|>=|!~|[:=<>~])\s*`)
	filterValue   = regexp.MustCompile(`^(?:"[^"]*"|'[^']*'|\([^()]*\)|[^\s()"'][^\s()]*)(?:[\s)]|$)`)
	sortKeys      = regexp.MustCompile(`^[\w.~,\[\] -]*$`)
	memberWords   = regexp.MustCompile(`\w[\w.\[\]-]*`)
	subscript     = regexp.MustCompile(`\[\w*\]`)
)

// probes tells which flag of a gcloud command could ask for masked members, and why; nothing where none can.
func probes(v policy.Verdict) (flag, why string) {
	for _, f := range v.Flags {
		switch {
		case f.Name == "--filter" && !plainFilter(f.Value), f.Name == "--sort-by" && !sortKeys.MatchString(f.Value):
			return f.Name, "may look into them: only terms like name=value, joined by AND, OR and NOT, can be told from that"
		case f.Name != "--filter" && f.Name != "--sort-by":
			continue
		}
		for _, word := range memberWords.FindAllString(f.Value, -1) {
			if slices.ContainsFunc(v.Masked, func(path string) bool { return overlaps(word, path) }) {
				return f.Name, "asks for " + word
			}
		}
	}
	return "", ""
}

// plainFilter reports filters of nothing but terms of a member and a value. A word alone looks into every member.
func plainFilter(filter string) bool {
	if strings.Contains(filter, `\`) {
		return false
	}
	for rest := filter; rest != ""; {
		if skip := filterBreak.FindString(rest); skip != "" {
			rest = rest[len(skip):]
			continue
		}
		for _, part := range []*regexp.Regexp{filterKey, filterCompare, filterValue} {
			found := part.FindString(rest)
			if found == "" {
				return false
			}
			rest = rest[len(found):]
		}
	}
	return true
}

// overlaps reports whether a word of a filter is a masked member, has one below it or is below one. gcloud takes names in any
// case and with underscores.
func overlaps(word, masked string) bool {
	plain := strings.NewReplacer("_", "", "-", "")
	asked := splitPath(plain.Replace(strings.ToLower(subscript.ReplaceAllString(word, ""))))
	secret := splitPath(plain.Replace(strings.ToLower(masked)))
	n := min(len(asked), len(secret))
	return slices.Equal(asked[:n], secret[:n])
}
