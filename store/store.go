// Package store holds what outlives a request: the words of Aurora's domain (Person, Place, Mode, Cloud, Role,
// Connection, Event, Turn, Intent, Confirmation, ...) and the errors its keepers return. Every layer above imports it;
// its own children (sql, redis, vault, sealed) keep these values. It never does I/O and knows no chat platform, model
// or cloud.
package store

import "errors"

var (
	// ErrNotFound says that the thing asked for does not exist, or not for this caller.
	ErrNotFound = errors.New("not found")
	// ErrFenced says that another replica has taken over the thread: the write did not happen and must not be retried.
	ErrFenced = errors.New("the thread was taken over by another replica")
	// ErrStopped says that the turn was stopped by a person: nothing of it may start any more.
	ErrStopped = errors.New("the turn was stopped")
	// ErrFrozen says that an admin froze the organisation: only reads may start.
	ErrFrozen = errors.New("the organisation is frozen")
	// ErrConflict says that a check-and-set lost: somebody else wrote first.
	ErrConflict = errors.New("somebody else wrote first")
	// ErrUnavailable says that the store itself cannot be reached; nothing was written as far as can be told.
	ErrUnavailable = errors.New("the store cannot be reached")
	// ErrUncertain goes with ErrUnavailable where the store may have written all the same: its answer was not waited for, or
	// was lost.
	ErrUncertain = errors.New("it may have been written all the same")
)

// Cloud names one of the clouds Aurora can drive, as in `/aurora connect <cloud>` and the API.
type Cloud string

// The clouds.
const (
	AWS       Cloud = "aws"
	GCP       Cloud = "gcp"
	Azure     Cloud = "azure"
	Scaleway  Cloud = "scaleway"
	Tailscale Cloud = "tailscale"
	OVH       Cloud = "ovh"
)

// Clouds lists every cloud in the order people are shown them.
func Clouds() []Cloud { return []Cloud{GCP, AWS, Azure, OVH, Scaleway, Tailscale} }

// Mode is what a turn may do: Ask only reads, Agent may change things, Incident reads by itself.
type Mode string

// The modes.
const (
	Ask      Mode = "ask"
	Agent    Mode = "agent"
	Incident Mode = "incident"
)

// Role is what a user may do at most.
type Role string

// The roles, from least to most; admin configures Aurora and has no cloud right of its own.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Approver Role = "approver"
	Admin    Role = "admin"
)

// ParseRole reads a role as people write it.
func ParseRole(s string) (Role, bool) {
	switch r := Role(s); r {
	case Viewer, Operator, Approver, Admin:
		return r, true
	}
	return "", false
}
