package store

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// ConnectionStatus tells whether a connection can be used.
type ConnectionStatus string

// The states of a connection. A broken one needs a new sign-in; its owner is told so.
const (
	ConnectionActive ConnectionStatus = "active"
	ConnectionBroken ConnectionStatus = "broken"
)

// Connection links Aurora to one cloud account. UserID is empty when the organisation owns it. It holds no secret:
// Token says where the credential lies ("vault:kv/data/aurora/users/{user_id}/{provider}[/{account}]").
type Connection struct {
	ID         string            `json:"id"`
	OrgID      string            `json:"org_id"`
	UserID     string            `json:"user_id,omitempty"`
	Cloud      Cloud             `json:"cloud"`
	Account    string            `json:"account"`            // AWS account id, GCP e-mail, tailnet, OVH region, ...
	Label      string            `json:"label,omitempty"`    // what people are shown, when it differs from Account
	Region     string            `json:"region,omitempty"`   // default region or zone
	Projects   []string          `json:"projects,omitempty"` // GCP projects, Azure subscriptions, ... the credential reaches
	Settings   map[string]string `json:"settings,omitempty"` // what is not secret and the cloud needs: role_arn, external_id_set, ...
	Token      string            `json:"token"`
	Generation int64             `json:"generation"` // grows with every new credential: what was approved for an old one does not run
	Status     ConnectionStatus  `json:"status"`
	ReadOnly   bool              `json:"read_only"` // the credential cannot change anything
	CreatedAt  time.Time         `json:"created_at"`
}

// BrokenNews says which connection needs a new sign-in, in which of its generations.
type BrokenNews struct {
	OrgID        string `json:"org_id"`
	UserID       string `json:"user_id,omitempty"` // empty when the organisation owns it
	ConnectionID string `json:"connection_id"`
	Generation   int64  `json:"generation"`
}

// PendingConnection is one that an admin has to approve before it can be used: it was not proven who connected it. Its
// credential lies where Connection.Token says, apart from those in use.
type PendingConnection struct {
	ID         string     `json:"id"` // pen_...
	Connection Connection `json:"connection"`
	Person     Person     `json:"person"` // for whom it was connected
	Place      Place      `json:"place"`  // where to tell that person how it went
	CreatedAt  time.Time  `json:"created_at"`
}

// OfOrganisation tells, by the place of its credential, whether the organisation will own what waits.
func (p PendingConnection) OfOrganisation() bool {
	all := "vault:" + CredentialPath(p.Connection.OrgID, "", p.Connection.Cloud, "", true)
	return strings.HasPrefix(p.Connection.Token, all+"/")
}

// PendingLife is how long a connection waits for an admin.
const PendingLife = 24 * time.Hour

// SettingDefaultProject names, among a connection's settings, the project that is taken when a command names none.
const SettingDefaultProject = "default_project"

// SettingExpires says, among a connection's settings, when its credential ends by itself, in RFC 3339; it is missing where
// that is not known or does not happen.
const SettingExpires = "expires_at"

// Expires tells when the credential ends by itself; zero where that is not known or does not happen.
func (c Connection) Expires() time.Time {
	at, err := time.Parse(time.RFC3339, c.Settings[SettingExpires])
	if err != nil {
		return time.Time{}
	}
	return at
}

// Owner says whose the connection is: "user" or "organisation".
func (c Connection) Owner() string {
	if c.UserID == "" {
		return "organisation"
	}
	return "user"
}

// Spans tells whether the connection's projects are accounts of their own, as those of an AWS organisation are.
func (c Connection) Spans() bool { return c.Cloud == AWS && len(c.Projects) > 0 }

// AccountIn is the account that a command in one of the connection's projects works in.
func (c Connection) AccountIn(project string) string {
	if c.Spans() && project != "" {
		return project
	}
	return c.Account
}

// CredentialPath is the KV v2 API path of a credential, relative to Vault's /v1/. first tells whether it is the owner's
// first account of this cloud: further ones get a path of their own below it. What a path cannot hold of an account's
// name, such as the + of an e-mail address, is written as =2B.
func CredentialPath(orgID, userID string, cloud Cloud, account string, first bool) string {
	path := fmt.Sprintf("kv/data/aurora/users/%s/%s", userID, cloud)
	if userID == "" {
		path = fmt.Sprintf("kv/data/aurora/orgs/%s/%s", orgID, cloud)
	}
	if first {
		return path
	}
	return path + "/" + asSegment(account)
}

// Grant lets somebody use an organisation's connection, on what, up to which effect ("read", "write", ...).
type Grant struct {
	ConnectionID string `json:"connection_id"`
	UserID       string `json:"user_id,omitempty"` // empty: everybody with Role
	Role         Role   `json:"role,omitempty"`    // empty: any role
	Channel      string `json:"channel,omitempty"` // id of the channel it is used from; empty: any place
	Project      string `json:"project,omitempty"` // empty: every project of the connection
	MaxEffect    string `json:"max_effect"`
}

// Covers tells whether the grant is meant for a user: for him by name, or for his role or a lower one. Admin is a role
// beside the others: a grant for operators does not reach an admin, one for everybody does.
func (g Grant) Covers(userID string, role Role) bool {
	if g.UserID != "" && g.UserID != userID {
		return false
	}
	if g.Role == "" || g.Role == role {
		return true
	}
	ladder := []Role{Viewer, Operator, Approver}
	return slices.Contains(ladder, g.Role) && slices.Index(ladder, role) > slices.Index(ladder, g.Role)
}

// HoldsIn tells whether the grant can be used from a channel.
func (g Grant) HoldsIn(channel string) bool { return g.Channel == "" || g.Channel == channel }

// Credential is the secret part of a connection: named values such as access_token or external_id. It prints as
// "[credential]" however it is printed; only the keepers of credentials read Reveal.
type Credential struct {
	// A pointer, since fmt cannot call String on what stands in another type's unexported field, and would print the map.
	values *map[string]string
}

const redacted = "[credential]"

// NewCredential wraps the values; it keeps the map, so the caller must not change it afterwards.
func NewCredential(values map[string]string) Credential { return Credential{values: &values} }

// Get gives one value, or "" when there is none.
func (c Credential) Get(name string) string { return c.Reveal()[name] }

// Reveal gives all values, for the packages that write them to Vault or the sealed file and for the redactor.
func (c Credential) Reveal() map[string]string {
	if c.values == nil {
		return nil
	}
	return *c.values
}

// IsZero tells whether there is nothing in it.
func (c Credential) IsZero() bool { return len(c.Reveal()) == 0 }

// String never shows the values.
func (c Credential) String() string { return redacted }

// GoString never shows the values.
func (c Credential) GoString() string { return redacted }

// Format never shows the values, whatever the verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON never shows the values.
func (c Credential) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// LogValue never shows the values.
func (c Credential) LogValue() slog.Value { return slog.StringValue(redacted) }

// Secret is one secret string that prints as "[credential]".
type Secret string

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String never shows the secret.
func (s Secret) String() string { return redacted }

// GoString never shows the secret.
func (s Secret) GoString() string { return redacted }

// Format never shows the secret, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText never shows the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue never shows the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
