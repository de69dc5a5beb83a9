package modelsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Request is what the simulator was asked.
type Request struct {
	N            int             `json:"n"`                      // from 1
	Conversation Conversation    `json:"-"`                      // Body, read
	Body         json.RawMessage `json:"body"`                   // as it came
	Authorized   bool            `json:"authorized"`             // it carried a Bearer token
	Organization string          `json:"organization,omitempty"` // OpenAI-Organization, which nobody should send
}

// Conversation is the part of a request that matters here.
type Conversation struct {
	Model      string    `json:"model"`
	Messages   []Message `json:"messages"`
	Tools      []any     `json:"tools"`
	Stream     bool      `json:"stream"`
	ToolChoice any       `json:"tool_choice"`
	Parallel   *bool     `json:"parallel_tool_calls"`
	Options    struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// Message is one message as it was sent.
type Message struct {
	Role      string     `json:"role"`
	Content   Text       `json:"content"`
	ToolCalls []ToolCall `json:"tool_calls"`
	CallID    string     `json:"tool_call_id"`
}

// ToolCall is a call the model made earlier, as it is told back to it.
type ToolCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// Text is a message's content: a string, null, or parts of which the text is taken.
type Text string

// UnmarshalJSON reads all three forms.
func (t *Text) UnmarshalJSON(raw []byte) error {
	var plain *string
	if json.Unmarshal(raw, &plain) == nil {
		if plain != nil {
			*t = Text(*plain)
		}
		return nil
	}
	var parts []struct{ Text string }
	if err := json.Unmarshal(raw, &parts); err != nil {
		return fmt.Errorf("content must be text or parts: %w", err)
	}
	for _, p := range parts {
		*t += Text(p.Text)
	}
	return nil
}

// check refuses what real servers refuse with a 400.
func (c Conversation) check() error {
	if c.Model == "" {
		return errors.New("you must provide a model parameter")
	}
	if len(c.Messages) == 0 {
		return errors.New("messages must not be empty")
	}
	open := map[string]bool{}
	for i, m := range c.Messages {
		switch m.Role {
		case "tool":
			if !open[m.CallID] {
				return fmt.Errorf("messages[%d]: tool_call_id %q answers no call that is open", i, m.CallID)
			}
			delete(open, m.CallID)
			continue
		case "system", "developer", "user", "assistant":
		default:
			return fmt.Errorf("messages[%d]: there is no role %q", i, m.Role)
		}
		if len(open) > 0 {
			return fmt.Errorf("messages[%d]: %d tool calls before it were not answered", i, len(open))
		}
		for _, call := range m.ToolCalls {
			if call.ID == "" || open[call.ID] || !json.Valid([]byte(call.Function.Arguments)) {
				return fmt.Errorf("messages[%d]: a tool call has no id, an id used twice, or arguments that are not JSON", i)
			}
			open[call.ID] = true
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%d tool calls were not answered", len(open))
	}
	return nil
}

// last gives the place of the last user message that is no data block, or -1.
func (c Conversation) last() int {
	for i := len(c.Messages) - 1; i >= 0; i-- {
		if m := c.Messages[i]; m.Role == "user" && !strings.Contains(string(m.Content), "<data>") {
			return i
		}
	}
	return -1
}

// Asked gives the last user message that is no data block.
func (c Conversation) Asked() string {
	if i := c.last(); i >= 0 {
		return string(c.Messages[i].Content)
	}
	return ""
}

// Results gives the tool results after the last user message, one a line.
func (c Conversation) Results() string {
	var all []string
	for _, m := range c.Messages[c.last()+1:] {
		if m.Role == "tool" {
			all = append(all, string(m.Content))
		}
	}
	return strings.Join(all, "\n")
}

// System gives all that stands in system and developer messages.
func (c Conversation) System() string {
	var all []string
	for _, m := range c.Messages {
		if m.Role == "system" || m.Role == "developer" {
			all = append(all, string(m.Content))
		}
	}
	return strings.Join(all, "\n")
}

// NoCalls tells whether the reply must be text.
func (c Conversation) NoCalls() bool { return c.ToolChoice == "none" || len(c.Tools) == 0 }
