package openai

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"aurora/agent"
)

// once sends the request and reads the stream to its end, or fails.
func (c *Client) once(ctx context.Context, r agent.Request, bare bool, l *listener) (agent.Reply, error) {
	body, err := c.params(r, bare)
	if err != nil {
		return agent.Reply{}, &agent.Failure{Kind: agent.FailRejected, Detail: err.Error()}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clock := time.AfterFunc(c.cfg.First, func() { cancel(errIdle) })
	defer clock.Stop()

	stream := c.api.NewStreaming(ctx, body)
	if stream.Err() != nil {
		return agent.Reply{}, &openError{ended(ctx, stream.Err())}
	}
	defer func() { _ = stream.Close() }()
	got, err := collect(stream, l, func() { clock.Reset(c.cfg.Idle) })
	if err != nil {
		return agent.Reply{}, ended(ctx, err)
	}
	return got.reply(r)
}

// ended prefers the reason for which ctx was ended to what the transport made of it.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// collected is a stream that ended without an error. That does not yet make it whole.
type collected struct {
	acc    openai.ChatCompletionAccumulator
	text   strings.Builder
	chunks int
	finish string
	usage  bool
}

// collect reads all chunks and passes on what each adds; alive is called for each.
func collect(stream *ssestream.Stream[openai.ChatCompletionChunk], l *listener, alive func()) (*collected, error) {
	got := &collected{}
	var calls numbering
	var thinking thoughts
	for stream.Next() {
		alive()
		chunk := stream.Current()
		got.chunks++
		for _, choice := range chunk.Choices {
			if choice.Index == 0 {
				calls.settle(choice.Delta.ToolCalls)
			}
		}
		if !got.acc.AddChunk(chunk) {
			return nil, malformed("the chunks of the stream do not belong together")
		}
		for _, choice := range chunk.Choices {
			if choice.FinishReason == "" {
				continue
			}
			if got.finish != "" && got.finish != choice.FinishReason {
				return nil, malformed("the stream ends in two ways")
			}
			got.finish = choice.FinishReason
		}
		got.usage = got.usage || chunk.Usage.TotalTokens > 0
		piece := added(chunk)
		piece.Text = thinking.answer(piece.Text)
		if err := got.hear(l, piece); err != nil {
			return nil, err
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	return got, got.hear(l, agent.Piece{Text: thinking.rest()})
}

// hear keeps a piece of the answer and passes it on.
func (g *collected) hear(l *listener, p agent.Piece) error {
	g.text.WriteString(p.Text)
	return l.say(p)
}

// added gives what a chunk adds to the first choice, the only one a reply may have.
func added(chunk openai.ChatCompletionChunk) (p agent.Piece) {
	for _, choice := range chunk.Choices {
		if choice.Index == 0 {
			p.Text += choice.Delta.Content
			p.Call = p.Call || len(choice.Delta.ToolCalls) > 0
		}
	}
	return p
}

// reply is the gate: what passes it may run. A connection that was cut leaves no error, only a reply without a finish.
func (g *collected) reply(r agent.Request) (agent.Reply, error) {
	if g.chunks == 0 {
		return agent.Reply{}, malformed("the server did not answer with a stream of events")
	}
	reply := agent.Reply{Model: g.acc.Model, Finish: g.finish, Text: g.text.String()}
	if len(g.acc.Choices) > 0 {
		if refusal := g.acc.Choices[0].Message.Refusal; reply.Text == "" && refusal != "" {
			reply.Text = refusal
		}
	}
	reply.Usage = g.counted(r, reply)
	if f := g.incomplete(); f != nil {
		f.Usage = reply.Usage
		return agent.Reply{}, f
	}
	calls, f := takeCalls(g.acc.Choices[0].Message.ToolCalls, r.Messages)
	if f == nil && g.finish == "tool_calls" && len(calls) == 0 {
		f = malformed("the reply announces calls and has none")
	}
	if f != nil {
		f.Usage = reply.Usage
		return agent.Reply{}, f
	}
	reply.Calls = calls
	return reply, nil
}

// incomplete tells why the reply must not be used as it is.
func (g *collected) incomplete() *agent.Failure {
	switch g.finish {
	case "tool_calls", "stop":
	case "":
		return &agent.Failure{Kind: agent.FailTruncated, Detail: "the stream ended before the reply did"}
	case "length":
		return &agent.Failure{Kind: agent.FailLength}
	case "content_filter":
		return &agent.Failure{Kind: agent.FailFiltered}
	default:
		return malformed("the reply ended for a reason we do not know")
	}
	if len(g.acc.Choices) != 1 {
		return malformed("the reply has more than one choice")
	}
	return nil
}

// counted gives the server's own count, or an estimate that says it is one.
func (g *collected) counted(r agent.Request, reply agent.Reply) agent.Usage {
	if g.usage {
		return agent.Usage{In: g.acc.Usage.PromptTokens, Out: g.acc.Usage.CompletionTokens}
	}
	in, out := len(r.System), len(reply.Text)
	for _, t := range r.Tools {
		in += len(t.Description) + len(t.Schema)
	}
	for _, m := range r.Messages {
		in += len(m.Text)
		for _, call := range m.Calls {
			in += len(call.Name) + len(call.Arguments)
		}
	}
	if len(g.acc.Choices) > 0 {
		for _, call := range g.acc.Choices[0].Message.ToolCalls {
			out += len(call.Function.Name) + len(call.Function.Arguments)
		}
	}
	return agent.Usage{In: int64(in/4 + 1), Out: int64(out/4 + 1), Estimated: true}
}

// takeCalls checks every call; one bad call spoils the reply, since nobody knows what the others meant without it. Ids
// that are empty, odd or used before are replaced: the answer to a call is found by it.
func takeCalls(from []openai.ChatCompletionMessageToolCallUnion, before []agent.Message) ([]agent.Call, *agent.Failure) {
	seen := map[string]bool{}
	for _, m := range before {
		for _, call := range m.Calls {
			seen[call.ID] = true
		}
	}
	var calls []agent.Call
	for _, f := range from {
		if f.Type != "" && f.Type != "function" || f.Function.Name == "" {
			return nil, malformed("a call is not a function call")
		}
		arguments := []byte(strings.TrimSpace(f.Function.Arguments))
		if len(arguments) == 0 {
			arguments = []byte("{}")
		}
		var compact bytes.Buffer
		if arguments[0] != '{' || json.Compact(&compact, arguments) != nil {
			return nil, malformed("the arguments of a call are not a JSON object")
		}
		id := f.ID
		if !agent.CallIDOK(id) || seen[id] {
			id = "call_" + rand.Text()
		}
		seen[id] = true
		calls = append(calls, agent.Call{ID: id, Name: f.Function.Name, Arguments: compact.Bytes()})
	}
	return calls, nil
}
