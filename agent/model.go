package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"
)

// Model is a language model. Reply yields what the model says while it says it, and in the last piece the whole reply,
// which alone counts. An error ends it without that piece: it is a *Failure where the model is to blame, and then nothing
// of the reply may be used.
type Model interface {
	Reply(ctx context.Context, r Request) iter.Seq2[Piece, error]
}

// Piece is a part of a reply on its way.
type Piece struct {
	Text  string // what was added to the reply's text
	Call  bool   // a call was begun: the text is a word on the way, not the answer
	Reply *Reply // the whole reply, in the last piece alone
}

// Whole gives the whole reply of a model whose pieces nobody needs.
func Whole(pieces iter.Seq2[Piece, error]) (Reply, error) {
	for p, err := range pieces {
		if err != nil {
			return Reply{}, err
		}
		if p.Reply != nil {
			return *p.Reply, nil
		}
	}
	return Reply{}, &Failure{Kind: FailTruncated, Detail: "the reply has no end"}
}

// AtOnce is the reply, or the error, of a model that has it in one piece.
func AtOnce(reply Reply, err error) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		if err != nil {
			yield(Piece{}, err)
			return
		}
		yield(Piece{Reply: &reply}, nil)
	}
}

// Request is one question to a model.
type Request struct {
	System   string    // our own words alone: never anything somebody else wrote
	Messages []Message // the conversation, oldest first
	Tools    []Tool
	NoCalls  bool   // the tools are named, but this reply must be text
	Parallel bool   // several calls in one reply are welcome
	User     string // an opaque name of the asker, for the server's abuse detection
	MaxReply int    // tokens the reply may have at most; 0 leaves it to the server
}

// Role is who speaks in a message. There is no system role: Request.System is the only such text.
type Role string

// The roles of messages.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleTool      Role = "tool"
)

// Message is one message of the conversation.
type Message struct {
	Role   Role
	Text   string
	Calls  []Call // of RoleAssistant: what the model asked for
	CallID string // of RoleTool: the call it answers
}

// Tool is something the model may call. Schema is a JSON Schema object.
type Tool struct {
	Name        string
	Description string
	Schema      json.RawMessage
}

// Call is one tool call. ID is unique in the turn and passes CallIDOK; Arguments is a JSON object, but need not fit the tool's schema.
type Call struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// Reply is what a model answered. It is journaled as it stands.
type Reply struct {
	Text   string `json:"text,omitempty"`
	Calls  []Call `json:"calls,omitempty"`
	Usage  Usage  `json:"usage"`
	Model  string `json:"model,omitempty"`  // the name the server gave
	Finish string `json:"finish,omitempty"` // why it ended: "stop" or "tool_calls"
}

// Usage counts tokens. Estimated says that the server told nothing and the figures are bytes divided by four.
type Usage struct {
	In        int64 `json:"in"`
	Out       int64 `json:"out"`
	Estimated bool  `json:"estimated,omitempty"`
}

// Add gives the sum; it is estimated when either is.
func (u Usage) Add(v Usage) Usage {
	return Usage{In: u.In + v.In, Out: u.Out + v.Out, Estimated: u.Estimated || v.Estimated}
}

// Total is all tokens together.
func (u Usage) Total() int64 { return u.In + u.Out }

// FailureKind says how a model failed.
type FailureKind string

// The ways a model fails.
const (
	FailUnavailable FailureKind = "unavailable" // no connection, or 5xx to the last try
	FailLimited     FailureKind = "limited"     // 429 to the last try
	FailRejected    FailureKind = "rejected"    // the server does not take the request or the key: trying again is no use
	FailQuota       FailureKind = "quota"       // what was paid for is used up
	FailContext     FailureKind = "context"     // the request is longer than the model takes
	FailTruncated   FailureKind = "truncated"   // the stream ended before the reply did
	FailMalformed   FailureKind = "malformed"   // what came is not a chat completion, or its calls are not JSON
	FailIdle        FailureKind = "idle"        // the stream stood still for too long
	FailLength      FailureKind = "length"      // the reply hit the token limit
	FailFiltered    FailureKind = "filtered"    // the server's content filter ended the reply
	FailTooLarge    FailureKind = "too_large"   // the reply is larger than we take
	FailNone        FailureKind = "none"        // no model is configured
)

// Failure is a model that did not give a usable reply. It never holds a body, a URL or a key: Detail is our own words.
type Failure struct {
	Kind   FailureKind
	Status int           // the HTTP status, where there was one
	After  time.Duration // when the server asked to come back, where it did
	Detail string
	Usage  Usage // what it cost all the same, as far as is known
}

func (f *Failure) Error() string {
	text := "model " + string(f.Kind)
	if f.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", f.Status)
	}
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	return text
}

// Again tells whether asking the same once more makes sense.
func (f *Failure) Again() bool {
	return f.Kind == FailTruncated || f.Kind == FailMalformed || f.Kind == FailIdle
}

// Sentence says it to people, with what to do.
func (f *Failure) Sentence() string {
	switch f.Kind {
	case FailUnavailable:
		return "The language model cannot be reached at the moment. Try again in a minute, or run a command yourself with `/aurora run`."
	case FailLimited:
		return "The language model's provider asks us to slow down. Try again in a minute, or run a command yourself with `/aurora run`."
	case FailQuota:
		return "The language model's provider says that the quota is used up. Ask whoever runs Aurora to look at its plan there; until then `/aurora run <command>` works without a model."
	case FailContext:
		return "This has grown too long for the language model. Please ask in a new thread, or for something narrower."
	case FailRejected:
		return "The language model's server refused the request. Ask whoever runs Aurora to check OPENAI_BASE_URL, OPENAI_API_KEY and AURORA_MODEL with `aurora doctor`."
	case FailTruncated, FailMalformed, FailIdle, FailTooLarge:
		return "The language model's answer broke off or could not be read, so nothing of it was used. Please ask again."
	case FailLength:
		return "The language model's answer grew too long and was cut, so nothing of it was used. Please ask for something narrower."
	case FailFiltered:
		return "The language model's provider filtered the answer. Please put the question differently."
	case FailNone:
		return "No language model is configured. Whoever runs Aurora sets OPENAI_API_KEY (and OPENAI_BASE_URL for another server); until then `/aurora run <command>` works without one."
	}
	return "The language model failed. Please ask again."
}

// Unconfigured is the Model of an installation that has none: it says so.
type Unconfigured struct{}

// Reply fails with FailNone.
func (Unconfigured) Reply(context.Context, Request) iter.Seq2[Piece, error] {
	return AtOnce(Reply{}, &Failure{Kind: FailNone})
}
