package providers

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"aurora/providers/policy"
	"aurora/store"
)

// Code names why there is no ordinary result. The model sees it, so the words do not change.
type Code string

// The codes of results.
const (
	CodeRefused      Code = "refused"         // policy, grant, connection or mode says no
	CodeUnknown      Code = "unknown"         // no such command or flag in the tables
	CodeUnparsed     Code = "unparsed"        // not one plain command
	CodeNotConnected Code = "not_connected"   // no connection to that cloud
	CodeAmbiguous    Code = "ambiguous"       // more than one connection or project fits
	CodeTimeout      Code = "timeout"         // ended by the clock
	CodeCancelled    Code = "cancelled"       // ended because the turn was stopped or the process shuts down
	CodeFrozen       Code = "frozen"          // an admin froze the organisation
	CodeStopped      Code = "stopped"         // the turn was stopped before the command started
	CodeExpired      Code = "expired"         // the sign-in has expired or was revoked
	CodeNotInstalled Code = "not_installed"   // the CLI is not on this machine
	CodeUnavailable  Code = "unavailable"     // store, Vault or sign-in service cannot be reached; nothing ran
	CodeLost         Code = "outcome_unknown" // it was started before and nobody knows how it ended
)

// The values of Result.Status and Section.Status.
const (
	StatusOK     = "ok"     // exit status 0; for a fan-out, at least one of them
	StatusFailed = "failed" // it ran and failed
)

// Result is what became of an Ask. One of three things is true: it ran (Status), it waits for a click (Proposal), or
// it did not run (Code and Error). It is what the journal and the intent's outcome hold; fields with json:"-" are for
// the process at hand alone and are gone after a replay.
type Result struct {
	Status   string    `json:"status,omitempty"`
	Output   string    `json:"output,omitempty"` // clean, redacted, masked, shortened; for a fan-out with a heading each
	Code     Code      `json:"code,omitempty"`
	Error    string    `json:"error,omitempty"` // a sentence that says what to do
	Sections []Section `json:"sections,omitempty"`

	Cloud     store.Cloud `json:"cloud,omitempty"`
	Argv      []string    `json:"argv,omitempty"` // what ran or would run; elements that carry a secret are redacted
	Effect    string      `json:"effect,omitempty"`
	Facets    []string    `json:"facets,omitempty"`
	Rule      string      `json:"rule,omitempty"`
	AskerOnly bool        `json:"asker_only,omitempty"` // Output is for the asker alone
	Truncated bool        `json:"truncated,omitempty"`
	Duration  Millis      `json:"duration_ms,omitempty"`

	// Proposal waits for a person's click. ID is set (the same for the same turn, step and call); NonceHash, CardPart,
	// State and TakenBy are left to whoever posts the card.
	Proposal *store.Confirmation `json:"proposal,omitempty"`

	AuditErr error          `json:"-"` // a refusal could not be noted in the audit: to be logged
	Fault    error          `json:"-"` // a panic of ours outside of any run: to be logged
	Private  string         `json:"-"` // a secret that is shown once to the asker; never to model, memory, file or store
	Verdict  policy.Verdict `json:"-"`
	Ruling   policy.Ruling  `json:"-"`
}

// Section is what became of the command on one connection.
type Section struct {
	ConnectionID string `json:"connection_id"`
	Generation   int64  `json:"generation,omitempty"` // of the connection when it was used
	Account      string `json:"account"`
	Label        string `json:"label"` // what people are shown
	Project      string `json:"project,omitempty"`
	Region       string `json:"region,omitempty"`
	Intent       string `json:"intent,omitempty"`
	Program      string `json:"program,omitempty"` // which very CLI ran: name, release and the beginning of its SHA-256
	Status       string `json:"status,omitempty"`
	Output       string `json:"output,omitempty"` // only where there are several sections; else it is the result's
	Code         Code   `json:"code,omitempty"`
	Error        string `json:"error,omitempty"`
	ExitCode     int    `json:"exit_code"`
	Duration     Millis `json:"duration_ms"`
	Truncated    bool   `json:"truncated,omitempty"`
	Broken       bool   `json:"broken,omitempty"` // only a new sign-in helps
	Full         string `json:"-"`                // all of the output where it was shortened, as clean and redacted: for people alone
	Fault        error  `json:"-"`                // a panic of ours while it ran: to be logged
}

// Millis is a duration that travels as whole milliseconds.
type Millis time.Duration

// MarshalJSON writes whole milliseconds.
func (m Millis) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(m).Milliseconds()) }

// UnmarshalJSON reads whole milliseconds.
func (m *Millis) UnmarshalJSON(raw []byte) error {
	var ms int64
	if err := json.Unmarshal(raw, &ms); err != nil {
		return err
	}
	*m = Millis(time.Duration(ms) * time.Millisecond)
	return nil
}

// Ran tells whether a process or a request was started: whatever it printed is untrusted text.
func (r Result) Ran() bool { return r.Status != "" }

type modelResult struct {
	Status   string         `json:"status"`
	Output   string         `json:"output"`
	Error    string         `json:"error,omitempty"`
	Code     Code           `json:"code,omitempty"`
	Metadata *modelMetadata `json:"metadata"`
}

type modelMetadata struct {
	Provider  store.Cloud     `json:"provider"`
	Account   string          `json:"account,omitempty"`
	Project   string          `json:"project,omitempty"`
	Region    string          `json:"region,omitempty"`
	Status    string          `json:"status,omitempty"`
	Error     string          `json:"error,omitempty"`
	ExitCode  int             `json:"exit_code"`
	Duration  Millis          `json:"duration_ms"`
	Truncated bool            `json:"truncated"`
	Accounts  []modelMetadata `json:"accounts,omitempty"`
}

type modelError struct {
	Error string `json:"error"`
	Code  Code   `json:"code"`
}

type modelWait struct {
	RequiresConfirmation bool   `json:"requires_confirmation"`
	ConfirmationID       string `json:"confirmation_id"`
}

// ModelJSON is the tool's answer to the model: the contract and nothing besides.
func (r Result) ModelJSON() json.RawMessage {
	switch {
	case r.Proposal != nil:
		return mustJSON(modelWait{true, r.Proposal.ID})
	case r.Status == "":
		return mustJSON(modelError{r.Error, r.Code})
	}
	meta := modelMetadata{Provider: r.Cloud, Duration: r.Duration, Truncated: r.Truncated}
	if len(r.Sections) == 1 {
		meta = r.Sections[0].metadata(r.Cloud)
	}
	if len(r.Sections) > 1 {
		for _, s := range r.Sections {
			one := s.metadata(r.Cloud)
			one.Status, one.Error = s.Status, s.Error
			meta.Accounts = append(meta.Accounts, one)
		}
	}
	return mustJSON(modelResult{r.Status, r.Output, r.Error, r.Code, &meta})
}

func (s Section) metadata(cloud store.Cloud) modelMetadata {
	return modelMetadata{
		Provider: cloud, Account: s.Account, Project: s.Project, Region: s.Region,
		ExitCode: s.ExitCode, Duration: s.Duration, Truncated: s.Truncated,
	}
}

// heading names a section for people and the model when there are several.
func (s Section) heading() string {
	parts := []string{s.Label}
	if s.Account != s.Label {
		parts = append(parts, s.Account)
	}
	if s.Project != "" && s.Project != s.Account {
		parts = append(parts, "project "+s.Project)
	}
	if s.Region != "" {
		parts = append(parts, s.Region)
	}
	return fmt.Sprintf("== %s ==", strings.Join(parts, ", "))
}

func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil { // unreachable: the types above hold nothing that cannot be marshalled
		return json.RawMessage(`{"error":"The result could not be written down.","code":"unavailable"}`)
	}
	return raw
}
