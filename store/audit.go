package store

import (
	"encoding/json"
	"time"
)

// AuditKind says what an audit row notes.
type AuditKind string

// The kinds of audit rows.
const (
	AuditAsked      AuditKind = "asked"
	AuditRefused    AuditKind = "refused"
	AuditIntent     AuditKind = "intent"
	AuditOutcome    AuditKind = "outcome"
	AuditClick      AuditKind = "click"
	AuditConnect    AuditKind = "connect"
	AuditDisconnect AuditKind = "disconnect"
	AuditRole       AuditKind = "role"
	AuditMode       AuditKind = "mode"
	AuditFreeze     AuditKind = "freeze"
	AuditLogin      AuditKind = "login"
	AuditStop       AuditKind = "stop"
	AuditGrant      AuditKind = "grant"
	AuditRule       AuditKind = "rule"
	AuditDeparture  AuditKind = "departure"
)

// AuditEntry is one row of the audit. The store gives Seq, At, Prev and Hash: Hash is
// HMAC-or-SHA-256 over Prev and the canonical JSON of the rest, so a changed, swapped or missing row shows.
type AuditEntry struct {
	Seq     int64           `json:"seq"`
	At      time.Time       `json:"at"`
	Kind    AuditKind       `json:"kind"`
	OrgID   string          `json:"org_id"`
	UserID  string          `json:"user_id,omitempty"`
	Person  string          `json:"person,omitempty"` // Person.String()
	Turn    string          `json:"turn,omitempty"`
	Subject string          `json:"subject,omitempty"` // confirmation, intent, connection or user it is about
	Detail  json.RawMessage `json:"detail,omitempty"`  // what, why, digest; never a secret
	Prev    string          `json:"prev"`
	Hash    string          `json:"hash"`
}

// Freeze is the row that stops every change of an organisation until an admin lifts it.
type Freeze struct {
	OrgID  string    `json:"org_id"`
	By     string    `json:"by"` // Person.String()
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}
