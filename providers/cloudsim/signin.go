package cloudsim

import (
	"net/http"
	"net/url"
	"strings"
)

// googleSignIn is Google's authorization, token, revocation and userinfo endpoints.
type googleSignIn struct {
	server *Server
	oauth  *authorizationServer
}

func (g *googleSignIn) plan(r *request) func() reply {
	endpoints := map[string]string{
		"/o/oauth2/v2/auth": "authorize", "/o/oauth2/auth": "authorize", "/token": "token", "/revoke": "revoke",
		"/oauth2/v2/userinfo": "userinfo", "/oauth2/v3/userinfo": "userinfo",
	}
	return g.oauth.plan(r, endpoints[r.rest], &g.server.world)
}

func (g *googleSignIn) refusal(_ *request, status int, code, message string) reply {
	return oauthRefusal(&oauthError{status, code, message})
}

// plan answers one endpoint of an authorization server: authorize, token, revoke or userinfo.
func (a *authorizationServer) plan(r *request, endpoint string, w *World) func() reply {
	r.entry.Account = a.name
	r.entry.Action = "oauth." + endpoint
	form, err := url.ParseQuery(string(r.body))
	switch {
	case endpoint == "authorize":
		return func() reply { return a.signIn(r, w) }
	case endpoint == "userinfo":
		return func() reply { return a.userinfo(r) }
	case endpoint == "" || r.Method != http.MethodPost || err != nil:
		return func() reply {
			return oauthRefusal(&oauthError{http.StatusBadRequest, "invalid_request", "There is no such endpoint, or the request is not a posted form."})
		}
	case endpoint == "token":
		r.entry.Action += "." + form.Get("grant_type")
		r.entry.Principal = form.Get("client_id")
		return func() reply { return a.tokenReply(r, form) }
	}
	if form.Get("token") == "" {
		form = r.URL.Query()
	}
	return func() reply { return a.revokeReply(form.Get("token")) }
}

func (a *authorizationServer) tokenReply(r *request, form url.Values) reply {
	answer, refused := a.token(r.Request, form)
	if refused != nil {
		return oauthRefusal(refused)
	}
	return jsonReply(answer)
}

func jsonReply(value any) reply {
	return reply{status: http.StatusOK, body: mustJSON(value), header: map[string]string{"Content-Type": "application/json; charset=UTF-8", "Cache-Control": "no-store"}}
}

func oauthRefusal(e *oauthError) reply {
	answer := jsonReply(map[string]string{"error": e.code, "error_description": e.description})
	answer.status, answer.code = e.status, e.code
	return answer
}

func (a *authorizationServer) revokeReply(token string) reply {
	if !a.revoke(token) {
		return oauthRefusal(&oauthError{http.StatusBadRequest, "invalid_token", "Token expired or revoked"})
	}
	return jsonReply(map[string]string{})
}

// userinfo tells who signed in.
func (a *authorizationServer) userinfo(r *request) reply {
	token := a.live(bearer(r.Request))
	if token == nil {
		return oauthRefusal(&oauthError{http.StatusUnauthorized, "invalid_request", "Invalid Credentials"})
	}
	subject := token.grant.subject
	r.entry.Principal = subject
	name, _, _ := strings.Cut(subject, "@")
	return jsonReply(map[string]any{"id": numberOf(subject), "sub": numberOf(subject), "email": subject, "email_verified": true, "verified_email": true, "name": name})
}
