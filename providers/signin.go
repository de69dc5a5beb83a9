package providers

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"aurora/store"
)

// SignIn is what a sign-in under way must find again when the browser comes back. Whoever keeps it binds it to the user
// and the browser it was begun in; the state is kept apart from it, as a hash. It holds the PKCE verifier, so it is kept
// no longer than the sign-in lasts and never logged.
type SignIn struct {
	Verifier  string `json:"verifier"`
	Redirect  string `json:"redirect"`             // exactly as it is registered with the cloud
	Wide      bool   `json:"wide,omitempty"`       // asks for what Agent mode needs, besides reading
	LoginHint string `json:"login_hint,omitempty"` // the account that must sign in, where it is known
	Region    string `json:"region,omitempty"`     // OVHcloud: eu, ca or us
}

// NewSignIn begins a sign-in with a fresh verifier.
func NewSignIn(redirect string, wide bool) SignIn {
	return SignIn{Verifier: oauth2.GenerateVerifier(), Redirect: redirect, Wide: wide}
}

// Nonce ties the id token to this sign-in. It comes from the verifier, which never leaves Aurora before the exchange.
func (s SignIn) Nonce() string {
	sum := sha256.Sum256([]byte("nonce " + s.Verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SignedIn is a connection that its cloud accepted and that can be stored.
type SignedIn struct {
	Account    string            // what Connection.Account becomes
	Label      string            // what people are shown, when it differs
	Region     string            // default region; may be empty
	Projects   []string          // what the credential reaches, in the cloud's order
	Settings   map[string]string // what is not secret
	ReadOnly   bool              // nothing can be changed with it
	Reduced    string            // a sentence for people when less was granted than asked; empty otherwise
	Credential store.Credential  // to be merged into what is kept for this account: see MergeCredential
}

// MergeCredential gives what is to be kept after a further sign-in of the same account: what the new one brings, and
// what the old one has besides. Another identity behind the same name takes the old one's place whole.
func MergeCredential(old, fresh store.Credential) store.Credential {
	if old.Get("kind") != fresh.Get("kind") || old.Get("subject") != fresh.Get("subject") || old.Get("client_id") != fresh.Get("client_id") {
		return fresh
	}
	values := map[string]string{}
	for name, value := range old.Reveal() {
		values[name] = value
	}
	for name, value := range fresh.Reveal() {
		values[name] = value
	}
	return store.NewCredential(values)
}

// Code takes the code out of what the browser brought back. The person saying no, a refusal and an answer of another
// issuer are Problems with nothing of the provider's text in them.
func (a AuthServer) Code(callback url.Values) (string, error) {
	switch issuer := callback.Get("iss"); {
	case len(callback["iss"]) > 1 || issuer != "" && issuer != a.Issuer && (a.Issuer == "" || !strings.HasPrefix(issuer, a.Issuer+"/")):
		return "", a.refused("The answer did not come from " + a.Name + ", so nothing was connected. Begin again from the chat.")
	case callback.Get("error") == "access_denied":
		return "", a.refused("You said no at " + a.Name + ", so nothing was connected. Begin again from the chat if that was a mistake.")
	case callback.Get("error") != "":
		return "", a.refused(a.Name + " did not let you sign in, so nothing was connected. Begin again from the chat; if it stays so, tell whoever runs Aurora.")
	case len(callback["code"]) != 1 || callback.Get("code") == "":
		return "", a.refused(a.Name + "'s answer lacks its code, so nothing was connected. Begin again from the chat.")
	}
	return callback.Get("code"), nil
}

func (a AuthServer) refused(sentence string) error {
	return &Problem{Code: CodeRefused, Sentence: sentence}
}
