// Package tailscale runs our own typed tailscale commands over the tailnet's REST API; there is no CLI behind them. The
// executor calls Call with an argv that policy has judged; the connect page calls Connect. It keeps access tokens in
// memory only.
package tailscale

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"

	"golang.org/x/oauth2"
	api "tailscale.com/client/tailscale/v2"
)

const (
	production = "https://api.tailscale.com"
	answerTime = 45 * time.Second
	mostBytes  = 8 << 20 // of one answer
)

// Config is what the connector needs. Resolve must be set.
type Config struct {
	Resolve func(argv []string) (policy.Call, *policy.Refusal) // (*policy.Engine).ResolveCall
	BaseURL string                                             // override; empty for Tailscale itself
}

// Connector is the providers.Direct for Tailscale. It is safe for concurrent use.
type Connector struct {
	resolve func(argv []string) (policy.Call, *policy.Refusal)
	base    *url.URL
	http    *http.Client
	mu      sync.Mutex
	clients map[string]*kept
}

// kept is a connection's client, which holds an access token, and when it was last wanted.
type kept struct {
	client *api.Client
	used   time.Time
}

// idleTime is longer than an access token lives: a client not wanted for so long holds nothing of use.
const idleTime = 2 * time.Hour

// New checks the configuration.
func New(c Config) (*Connector, error) {
	if c.Resolve == nil {
		return nil, errors.New("tailscale connector needs policy's grammar")
	}
	if c.BaseURL == "" {
		c.BaseURL = production
	}
	base, err := url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("address of the tailscale API %q is not a URL", c.BaseURL)
	}
	client := &http.Client{
		Timeout:   answerTime,
		Transport: limited{http.DefaultTransport},
		// A redirect would carry the credential somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Connector{resolve: c.Resolve, base: base, http: client, clients: map[string]*kept{}}, nil
}

// Call runs one typed command and prints its answer as JSON.
func (c *Connector) Call(ctx context.Context, ask providers.SessionAsk, argv []string) (providers.Output, error) {
	call, bad := c.resolve(argv)
	if bad != nil {
		return providers.Output{}, &providers.Problem{Code: providers.Code(bad.Rule), Sentence: bad.Reason}
	}
	run, ok := verbs[call.Command.Name]
	if !ok {
		return providers.Output{}, &providers.Problem{
			Code: providers.CodeUnknown, Sentence: fmt.Sprintf("Aurora cannot run %q yet.", call.Command.Paths[0]),
		}
	}
	client, err := c.client(ask)
	if err != nil {
		return providers.Output{}, err
	}
	answer, err := run(ctx, client, call)
	if err != nil {
		return failed(ask, call.Command.Effect, err)
	}
	text, err := providers.IndentedJSON(answer)
	if err != nil {
		return providers.Output{}, fmt.Errorf("write tailscale answer: %w", err)
	}
	return providers.Output{Stdout: text}, nil
}

// failed tells a refusal of the API, which is an answer, from a credential that no longer works and from no answer, which
// leaves open what became of a change unless it was the sign-in that went unanswered.
func failed(ask providers.SessionAsk, effect policy.Effect, err error) (providers.Output, error) {
	var refused api.APIError
	var token *oauth2.RetrieveError
	switch {
	case errors.As(err, &token) && token.Response != nil && refuses(token.Response.StatusCode),
		errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return providers.Output{}, &providers.Problem{
			Code: providers.CodeExpired, Broken: true, Err: err,
			Sentence: "Tailscale no longer accepts the credential of " + ask.Connection.Account + ": connect again with /aurora connect tailscale.",
		}
	case errors.As(err, &refused):
		out := providers.Output{Stderr: []byte(fmt.Sprintf("%s (HTTP %d)\n", refused.Message, refused.Status)), ExitCode: 1}
		if effect > policy.Read && refused.Status >= http.StatusInternalServerError {
			return out, providers.ErrNoAnswer
		}
		return out, nil
	case errors.Is(err, errBadArgument):
		return providers.Output{Stderr: []byte(err.Error() + "\n"), ExitCode: 2}, nil
	}
	// The address in a *url.Error names the tailnet and nothing secret, but what the other side sent may be anything.
	out := providers.Output{Stderr: []byte("no usable answer from Tailscale\n"), ExitCode: 1}
	if effect > policy.Read && token == nil {
		return out, providers.ErrNoAnswer
	}
	return out, nil
}

const (
	ownTailnet     = "-"       // what the API calls the credential's own
	settingTailnet = "tailnet" // what to call the tailnet at the API, where the account is not its name there
)

func tailnetOf(c store.Connection) string {
	if name := c.Settings[settingTailnet]; name != "" {
		return name
	}
	return c.Account
}

// client gives the connection's client, which keeps its access token until that expires.
func (c *Connector) client(ask providers.SessionAsk) (*api.Client, error) {
	if ask.Credential.Get("api_key") == "" && ask.Credential.Get("client_secret") == "" {
		return nil, &providers.Problem{Code: providers.CodeExpired, Broken: true,
			Sentence: "The stored credential of " + ask.Connection.Account + " is empty: connect again with /aurora connect tailscale."}
	}
	if !tailnetName.MatchString(tailnetOf(ask.Connection)) {
		return nil, &providers.Problem{Code: providers.CodeRefused, Sentence: "The connection's tailnet has no valid name: connect again."}
	}
	if ask.ReadOnly && ask.Credential.Get("client_secret") != "" && strings.TrimSpace(ask.Connection.Settings["scopes"]) == "" {
		return nil, &providers.Problem{Code: providers.CodeExpired, Broken: true, // asked for none, it would get all
			Sentence: "Aurora does not know the scopes of this OAuth client, so it cannot ask for reading alone: connect again with /aurora connect tailscale."}
	}
	key := fmt.Sprintf("%q %d %t", ask.Connection.ID, ask.Connection.Generation, ask.ReadOnly)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.clients, func(_ string, k *kept) bool { return now.Sub(k.used) > idleTime })
	if c.clients[key] == nil {
		c.clients[key] = &kept{client: c.build(ask)}
	}
	c.clients[key].used = now
	return c.clients[key].client, nil
}

func (c *Connector) build(ask providers.SessionAsk) *api.Client {
	client := &api.Client{BaseURL: c.base, UserAgent: "aurora", Tailnet: tailnetOf(ask.Connection), HTTP: c.http}
	if key := ask.Credential.Get("api_key"); key != "" {
		client.APIKey = key
		return client
	}
	client.Auth = &clientAuth{
		id: ask.Credential.Get("client_id"), secret: ask.Credential.Get("client_secret"),
		scopes: scopes(ask.Connection.Settings["scopes"], ask.ReadOnly),
	}
	return client
}

// limited bounds what is read of an answer: the library reads all of it.
type limited struct{ base http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, mostBytes), resp.Body}
	return resp, nil
}
