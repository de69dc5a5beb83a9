package slacksim

import (
	"crypto/rand"
	"crypto/rsa"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// SignInClient is the app's client for Sign in with Slack.
type SignInClient struct {
	ID        string   // "1111.2222"; empty: nobody signs in
	Secret    string   //
	Redirects []string // as they are registered: exactly one of them must be asked for; none takes every loopback one
}

// signInCode is what the sign-in page gave out.
type signInCode struct {
	person   string // key
	redirect string
	nonce    string
	email    bool
	ends     time.Time
}

const (
	codeLife  = 10 * time.Minute
	tokenLife = 5 * time.Minute // of an id token
)

func (s *Server) signInRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /openid/connect/authorize", s.serveSignIn)
	mux.HandleFunc("POST /openid/connect/authorize", s.serveSignIn)
	mux.HandleFunc("POST /api/openid.connect.token", s.serveSignInToken)
	mux.HandleFunc("POST /api/openid.connect.userInfo", s.serveUserInfo)
	mux.HandleFunc("GET /api/openid.connect.userInfo", s.serveUserInfo)
}

// SignInAs has the page of Sign in with Slack answer by itself, as if that person ("TEAM:USER", or an id of the first
// workspace) had pressed Allow; "" gives the page back to people.
func (s *Server) SignInAs(user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if user == "" {
		s.signedIn = ""
		return nil
	}
	p, err := s.person(user, s.teamOrder[0])
	if err == nil {
		s.signedIn = p.key
	}
	return err
}

// serveSignIn is Slack's page: who are you, and may the app know?
func (s *Server) serveSignIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return
	}
	q := r.Form
	if why := s.config.SignIn.refuses(q); why != "" {
		http.Error(w, why, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	chosen := s.signedIn
	if r.Method == http.MethodPost {
		chosen = q.Get("person")
	}
	if chosen == "" {
		s.signInPage(w, q)
		return
	}
	back, _ := url.Parse(q.Get("redirect_uri")) // it was looked at before
	answer := back.Query()
	answer.Set("state", q.Get("state"))
	if p := s.people[chosen]; p == nil || p.Deactivated || p.Bot || r.Method == http.MethodPost && q.Get("decision") != "allow" {
		answer.Set("error", "access_denied")
	} else {
		answer.Set("code", s.newCode(p, q))
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound) //nolint:gosec // to a registered address, as Slack does
}

// refuses says why a sign-in must not be redirected anywhere; "" when it may.
func (c SignInClient) refuses(q url.Values) string {
	redirect, err := url.Parse(q.Get("redirect_uri"))
	loopback := err == nil && (redirect.Hostname() == "127.0.0.1" || redirect.Hostname() == "localhost")
	switch {
	case c.ID == "" || q.Get("client_id") != c.ID:
		return "invalid_client_id"
	case len(c.Redirects) == 0 && !loopback, len(c.Redirects) > 0 && !slices.Contains(c.Redirects, q.Get("redirect_uri")):
		return "bad_redirect_uri"
	case q.Get("response_type") != "code":
		return "unsupported_response_type"
	case !slices.Contains(strings.FieldsFunc(q.Get("scope"), func(r rune) bool { return r == ' ' || r == ',' }), "openid"):
		return "invalid_scope: openid is needed"
	}
	return ""
}

func (s *Server) newCode(p *person, q url.Values) string {
	code := "code." + strings.ToLower(rand.Text())
	if s.codes == nil {
		s.codes = map[string]signInCode{}
	}
	s.codes[code] = signInCode{person: p.key, redirect: q.Get("redirect_uri"), nonce: q.Get("nonce"),
		email: strings.Contains(q.Get("scope"), "email"), ends: time.Now().Add(codeLife)}
	return code
}

func (s *Server) serveSignInToken(w http.ResponseWriter, r *http.Request) {
	refuse := func(word string) { writeJSON(w, http.StatusOK, object{"ok": false, "error": word}) }
	if err := r.ParseForm(); err != nil {
		refuse("invalid_form_data")
		return
	}
	c := s.config.SignIn
	s.mu.Lock()
	defer s.mu.Unlock()
	given, known := s.codes[r.PostForm.Get("code")]
	switch {
	case c.ID == "" || r.PostForm.Get("client_id") != c.ID:
		refuse("invalid_client_id")
		return
	case !sameSecret(r.PostForm.Get("client_secret"), c.Secret):
		refuse("bad_client_secret")
		return
	case !known || time.Now().After(given.ends):
		refuse("invalid_code")
		return
	}
	delete(s.codes, r.PostForm.Get("code"))
	if given.redirect != r.PostForm.Get("redirect_uri") {
		refuse("bad_redirect_uri")
		return
	}
	claims := s.claims(given)
	access := "xoxp-" + strings.ToLower(rand.Text())
	if s.userTokens == nil {
		s.userTokens = map[string]object{}
	}
	s.userTokens[access] = claims
	writeJSON(w, http.StatusOK, object{"ok": true, "access_token": access, "token_type": "Bearer", "id_token": s.idToken(claims, given.nonce)})
}

// claims are what Slack says of a person to the app.
func (s *Server) claims(given signInCode) object {
	p := s.people[given.person]
	t := s.teams[p.Team]
	claims := object{"sub": p.ID, "https://slack.com/user_id": p.ID, "https://slack.com/team_id": p.Team, "https://slack.com/team_domain": t.Domain}
	if t.Enterprise != "" {
		claims["https://slack.com/enterprise_id"] = t.Enterprise
	}
	if given.email && p.Email != "" {
		claims["email"], claims["email_verified"] = p.Email, true
	}
	return claims
}

func (s *Server) idToken(known object, nonce string) string {
	now := time.Now()
	claims := jwt.MapClaims{"iss": "https://slack.com", "aud": s.config.SignIn.ID, "iat": now.Unix(), "exp": now.Add(tokenLife).Unix()}
	maps.Copy(claims, jwt.MapClaims(known))
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if s.signer == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("slacksim: make a key: " + err.Error()) // unreachable: the runtime's randomness never fails
		}
		s.signer = key
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(s.signer)
	if err != nil {
		panic("slacksim: sign an id token: " + err.Error()) // unreachable: the claims are plain values
	}
	return signed
}

func (s *Server) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		token = r.FormValue("token")
	}
	s.mu.Lock()
	claims, known := s.userTokens[token]
	s.mu.Unlock()
	if !known {
		writeJSON(w, http.StatusOK, object{"ok": false, "error": "invalid_auth"})
		return
	}
	answer := maps.Clone(claims)
	answer["ok"] = true
	writeJSON(w, http.StatusOK, answer)
}

// signInPage lets a person of the world say who he is. The lock is held.
func (s *Server) signInPage(w http.ResponseWriter, q url.Values) {
	type choice struct{ Key, Name string }
	data := struct {
		People []choice
		Hidden map[string]string
	}{Hidden: map[string]string{}}
	for _, key := range s.peopleOrder {
		if p := s.people[key]; !p.Bot && !p.Deactivated && (q.Get("team") == "" || q.Get("team") == p.Team) {
			data.People = append(data.People, choice{key, p.Name})
		}
	}
	for name := range q {
		data.Hidden[name] = q.Get(name)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = signInTemplate.Execute(w, data) // a browser that went away hears nothing
}

var signInTemplate = template.Must(template.New("sign-in").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated Sign in with Slack</title></head>
<body><h1>Sign in with Slack</h1><p>This Slack is simulated.</p>
<form method="post" action="/openid/connect/authorize">{{range $name, $value := .Hidden}}<input type="hidden" name="{{$name}}" value="{{$value}}">{{end}}
{{range .People}}<label><input type="radio" name="person" value="{{.Key}}" required> {{.Name}}</label><br>{{end}}
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny" formnovalidate>Cancel</button></form></body></html>
`))
