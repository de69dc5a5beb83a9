package slack

import (
	"regexp"
	"strings"
)

// bracketed is what Slack puts between angle brackets: mentions, links and the like.
var bracketed = regexp.MustCompile(`<[^<>\n]*>`)

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// typed gives what a person wrote: Slack's escapes undone, addresses it made into links as they were written, the
// mention of own taken out. Mentions of others and of channels stay as <@U1> and <#C1|name>: a name tells nobody who is meant.
func typed(text, own string) string {
	var out strings.Builder
	last := 0
	for _, span := range bracketed.FindAllStringIndex(text, -1) {
		out.WriteString(unescape.Replace(text[last:span[0]]))
		last = span[1]
		word, isOwn := untoken(text[span[0]+1:span[1]-1], own)
		if isOwn {
			last = skipSpace(text, last, out.Len() == 0 || strings.HasSuffix(out.String(), " "))
		}
		out.WriteString(word)
	}
	out.WriteString(unescape.Replace(text[last:]))
	return strings.TrimSpace(out.String())
}

// skipSpace joins what stood left and right of the mention that was taken out.
func skipSpace(text string, from int, joined bool) int {
	for joined && from < len(text) && text[from] == ' ' {
		from++
	}
	return from
}

func untoken(inner, own string) (word string, isOwn bool) {
	target, label, labelled := strings.Cut(inner, "|")
	switch {
	case own != "" && target == "@"+own:
		return "", true
	case strings.HasPrefix(target, "@"):
		return "<" + target + ">", false
	case strings.HasPrefix(target, "#"), strings.HasPrefix(target, "!"):
		return "<" + inner + ">", false
	}
	target, label = unescape.Replace(target), unescape.Replace(label)
	switch {
	case !labelled || label == target:
		return target, false
	case target == "http://"+label, target == "https://"+label, target == "mailto:"+label, target == "tel:"+label:
		return label, false
	}
	return label + " (" + target + ")", false
}
