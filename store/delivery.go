package store

import (
	"encoding/json"
	"time"
)

// EventKind says what somebody did.
type EventKind string

// The kinds of events that wait in the inbox.
const (
	EventMention      EventKind = "mention"      // a message that addresses Aurora, in a channel, thread or DM
	EventCommand      EventKind = "command"      // a slash command
	EventClick        EventKind = "click"        // a button
	EventIncident     EventKind = "incident"     // something that may start an investigation
	EventContinuation EventKind = "continuation" // a settled confirmation goes on in its thread
	EventDeparted     EventKind = "departed"     // the person's chat account was deactivated
	EventBroken       EventKind = "broken"       // a connection needs a new sign-in: whoever can mend it is told
)

// Event is one thing that happened in chat, as the inbox keeps it. Key and (where set) MessageKey are unique for ever:
// Slack delivers at least once, and the same message under two event ids.
type Event struct {
	Key        string          `json:"key"`                   // ev:{team}:{event_id}, env:{envelope_id}, act:..., see the design
	MessageKey string          `json:"message_key,omitempty"` // msg:{team}:{channel}:{ts}
	Kind       EventKind       `json:"kind"`
	Thread     string          `json:"thread"` // the key work is serialised by: team:channel:(thread_ts or ts), or team:channel:user
	Person     Person          `json:"person"`
	Place      Place           `json:"place"` // where an answer goes
	Text       string          `json:"text"`  // redacted; the bot's own mention already stripped
	Payload    json.RawMessage `json:"payload,omitempty"`
	At         time.Time       `json:"at"`
}

// Received is an Event that stands in the inbox.
type Received struct {
	ID int64 `json:"id"`
	Event
}

// Claim is the right to work on one thread until the lease ends. Fence grows with every claim: a write with an old one
// gives ErrFenced and changes nothing.
type Claim struct {
	Thread string `json:"thread"`
	Runner string `json:"runner"` // who holds it: one name per process
	Fence  int64  `json:"fence"`
}

// TurnState is where a turn stands.
type TurnState string

// The states of a turn. A waiting one has asked for a confirmation and freed its thread.
const (
	TurnRunning TurnState = "running"
	TurnWaiting TurnState = "waiting"
	TurnDone    TurnState = "done"
	TurnStopped TurnState = "stopped"
)

// Turn is one ask answered.
type Turn struct {
	ID        string    `json:"id"` // turn_...
	Thread    string    `json:"thread"`
	InboxID   int64     `json:"inbox_id"`
	OrgID     string    `json:"org_id"`
	UserID    string    `json:"user_id"`
	Asker     Person    `json:"asker"`
	Place     Place     `json:"place"`
	Mode      Mode      `json:"mode"`
	State     TurnState `json:"state"`
	Text      string    `json:"text"` // the ask, redacted
	CreatedAt time.Time `json:"created_at"`
}

// Step is one model reply and the results of its calls so far, by call id. Results may be fewer than the reply's calls:
// the process may have died between.
type Step struct {
	N       int                        `json:"n"`     // from 1
	Reply   json.RawMessage            `json:"reply"` // agent.Reply
	Results map[string]json.RawMessage `json:"results"`
	Joined  []Received                 `json:"joined,omitempty"` // the asker's messages that joined with this step
}

// PostKind says what is done with a message.
type PostKind string

// What an outbox row does when it is sent.
const (
	PostMessage PostKind = "post"    // a new message
	PostUpdate  PostKind = "update"  // replaces the message that (Turn, Target) became
	PostWhisper PostKind = "whisper" // shown to one person alone; cannot be searched, so it may be told twice after a crash
)

// Post is one message of the outbox. (Turn, Part) is unique and travels as the message's metadata, by which a message
// that may already stand in the channel is found before it is posted again.
type Post struct {
	ID     int64           `json:"id"`
	Thread string          `json:"thread"`
	Turn   string          `json:"turn"`
	Part   int             `json:"part"`
	Kind   PostKind        `json:"kind"`
	Target int             `json:"target"` // PostUpdate: the part whose message is replaced
	Place  Place           `json:"place"`
	Body   json.RawMessage `json:"body"`         // bot.Message
	TS     string          `json:"ts,omitempty"` // where it stands once sent
	Tried  bool            `json:"tried"`        // a send was begun: search before sending again
	Sent   bool            `json:"sent"`         //
	Secret bool            `json:"secret"`       // shown once: never sent a second time, body erased when sent
}

// Effects of an intent are stored in policy's words: read, write, disrupt, delete.

// Intent is written before a command runs; its outcome after. One whose runner is gone and which has no outcome is
// "unknown" unless it only reads.
type Intent struct {
	ID           string          `json:"id"` // int_...
	OrgID        string          `json:"org_id"`
	UserID       string          `json:"user_id"`
	Turn         string          `json:"turn"`
	Step         int             `json:"step"`
	Call         string          `json:"call"`                   // unique with Turn and Step; one per connection it fans out to: "<call>/<connection>"
	Confirmation string          `json:"confirmation,omitempty"` // unique where set: conf_.../<index in its plan>
	Effect       string          `json:"effect"`
	Cloud        Cloud           `json:"cloud"`
	ConnectionID string          `json:"connection_id"`
	Account      string          `json:"account"`
	Argv         []string        `json:"argv"` // redacted where an element carries a secret
	PolicyRule   string          `json:"policy_rule"`
	Policy       string          `json:"policy"` // policy version
	Runner       string          `json:"runner"`
	Outcome      json.RawMessage `json:"outcome,omitempty"` // providers.Result; {"status":"unknown"} when it was lost
	StartedAt    time.Time       `json:"started_at"`
	Lost         bool            `json:"lost,omitempty"` // read back only: no outcome, and the runner's lease is over
}
