package bot

import (
	"encoding/json"
	"time"

	"aurora/store"
)

// Message is what Aurora says, before any platform's clothes. An adapter draws the fields in this order and leaves out
// what is empty. Everything in it is untrusted text to the adapter: it escapes, and neutralises mentions and links.
type Message struct {
	Status  string    `json:"status,omitempty"`  // a placeholder's word: "Looking into it ...", without any word of a command
	Running []Running `json:"running,omitempty"` // of a placeholder: what runs at the moment
	Draft   string    `json:"draft,omitempty"`   // of a placeholder: the answer as far as it is written, whole lines of Markdown
	Notice  string    `json:"notice,omitempty"`  // a plain sentence of Aurora's own, no markup
	Text    string    `json:"text,omitempty"`    // the model's answer, in Markdown
	Card    *Card     `json:"card,omitempty"`    // a confirmation
	Outputs []Output  `json:"outputs,omitempty"` // what commands printed, shown preformatted
	Ran     []Ran     `json:"ran,omitempty"`     // what ran, was refused or waits: drawn by code, never by the model
	Links   []Link    `json:"links,omitempty"`   // Aurora's own pages alone
	Buttons []Button  `json:"buttons,omitempty"`
	Rating  []Button  `json:"rating,omitempty"`  // two buttons: the answer was good, or bad
	Prompts []Prompt  `json:"prompts,omitempty"` // what one could say next, where the platform suggests that
	Title   string    `json:"title,omitempty"`   // of the thread, in the asker's own words, where the platform shows one
	NoFile  bool      `json:"no_file,omitempty"` // long outputs stand here by their head and tail alone
	Secret  string    `json:"-"`                 // shown to one person once, word for word: whispered where it does not stay, or not at all
	Readers *Readers  `json:"-"`                 // who may read it besides members; nil where anybody may
}

// Output is something a command printed, already redacted.
type Output struct {
	Title string `json:"title,omitempty"`
	Text  string `json:"text"`
}

// Ran is the line about one command: what it was, on which account, and what became of it.
type Ran struct {
	Argv    []string    `json:"argv"`
	Cloud   store.Cloud `json:"cloud,omitempty"`
	Account string      `json:"account,omitempty"`
	Project string      `json:"project,omitempty"`
	Region  string      `json:"region,omitempty"`
	State   RanState    `json:"state"`
	Detail  string      `json:"detail,omitempty"` // why it was refused, how it failed, how long it took
}

// Prompt is something one could say.
type Prompt struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Running is the line about a command that runs.
type Running struct {
	Argv     []string      `json:"argv,omitempty"` // redacted; nil where it may not be read
	Cloud    store.Cloud   `json:"cloud,omitempty"`
	Accounts []string      `json:"accounts,omitempty"` // labels: untrusted text
	For      time.Duration `json:"for"`                // nanoseconds
}

// RanState is what became of a command.
type RanState string

// What can become of a command.
const (
	RanOK      RanState = "ok"
	RanFailed  RanState = "failed"
	RanRefused RanState = "refused"
	RanWaiting RanState = "waiting"
	RanUnknown RanState = "unknown"
)

// Link is a link to one of Aurora's own pages.
type Link struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// Button is something to press. Value is all the platform carries back: a nonce that is made when the message is sent
// and kept hashed. What pressing means (Press) stays with Aurora.
type Button struct {
	Action string          `json:"action"` // confirm, cancel, agent, again, ...
	Label  string          `json:"label"`
	Value  string          `json:"-"`
	Press  json.RawMessage `json:"press,omitempty"`
	Style  string          `json:"style,omitempty"`  // "", "primary", "danger"
	Dialog *Dialog         `json:"dialog,omitempty"` // asks once more before it counts (a courtesy, no authority)
}

// Dialog is the question a platform asks before a button counts.
type Dialog struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Yes   string `json:"yes"`
	No    string `json:"no"`
}

// Card shows a confirmation: everything a person needs to decide, drawn by code.
type Card struct {
	ID       string   `json:"id"`       // conf_...
	Title    string   `json:"title"`    // "Confirm: delete in aws"
	Commands []Shown  `json:"commands"` // each command, element by element
	Facts    []Fact   `json:"facts"`    // cloud, account, region, effect, who asks, until when
	Warnings []string `json:"warnings,omitempty"`
	Touches  []string `json:"touches,omitempty"` // names and tags of what is touched: untrusted text, marked as such
	Outcome  string   `json:"outcome,omitempty"` // once decided: "Confirmed by ... at ...", "Expired, not run"
	Digest   string   `json:"digest"`            // the first characters of the record's digest
}

// Shown is a command on a card; invisible characters are already visible as \u{...}.
type Shown struct {
	Argv  []string `json:"argv"`
	State RanState `json:"state,omitempty"`
}

// Fact is a labelled line of a card.
type Fact struct {
	Label string `json:"label"`
	Value string `json:"value"`
}
