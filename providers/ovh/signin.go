package ovh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"aurora/providers"
	"aurora/store"
)

// scope is all that OVHcloud's authorization code flow offers: it has no scope that only reads. In Ask the client itself
// sends nothing but GET.
const scope = "all"

// mostProjects is how many Public Cloud projects one connection holds.
const mostProjects = 300

var nichandle = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$`)

// Regions are those where Aurora has a client: where people can sign in.
func (c *Connector) Regions() []string {
	var names []string
	for _, r := range regions {
		if client := c.config.Clients[r.name]; client.ID != "" && client.Secret != "" {
			names = append(names, r.name)
		}
	}
	return names
}

// server is the authorization server of a region.
func (c *Connector) server(name string) (providers.AuthServer, region, error) {
	r, err := c.config.find(name)
	if err != nil {
		return providers.AuthServer{}, r, err
	}
	upper := strings.ToUpper(name)
	origin, err := url.Parse(r.auth)
	if err != nil {
		return providers.AuthServer{}, r, fmt.Errorf("address of the ovh sign-in: %w", err)
	}
	return providers.AuthServer{
		Cloud: store.OVH, Name: r.shown(), ClientID: c.config.Clients[name].ID, ClientSecret: c.config.Clients[name].Secret,
		Settings: "OVH_" + upper + "_CLIENT_ID and OVH_" + upper + "_CLIENT_SECRET", Style: oauth2.AuthStyleInParams, Rotates: true,
		AuthURL: r.auth + authorizePath, TokenURL: r.auth + tokenPath, Issuer: origin.Scheme + "://" + origin.Host, Now: c.config.Now,
	}, r, nil
}

// AuthURL is where the browser goes to sign in to in.Region.
func (c *Connector) AuthURL(state string, in providers.SignIn) (string, error) {
	server, _, err := c.server(in.Region)
	if err != nil {
		return "", err
	}
	return server.Begin(state, in, []string{scope})
}

// Finish takes what the browser brought back: it checks it, trades the code for tokens, checks what was granted, and asks
// who signed in and which projects there are. What is wrong is a *providers.Problem, and nothing is to be stored then.
func (c *Connector) Finish(ctx context.Context, in providers.SignIn, callback url.Values) (providers.SignedIn, error) {
	server, r, err := c.server(in.Region)
	if err != nil {
		return providers.SignedIn{}, err
	}
	code, err := server.Code(callback)
	if err != nil {
		return providers.SignedIn{}, err
	}
	grant, err := server.Exchange(ctx, in, code)
	if err != nil {
		return providers.SignedIn{}, err
	}
	reduced, readOnly, err := granted(grant)
	if err != nil {
		return providers.SignedIn{}, err
	}
	api := client{base: r.api + apiVersion, token: grant.Access, readOnly: true, http: c.http}
	who, projects, names, err := look(ctx, api)
	if err != nil {
		return providers.SignedIn{}, unseen(r, err)
	}
	if len(projects) > mostProjects {
		projects, reduced = projects[:mostProjects], strings.TrimSpace(reduced+fmt.Sprintf(" Only the first %d projects are connected.", mostProjects))
	}
	out := c.signedIn(r, grant, who, projects)
	providers.SetProjectNames(out.Settings, names)
	out.ReadOnly, out.Reduced = readOnly, reduced
	return out, nil
}

func (c *Connector) signedIn(r region, g providers.Issued, who string, projects []string) providers.SignedIn {
	cred := store.NewCredential(map[string]string{
		"kind": providers.KindOAuth, "subject": who, "endpoint": r.endpoint(), "client_id": c.config.Clients[r.name].ID,
	})
	settings := map[string]string{"endpoint": r.endpoint()}
	if len(projects) == 1 {
		settings[store.SettingDefaultProject] = projects[0]
	}
	return providers.SignedIn{
		Account: r.name + ":" + who, Label: r.shown() + " " + who, Projects: projects, Settings: settings,
		Credential: providers.WithTokens(cred, providers.WideSlot, providers.Tokens{Access: g.Access, Refresh: g.Refresh, Expiry: g.Expiry, Scopes: g.Scopes}),
	}
}

// granted says what can be done with a grant. An answer without scopes means as asked.
func granted(g providers.Issued) (reduced string, readOnly bool, err error) {
	refuse := func(sentence string) (string, bool, error) {
		return "", false, &providers.Problem{Code: providers.CodeRefused, Sentence: sentence}
	}
	reads := func(s string) bool { return strings.HasSuffix(s, ":read") || strings.HasSuffix(s, "/read") }
	switch {
	case g.Refresh == "":
		return refuse("OVHcloud gave no lasting permission, so nothing was connected. Begin again from the chat.")
	case g.Scopes == nil || slices.Contains(g.Scopes, scope):
		return "", false, nil
	case slices.ContainsFunc(g.Scopes, reads):
		return "OVHcloud was told to let Aurora read only, so Agent mode can only read there.", true, nil
	}
	return refuse("OVHcloud was told not to let Aurora see your account, so nothing was connected. Begin again from the chat and allow all that is asked.")
}

// look asks who signed in, which projects there are, and what people call them.
func look(ctx context.Context, api client) (who string, projects []string, names map[string]string, err error) {
	raw, err := api.get(ctx, nil, "me")
	if err != nil {
		return "", nil, nil, err
	}
	var me struct {
		Nichandle string `json:"nichandle"`
	}
	if err := json.Unmarshal(raw, &me); err != nil || !nichandle.MatchString(me.Nichandle) {
		return "", nil, nil, errors.New("read ovh answer: it names no account")
	}
	ids, err := api.names(ctx, "cloud", "project")
	if err != nil {
		return "", nil, nil, err
	}
	for _, id := range ids {
		if segment.MatchString(id) {
			projects = append(projects, id)
		}
	}
	names, err = api.projectNames(ctx, projects)
	return me.Nichandle, projects, names, err
}

// projectNames are the descriptions that people gave their projects; those of the first of them, where there are many.
func (c client) projectNames(ctx context.Context, ids []string) (map[string]string, error) {
	all, err := c.details(ctx, ids, "cloud", "project")
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for i, one := range all {
		raw, _ := one.(json.RawMessage) // what could not be read has no name
		var project struct {
			Description string `json:"description"`
		}
		if json.Unmarshal(raw, &project) == nil && project.Description != "" {
			names[ids[i]] = project.Description
		}
	}
	return names, nil
}

func unseen(r region, err error) error {
	var refused *apiError
	if errors.As(err, &refused) && refused.status < 500 && refused.status != 429 {
		return &providers.Problem{Code: providers.CodeRefused, Err: fmt.Errorf("ovh answered %d", refused.status),
			Sentence: r.shown() + " does not let Aurora see your account with what you granted, so nothing was connected. Begin again from the chat."}
	}
	return &providers.Problem{Code: providers.CodeUnavailable, Err: errors.New("ovh sent no usable answer"),
		Sentence: r.shown() + " did not say who you are, so nothing was connected. Try again in a minute."}
}

// Slot gives the only tokens there are.
func (c *Connector) Slot(conn store.Connection, cred store.Credential, _ bool) (providers.Slot, error) {
	if _, ok := providers.TokensOf(cred, providers.WideSlot); !ok {
		return "", &providers.Problem{Code: providers.CodeExpired, Broken: true,
			Sentence: "The stored credential of " + conn.Account + " is empty: connect again with /aurora connect ovh."}
	}
	return providers.WideSlot, nil
}

// Renew gets a new access token, and with it a new refresh token: the old one is spent, and using it again would end the
// sign-in.
func (c *Connector) Renew(ctx context.Context, _ store.Connection, cred store.Credential, slot providers.Slot) (providers.Tokens, error) {
	server, _, err := c.server(regionOf(cred.Get("endpoint")))
	if err != nil {
		return providers.Tokens{}, err
	}
	old, _ := providers.TokensOf(cred, slot)
	g, err := server.Renew(ctx, old.Refresh)
	if err != nil {
		return providers.Tokens{}, err
	}
	if g.Scopes == nil {
		g.Scopes = old.Scopes
	}
	return providers.Tokens{Access: g.Access, Refresh: g.Refresh, Expiry: g.Expiry, Scopes: g.Scopes}, nil
}

// Revoke says what is to be done by hand: OVHcloud has no way to take a token back. An access token ends within the hour.
func (c *Connector) Revoke(_ context.Context, cred store.Credential) (leftover string, err error) {
	return "OVHcloud cannot take a sign-in back by itself: remove Aurora among the applications of " + cred.Get("subject") + " in its control panel.", nil
}
