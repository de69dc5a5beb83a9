package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"aurora/providers"
	"aurora/store"
)

// slackProvider is Sign in with Slack among the callbacks.
const slackProvider = "slack"

const (
	slackIssuer    = "https://slack.com"
	slackAuthorize = "/openid/connect/authorize"
	slackToken     = "/api/openid.connect.token"
	slackLeeway    = time.Minute
)

// SlackSignIn is Sign in with Slack: it tells who sits at a browser.
type SlackSignIn struct {
	Server providers.AuthServer
	Issuer string // what the id token must say; empty for Slack's own
}

// NewSlackSignIn makes it for a client of Slack's. api overrides the base of Slack's Web API, such as
// http://127.0.0.1:1/api/; the sign-in page is then at the same host.
func NewSlackSignIn(clientID string, secret store.Secret, api string) *SlackSignIn {
	s := &SlackSignIn{Issuer: slackIssuer, Server: providers.AuthServer{
		Name: "Slack", ClientID: clientID, ClientSecret: secret, Settings: "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET",
		NoPKCE: true, Style: oauth2.AuthStyleInParams, AuthURL: slackIssuer + slackAuthorize, TokenURL: slackIssuer + slackToken,
	}}
	if base, ok := strings.CutSuffix(api, "/api/"); ok {
		s.Server.AuthURL, s.Server.TokenURL = base+slackAuthorize, base+slackToken
	}
	return s
}

// slackClaims are what the id token says.
type slackClaims struct {
	User       string `json:"https://slack.com/user_id"`
	Team       string `json:"https://slack.com/team_id"`
	Enterprise string `json:"https://slack.com/enterprise_id"`
	Nonce      string `json:"nonce"`
	jwt.RegisteredClaims
}

// is tells whether the claims are a person's. People of an Enterprise organisation are named by it and not by the
// workspace that they were met in; user ids are unique within it.
func (c slackClaims) is(p store.Person, place store.Place) bool {
	return p.Platform == store.Slack && c.User == p.ID && slices.Contains([]string{p.Team, place.Team}, c.Team) ||
		p.Platform == store.Slack && c.User == p.ID && c.Enterprise != "" && c.Enterprise == p.Team
}

// address is where the browser goes to sign in. team spares people of several workspaces the choice.
func (l *SlackSignIn) address(team string) func(string, providers.SignIn) (string, error) {
	return func(state string, in providers.SignIn) (string, error) {
		options := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("nonce", in.Nonce())}
		if strings.HasPrefix(team, "T") {
			options = append(options, oauth2.SetAuthURLParam("team", team))
		}
		return l.Server.Begin(state, in, []string{"openid"}, options...)
	}
}

// who trades what came back for the person's claims. The id token's signature is not checked: it came from Slack over TLS
// in answer to our own request (OpenID Connect Core 3.1.3.7), never through a browser.
func (l *SlackSignIn) who(ctx context.Context, in providers.SignIn, callback url.Values) (slackClaims, error) {
	var claims slackClaims
	code, err := l.Server.Code(callback)
	if err != nil {
		return claims, err
	}
	tokens, err := l.Server.Exchange(ctx, in, code)
	if err != nil {
		return claims, err
	}
	doubtful := func(cause error) error {
		return &providers.Problem{Code: providers.CodeRefused, Err: cause, Sentence: "Slack did not say in a way Aurora trusts who signed in, so nothing was changed. Begin again from the chat."}
	}
	if _, _, err := jwt.NewParser().ParseUnverified(tokens.IDToken, &claims); err != nil {
		return claims, doubtful(errors.New("the id token cannot be read"))
	}
	check := jwt.NewValidator(jwt.WithAudience(l.Server.ClientID), jwt.WithIssuer(l.Issuer), jwt.WithExpirationRequired(), jwt.WithLeeway(slackLeeway))
	if err := check.Validate(&claims); err != nil {
		return claims, doubtful(err)
	}
	if claims.Nonce != in.Nonce() || claims.User == "" || claims.Team == "" {
		return claims, doubtful(errors.New("the id token is of another sign-in, or names nobody"))
	}
	return claims, nil
}

// mustProve tells whether who looks at a page must sign in to the chat first.
func (s *Server) mustProve(p pass) bool {
	return s.Slack != nil && !p.Proven && p.Person.Platform == store.Slack
}

// prove sends the browser to Slack. The link is not spent: whoever turns out to be somebody else must not cost its owner
// the link.
func (s *Server) prove(w http.ResponseWriter, r *http.Request, p pass, browser string) {
	p.Browser = hashOf(browser)
	in := signIn{Pass: p, Provider: slackProvider, Browser: p.Browser, In: providers.NewSignIn(s.redirect(slackProvider), false), Link: r.PathValue("ticket")}
	address, err := s.begin(r.Context(), in, s.Slack.address(p.Place.Team))
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	s.leave(w, r, p, address)
}

// proved goes on with a link whose person has signed in, under a new address: the old one is spent.
func (s *Server) proved(w http.ResponseWriter, r *http.Request, in signIn) {
	if s.Slack == nil {
		s.sorry(w, r, errMixedUp)
		return
	}
	claims, err := s.Slack.who(r.Context(), in.In, r.URL.Query())
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if in.Link == "" {
		s.admitted(w, r, claims)
		return
	}
	if !claims.is(in.Pass.Person, in.Pass.Place) {
		s.sorry(w, r, errOtherPerson)
		return
	}
	if _, err := s.Tickets.TakeTicket(r.Context(), in.Link); err != nil {
		s.sorry(w, r, fmt.Errorf("spend the link: %w", err))
		return
	}
	p := in.Pass
	p.Proven, p.Go = true, ""
	next, err := s.next(r.Context(), p)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
