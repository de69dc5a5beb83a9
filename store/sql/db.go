// Package sql keeps what must outlive a process in PostgreSQL or, embedded, in one SQLite file: identity, connections,
// the inbox, turns, intents, the outbox and the audit. cmd opens it; bot, agent and providers use it through interfaces
// of their own. Every method is one whole transaction. It never holds a credential and never decides who may do what.
package sql

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"aurora/store"
)

var errSoon = errors.New("not built yet")

// Config says where the database is and how audit rows are signed.
type Config struct {
	URL      string       // postgres://... or postgresql://...; anything else is the path of a SQLite file
	AuditKey store.Secret // HMAC key of the audit chain; empty: plain SHA-256
	Runner   string       // this process's name, unique for its life; written into intents that carry none
	MaxConns int          // PostgreSQL connections at most; 0 means 16
}

// DB keeps everything of Aurora that must outlive a process, but credentials.
type DB struct{}

// Head is the end of the audit chain as it stood at some moment.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

func Open(ctx context.Context, cfg Config) (*DB, error) { return nil, errSoon }
func Migrate(ctx context.Context, ownerURL, serveRole string) (applied []string, err error) {
	return nil, errSoon
}
func (d *DB) Close() error                           { return nil }
func (d *DB) CheckRole(ctx context.Context) []string { return nil }
func (d *DB) Ready(ctx context.Context) error        { return errSoon }

func (d *DB) EnsureOrganisation(ctx context.Context, platform store.Platform, team, name string) (store.Organisation, error) {
	return store.Organisation{}, errSoon
}
func (d *DB) Person(ctx context.Context, p store.Person) (store.User, error) {
	return store.User{}, errSoon
}
func (d *DB) EnsureUser(ctx context.Context, org store.Organisation, p store.Person, role store.Role) (u store.User, created bool, err error) {
	return store.User{}, false, errSoon
}
func (d *DB) UserByID(ctx context.Context, orgID, userID string) (store.User, error) {
	return store.User{}, errSoon
}
func (d *DB) LinkPerson(ctx context.Context, orgID, userID string, p, by store.Person) error {
	return errSoon
}
func (d *DB) SetRole(ctx context.Context, orgID string, by store.Person, userID string, role store.Role) error {
	return errSoon
}
func (d *DB) SetActive(ctx context.Context, orgID string, by store.Person, userID string, active bool) error {
	return errSoon
}
func (d *DB) SetPrefer(ctx context.Context, userID string, clouds []store.Cloud) error {
	return errSoon
}
func (d *DB) Selections(ctx context.Context, userID string) ([]store.Selection, error) {
	return nil, errSoon
}
func (d *DB) SetSelection(ctx context.Context, userID string, s store.Selection) error {
	return errSoon
}
func (d *DB) ChannelRule(ctx context.Context, orgID, channel string) (json.RawMessage, error) {
	return nil, errSoon
}
func (d *DB) SetChannelRule(ctx context.Context, orgID, channel string, rule json.RawMessage, by store.Person) error {
	return errSoon
}

func (d *DB) Connections(ctx context.Context, orgID, userID string) ([]store.Connection, error) {
	return nil, errSoon
}
func (d *DB) Connection(ctx context.Context, orgID, userID, id string) (store.Connection, error) {
	return store.Connection{}, errSoon
}
func (d *DB) OrganisationConnections(ctx context.Context, orgID string) ([]store.Connection, error) {
	return nil, errSoon
}
func (d *DB) Connect(ctx context.Context, c store.Connection, by store.Person) (store.Connection, error) {
	return store.Connection{}, errSoon
}
func (d *DB) Disconnect(ctx context.Context, orgID, userID, id string, by store.Person) (store.Connection, error) {
	return store.Connection{}, errSoon
}
func (d *DB) SetConnectionStatus(ctx context.Context, orgID, userID, id string, status store.ConnectionStatus) error {
	return errSoon
}
func (d *DB) Grants(ctx context.Context, orgID, connectionID string) ([]store.Grant, error) {
	return nil, errSoon
}
func (d *DB) Grant(ctx context.Context, orgID string, g store.Grant, by store.Person) error {
	return errSoon
}
func (d *DB) Revoke(ctx context.Context, orgID string, g store.Grant, by store.Person) error {
	return errSoon
}

func (d *DB) Receive(ctx context.Context, e store.Event) (fresh bool, err error) {
	return false, errSoon
}
func (d *DB) Claim(ctx context.Context, runner string) (store.Claim, error) {
	return store.Claim{}, errSoon
}
func (d *DB) Renew(ctx context.Context, c store.Claim) error   { return errSoon }
func (d *DB) Release(ctx context.Context, c store.Claim) error { return errSoon }
func (d *DB) Postpone(ctx context.Context, c store.Claim, wait time.Duration) error {
	return errSoon
}
func (d *DB) Wake(ctx context.Context) <-chan struct{} { return nil }
func (d *DB) Pending(ctx context.Context, c store.Claim) ([]store.Received, error) {
	return nil, errSoon
}
func (d *DB) OpenTurn(ctx context.Context, c store.Claim) (store.Turn, error) {
	return store.Turn{}, errSoon
}
func (d *DB) BeginTurn(ctx context.Context, c store.Claim, t store.Turn) (store.Turn, error) {
	return store.Turn{}, errSoon
}
func (d *DB) Settle(ctx context.Context, c store.Claim, inboxID int64, posts []store.Post) error {
	return errSoon
}
func (d *DB) FinishTurn(ctx context.Context, c store.Claim, turnID string, state store.TurnState, posts []store.Post) error {
	return errSoon
}
func (d *DB) ContinueTurn(ctx context.Context, c store.Claim, inboxID int64, e store.Event, posts []store.Post) error {
	return errSoon
}
func (d *DB) Turn(ctx context.Context, id string) (store.Turn, error) { return store.Turn{}, errSoon }
func (d *DB) RunningTurns(ctx context.Context, p store.Person, place store.Place) ([]store.Turn, error) {
	return nil, errSoon
}
func (d *DB) RequestStop(ctx context.Context, turnIDs []string, by store.Person) error {
	return errSoon
}
func (d *DB) Stopped(ctx context.Context, turnID string) (bool, error) { return false, errSoon }

func (d *DB) SaveReply(ctx context.Context, c store.Claim, turnID string, n int, reply json.RawMessage, joinable []int64, posts []store.Post) (joined []store.Received, err error) {
	return nil, errSoon
}
func (d *DB) SaveResult(ctx context.Context, c store.Claim, turnID string, n int, call string, result json.RawMessage) error {
	return errSoon
}
func (d *DB) Steps(ctx context.Context, turnID string) ([]store.Step, error) { return nil, errSoon }

func (d *DB) BeginIntent(ctx context.Context, i store.Intent) (existing *store.Intent, err error) {
	return nil, errSoon
}
func (d *DB) RenewIntents(ctx context.Context, runner string) error { return errSoon }
func (d *DB) FinishIntent(ctx context.Context, id string, outcome json.RawMessage) error {
	return errSoon
}
func (d *DB) LostIntents(ctx context.Context) ([]store.Intent, error) { return nil, errSoon }

func (d *DB) Outbox(ctx context.Context, c store.Claim) ([]store.Post, error)        { return nil, errSoon }
func (d *DB) BeginSend(ctx context.Context, c store.Claim, postID int64) error       { return errSoon }
func (d *DB) Sent(ctx context.Context, c store.Claim, postID int64, ts string) error { return errSoon }
func (d *DB) PostTS(ctx context.Context, turn string, part int) (place store.Place, ts string, err error) {
	return store.Place{}, "", errSoon
}
func (d *DB) AddPosts(ctx context.Context, c store.Claim, posts []store.Post) error { return errSoon }

func (d *DB) Freeze(ctx context.Context, f store.Freeze) error                  { return errSoon }
func (d *DB) Unfreeze(ctx context.Context, orgID string, by store.Person) error { return errSoon }
func (d *DB) Frozen(ctx context.Context, orgID string) (store.Freeze, bool, error) {
	return store.Freeze{}, false, errSoon
}
func (d *DB) Audit(ctx context.Context, e store.AuditEntry) error { return errSoon }
func (d *DB) AuditTail(ctx context.Context, orgID string, n int) ([]store.AuditEntry, error) {
	return nil, errSoon
}
func (d *DB) AuditWalk(ctx context.Context, from int64) iter.Seq2[store.AuditEntry, error] {
	return nil
}
func (d *DB) AuditHead(ctx context.Context) (seq int64, hash string, err error) {
	return 0, "", errSoon
}
func (d *DB) Prune(ctx context.Context) error { return errSoon }
