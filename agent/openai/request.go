package openai

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"

	"aurora/agent"
)

// params writes a request. A bare one has nothing a simple server might not know: no usage, no limits, no tool choice.
func (c *Client) params(r agent.Request, bare bool) (openai.ChatCompletionNewParams, error) {
	p := openai.ChatCompletionNewParams{Model: c.cfg.Model}
	if r.System != "" {
		p.Messages = append(p.Messages, openai.SystemMessage(r.System))
	}
	for _, m := range r.Messages {
		p.Messages = append(p.Messages, message(m))
	}
	for _, t := range r.Tools {
		var schema shared.FunctionParameters
		if err := json.Unmarshal(t.Schema, &schema); err != nil {
			return p, fmt.Errorf("read the schema of %s: %w", t.Name, err)
		}
		p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: t.Name, Description: param.NewOpt(t.Description), Parameters: schema,
		}))
	}
	if bare {
		return p, nil
	}
	p.StreamOptions.IncludeUsage = param.NewOpt(true)
	if r.MaxReply > 0 {
		p.MaxCompletionTokens = param.NewOpt(int64(r.MaxReply))
	}
	if r.User != "" {
		p.SafetyIdentifier = param.NewOpt(c.alias(r.User))
	}
	if len(r.Tools) > 0 {
		p.ParallelToolCalls = param.NewOpt(r.Parallel)
		if r.NoCalls {
			p.ToolChoice.OfAuto = param.NewOpt("none")
		}
	}
	return p, nil
}

// alias names a user to the server in a way that means nothing elsewhere.
func (c *Client) alias(user string) string {
	mac := hmac.New(sha256.New, []byte(c.cfg.Key.Reveal()))
	mac.Write([]byte(user))
	return hex.EncodeToString(mac.Sum(nil))
}

func message(m agent.Message) openai.ChatCompletionMessageParamUnion {
	switch m.Role {
	case agent.RoleTool:
		return openai.ToolMessage(m.Text, m.CallID)
	case agent.RoleAssistant:
		return assistant(m)
	}
	return openai.UserMessage(m.Text)
}

func assistant(m agent.Message) openai.ChatCompletionMessageParamUnion {
	var p openai.ChatCompletionAssistantMessageParam
	if m.Text != "" || len(m.Calls) == 0 {
		p.Content.OfString = param.NewOpt(m.Text)
	}
	for _, call := range m.Calls {
		p.ToolCalls = append(p.ToolCalls, openai.ChatCompletionMessageToolCallUnionParam{
			OfFunction: &openai.ChatCompletionMessageFunctionToolCallParam{
				ID: call.ID,
				Function: openai.ChatCompletionMessageFunctionToolCallFunctionParam{
					Name: call.Name, Arguments: string(call.Arguments),
				},
			},
		})
	}
	return openai.ChatCompletionMessageParamUnion{OfAssistant: &p}
}
