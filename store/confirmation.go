package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// ConfirmationState is where a confirmation stands. It only ever leaves pending, once.
type ConfirmationState string

// The states of a confirmation.
const (
	ConfirmationPending   ConfirmationState = "pending"
	ConfirmationTaken     ConfirmationState = "taken"
	ConfirmationCancelled ConfirmationState = "cancelled"
	ConfirmationVoided    ConfirmationState = "voided"
	ConfirmationExpired   ConfirmationState = "expired"
)

// Planned is one command of a confirmation: exactly what was shown and exactly what will run.
type Planned struct {
	Argv    []string `json:"argv"`
	Effect  string   `json:"effect"`
	Facets  []string `json:"facets,omitempty"`
	Rule    string   `json:"rule"`
	Touches []string `json:"touches,omitempty"` // resolved ids, names and tags read beforehand: untrusted text
}

// Confirmation is what waits for a person's click. Everything but NonceHash, State and TakenBy is covered by Digest,
// which the audit keeps: a record that was changed, swapped or made up does not run. The nonce is made when the card is
// sent, after the audit noted the record; a click must bring the one whose hash the record has.
type Confirmation struct {
	ID           string    `json:"id"`         // conf_..., a public reference
	NonceHash    string    `json:"nonce_hash"` // SHA-256 of the button's nonce, hex
	OrgID        string    `json:"org_id"`
	UserID       string    `json:"user_id"` // the asker's
	Asker        Person    `json:"asker"`
	Thread       string    `json:"thread"`
	Turn         string    `json:"turn"`
	Step         int       `json:"step"`
	Call         string    `json:"call"`
	CardPart     int       `json:"card_part"` // the outbox part the card was posted as
	Place        Place     `json:"place"`
	Mode         Mode      `json:"mode"`
	Cloud        Cloud     `json:"cloud"`
	ConnectionID string    `json:"connection_id"`
	Generation   int64     `json:"generation"`
	Account      string    `json:"account"`
	Project      string    `json:"project,omitempty"`
	Region       string    `json:"region,omitempty"`
	Commands     []Planned `json:"commands"`
	FourEyes     bool      `json:"four_eyes,omitempty"`
	Tainted      bool      `json:"tainted,omitempty"`
	Typed        bool      `json:"typed,omitempty"`
	Private      bool      `json:"private,omitempty"` // it was proposed after reading what the asker alone may see
	Policy       string    `json:"policy"`            // policy version it was judged by
	AskedAt      time.Time `json:"asked_at"`
	Expires      time.Time `json:"expires"`

	State   ConfirmationState `json:"state"`
	TakenBy string            `json:"taken_by,omitempty"` // the click's event key
}

// Digest is the SHA-256, in hex, of the whole record but its nonce and state.
func (c Confirmation) Digest() string {
	c.State, c.TakenBy, c.NonceHash = "", "", ""
	c.AskedAt, c.Expires = c.AskedAt.UTC(), c.Expires.UTC()
	raw, err := json.Marshal(c)
	if err != nil { // unreachable: the type holds nothing that cannot be marshalled
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// HashNonce gives the stored form of a button's nonce.
func HashNonce(nonce string) string {
	sum := sha256.Sum256([]byte(nonce))
	return hex.EncodeToString(sum[:])
}
