package slacksim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Slack's limits on blocks. The last two are not in its reference: the whole of a message's blocks, as compact
// JSON, is refused somewhat above 13,200 characters whatever kinds of block they are.
const (
	maxMessageBlocks = 50
	maxViewBlocks    = 100
	maxMarkdown      = 12000
	maxDataTable     = 20000
	maxBlocksJSON    = 13200
)

// checker collects what is wrong with blocks, in Slack's words.
type checker struct {
	problems []string
	blockIDs []string
}

// bad notes a problem at a JSON pointer.
func (c *checker) bad(path, problem string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(problem, args...)+" [json-pointer:"+path+"]")
}

// check says what is wrong with one value.
type check func(c *checker, path string, v any)

// shape is what an object may hold. The field "type" is allowed everywhere.
type shape struct {
	required []string
	fields   map[string]check
}

func (c *checker) object(path string, v any, s shape) {
	o, ok := v.(object)
	if !ok {
		c.bad(path, "must provide an object")
		return
	}
	for _, name := range s.required {
		if _, ok := o[name]; !ok {
			c.bad(path, "missing required field: %s", name)
		}
	}
	for _, name := range sortedKeys(o) {
		field, known := s.fields[name]
		switch {
		case name == "type":
		case !known:
			c.bad(path, "invalid additional property: %s", name)
		default:
			field(c, path+"/"+name, o[name])
		}
	}
}

// text1 wants a string of 1 to limit characters.
func text1(limit int) check {
	return func(c *checker, path string, v any) {
		t, ok := v.(string)
		if !ok {
			c.bad(path, "must be a string")
			return
		}
		if t == "" {
			c.bad(path, "must be more than 0 characters")
		}
		if utf8.RuneCountInString(t) > limit {
			c.bad(path, "must be less than %d characters", limit+1)
		}
	}
}

// text0 wants a string of at most limit characters, which may be empty.
func text0(limit int) check {
	return func(c *checker, path string, v any) {
		if v != "" {
			text1(limit)(c, path, v)
		}
	}
}

func boolean(c *checker, path string, v any) {
	if _, ok := v.(bool); !ok {
		c.bad(path, "must be a boolean")
	}
}

func number(c *checker, path string, v any) {
	switch v.(type) {
	case float64, json.Number, int:
	default:
		c.bad(path, "must be a number")
	}
}

func oneOf(allowed ...string) check {
	return func(c *checker, path string, v any) {
		if t, ok := v.(string); !ok || !slices.Contains(allowed, t) {
			c.bad(path, "value must be one of: %s", strings.Join(allowed, ", "))
		}
	}
}

// list wants least to most items, each of which passes each.
func list(least, most int, each check) check {
	return func(c *checker, path string, v any) {
		items, ok := v.([]any)
		if !ok {
			c.bad(path, "must be an array")
			return
		}
		if len(items) < least {
			c.bad(path, "no fewer than %d items allowed", least)
		}
		if len(items) > most {
			c.bad(path, "no more than %d items allowed", most)
			return
		}
		for i, item := range items {
			each(c, fmt.Sprintf("%s/%d", path, i), item)
		}
	}
}

// an wants an object of a shape, whatever its type says.
func an(s shape) check {
	return func(c *checker, path string, v any) { c.object(path, v, s) }
}

// kinds wants an object whose type is one of those allowed, of that type's shape.
func kinds(all func(string) (shape, bool), allowed ...string) check {
	return func(c *checker, path string, v any) {
		o, ok := v.(object)
		if !ok {
			c.bad(path, "must provide an object")
			return
		}
		kind := str(o["type"])
		s, known := all(kind)
		switch {
		case kind == "":
			c.bad(path, "missing required field: type")
		case !known, len(allowed) > 0 && !slices.Contains(allowed, kind):
			c.bad(path+"/type", "unsupported type: %s", kind)
		default:
			c.object(path, o, s)
		}
	}
}

// textObject wants a text object of one of the kinds, of 1 to limit characters.
func textObject(limit int, allowed ...string) check {
	return func(c *checker, path string, v any) {
		before := len(c.problems)
		kinds(func(kind string) (shape, bool) {
			s := shape{required: []string{"text"}, fields: map[string]check{"text": text1(limit)}}
			switch kind {
			case "plain_text":
				s.fields["emoji"] = boolean
			case "mrkdwn":
				s.fields["verbatim"] = boolean
			default:
				return s, false
			}
			return s, true
		}, allowed...)(c, path, v)
		if len(c.problems) > before {
			c.problems = slices.Insert(c.problems, before, "failed to match all allowed schemas [json-pointer:"+path+"]")
		}
	}
}

// checkBlocks returns what is wrong with a list of blocks, most of them first. Pointers start at path.
func checkBlocks(path string, blocks []any, most int) []string {
	c := &checker{}
	if len(blocks) > most {
		c.bad(path, "no more than %d items allowed", most)
		return c.problems
	}
	for i, b := range blocks {
		at := fmt.Sprintf("%s/%d", path, i)
		kinds(blockShape)(c, at, b)
		if o := asObject(b); o["type"] == "section" && o["text"] == nil && o["fields"] == nil {
			c.bad(at, "missing required field: text or fields")
		}
		c.surface(at, asObject(b), strings.HasPrefix(path, "/view"))
		c.identifiers(at, asObject(b))
	}
	tables := 0
	for i, b := range blocks {
		if asObject(b)["type"] == "table" {
			if tables++; tables > 1 {
				c.bad(fmt.Sprintf("%s/%d", path, i), "only_one_table_allowed")
			}
		}
	}
	return c.problems
}

// surface wants blocks where they may stand: alerts in views only, agents' cards and tables in messages only. The
// text of a data table is limited as a whole.
func (c *checker) surface(path string, b object, view bool) {
	kind := str(b["type"])
	messageOnly := slices.Contains([]string{"task_card", "plan", "table", "data_table", "context_actions", "markdown"}, kind)
	if kind == "alert" && !view || messageOnly && view {
		c.bad(path+"/type", "unsupported type: %s", kind)
	}
	length := 0
	if kind == "data_table" {
		walk(b["rows"], func(o object) { length += utf8.RuneCountInString(str(o["text"])) })
	}
	if length > maxDataTable {
		c.bad(path+"/rows", "must be less than %d characters", maxDataTable+1)
	}
}

// identifiers wants block ids unique in the message and action ids unique in the block.
func (c *checker) identifiers(path string, b object) {
	if id := str(b["block_id"]); id != "" {
		if slices.Contains(c.blockIDs, id) {
			c.bad(path+"/block_id", "`block_id` already exists: %s", id)
		}
		c.blockIDs = append(c.blockIDs, id)
	}
	var seen []string
	walk(b, func(o object) {
		id := str(o["action_id"])
		if id != "" && slices.Contains(seen, id) {
			c.bad(path, "`action_id` already exists: %s", id)
		}
		seen = append(seen, id)
	})
}

// tooLong tells whether blocks, each fine by itself, are too much together. Response URLs do not mind the size
// of the whole.
func tooLong(blocks []any, webhook bool) bool {
	markdown := 0
	for _, b := range blocks {
		if o := asObject(b); o["type"] == "markdown" {
			markdown += utf8.RuneCountInString(str(o["text"]))
		}
	}
	return markdown > maxMarkdown || !webhook && utf8.RuneCount(compact(blocks)) > maxBlocksJSON
}

// compact is the shortest JSON of a value, with < > & as they are.
func compact(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}

// nameBlocks gives every block and interactive element without an id one, as Slack does when it stores them.
func nameBlocks(blocks []any) {
	for _, b := range blocks {
		o := asObject(b)
		if str(o["block_id"]) == "" {
			o["block_id"] = newID(5)
		}
		walk(o, func(e object) {
			if interactive(str(e["type"])) && str(e["action_id"]) == "" {
				e["action_id"] = newID(5)
			}
		})
	}
}

// interactive tells whether elements of that type send block_actions.
func interactive(kind string) bool {
	return slices.Contains([]string{"button", "static_select", "users_select", "channels_select", "conversations_select",
		"overflow", "checkboxes", "radio_buttons", "datepicker", "plain_text_input", "feedback_buttons", "icon_button"}, kind)
}
