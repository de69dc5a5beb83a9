package bot

import (
	"encoding/json"
	"strings"
)

// value is a JSON value whose members are in the order they were written in: people look for them there.
type value struct {
	kind    byte     // '{', '[' or 's' for anything without parts
	keys    []string // of '{'
	parts   []value  // of '{' and '['
	text    string   // of 's': as people read it
	quoted  string   // of 's': as JSON
	nothing bool     // null
}

// mostNesting is how deep a value may be to be read at all.
const mostNesting = 64

// readValue reads an object or a list from the beginning of a text and gives what stands behind it.
func readValue(text string) (v value, rest string, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] != '{' && text[0] != '[' {
		return value{}, "", false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, ok = readNext(d, 0)
	if !ok {
		return value{}, "", false
	}
	return v, text[d.InputOffset():], true
}

func readNext(d *json.Decoder, depth int) (value, bool) {
	token, err := d.Token()
	if err != nil || depth > mostNesting {
		return value{}, false
	}
	switch t := token.(type) {
	case json.Delim:
		return readParts(d, t, depth)
	case string:
		return value{kind: 's', text: t, quoted: quotedJSON(t)}, true
	case json.Number:
		return value{kind: 's', text: t.String(), quoted: t.String()}, true
	case bool:
		word := "false"
		if t {
			word = "true"
		}
		return value{kind: 's', text: word, quoted: word}, true
	}
	return value{kind: 's', quoted: "null", nothing: true}, true
}

func readParts(d *json.Decoder, open json.Delim, depth int) (value, bool) {
	v := value{kind: byte(open)} //nolint:gosec // one of four ASCII characters
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			name, isText := key.(string)
			if err != nil || !isText {
				return value{}, false
			}
			v.keys = append(v.keys, name)
		}
		part, ok := readNext(d, depth+1)
		if !ok {
			return value{}, false
		}
		v.parts = append(v.parts, part)
	}
	_, err := d.Token()
	return v, err == nil
}

// member gives a member by name.
func (v value) member(name string) (value, bool) {
	for i, key := range v.keys {
		if strings.EqualFold(key, name) {
			return v.parts[i], true
		}
	}
	return value{}, false
}

// objects tells whether v is a list of objects, of one at least.
func (v value) objects() bool {
	if v.kind != '[' || len(v.parts) == 0 {
		return false
	}
	for _, p := range v.parts {
		if p.kind != '{' || len(p.parts) == 0 {
			return false
		}
	}
	return true
}

// within names lists whose elements are only there to hold another one.
var within = map[string]string{"Reservations": "Instances"}

// listIn finds the list a value is about: the value itself, or the only list of objects among its members, which has a
// name; none where there is no such list. beside counts the members that say something besides.
func listIn(v value) (name string, list []value, beside int) {
	if v.objects() {
		return "", v.parts, 0
	}
	found := -1
	for i, p := range v.parts {
		switch {
		case v.kind != '{':
			return "", nil, 0
		case p.objects() && found >= 0:
			return "", nil, 0
		case p.objects():
			found = i
		case p.kind == '{' && len(p.parts) > 0, p.kind == 's' && !p.nothing && p.text != "":
			beside++
		}
	}
	if found < 0 || beside > 3 { // an object with members of its own that happens to hold a list
		return "", nil, 0
	}
	name, list = v.keys[found], v.parts[found].parts
	if inner := within[name]; inner != "" {
		name, list = inner, flattened(list, inner)
	}
	return name, list, beside
}

// flattened gives what the elements of a list hold under a name.
func flattened(list []value, name string) (out []value) {
	for _, e := range list {
		if held, ok := e.member(name); ok && held.objects() {
			out = append(out, held.parts...)
		}
	}
	return out
}

// quotedJSON writes a text as JSON, with < > & as they are.
func quotedJSON(text string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil { // unreachable: any string can be encoded
		return `""`
	}
	return strings.TrimSuffix(out.String(), "\n")
}
