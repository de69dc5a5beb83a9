package cloudsim

import (
	"cmp"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// authorizationServer is one cloud's sign-in: authorization code with PKCE S256, refresh and revocation. PKCE is demanded
// even where the real one would let a client do without, so that a client that forgets it is noticed.
type authorizationServer struct {
	name     string
	client   OAuthClient
	prefix   string        // what access tokens begin with
	life     time.Duration // of access tokens
	issuer   string        // told in the sign-in's answer and in id tokens; empty: not told
	rotates  bool          // every refresh gives a new refresh token and spends the old one
	strict   bool          // a refresh token used twice ends the whole grant
	accounts func(*World) []string
	consent  *Consent // answers the sign-in page; nil: a person does
	codes    map[string]*authorizationCode
	access   map[string]*accessToken
	refresh  map[string]*refreshToken
	keys     map[string]*serviceAccountKey // Google: what signs assertions, by key id
	signer   func() *rsa.PrivateKey        // of id tokens; nil: there are none
}

// Consent is what a person says on a sign-in page.
type Consent struct {
	Account string   `json:"account"`          // who signs in
	Scopes  []string `json:"scopes,omitempty"` // what is granted of what was asked; nil: everything
	Deny    bool     `json:"deny,omitempty"`
	Issuer  string   `json:"issuer,omitempty"` // sent back in place of the true one, as a mixed-up answer would
}

type authorizationCode struct {
	redirect, challenge string
	nonce               string
	grant               *grant
	offline             bool
	expires             time.Time
	used                bool
}

// grant is one person's consent; all tokens that come of it live and die with it.
type grant struct {
	subject string
	scopes  []string
	revoked bool
}

type accessToken struct {
	grant   *grant
	scopes  []string
	expires time.Time
	revoked bool
}

type refreshToken struct {
	grant *grant
	spent bool
}

// oauthError is a refusal as RFC 6749 writes it.
type oauthError struct {
	status      int
	code        string
	description string
}

func newAuthorizationServer(name string, client OAuthClient) *authorizationServer {
	return &authorizationServer{
		name: name, client: client, life: time.Hour, prefix: "at-",
		codes: map[string]*authorizationCode{}, access: map[string]*accessToken{}, refresh: map[string]*refreshToken{},
		keys: map[string]*serviceAccountKey{},
	}
}

// SetConsent has the sign-in page of this OAuth client ("gcp", "ovh-eu", "ovh-ca", "ovh-us", "azure") answer by itself,
// as if that person had clicked; nil gives the page back to people.
func (s *Server) SetConsent(client string, consent *Consent) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	server := s.grants[client]
	if server == nil {
		return fmt.Errorf("there is no OAuth client %q: use gcp, ovh-eu, ovh-ca, ovh-us or azure", client)
	}
	server.consent = consent
	return nil
}

// OAuthClient gives the application registered with this cloud's sign-in.
func (s *Server) OAuthClient(client string) OAuthClient { return s.config.OAuth[client] }

// RefreshTokens counts the refresh tokens of this OAuth client that still work.
func (s *Server) RefreshTokens(client string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	if server := s.grants[client]; server != nil {
		for _, token := range server.refresh {
			if !token.spent && !token.grant.revoked {
				n++
			}
		}
	}
	return n
}

// authorize checks a sign-in request. A request whose client or redirect is wrong must not be redirected anywhere.
func (a *authorizationServer) authorize(query url.Values) (redirect *url.URL, refused error, code string) {
	if query.Get("client_id") != a.client.ID {
		return nil, errors.New("invalid_client: The OAuth client was not found."), ""
	}
	redirect, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || !a.redirects(query.Get("redirect_uri"), redirect) {
		return nil, errors.New("redirect_uri_mismatch: The redirect URI is not registered for this client."), ""
	}
	switch {
	case query.Get("response_type") != "code":
		return redirect, nil, "unsupported_response_type"
	case query.Get("code_challenge") == "" || query.Get("code_challenge_method") != "S256":
		return redirect, nil, "invalid_request"
	case query.Get("scope") == "":
		return redirect, nil, "invalid_scope"
	}
	return redirect, nil, ""
}

func (a *authorizationServer) redirects(text string, parsed *url.URL) bool {
	if len(a.client.Redirects) > 0 {
		return slices.Contains(a.client.Redirects, text)
	}
	return parsed.Scheme == "http" && loopbackHost(parsed.Host)
}

// answer sends the browser back with a code, or with the refusal.
func (a *authorizationServer) answer(query url.Values, redirect *url.URL, consent Consent) reply {
	back := redirect.Query()
	back.Set("state", query.Get("state"))
	if issuer := cmp.Or(consent.Issuer, a.issuer); issuer != "" {
		back.Set("iss", issuer)
	}
	if consent.Deny {
		back.Set("error", "access_denied")
		return redirectTo(redirect, back)
	}
	asked := strings.Fields(query.Get("scope"))
	granted := asked
	if consent.Scopes != nil {
		granted = slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return !slices.Contains(consent.Scopes, s) })
	}
	if a.name == "gcp" {
		granted = a.asGoogleSays(granted, consent.Account, query.Get("include_granted_scopes") == "true")
	}
	code := "4/" + randomSecret(32)
	a.codes[code] = &authorizationCode{
		redirect: query.Get("redirect_uri"), challenge: query.Get("code_challenge"), expires: time.Now().Add(time.Minute),
		grant: &grant{subject: consent.Account, scopes: granted}, offline: a.offline(query), nonce: query.Get("nonce"),
	}
	back.Set("code", code)
	back.Set("scope", strings.Join(granted, " "))
	return redirectTo(redirect, back)
}

// offline tells whether a refresh token is given: Google wants to be asked in its own way, the others always or by scope.
func (a *authorizationServer) offline(query url.Values) bool {
	switch a.name {
	case "gcp":
		return query.Get("access_type") == "offline" && query.Get("prompt") == "consent"
	case "azure":
		return slices.Contains(strings.Fields(query.Get("scope")), "offline_access")
	}
	return true
}

func redirectTo(target *url.URL, query url.Values) reply {
	to := *target
	to.RawQuery = query.Encode()
	return reply{status: http.StatusFound, header: map[string]string{"Location": to.String(), "Cache-Control": "no-store"}}
}

// token answers the token endpoint.
func (a *authorizationServer) token(r *http.Request, form url.Values) (map[string]any, *oauthError) {
	if form.Get("grant_type") == assertionGrant && a.name == "gcp" {
		return a.assert(form.Get("assertion"))
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(password)
	}
	if id != a.client.ID || subtle.ConstantTimeCompare([]byte(secret), []byte(a.client.Secret)) != 1 {
		return nil, &oauthError{http.StatusUnauthorized, "invalid_client", "The provided client secret is invalid."}
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		return a.redeem(form)
	case "refresh_token":
		return a.renew(form)
	}
	return nil, &oauthError{http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: " + form.Get("grant_type")}
}

func (a *authorizationServer) redeem(form url.Values) (map[string]any, *oauthError) {
	code := a.codes[form.Get("code")]
	if code == nil || time.Now().After(code.expires) {
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", "Bad Request"}
	}
	if code.used {
		code.grant.revoked = true // a code seen twice was stolen: what came of it ends
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", "Bad Request"}
	}
	code.used = true
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != code.challenge {
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", "Invalid code verifier."}
	}
	if form.Get("redirect_uri") != code.redirect {
		return nil, &oauthError{http.StatusBadRequest, "redirect_uri_mismatch", "Bad Request"}
	}
	answer := a.issue(code.grant)
	if a.signer != nil && slices.Contains(code.grant.scopes, "openid") {
		answer["id_token"] = a.idToken(code.grant, code.nonce)
	}
	if code.offline {
		answer["refresh_token"] = a.newRefresh(code.grant)
	}
	return answer, nil
}

func (a *authorizationServer) renew(form url.Values) (map[string]any, *oauthError) {
	token := a.refresh[form.Get("refresh_token")]
	if token == nil || token.grant.revoked {
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", "Token has been expired or revoked."}
	}
	if token.spent {
		token.grant.revoked = a.strict
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", "The refresh token was already used."}
	}
	answer := a.issue(token.grant)
	if a.rotates {
		token.spent = true
		answer["refresh_token"] = a.newRefresh(token.grant)
	}
	return answer, nil
}

func (a *authorizationServer) issue(g *grant) map[string]any {
	token := a.prefix + randomSecret(48)
	a.access[token] = &accessToken{grant: g, scopes: g.scopes, expires: time.Now().Add(a.life)}
	return map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(a.life.Seconds()) - 1, "scope": strings.Join(g.scopes, " "),
	}
}

func (a *authorizationServer) newRefresh(g *grant) string {
	token := "1//" + randomSecret(48)
	a.refresh[token] = &refreshToken{grant: g}
	return token
}

// revoke ends the grant an access or refresh token belongs to.
func (a *authorizationServer) revoke(token string) bool {
	if t := a.access[token]; t != nil && !t.grant.revoked {
		t.grant.revoked = true
		return true
	}
	if t := a.refresh[token]; t != nil && !t.grant.revoked {
		t.grant.revoked = true
		return true
	}
	return false
}

// live gives the access token's grant, or nil when the token is unknown, expired or revoked.
func (a *authorizationServer) live(token string) *accessToken {
	t := a.access[token]
	if t == nil || t.revoked || t.grant.revoked || !time.Now().Before(t.expires) {
		return nil
	}
	return t
}

// mint gives an access token without anybody signing in, for tests.
func (a *authorizationServer) mint(subject string, scopes []string, life time.Duration) string {
	token := a.prefix + randomSecret(48)
	a.admit(token, subject, scopes, life)
	return token
}

// admit makes a text an access token.
func (a *authorizationServer) admit(token, subject string, scopes []string, life time.Duration) {
	a.access[token] = &accessToken{grant: &grant{subject: subject, scopes: scopes}, scopes: scopes, expires: time.Now().Add(life)}
}
