package providers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"aurora/store"
)

// AuthServer is one authorization server that Aurora is a client of. Its methods never show or wrap what the server
// said: a body may hold tokens.
type AuthServer struct {
	Cloud        store.Cloud
	Name         string // for people: Google, OVHcloud EU
	ClientID     string
	ClientSecret store.Secret
	Settings     string // which settings hold the two, for the sentence when they are wrong
	AuthURL      string
	TokenURL     string
	RevokeURL    string           // empty where there is none
	Style        oauth2.AuthStyle // never auto-detected: that would send a code twice
	Rotates      bool             // every refresh gives a new refresh token and ends the old one
	NoPKCE       bool             // the server knows no PKCE: state and nonce must do
	Issuer       string           // what the callback's iss must be, or be below, where it comes with one; empty refuses every iss
	Client       *http.Client     // nil for NewHTTPClient
	Now          func() time.Time // nil for time.Now
}

// Issued is what a token endpoint gave.
type Issued struct {
	Access  string
	Refresh string // empty when none came
	Expiry  time.Time
	Scopes  []string // as granted; nil when the answer does not say, which means as asked
	IDToken string
}

// String never shows the tokens.
func (Issued) String() string { return "[credential]" }

// GoString never shows the tokens.
func (Issued) GoString() string { return "[credential]" }

const (
	authTime     = 15 * time.Second // for one answer of an authorization server
	mostAuth     = 1 << 20          // bytes of it
	assumedLife  = 30 * time.Minute // of an access token whose answer does not say
	longestToken = 16 << 10
)

// NewHTTPClient makes the client for a cloud's sign-in and API: answers are bounded in time and size, and a redirect is
// not followed, since it would carry the credential somewhere else.
func NewHTTPClient(patience time.Duration, most int64) *http.Client {
	return &http.Client{
		Timeout:       patience,
		Transport:     bounded{http.DefaultTransport, most},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded cuts answers that are too long.
type bounded struct {
	base http.RoundTripper
	most int64
}

// RoundTrip sends the request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, b.most), resp.Body}
	return resp, nil
}

// Begin gives the address that the browser is sent to, with PKCE S256 wherever the server knows it.
func (a AuthServer) Begin(state string, in SignIn, scopes []string, further ...oauth2.AuthCodeOption) (string, error) {
	if a.ClientID == "" || a.ClientSecret == "" {
		return "", a.refused("Signing in with " + a.Name + " is not set up: whoever runs Aurora sets " + a.Settings + ".")
	}
	if state == "" || len(in.Verifier) < 43 || in.Redirect == "" {
		return "", errors.New("begin a sign-in: it needs a state, a verifier and a redirect")
	}
	if !a.NoPKCE {
		further = append([]oauth2.AuthCodeOption{oauth2.S256ChallengeOption(in.Verifier)}, further...)
	}
	return a.config(in.Redirect, scopes).AuthCodeURL(state, further...), nil
}

// Exchange trades the code for tokens. A refusal is a Problem.
func (a AuthServer) Exchange(ctx context.Context, in SignIn, code string) (Issued, error) {
	var proof []oauth2.AuthCodeOption
	if !a.NoPKCE {
		proof = append(proof, oauth2.VerifierOption(in.Verifier))
	}
	token, err := a.config(in.Redirect, nil).Exchange(a.context(ctx), code, proof...)
	if err != nil {
		return Issued{}, a.explain(err, false)
	}
	return a.issued(token)
}

// Renew trades a refresh token for a new access token. Problem.Broken says that the refresh token is worth nothing any
// more; CodeUnavailable that it is worth another try later.
func (a AuthServer) Renew(ctx context.Context, refresh string) (Issued, error) {
	// Without an expiry x/oauth2 asks at once, and once.
	token, err := a.config("", nil).TokenSource(a.context(ctx), &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return Issued{}, a.explain(err, true)
	}
	g, err := a.issued(token)
	if g.Refresh == refresh { // x/oauth2 repeats the old one where none came
		g.Refresh = ""
	}
	return g, err
}

// Assert trades what a service account's key signs for an access token. Problem.Broken says that the key is worth nothing
// any more. The assertion's own address and audience are in the config; only the scopes differ from run to run.
func (a AuthServer) Assert(ctx context.Context, signer jwt.Config) (Issued, error) {
	token, err := signer.TokenSource(a.context(ctx)).Token()
	if err != nil {
		return Issued{}, a.explain(err, true)
	}
	if token.ExpiresIn == 0 && !token.Expiry.IsZero() {
		token.ExpiresIn = int64(time.Until(token.Expiry).Seconds())
	}
	return a.issued(token)
}

func (a AuthServer) config(redirect string, scopes []string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: a.ClientID, ClientSecret: a.ClientSecret.Reveal(), RedirectURL: redirect, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: a.AuthURL, TokenURL: a.TokenURL, AuthStyle: a.Style},
	}
}

func (a AuthServer) client() *http.Client {
	if a.Client != nil {
		return a.Client
	}
	return NewHTTPClient(authTime, mostAuth)
}

func (a AuthServer) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, a.client())
}

func (a AuthServer) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

func (a AuthServer) issued(token *oauth2.Token) (Issued, error) {
	if !strings.EqualFold(token.Type(), "Bearer") || !plainToken(token.AccessToken) || token.RefreshToken != "" && !plainToken(token.RefreshToken) {
		return Issued{}, a.transient(fmt.Errorf("%s sent a token that cannot be used", a.Name))
	}
	life := assumedLife
	if token.ExpiresIn > 0 {
		life = time.Duration(token.ExpiresIn) * time.Second
	}
	g := Issued{Access: token.AccessToken, Refresh: token.RefreshToken, Expiry: a.now().Add(life).UTC().Truncate(time.Millisecond)}
	if scope, ok := token.Extra("scope").(string); ok && scope != "" {
		g.Scopes = strings.Fields(scope)
	}
	g.IDToken, _ = token.Extra("id_token").(string)
	return g, nil
}

// plainToken tells whether a token can go into a header and a file as it is.
func plainToken(token string) bool {
	if token == "" || len(token) > longestToken {
		return false
	}
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}

// errorCode is the shape of a code of RFC 6749; whatever else stands there is not repeated.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// explain turns a failed request for tokens into a Problem without the server's words.
func (a AuthServer) explain(err error, renewing bool) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		var address *url.Error
		if errors.As(err, &address) {
			return a.transient(fmt.Errorf("%s cannot be reached: %w", a.Name, address.Err))
		}
		return a.transient(fmt.Errorf("%s sent no usable answer", a.Name))
	}
	code := cmp.Or(refused.ErrorCode, codeIn(refused.Body))
	if !errorCode.MatchString(code) {
		code = "no code"
	}
	cause := fmt.Errorf("%s answered %d (%s)", a.Name, refused.Response.StatusCode, code)
	switch status := refused.Response.StatusCode; {
	case status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return a.transient(cause)
	case code == "invalid_client" || code == "unauthorized_client":
		return &Problem{Code: CodeUnavailable, Err: cause, Sentence: a.Name + " does not accept Aurora as its client: whoever runs Aurora checks " + a.Settings + "."}
	case code == "invalid_grant" && renewing:
		return a.over(cause)
	case code == "invalid_grant":
		return &Problem{Code: CodeRefused, Err: cause, Sentence: a.Name + " says that this sign-in is over or was used before. Begin again from the chat."}
	}
	if renewing {
		return a.transient(cause)
	}
	return &Problem{Code: CodeRefused, Err: cause, Sentence: a.Name + " refused the sign-in, so nothing was connected. Begin again from the chat; if it stays so, tell whoever runs Aurora."}
}

// over says that the sign-in is at its end. Where refresh tokens rotate, a process that died between the server's answer and
// its own note of it has lost the newest one: nobody can tell that from a sign-in that was taken back.
func (a AuthServer) over(cause error) error {
	why := "has ended or was taken back"
	if a.Rotates {
		why = "has ended, was taken back, or was lost when Aurora was stopped in the middle of renewing it"
	}
	return &Problem{Code: CodeExpired, Broken: true, Err: cause,
		Sentence: "The sign-in with " + a.Name + " " + why + ": connect again with /aurora connect " + string(a.Cloud) + "."}
}

// codeIn finds the error's code where the library leaves that to us.
func codeIn(body []byte) string {
	var answer struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // what is no JSON has no code
	return answer.Error
}

func (a AuthServer) transient(cause error) error {
	return &Problem{Code: CodeUnavailable, Err: cause, Sentence: a.Name + " cannot be reached to sign in right now, so nothing ran. Try again in a minute."}
}

// Revoke ends a token and all that came of the same consent. A token the server no longer knows is no error.
func (a AuthServer) Revoke(ctx context.Context, token string) error {
	if a.RevokeURL == "" {
		return errors.ErrUnsupported
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.RevokeURL, strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		return fmt.Errorf("revoke at %s: %w", a.Name, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := a.client().Do(req)
	if err != nil {
		return fmt.Errorf("revoke at %s: it cannot be reached", a.Name) // the cause holds nothing more that helps
	}
	defer func() { _ = resp.Body.Close() }() // what it says is not read: the status is the answer
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusBadRequest {
		return nil // Google answers 400 for a token that has ended
	}
	return fmt.Errorf("revoke at %s: it answered %d", a.Name, resp.StatusCode)
}
