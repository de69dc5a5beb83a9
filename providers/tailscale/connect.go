package tailscale

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"aurora/providers"
	"aurora/store"

	"golang.org/x/oauth2"
	api "tailscale.com/client/tailscale/v2"
)

// Setup is what the connect page sends: an OAuth client (id and secret), or an API access token.
type Setup struct {
	ClientID     string
	ClientSecret string
	APIKey       string
	Tailnet      string // empty for the credential's own
	Scopes       string // what the OAuth client was given, separated by blanks; only needed where Tailscale does not say
	ForAurora    bool   // made for Aurora: to be deleted when it is disconnected
}

// String never shows the credential.
func (Setup) String() string { return "[credential]" }

// GoString never shows the credential.
func (Setup) GoString() string { return "[credential]" }

// Link is a connection that was checked and can be stored.
type Link struct {
	Account    string // the tailnet
	Settings   map[string]string
	ReadOnly   bool
	Credential store.Credential
	Note       string // what the person should know about its rights, a sentence
}

// Connect signs in, learns the scopes, and lists the tailnet's devices. What is wrong is a *providers.Problem with a
// sentence for the person.
func (c *Connector) Connect(ctx context.Context, s Setup) (Link, error) {
	values, err := s.credential()
	if err != nil {
		return Link{}, err
	}
	link := Link{Account: s.Tailnet, Settings: map[string]string{}}
	if link.Account == "" {
		link.Account = ownTailnet
	}
	if !tailnetName.MatchString(link.Account) {
		return Link{}, refuse("%q is not the name of a tailnet.", link.Account)
	}
	link.Note = "An API access token has all the rights of the person who made it, so Ask mode rests on Aurora's rules alone. Connect again with an OAuth client to have Tailscale keep to them as well."
	if values["client_id"] != "" {
		scopes, err := c.granted(ctx, values["client_id"], values["client_secret"], s.Scopes)
		if err != nil {
			return Link{}, err
		}
		link.Settings["scopes"], link.ReadOnly = scopes, readOnly(scopes)
		link.Note = "Ask mode asks Tailscale for the reading half of the client's scopes alone."
		if link.ReadOnly {
			link.Note = "The client can only read, so Agent mode cannot change anything here."
		}
	}
	if s.ForAurora {
		values["made_for_aurora"] = "true"
	}
	link.Credential = store.NewCredential(values)
	client := c.build(providers.SessionAsk{
		Connection: store.Connection{Account: link.Account, Settings: link.Settings}, Credential: link.Credential, ReadOnly: true,
	})
	devices, err := client.Devices().List(ctx)
	if err != nil {
		return Link{}, explain(err)
	}
	if link.Account == ownTailnet {
		link.Settings[settingTailnet] = ownTailnet
		link.Account, err = accountOf(devices, values)
	}
	return link, err
}

// accountOf names a tailnet that the person did not: by the suffix that its own devices' names share, else by the
// credential, so that two tailnets never are one account.
func accountOf(devices []api.Device, values map[string]string) (string, error) {
	var found []string
	for _, d := range devices {
		if _, suffix, _ := strings.Cut(d.Name, "."); !d.IsExternal { // what others share bears their tailnet's name
			found = append(found, suffix)
		}
	}
	slices.Sort(found)
	if found = slices.Compact(found); len(found) == 1 && tailnetName.MatchString(found[0]) {
		return found[0], nil
	}
	if id := values["client_id"]; id != "" {
		return id, nil
	}
	if m := keyID.FindStringSubmatch(values["api_key"]); m != nil {
		return m[1], nil
	}
	return "", refuse("Aurora cannot tell which tailnet this token is for: write the tailnet's name into its field.")
}

func (s Setup) credential() (map[string]string, error) {
	switch {
	case strings.HasPrefix(s.APIKey, "tskey-api-") && s.ClientSecret == "":
		return map[string]string{"api_key": s.APIKey}, nil
	case idPattern.MatchString(s.ClientID) && strings.HasPrefix(s.ClientSecret, "tskey-client-") && s.APIKey == "":
		return map[string]string{"client_id": s.ClientID, "client_secret": s.ClientSecret}, nil
	}
	return nil, refuse("Give either an OAuth client's id and its secret (tskey-client-...), or an API access token (tskey-api-...). " +
		"Make one at https://login.tailscale.com/admin/settings/oauth.")
}

// granted signs in as the OAuth client and gives the scopes that Tailscale says it has, else those that were typed in.
func (c *Connector) granted(ctx context.Context, id, secret, typed string) (string, error) {
	config := (&clientAuth{id: id, secret: secret}).config(c.base.String())
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, c.http))
	if err != nil {
		return "", explain(err)
	}
	scopes, _ := token.Extra("scope").(string)
	if scopes == "" {
		scopes = typed
	}
	scopes = strings.Join(strings.Fields(scopes), " ")
	if !scopeList.MatchString(scopes) {
		return "", refuse("Tailscale does not say which scopes the OAuth client has: write them into the last field, such as devices:core:read routes:read, so that Ask mode asks for reading alone.")
	}
	return scopes, nil
}

var scopeList = regexp.MustCompile(`^[a-z_]+(?::[a-z_]+)*(?: [a-z_]+(?::[a-z_]+)*)*$`)

func readOnly(scopes string) bool {
	for _, s := range strings.Fields(scopes) {
		if !strings.HasSuffix(s, ":read") {
			return false
		}
	}
	return scopes != ""
}

func refuse(format string, args ...any) *providers.Problem {
	return &providers.Problem{Code: providers.CodeRefused, Sentence: fmt.Sprintf(format, args...)}
}

// explain tells a credential that Tailscale refuses from a Tailscale that is away.
func explain(err error) error {
	var answer api.APIError
	var token *oauth2.RetrieveError
	switch {
	case errors.As(err, &token) && token.Response != nil && refuses(token.Response.StatusCode), errors.As(err, &answer) && answer.Status == http.StatusUnauthorized:
		return &providers.Problem{Code: providers.CodeRefused, Err: err,
			Sentence: "Tailscale does not accept this credential: copy it again, whole; one that was revoked or has expired does not work either."}
	case errors.As(err, &answer) && answer.Status == http.StatusNotFound:
		return &providers.Problem{Code: providers.CodeRefused, Err: err, Sentence: "The credential works, but not for that tailnet: leave the field empty for its own."}
	case errors.As(err, &answer) && refuses(answer.Status):
		return &providers.Problem{Code: providers.CodeRefused, Err: err,
			Sentence: "Tailscale does not let this credential list the tailnet's devices: it needs at least the scope devices:core:read."}
	}
	return &providers.Problem{Code: providers.CodeUnavailable, Err: err,
		Sentence: "Tailscale cannot be reached right now, so nothing was done. Try again in a minute."}
}

func refuses(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusTooManyRequests
}

// keyID finds the id that the API knows a token by inside the token itself.
var keyID = regexp.MustCompile(`^tskey-(?:api|client)-([A-Za-z0-9]{1,64})-`)

// Revoke deletes the OAuth client or API access token with itself where it was made for Aurora. It says what is left to
// do by hand, a sentence.
func (c *Connector) Revoke(ctx context.Context, cred store.Credential) (leftover string, err error) {
	secret, id := cred.Get("client_secret"), cred.Get("client_id")
	what := "the OAuth client " + id
	if secret == "" {
		secret, what = cred.Get("api_key"), "the API access token"
	}
	if m := keyID.FindStringSubmatch(secret); m != nil && id == "" {
		id = m[1]
		what += " " + id
	}
	byHand := "Delete " + what + " in Tailscale's admin console, under Settings, to be thorough. Auth keys that were made through Aurora work until they expire: they are listed there under Keys."
	if cred.Get("made_for_aurora") != "true" || !idPattern.MatchString(id) {
		return byHand, nil
	}
	client := c.build(providers.SessionAsk{Connection: store.Connection{Account: ownTailnet}, Credential: cred})
	var answer api.APIError
	if err := client.Keys().Delete(ctx, id); err != nil && !(errors.As(err, &answer) && answer.Status == http.StatusNotFound) {
		return "Tailscale did not delete it by itself. " + byHand, fmt.Errorf("delete the tailscale credential: %w", err)
	}
	return capital(what) + " is deleted at Tailscale. Auth keys that were made through Aurora work until they expire: they are listed in its admin console under Keys.", nil
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
