package tailscale

import (
	"context"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// scopes asks for no more than reading in Ask.
func scopes(has string, readOnly bool) []string {
	if !readOnly {
		return nil // all that the client has
	}
	var want []string
	for _, s := range strings.Fields(has) {
		if !strings.HasSuffix(s, ":read") {
			s += ":read"
		}
		want = append(want, s)
	}
	return want
}

// tokenEarly is how long before its end an access token is replaced.
const tokenEarly = time.Minute

// clientAuth signs in with client credentials. The library's own has no time limit on the sign-in.
type clientAuth struct {
	id, secret string
	scopes     []string
}

func (a *clientAuth) config(baseURL string) clientcredentials.Config {
	return clientcredentials.Config{
		ClientID: a.id, ClientSecret: a.secret, Scopes: a.scopes, TokenURL: strings.TrimSuffix(baseURL, "/") + "/api/v2/oauth/token",
		AuthStyle: oauth2.AuthStyleInParams, // else a refused secret is sent a second time in the other style
	}
}

// HTTPClient adds the access token to every request.
func (a *clientAuth) HTTPClient(orig *http.Client, baseURL string) *http.Client {
	// The token outlives the call that asked for it, so its context is not the call's.
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, orig)
	out := *orig
	out.Transport = &oauth2.Transport{Base: orig.Transport, Source: oauth2.ReuseTokenSourceWithExpiry(nil, asking{ctx, a.config(baseURL)}, tokenEarly)}
	return &out
}

// asking asks for a new token each time; what keeps it is around it.
type asking struct {
	ctx    context.Context //nolint:containedctx // oauth2 gives a source no other way to its client
	config clientcredentials.Config
}

// Token asks for one.
func (a asking) Token() (*oauth2.Token, error) { return a.config.Token(a.ctx) }
