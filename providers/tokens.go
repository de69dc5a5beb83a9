package providers

import (
	"maps"
	"strings"
	"time"

	"aurora/store"
)

// Slot names one of the two sets of tokens that a credential may hold: what only reads, and what may change things. A run
// is given one of them and never sees the other.
type Slot string

// The slots.
const (
	ReadSlot Slot = "read"
	WideSlot Slot = "wide"
)

// The kinds of a credential that holds slots, as its value "kind". A credential without a kind is used as it is kept.
const (
	KindOAuth          = "oauth"           // tokens of a person's sign-in
	KindServiceAccount = "service_account" // tokens are made with a key that is kept beside them
)

// Tokens are what one slot holds.
type Tokens struct {
	Access  string
	Refresh string // empty where a key stands behind the tokens
	Expiry  time.Time
	Scopes  []string
}

// String never shows the tokens.
func (Tokens) String() string { return "[credential]" }

// GoString never shows the tokens.
func (Tokens) GoString() string { return "[credential]" }

// TokensOf reads a slot; false when the credential has nothing in it.
func TokensOf(c store.Credential, slot Slot) (Tokens, bool) {
	prefix := string(slot) + "_"
	t := Tokens{Access: c.Get(prefix + "access_token"), Refresh: c.Get(prefix + "refresh_token"), Scopes: strings.Fields(c.Get(prefix + "scopes"))}
	if at, err := time.Parse(time.RFC3339Nano, c.Get(prefix+"expiry")); err == nil { // an expiry that cannot be read is over
		t.Expiry = at
	}
	return t, t.Access != "" || t.Refresh != ""
}

// WithTokens gives the credential with the slot filled anew.
func WithTokens(c store.Credential, slot Slot, t Tokens) store.Credential {
	values := maps.Clone(c.Reveal())
	if values == nil {
		values = map[string]string{}
	}
	prefix := string(slot) + "_"
	values[prefix+"access_token"] = t.Access
	values[prefix+"expiry"] = t.Expiry.UTC().Format(time.RFC3339Nano)
	values[prefix+"scopes"] = strings.Join(t.Scopes, " ")
	delete(values, prefix+"refresh_token")
	if t.Refresh != "" {
		values[prefix+"refresh_token"] = t.Refresh
	}
	return store.NewCredential(values)
}

// narrow leaves the slot's access token and what is no secret: no run holds a refresh token, a key, or the other slot.
func narrow(c store.Credential, slot Slot) store.Credential {
	t, _ := TokensOf(c, slot)
	values := map[string]string{"access_token": t.Access, "expiry": t.Expiry.UTC().Format(time.RFC3339Nano), "scopes": strings.Join(t.Scopes, " ")}
	for name, value := range c.Reveal() {
		if _, given := values[name]; !given && publicMembers[name] {
			values[name] = value
		}
	}
	return store.NewCredential(values)
}
