package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"aurora/providers"
	"aurora/store"
)

// ToolName is the one tool a model has.
const ToolName = "cloud_tool"

// Codes of answers the loop itself gives, besides those of providers.
const (
	codeArguments providers.Code = "invalid_arguments" // the arguments do not fit the schema
	codeNoTool    providers.Code = "unknown_tool"
	codeLimit     providers.Code = "limit" // one of the turn's limits
	codeHeld      providers.Code = "held"  // something before it must be settled first
)

// toolError is an answer that says why nothing ran. It is made of our own words.
type toolError struct {
	Error string         `json:"error"`
	Code  providers.Code `json:"code"`
}

func (e toolError) json() json.RawMessage {
	return providers.Result{Error: e.Error, Code: e.Code}.ModelJSON()
}

// CloudTool describes cloud_tool for the clouds that are offered; none means all.
func CloudTool(clouds []store.Cloud) Tool {
	schema := map[string]any{
		"type":                 "object",
		"additionalProperties": false,
		"required":             []string{"provider", "command"},
		"properties": map[string]any{
			"provider": map[string]any{
				"type": "string", "enum": offered(clouds),
				"description": "The cloud the command is for.",
			},
			"command": map[string]any{
				"anyOf": []any{
					map[string]any{"type": "string"},
					map[string]any{"type": "array", "items": map[string]any{"type": "string"}, "minItems": 1},
				},
				"description": "One command of that cloud's CLI, as a line (plain words and quotes: no pipes, redirections, variables or globs) or as an array of words.",
			},
			"selected_project_id": map[string]any{
				"type":        "string",
				"description": "Where to run it, when it matters: GCP project, AWS account, Azure subscription, Scaleway project, tailnet or OVH project.",
			},
		},
	}
	raw, err := json.Marshal(schema)
	if err != nil { // unreachable: plain maps and strings
		raw = json.RawMessage(`{"type":"object"}`)
	}
	return Tool{Name: ToolName, Description: toolText(), Schema: raw}
}

func offered(clouds []store.Cloud) []store.Cloud {
	if len(clouds) == 0 {
		return store.Clouds()
	}
	return clouds
}

// arguments is what a call of cloud_tool asks for. Exactly one of Line and Argv is set.
type arguments struct {
	Provider store.Cloud
	Line     string
	Argv     []string
	Project  string
}

// parseCall reads a call as strictly as the schema says, whatever the server made of it.
func parseCall(c Call, clouds []store.Cloud) (arguments, *toolError) {
	if c.Name != ToolName {
		return arguments{}, &toolError{Code: codeNoTool, Error: fmt.Sprintf("There is no such tool. The only one is %s.", ToolName)}
	}
	var raw struct {
		Provider *store.Cloud    `json:"provider"`
		Command  json.RawMessage `json:"command"`
		Project  *string         `json:"selected_project_id"`
	}
	if err := strictly(c.Arguments, &raw, "provider", "command", "selected_project_id"); err != nil {
		return arguments{}, badArguments("The arguments must be one JSON object with provider, command and, optionally, selected_project_id, and nothing else.")
	}
	if raw.Provider == nil || !slices.Contains(offered(clouds), *raw.Provider) {
		return arguments{}, badArguments("provider must be one of " + spellClouds(offered(clouds)) + ".")
	}
	args := arguments{Provider: *raw.Provider}
	if raw.Project != nil {
		args.Project = *raw.Project
	}
	return args.withCommand(raw.Command)
}

func (a arguments) withCommand(raw json.RawMessage) (arguments, *toolError) {
	if err := json.Unmarshal(raw, &a.Line); err == nil && strings.TrimSpace(a.Line) != "" {
		return a, nil
	}
	a.Line = ""
	var words []*string // a null among the words must not pass for an empty one
	if err := json.Unmarshal(raw, &words); err != nil || len(words) == 0 || slices.Contains(words, nil) {
		return arguments{}, badArguments("command must be one command: a line of text, or a list of words that is not empty.")
	}
	for _, word := range words {
		a.Argv = append(a.Argv, *word)
	}
	return a, nil
}

func badArguments(sentence string) *toolError {
	return &toolError{Code: codeArguments, Error: sentence}
}

// strictly decodes one JSON object whose members are all known and named once, and nothing after it. Spelling counts: the
// decoder would take "Provider" for provider, and of two it would pick one that a reader of the journal may not see.
func strictly(raw []byte, into any, known ...string) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errors.New("not an object")
	}
	var seen []string
	for d.More() {
		key, err := d.Token()
		name, _ := key.(string)
		if err != nil || !slices.Contains(known, name) || slices.Contains(seen, name) {
			return errors.New("a member is unknown or named twice")
		}
		seen = append(seen, name)
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			return err
		}
	}
	d = json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

func jsonObject(raw json.RawMessage) bool {
	trimmed := bytes.TrimSpace(raw)
	return len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(raw)
}

func spellClouds(clouds []store.Cloud) string {
	words := make([]string, len(clouds))
	for i, c := range clouds {
		words[i] = string(c)
	}
	return strings.Join(words, ", ")
}
