package cloudsim

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// term is one comparison of a list filter: field operator value.
type term struct{ field, operator, value string }

var (
	errFilter = errors.New("Invalid list filter expression.")
	termShape = regexp.MustCompile(`^\s*\(?\s*([\w.]+)\s*(eq|ne|!=|=|:)\s*("[^"]*"|'[^']*'|[^\s()"']+)\s*\)?\s*(?:AND\b|and\b)?`)
)

// filterDocuments keeps the documents every term of the filter matches. Terms stand side by side or joined by AND; eq and
// ne take a regular expression that must match the whole value.
func filterDocuments(all []map[string]any, filter string) ([]map[string]any, error) {
	var terms []term
	for rest := strings.TrimSpace(filter); rest != ""; rest = strings.TrimSpace(rest) {
		found := termShape.FindStringSubmatch(rest)
		if found == nil {
			return nil, errFilter
		}
		terms = append(terms, term{found[1], found[2], strings.Trim(found[3], `"'`)})
		rest = rest[len(found[0]):]
	}
	var kept []map[string]any
	for _, doc := range all {
		ok, err := matchesAll(doc, terms)
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, doc)
		}
	}
	return kept, nil
}

func matchesAll(doc map[string]any, terms []term) (bool, error) {
	for _, t := range terms {
		ok, err := t.matches(doc)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (t term) matches(doc map[string]any) (bool, error) {
	value := lookUp(doc, strings.Split(t.field, "."))
	switch t.operator {
	case "eq", "ne":
		pattern, err := regexp.Compile(`^(?:` + t.value + `)$`)
		if err != nil {
			return false, errFilter
		}
		return pattern.MatchString(value) == (t.operator == "eq"), nil
	case "=":
		return value == t.value, nil
	case "!=":
		return value != t.value, nil
	}
	return t.value == "*" && value != "" || strings.Contains(strings.ToLower(value), strings.ToLower(t.value)), nil
}

func lookUp(doc map[string]any, path []string) string {
	switch value := doc[path[0]].(type) {
	case map[string]any:
		if len(path) > 1 {
			return lookUp(value, path[1:])
		}
		return ""
	case map[string]string:
		if len(path) > 1 {
			return value[path[1]]
		}
		return ""
	case nil:
		return ""
	default:
		return fmt.Sprint(value)
	}
}
