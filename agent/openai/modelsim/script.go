package modelsim

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// Script is a list of rules; the first that matches and is not used up answers.
type Script []Rule

// Rule answers one kind of request.
type Rule struct {
	User  string `json:"user,omitempty"`  // regular expression on the last user message that is not data; empty matches all
	Tool  string `json:"tool,omitempty"`  // regular expression on the tool results after it; empty wants none, unless Any
	Any   bool   `json:"any,omitempty"`   // results or none: it does not matter
	Times int    `json:"times,omitempty"` // how often it may answer; 0 means always
	Reply Reply  `json:"reply"`
}

// Reply is what is answered: text, calls, or a misbehaviour while doing so.
type Reply struct {
	Text       string `json:"text,omitempty"`
	Calls      []Call `json:"calls,omitempty"`
	Fault      Fault  `json:"fault,omitempty"`
	RetryAfter string `json:"retry_after,omitempty"` // of Fault429: the header
}

// Call is one call of cloud_tool, or of another tool when Name is set.
type Call struct {
	ID       string   `json:"id,omitempty"`   // made up when empty
	Name     string   `json:"name,omitempty"` // cloud_tool when empty
	Provider string   `json:"provider,omitempty"`
	Command  string   `json:"command,omitempty"`
	Argv     []string `json:"argv,omitempty"` // instead of Command
	Project  string   `json:"project,omitempty"`
	Raw      string   `json:"raw,omitempty"` // the arguments as they are, valid JSON or not
}

// arguments gives the call's arguments as they are streamed.
func (c Call) arguments() string {
	if c.Raw != "" {
		return c.Raw
	}
	args := map[string]any{"provider": c.Provider, "command": c.Command}
	if len(c.Argv) > 0 {
		args["command"] = c.Argv
	}
	if c.Project != "" {
		args["selected_project_id"] = c.Project
	}
	raw, err := json.Marshal(args)
	if err != nil { // unreachable: strings alone
		return "{}"
	}
	return string(raw)
}

func (c Call) name() string {
	if c.Name == "" {
		return "cloud_tool"
	}
	return c.Name
}

func (s Script) check() error {
	for i, r := range s {
		for _, expr := range []string{r.User, r.Tool} {
			if _, err := regexp.Compile(expr); err != nil {
				return fmt.Errorf("rule %d of the script: %w", i+1, err)
			}
		}
		if !r.Reply.Fault.known() {
			return fmt.Errorf("rule %d of the script: there is no fault %q", i+1, r.Reply.Fault)
		}
	}
	return nil
}

// matches tells whether the rule answers c.
func (r Rule) matches(c Conversation) bool {
	if !found(r.User, c.Asked()) {
		return false
	}
	results := c.Results()
	switch {
	case r.Any:
		return true
	case r.Tool == "":
		return results == ""
	}
	return results != "" && found(r.Tool, results)
}

func found(expr, text string) bool {
	re, err := regexp.Compile("(?is)" + expr)
	return err == nil && re.MatchString(text)
}

// choose takes the first rule that matches and has answers left.
func (s *Server) choose(c Conversation) (Reply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.script {
		if (r.Times == 0 || s.used[i] < r.Times) && r.matches(c) {
			s.used[i]++
			return r.Reply, true
		}
	}
	return Reply{}, false
}
