package providers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"aurora/providers/policy"

	"github.com/jmespath/go-jmespath"
)

const (
	wholeNote = "Secret members are masked, so the whole JSON is shown instead of the format or query asked for."
	jsonNote  = "Secret members are masked, so this is JSON instead of the format asked for."
)

// project applies the query or format that was asked for to a document whose secret members are masked already: the
// program itself was asked for the whole as JSON, since what a query leaves over could no longer be masked. What cannot
// be applied for certain is left out and said in the note.
func project(program string, masked []byte, o policy.Output) (text []byte, note string) {
	if program == "gcloud" {
		return projectGcloud(masked, o)
	}
	if o.Query == "" {
		if o.Format != "" && !strings.Contains(o.Format, "json") {
			note = jsonNote
		}
		return masked, note
	}
	found, err := query(masked, o.Query)
	if err != nil {
		return masked, wholeNote
	}
	if o.Format != "" && !strings.Contains(o.Format, "json") {
		note = jsonNote
	}
	return found, note
}

// query applies a JMESPath expression, as the --query of aws and az does.
func query(doc []byte, expression string) (found []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("apply the query: %v", p)
		}
	}()
	if !light(expression, len(doc)) {
		return nil, errors.New("the query may make too much of this document")
	}
	value, err := numbers(doc)
	if err != nil {
		return nil, err
	}
	if value, err = jmespath.Search(expression, value); err != nil {
		return nil, fmt.Errorf("apply the query: %w", err)
	}
	if !writable(value) {
		return nil, errors.New("the query makes too much of this document")
	}
	return IndentedJSON(value)
}

// numbers reads a document as the query language wants it, with every number a float; an error where one would change.
func numbers(doc []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("read the masked document: %w", err)
	}
	return floats(value)
}

func floats(node any) (any, error) {
	var err error
	switch node := node.(type) {
	case map[string]any:
		for name, value := range node {
			if node[name], err = floats(value); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, value := range node {
			if node[i], err = floats(value); err != nil {
				return nil, err
			}
		}
	case json.Number:
		f, err := node.Float64()
		if err != nil || len(node.String()) > 15 {
			return nil, fmt.Errorf("the number %s is too long for a query", node)
		}
		return f, nil
	}
	return node, nil
}

// IndentedJSON writes an answer as people read it: what is no markup to them (<, > and &) stays as it is.
func IndentedJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return nil, fmt.Errorf("write what was asked for: %w", err)
	}
	return out.Bytes(), nil
}

// projection is a gcloud format that picks plain members: value(name,zone), json(name), table(name,status).
var projection = regexp.MustCompile(`^(value|csv|table|json)\(([A-Za-z_][\w.]*(?:,\s*[A-Za-z_][\w.]*)*)\)$`)

// projectGcloud applies a gcloud format of that kind. Attributes, transforms, slices and the like are not applied.
func projectGcloud(masked []byte, o policy.Output) ([]byte, string) {
	if (o.Format == "" || o.Format == "json") && !o.Reshaped {
		return masked, ""
	}
	m := projection.FindStringSubmatch(o.Format)
	if m == nil || o.Reshaped {
		return masked, wholeNote
	}
	dec := json.NewDecoder(bytes.NewReader(masked))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil { // unreachable: mask wrote it
		return masked, wholeNote
	}
	rows, list := doc.([]any)
	if !list {
		rows = []any{doc}
	}
	members := strings.Split(strings.ReplaceAll(m[2], " ", ""), ",")
	if len(members) > mostMembers {
		return masked, wholeNote
	}
	text, ok := projectLines(rows, members, m[1])
	if m[1] == "json" {
		text, ok = projectJSON(rows, members, list)
	}
	if !ok {
		return masked, wholeNote
	}
	return text, ""
}

// projectJSON gives false where more is asked for than is written out, since a member may be named again and again, and where
// a list is on the way.
func projectJSON(rows []any, members []string, list bool) ([]byte, bool) {
	picked := make([]any, 0, len(rows))
	for _, row := range rows {
		one := map[string]any{}
		for _, member := range members {
			steps := strings.Split(member, ".")
			value, through, ok := at(row, steps)
			if !ok || through {
				return nil, false
			}
			place(one, steps, value)
		}
		picked = append(picked, one)
	}
	var value any = picked
	if !list {
		value = picked[0]
	}
	if !writable(value) {
		return nil, false
	}
	text, err := IndentedJSON(value)
	return text, err == nil
}

// place puts a value where a path leads, with the members on the way; nothing where there is no value.
func place(node map[string]any, path []string, value any) {
	if value == nil {
		return
	}
	for _, step := range path[:len(path)-1] {
		next, ok := node[step].(map[string]any)
		if !ok {
			next = map[string]any{}
			node[step] = next
		}
		node = next
	}
	node[path[len(path)-1]] = value
}

// projectLines gives a line for each row; false as projectJSON does.
func projectLines(rows []any, members []string, kind string) ([]byte, bool) {
	between := "\t"
	if kind == "csv" {
		between = ","
	}
	var b strings.Builder
	if kind != "value" {
		b.WriteString(strings.Join(members, between) + "\n")
	}
	left := mostWritten
	for _, row := range rows {
		cells := make([]string, len(members))
		for i, member := range members {
			value, _, ok := at(row, strings.Split(member, "."))
			if !ok {
				return nil, false
			}
			cells[i] = cell(value)
			if kind == "csv" && strings.ContainsAny(cells[i], ",\"\n") {
				cells[i] = `"` + strings.ReplaceAll(cells[i], `"`, `""`) + `"`
			}
			if left -= len(cells[i]); left < 0 {
				return nil, false
			}
		}
		b.WriteString(strings.Join(cells, between) + "\n")
	}
	return []byte(b.String()), true
}

// at follows a path of members, in any case as gcloud does; nil where it leads nowhere. It steps into a list on the way
// (through) where all elements are alike; ok is false where it cannot be told what gcloud would find.
func at(node any, steps []string) (value any, through, ok bool) {
	if len(steps) == 0 {
		return node, false, true
	}
	switch node := node.(type) {
	case map[string]any:
		value, found := node[steps[0]]
		if !found {
			value = inAnyCase(node, steps[0])
		}
		if _, pairs := node["items"]; pairs && value == nil {
			return nil, false, false // gcloud looks among keys and values then
		}
		return at(value, steps[1:])
	case []any:
		value, ok = inEach(node, steps)
		return value, true, ok
	}
	return nil, false, true
}

// inEach gives what each element of a list has at a path.
func inEach(list []any, steps []string) (any, bool) {
	values := make([]any, len(list))
	for i, element := range list {
		members, ok := element.(map[string]any)
		_, pair := members["key"]
		if _, found := members[steps[0]]; !ok || !found || pair {
			return nil, false
		}
		value, _, ok := at(members, steps)
		switch value.(type) {
		case map[string]any, []any:
			return nil, false // a row cannot say whose each of them is
		}
		if !ok {
			return nil, false
		}
		values[i] = value
	}
	return values, true
}

func inAnyCase(members map[string]any, name string) any {
	var names []string
	for have := range members {
		if strings.EqualFold(have, name) {
			names = append(names, have)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return members[slices.Min(names)]
}

// cell is a value on one line: lists joined as gcloud's value() does, anything deeper as JSON.
func cell(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case bool:
		return map[bool]string{true: "True", false: "False"}[value]
	case json.Number:
		return value.String()
	case []any:
		parts := make([]string, len(value))
		for i := range value {
			parts[i] = cell(value[i])
		}
		return strings.Join(parts, ";")
	}
	return string(mustJSON(value))
}
