package policy

import "time"

// Decision is what may happen with a command. Decisions are ordered, the strictest is the largest. The zero
// value is no decision and must be treated as Refuse.
type Decision uint8

// The decisions, mildest first.
const (
	Allow   Decision = iota + 1 // runs at once
	Confirm                     // runs after an authorised click
	Refuse                      // does not run
)

// String gives the word used in chat, in docs and by policy check.
func (d Decision) String() string {
	switch d {
	case Allow:
		return "allow"
	case Confirm:
		return "confirm"
	}
	return "refuse"
}

// MarshalText writes the decision's word.
func (d Decision) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Mode is how a person works with Aurora at the moment. A mode that is none of these refuses everything.
type Mode string

// The modes.
const (
	Ask      Mode = "ask"      // reads only
	Agent    Mode = "agent"    // may change things
	Incident Mode = "incident" // unattended read-only diagnostics
)

// Context is all that Decide knows about the ask besides the command. The zero values of Account, Project,
// Region, Providers, ChannelRule and MaxGrant mean "no limit from there"; an empty Role is a viewer.
type Context struct {
	Mode    Mode
	Role    string // viewer, operator, approver or admin
	Tainted bool   // untrusted text was read in the turn before the command was proposed
	Typed   bool   // a person typed the command himself; taint does not matter then

	Channel     string // id of the place, for org rules
	ChannelName string // its name, for org rules written by name

	Account string // the account, subscription or tailnet of the resolved connection
	Project string // the project of the resolved connection
	// ProjectName is what the cloud's CLI takes in place of the project's id; empty when it takes none.
	ProjectName string
	Region      string   // when the connection is bound to one region
	Providers   []string // the asker's preferred clouds; empty means all

	Now         time.Time    // for org rules with hours
	ChannelRule *ChannelRule // set by admins for the channel
	// MaxGrant is the most the grant on the connection permits. It speaks of effects: a write with a facet, such as a change of
	// permissions, is a write, and waits for its click like anybody's. An organisation that wants less denies it by a rule.
	MaxGrant Effect
}

// ChannelRule narrows what may be done from one channel.
type ChannelRule struct {
	MaxEffect Effect   // zero means no limit
	Providers []string // empty means all
	Deny      Facets   // facets that never run from here
}

// Ruling is the decision on one command in one context.
type Ruling struct {
	Decision  Decision
	FourEyes  bool   // the click must be an approver's who is not the asker
	AskerOnly bool   // the output is shown to the asker alone
	Mask      bool   // force JSON and mask Verdict.Masked before anything else sees the output
	ShowOnce  bool   // a secret: once to the asker, never to model, memory, file or store
	Rule      string // stable name of the rule that decided
	Reason    string // a sentence a person can act on
}
