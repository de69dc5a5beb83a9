package providers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const maskedMark = "[masked]"

// errNotJSON says that members cannot be masked, so nothing of the output may be shown.
var errNotJSON = errors.New("the output is not one JSON document")

// mask gives the JSON document with the members at the paths replaced. A path is member names joined by dots; [] steps
// into every element of a list, and a list is also stepped into without it. "*" is everything. Names match in any case.
// Under a masked member the names stay and the values go, so that one sees which settings there are.
func mask(raw []byte, paths []string) ([]byte, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return raw, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotJSON, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	for _, p := range paths {
		doc = maskPath(doc, splitPath(p))
	}
	if !writable(doc) { // it is deep enough for its indents to be much longer than itself
		return nil, errNotJSON
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("write masked output: %w", err)
	}
	return out.Bytes(), nil
}

func splitPath(path string) []string {
	var steps []string
	for step := range strings.SplitSeq(strings.ReplaceAll(path, "[]", ""), ".") {
		if step != "" && step != "*" && step != "$" {
			steps = append(steps, step)
		}
	}
	return steps
}

func maskPath(node any, steps []string) any {
	if list, ok := node.([]any); ok {
		for i := range list {
			list[i] = maskPath(list[i], steps)
		}
		return list
	}
	if len(steps) == 0 {
		return maskAll(node)
	}
	members, ok := node.(map[string]any)
	if !ok {
		return node
	}
	for name, value := range members {
		if strings.EqualFold(name, steps[0]) {
			members[name] = maskPath(value, steps[1:])
		}
	}
	return members
}

func maskAll(node any) any {
	switch node := node.(type) {
	case map[string]any:
		for name := range node {
			node[name] = maskAll(node[name])
		}
		return node
	case []any:
		for i := range node {
			node[i] = maskAll(node[i])
		}
		return node
	case nil, bool:
		return node
	}
	return maskedMark
}
