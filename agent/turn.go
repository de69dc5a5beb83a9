package agent

import (
	"time"

	"aurora/providers"
	"aurora/store"
)

// Turn is one ask, with all the loop needs to answer it.
type Turn struct {
	ID      string // turn_...
	Thread  string // the thread's key, for memory
	Caller  providers.Caller
	Started time.Time // when the turn was first begun: a takeover does not lengthen it

	Text     string    // the asker's own words, redacted
	History  []Said    // what stands in the thread: untrusted, but for what the asker wrote
	Alert    string    // incident turns: what the alert said; untrusted
	Settled  []Settled // continuation turns: what a click ran
	Clouds   []store.Cloud
	Accounts []Account // labels of connections: untrusted text
}

// Said is one message of the thread.
type Said struct {
	Own  bool   // the asker wrote it
	Bot  bool   // Aurora wrote it
	Who  string // a short name for the model, such as a person id
	Text string
}

// Settled is one confirmed command and what became of it.
type Settled struct {
	Confirmation string
	State        store.ConfirmationState // taken, cancelled, voided or expired
	Argv         []string
	Result       *providers.Result // nil when it did not run
}

// Account is one connection the caller may use, as people call it.
type Account struct {
	Cloud    store.Cloud `json:"cloud"`
	Account  string      `json:"account"`
	Label    string      `json:"label,omitempty"`
	Projects []string    `json:"projects,omitempty"`
}
