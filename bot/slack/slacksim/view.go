package slacksim

import "encoding/json"

// Message is a message as one person sees it.
type Message struct {
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts,omitempty"` // set on replies and on parents that have replies
	Team     string `json:"team"`
	Channel  string `json:"channel"`
	User     string `json:"user"` // the author's user id; the bot's for the app's own
	BotID    string `json:"bot_id,omitempty"`
	Subtype  string `json:"subtype,omitempty"`
	// Text is the top-level text as it was sent; Plain is what a person reads, blocks rendered and escapes undone.
	Text       string          `json:"text"`
	Plain      string          `json:"plain"`
	Blocks     json.RawMessage `json:"blocks,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	Ephemeral  bool            `json:"ephemeral,omitempty"` // "Only visible to you"
	VisibleTo  string          `json:"visible_to,omitempty"`
	Edited     bool            `json:"edited,omitempty"`
	ReplyCount int             `json:"reply_count,omitempty"`
	Buttons    []Button        `json:"buttons,omitempty"`
	Files      []File          `json:"files,omitempty"`
	// Pings are the live mentions in it ("<!here>", "<@U1>"), Unfurls the addresses Slack would have fetched.
	Pings     []string `json:"pings,omitempty"`
	Unfurls   []string `json:"unfurls,omitempty"`
	Streaming bool     `json:"streaming,omitempty"` // more of it is to come
	// Failed is the error marker this person sees beside a button that was not answered in time.
	Failed string `json:"failed,omitempty"`
}

// Button returns the button with that action id, and whether the message has one.
func (m Message) Button(actionID string) (Button, bool) {
	for _, b := range m.Buttons {
		if b.ActionID == actionID {
			return b, true
		}
	}
	return Button{}, false
}

// Button is one button of a message.
type Button struct {
	ActionID  string   `json:"action_id"`
	BlockID   string   `json:"block_id"`
	Text      string   `json:"text"`
	Value     string   `json:"value,omitempty"`
	Style     string   `json:"style,omitempty"` // primary, danger or empty
	URL       string   `json:"url,omitempty"`
	Confirm   bool     `json:"confirm,omitempty"` // the client asks first; nothing is sent before
	VisibleTo []string `json:"visible_to,omitempty"`
}

// File is a file shared in a message.
type File struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Title    string `json:"title"`
	Size     int    `json:"size"`
	Contents []byte `json:"-"`
}

// Modal is an open view as the person before it sees it.
type Modal struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"` // modal or home
	Callback string          `json:"callback_id"`
	User     string          `json:"user"`
	Title    string          `json:"title"`
	Previous string          `json:"previous,omitempty"` // id of the modal below it
	Plain    string          `json:"plain"`              // what a person reads in its blocks
	Buttons  []Button        `json:"buttons,omitempty"`
	View     json.RawMessage `json:"view"`
	Errors   json.RawMessage `json:"errors,omitempty"` // by block id, after a refused submission
}

// Outcome tells what came of a slash command, a click or a submission.
type Outcome struct {
	EnvelopeID string `json:"envelope_id"`
	Acked      bool   `json:"acked"`
	// Error is what the person sees instead: "operation_timeout" when nobody acked in time, "dispatch_failed"
	// when no socket was there to take it, "invalid_response_action" when the ack of a submission asked for
	// something Slack does not do. Empty when all went well.
	Error string `json:"error,omitempty"`
}
