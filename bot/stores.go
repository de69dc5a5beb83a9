package bot

import (
	"context"
	"encoding/json"
	"time"

	"aurora/store"
)

// Queue hands out threads with open work, one holder at a time.
type Queue interface {
	Claim(ctx context.Context, runner string) (store.Claim, error)
	Renew(ctx context.Context, c store.Claim) error
	Release(ctx context.Context, c store.Claim) error
	Postpone(ctx context.Context, c store.Claim, wait time.Duration) error
}

// Rows are the events of a claimed thread.
type Rows interface {
	Pending(ctx context.Context, c store.Claim) ([]store.Received, error)
	CountTry(ctx context.Context, c store.Claim, inboxID int64) (tries int, err error)
	Settle(ctx context.Context, c store.Claim, inboxID int64, posts []store.Post) error
	ContinueTurn(ctx context.Context, c store.Claim, inboxID int64, e store.Event, posts []store.Post) error
}

// Turns keeps the asks that are being answered.
type Turns interface {
	OpenTurn(ctx context.Context, c store.Claim) (store.Turn, store.Received, error)
	BeginTurn(ctx context.Context, c store.Claim, t store.Turn) (store.Turn, error)
	FinishTurn(ctx context.Context, c store.Claim, turnID string, state store.TurnState, posts []store.Post) error
	Turn(ctx context.Context, id string) (store.Turn, error)
}

// Outbox keeps what is to be said until it is said.
type Outbox interface {
	Outbox(ctx context.Context, c store.Claim) ([]store.Post, error)
	AddPosts(ctx context.Context, c store.Claim, posts []store.Post) error
	BeginSend(ctx context.Context, c store.Claim, postID int64) error
	Sent(ctx context.Context, c store.Claim, postID int64, ts string) error
}

// Offers keeps what was whispered until its reader may have had it shared.
type Offers interface {
	SentKept(ctx context.Context, c store.Claim, postID int64, ts string) error
	Kept(ctx context.Context, turn string, part int) (store.Post, error)
}

// Standing tells where a sent part of a turn stands, and which part a message is.
type Standing interface {
	PostTS(ctx context.Context, turn string, part int) (store.Place, string, error)
	StandsAt(ctx context.Context, place store.Place, ts string) (store.Post, error)
}

// Users finds and makes the user behind a person.
type Users interface {
	EnsureOrganisation(ctx context.Context, platform store.Platform, team, name string) (store.Organisation, error)
	EnsureUser(ctx context.Context, org store.Organisation, p store.Person, role store.Role) (store.User, bool, error)
	Person(ctx context.Context, p store.Person) (store.User, error)
	SetRole(ctx context.Context, orgID string, by store.Person, userID string, role store.Role) error
}

// Preferences keeps what a user chose and what an admin set for a channel.
type Preferences interface {
	SetPrefer(ctx context.Context, userID string, clouds []store.Cloud) error
	SetSelection(ctx context.Context, userID string, s store.Selection) error
	Selections(ctx context.Context, userID string) ([]store.Selection, error)
	ChannelRule(ctx context.Context, orgID, channel string) (json.RawMessage, error)
}

// Connections lists what a user may use.
type Connections interface {
	Connections(ctx context.Context, orgID, userID string) ([]store.Connection, error)
	Connection(ctx context.Context, orgID, userID, id string) (store.Connection, error)
	// Disconnect gives store.ErrConflict for one that was connected again since c was read.
	Disconnect(ctx context.Context, c store.Connection, by store.Person) (store.Connection, error)
}

// Breaks keeps which connections need a new sign-in, and who can give it.
type Breaks interface {
	BreakConnection(ctx context.Context, c store.Connection) error
	BrokenConnection(ctx context.Context, n store.BrokenNews) (store.Connection, error)
	PersonsOf(ctx context.Context, orgID, userID string) ([]store.Person, error)
}

// Grants keeps what the organisation owns and who may use it. store.ErrNotFound: no such connection or grant.
type Grants interface {
	OrganisationConnections(ctx context.Context, orgID string) ([]store.Connection, error)
	Grants(ctx context.Context, orgID, connectionID string) ([]store.Grant, error)
	Grant(ctx context.Context, orgID string, g store.Grant, by store.Person) error
	Revoke(ctx context.Context, orgID string, g store.Grant, by store.Person) error
}

// Freezer stops every change of an organisation.
type Freezer interface {
	Freeze(ctx context.Context, f store.Freeze) error
	Unfreeze(ctx context.Context, orgID string, by store.Person) error
	Frozen(ctx context.Context, orgID string) (store.Freeze, bool, error)
}

// Audit notes and shows what happened.
type Audit interface {
	Audit(ctx context.Context, e store.AuditEntry) error
	AuditTail(ctx context.Context, orgID string, n int) ([]store.AuditEntry, error)
}

// Intents keeps the leases of what runs and finds what was lost.
type Intents interface {
	RenewIntents(ctx context.Context, runner string) error
	LostIntents(ctx context.Context) ([]store.Intent, error)
}

// Begun keeps what a click has set going, for the try after one that was cut short. IntentsOf gives what was begun of a
// confirmation, in the order of its plan.
type Begun interface {
	NoteTry(ctx context.Context, c store.Claim, inboxID int64, payload json.RawMessage) error
	IntentsOf(ctx context.Context, confirmation string) ([]store.Intent, error)
}

// Modes remembers the mode a person chose for a thread or a channel.
type Modes interface {
	SetMode(ctx context.Context, key string, m store.Mode, ttl time.Duration) error
	Mode(ctx context.Context, key string) (store.Mode, error)
}

// Tickets are one-time references: what a link or a button stands for. They are kept under their hash.
type Tickets interface {
	NewTicket(ctx context.Context, value json.RawMessage, ttl time.Duration) (string, error)
	TicketByHash(ctx context.Context, hash string) (json.RawMessage, error)
}

// Confirmations keeps what waits for a click.
type Confirmations interface {
	PutConfirmation(ctx context.Context, c store.Confirmation) error
	Confirmation(ctx context.Context, id string) (store.Confirmation, error)
	TakeConfirmation(ctx context.Context, id, click string) (store.ConfirmationState, error)
	EndConfirmation(ctx context.Context, id string, to store.ConfirmationState) (store.ConfirmationState, error)
}

// Waiting finds confirmations: those of a turn, those that ran out of time, the one a button stands for.
type Waiting interface {
	PendingOf(ctx context.Context, turnID string) ([]string, error)
	DueConfirmations(ctx context.Context, limit int) ([]store.Confirmation, error)
	ToldConfirmation(ctx context.Context, id string) error
	ConfirmationByNonce(ctx context.Context, nonceHash string) (store.Confirmation, error)
}

// ChannelRules keeps what admins allow in a channel; a nil rule clears it.
type ChannelRules interface {
	SetChannelRule(ctx context.Context, orgID, channel string, rule json.RawMessage, by store.Person) error
}

// Asked gives the digest that the audit noted for a confirmation when it was asked, the last one where there are several.
type Asked interface {
	Asked(ctx context.Context, confirmationID string) (digest string, err error)
}

// Journal keeps the steps of turns.
type Journal interface {
	Steps(ctx context.Context, turnID string) ([]store.Step, error)
	SaveReply(ctx context.Context, c store.Claim, turnID string, n int, reply json.RawMessage, joinable []int64, posts []store.Post) ([]store.Received, error)
	SaveResult(ctx context.Context, c store.Claim, turnID string, n int, call string, result json.RawMessage) error
	Stopped(ctx context.Context, turnID string) (bool, error)
}

// Allowances remembers that a person let a plain write run in a thread without a click for a while.
type Allowances interface {
	Allow(ctx context.Context, thread string, who store.Person, path string, ttl time.Duration) error
	Allowed(ctx context.Context, thread string, who store.Person, path string) (bool, error)
}
