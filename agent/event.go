package agent

import (
	"encoding/json"
	"time"

	"aurora/providers"
	"aurora/store"
)

// Event is something that happened in a turn, in order: StepStarted, Drafted, Replied, CallStarted, CallDone, Proposed,
// Final.
// After a takeover the journaled part comes again with Replayed set, so a reader can rebuild what it showed.
type Event interface{ event() }

// StepStarted says that the model is being asked.
type StepStarted struct {
	Step     int // from 1
	Replayed bool
}

// Drafted says how far the model has come with a text that may become the answer: whole lines of it, from its beginning.
// It is no promise. An empty one takes it back: the text was a word on the way to a call, or the reply broke off.
type Drafted struct {
	Step    int
	Text    string
	Private bool // what is for the asker alone was read before: so is the draft
}

// Replied says that the model answered or failed to; it carries what is to be metered.
type Replied struct {
	Step     int
	Reply    Reply
	Failure  *Failure // set when this try failed; Reply is then empty
	Took     time.Duration
	Joined   []store.Received // the asker's messages that joined with this step
	Replayed bool
}

// CallStarted says that a call is about to run.
type CallStarted struct {
	Step     int
	Call     Call
	Ask      providers.Ask // zero when the call is not a command we can read
	Shown    []string      // the command as it may be shown, secrets redacted; nil when it does not run now
	Accounts []string      // labels of the connections it runs on: untrusted text
	Private  bool          // what is for the asker alone was read before: its words may hold some of it
	Replayed bool
}

// CallDone says what became of a call.
type CallDone struct {
	Step     int
	Call     Call
	Ask      providers.Ask    // zero when the call is not a command we can read
	Result   providers.Result // zero when the executor was not asked
	Answer   json.RawMessage  // what the model hears
	Ran      bool             // the executor was asked
	Took     time.Duration
	Replayed bool
}

// Proposed says that commands wait for a person's click. ID and every result are journaled by now.
type Proposed struct {
	Step         int
	ID           string             // conf_..., the same on every replay
	Confirmation store.Confirmation // all commands of the plan; ID, Turn, Step and Call set; bot adds nonce, card, place and expiry
	Calls        []string           // the call ids it covers, in the order of its commands
	Replayed     bool
}

// Forgot says that thread memory could not be read or written: worth a log line, no reason to stop.
type Forgot struct{ Err error }

// Final ends a turn; it is always the last event.
type Final struct {
	Text   string          // the model's answer, or empty
	Notice string          // our own sentence about a limit, a stop or a failure, or empty
	State  store.TurnState // done, waiting or stopped
	Usage  Usage           // of the whole turn
	Model  string

	AskerOnly bool // something shown to the asker alone was read: whisper Text, and remember it as whispered
	Tainted   bool // untrusted text was read in the turn
}

func (StepStarted) event() {}
func (Drafted) event()     {}
func (Replied) event()     {}
func (CallStarted) event() {}
func (CallDone) event()    {}
func (Proposed) event()    {}
func (Forgot) event()      {}
func (Final) event()       {}
