// Package ovh links OVHcloud accounts and runs our own typed ovhcloud commands over the REST API; there is no CLI behind
// them. Each region (eu, ca, us) has accounts, clients and hosts of its own, so a connection is one account of one region:
//
//	in := providers.NewSignIn(redirect, false)          // in.Region is eu, ca or us; kept under the hash of state
//	in.Region = "eu"
//	address, err := c.AuthURL(state, in)                // the browser goes there
//	linked, err := c.Finish(ctx, in, r.URL.Query())     // when it is back; the state was checked and spent before
//
// An error that people can do something about is a *providers.Problem; nothing is to be stored then. The executor calls
// Call with an argv that policy has judged and a credential that providers.Refresher has narrowed to one access token (it
// asks Slot and Renew for that). The package keeps no token, and reads neither the environment nor the files that
// OVHcloud's own libraries read, which is why it does without them.
package ovh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
)

const (
	answerTime = 30 * time.Second
	mostBytes  = 8 << 20 // of one answer
)

// Config is what the connector needs. Resolve must be set.
type Config struct {
	Resolve func(argv []string) (policy.Call, *policy.Refusal) // (*policy.Engine).ResolveCall
	Clients map[string]Client                                  // Aurora's OAuth clients by region: eu, ca, us
	API     map[string]string                                  // overrides of the API by region, without a version
	Auth    string                                             // override of the sign-in; {eu,ca,us}/auth/oauth2/... is below it
	Now     func() time.Time                                   // nil for time.Now
}

// Client is an OAuth client that OVHcloud knows Aurora by in one region.
type Client struct {
	ID     string
	Secret store.Secret
}

// Connector is the providers.Direct and providers.Renewer for OVHcloud. It is safe for concurrent use.
type Connector struct {
	config Config
	http   *http.Client
}

// New checks the configuration.
func New(c Config) (*Connector, error) {
	if c.Resolve == nil {
		return nil, errors.New("ovh connector needs policy's grammar")
	}
	for name := range c.Clients {
		if _, err := c.find(name); err != nil {
			return nil, fmt.Errorf("ovh connector: %w", err)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Connector{config: c, http: providers.NewHTTPClient(answerTime, mostBytes)}, nil
}

// Call runs one typed command and prints its answer as JSON.
func (c *Connector) Call(ctx context.Context, ask providers.SessionAsk, argv []string) (providers.Output, error) {
	call, bad := c.config.Resolve(argv)
	if bad != nil {
		return providers.Output{}, &providers.Problem{Code: providers.Code(bad.Rule), Sentence: bad.Reason}
	}
	run, ok := verbs[call.Command.Name]
	if !ok {
		return providers.Output{}, &providers.Problem{Code: providers.CodeUnknown, Sentence: fmt.Sprintf("Aurora cannot run %q yet.", call.Command.Paths[0])}
	}
	api, err := c.api(ask)
	if err != nil {
		return providers.Output{}, err
	}
	answer, err := run(ctx, api, command{Call: call, project: ask.Project})
	if err != nil {
		return failed(ask, call.Command.Effect, err)
	}
	text, err := providers.IndentedJSON(answer)
	if err != nil {
		return providers.Output{}, fmt.Errorf("write ovh answer: %w", err)
	}
	return providers.Output{Stdout: text}, nil
}

// api gives the client of one command.
func (c *Connector) api(ask providers.SessionAsk) (client, error) {
	token, endpoint := ask.Credential.Get("access_token"), ask.Credential.Get("endpoint")
	expiry, err := time.Parse(time.RFC3339Nano, ask.Credential.Get("expiry"))
	if token == "" || err != nil || !c.config.Now().Before(expiry) {
		return client{}, &providers.Problem{Code: providers.CodeExpired, Broken: true,
			Sentence: "The sign-in to OVHcloud of " + ask.Connection.Account + " has expired: connect again with /aurora connect ovh."}
	}
	r, err := c.config.find(regionOf(endpoint))
	if err != nil {
		return client{}, err
	}
	return client{base: r.api + apiVersion, token: token, readOnly: ask.ReadOnly, http: c.http}, nil
}

// failed tells a refusal of the API, which is an answer, from a credential that no longer works and from no answer, which
// leaves open what became of a change.
func failed(ask providers.SessionAsk, effect policy.Effect, err error) (providers.Output, error) {
	var refused *apiError
	var problem *providers.Problem
	switch {
	case errors.As(err, &problem):
		return providers.Output{}, problem
	case errors.As(err, &refused) && refused.status == http.StatusUnauthorized:
		return providers.Output{}, &providers.Problem{Code: providers.CodeExpired, Broken: true, Err: fmt.Errorf("ovh answered %d", refused.status),
			Sentence: "OVHcloud no longer accepts the sign-in of " + ask.Connection.Account + ": connect again with /aurora connect ovh."}
	case errors.As(err, &refused):
		out := providers.Output{Stderr: []byte(refused.Error() + "\n"), ExitCode: 1}
		if effect > policy.Read && refused.status >= http.StatusInternalServerError {
			return out, providers.ErrNoAnswer
		}
		return out, nil
	case errors.Is(err, errBadArgument):
		return providers.Output{Stderr: []byte(err.Error() + "\n"), ExitCode: 2}, nil
	}
	out := providers.Output{Stderr: []byte("no usable answer from OVHcloud\n"), ExitCode: 1}
	if effect > policy.Read {
		return out, providers.ErrNoAnswer
	}
	return out, nil
}
