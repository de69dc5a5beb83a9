package providers

import (
	"aurora/providers/policy"
	"aurora/store"
)

// Ask is one command that somebody wants run. Exactly one of Line and Argv is set.
type Ask struct {
	Turn   string // the turn it belongs to; with Step and Call it is what makes the run unique
	Step   int
	Call   string
	Caller Caller

	Cloud   store.Cloud // the cloud a model named; empty when a person typed the command
	Line    string      // one line of text
	Argv    []string    // or words that are already split
	Project string      // selected_project_id: GCP project, AWS account, Azure subscription, tailnet, ...

	Typed   bool // a person typed the command himself
	Tainted bool // untrusted text was read in the turn before the command was proposed
}

// Caller is the person whose rights count, as they stand at this moment, and where he asks.
type Caller struct {
	Org    store.Organisation
	User   store.User
	Person store.Person
	Mode   store.Mode
	Thread string // the key the turn's work is serialised by
	Place  store.Place

	ChannelName string              // for org rules written by name
	ChannelRule *policy.ChannelRule // set by admins for the channel; nil when there is none
	Direct      bool                // the caller is alone with Aurora there
	Only        []string            // when not empty, the only connection ids that may be used (incidents)
}
