package gcp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"aurora/providers"
	"aurora/store"
)

// The scopes that runs need. Reading and changing are two consents with a refresh token each.
const (
	ScopeRead = "https://www.googleapis.com/auth/cloud-platform.read-only"
	ScopeWide = "https://www.googleapis.com/auth/cloud-platform"
)

const (
	issuer         = "https://accounts.google.com"
	revokeAddress  = "https://oauth2.googleapis.com/revoke"
	tokenAddress   = "https://oauth2.googleapis.com/token"
	consentAddress = "https://accounts.google.com/o/oauth2/v2/auth"
)

// AuthURL is where the browser goes to sign in. in.Wide asks for what Agent mode needs, as a consent of its own.
func (c *Connector) AuthURL(state string, in providers.SignIn) (string, error) {
	scopes := []string{scopeFor(in.Wide), "openid", "email"}
	options := []oauth2.AuthCodeOption{
		oauth2.AccessTypeOffline, oauth2.ApprovalForce, // else no refresh token comes from the second consent on
		oauth2.SetAuthURLParam("nonce", in.Nonce()),
		// Included scopes would make a wide token of the read-only one as soon as the wide consent was given.
		oauth2.SetAuthURLParam("include_granted_scopes", fmt.Sprint(in.Wide)),
	}
	if in.LoginHint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", in.LoginHint))
	}
	return c.oauth.Begin(state, in, scopes, options...)
}

func scopeFor(wide bool) string {
	if wide {
		return ScopeWide
	}
	return ScopeRead
}

// Finish takes what the browser brought back: it checks it, trades the code for tokens, checks who signed in, which is the
// account of in.LoginHint where that names one, and what was granted, and lists the projects. What is wrong is a *providers.Problem, and nothing is to be stored then.
func (c *Connector) Finish(ctx context.Context, in providers.SignIn, callback url.Values) (providers.SignedIn, error) {
	code, err := c.oauth.Code(callback)
	if err != nil {
		return providers.SignedIn{}, err
	}
	grant, err := c.oauth.Exchange(ctx, in, code)
	if err != nil {
		return providers.SignedIn{}, err
	}
	who, err := c.identity(grant.IDToken, in.Nonce())
	if err != nil {
		return providers.SignedIn{}, err
	}
	if in.LoginHint != "" && !strings.EqualFold(who.Email, in.LoginHint) { // Google takes the hint as no more than that
		return providers.SignedIn{}, &providers.Problem{Code: providers.CodeRefused, Sentence: "This was to let Aurora change things as " + in.LoginHint +
			", but you signed in to Google as " + providers.Clean(who.Email) + ", so nothing was connected. Begin again from the chat and choose the account that the button names."}
	}
	slot, reduced, err := granted(in, grant)
	if err != nil {
		return providers.SignedIn{}, err
	}
	projects, more, err := c.Projects(ctx, grant.Access)
	if err != nil {
		return providers.SignedIn{}, err
	}
	cred := store.NewCredential(map[string]string{
		"kind": providers.KindOAuth, "email": who.Email, "subject": who.Subject, "client_id": c.oauth.ClientID,
	})
	cred = providers.WithTokens(cred, slot, providers.Tokens{Access: grant.Access, Refresh: grant.Refresh, Expiry: grant.Expiry, Scopes: grant.Scopes})
	return providers.SignedIn{
		Account: who.Email, Projects: projects, Settings: settings(projects, ""), ReadOnly: slot == providers.ReadSlot,
		Reduced: strings.TrimSpace(reduced + " " + more), Credential: cred,
	}, nil
}

// granted says which slot the grant fills. Google lets people leave out parts of what is asked; the part that runs need
// must be there.
func granted(in providers.SignIn, g providers.Issued) (slot providers.Slot, reduced string, err error) {
	refuse := func(sentence string) (providers.Slot, string, error) {
		return "", "", &providers.Problem{Code: providers.CodeRefused, Sentence: sentence}
	}
	read, wide := slices.Contains(g.Scopes, ScopeRead), slices.Contains(g.Scopes, ScopeWide)
	switch {
	case g.Refresh == "":
		return refuse("Google gave no lasting permission, so nothing was connected. Begin again from the chat.")
	case in.Wide && wide:
		return providers.WideSlot, "", nil
	case in.Wide && read:
		return providers.ReadSlot, "Google was not told to let Aurora change anything, so Agent mode can only read there. " +
			"Connect again and leave the box for Google Cloud data ticked if you want more.", nil
	case !in.Wide && wide:
		return refuse("Google granted more than reading, which is all that was asked, so nothing was connected. " +
			"Remove Aurora at https://myaccount.google.com/connections and begin again from the chat.")
	case !in.Wide && read:
		return providers.ReadSlot, "", nil
	}
	return refuse("Google was told not to let Aurora see your Google Cloud data, so there is nothing it could do and nothing was connected. " +
		"Begin again from the chat and leave that box ticked.")
}

// identity is who signed in, from the id token.
type identity struct {
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
	Nonce    string `json:"nonce"`
	Party    string `json:"azp"`
	jwt.RegisteredClaims
}

// identity checks the claims of an id token. Its signature is not: the token came from Google's token endpoint over TLS in
// answer to our own request (OpenID Connect Core 3.1.3.7), never through a browser.
func (c *Connector) identity(token, nonce string) (identity, error) {
	refused := func(cause error) error {
		return &providers.Problem{Code: providers.CodeRefused, Err: cause, Sentence: "Google did not say in a way Aurora trusts who signed in, so nothing was connected. Begin again from the chat."}
	}
	var who identity
	if _, _, err := jwt.NewParser().ParseUnverified(token, &who); err != nil {
		return who, refused(errors.New("the id token cannot be read"))
	}
	check := jwt.NewValidator(jwt.WithAudience(c.oauth.ClientID), jwt.WithExpirationRequired(), jwt.WithTimeFunc(c.config.Now), jwt.WithLeeway(leastLeft))
	if err := check.Validate(&who); err != nil {
		return who, refused(err)
	}
	switch {
	case who.Issuer != issuer && who.Issuer != strings.TrimPrefix(issuer, "https://"):
		return who, refused(errors.New("the id token is another issuer's"))
	case who.Nonce != nonce:
		return who, refused(errors.New("the id token is of another sign-in"))
	case who.Party != "" && who.Party != c.oauth.ClientID:
		return who, refused(errors.New("the id token is for another party"))
	case who.Subject == "":
		return who, refused(errors.New("the id token names nobody"))
	case who.Email == "" || !who.Verified:
		return who, &providers.Problem{Code: providers.CodeRefused,
			Sentence: "Google did not tell your e-mail address, so nothing was connected. Begin again from the chat and leave that box ticked."}
	}
	return who, nil
}

// settings are what a connection keeps besides: the project to take when none is named.
func settings(projects []string, prefer string) map[string]string {
	if prefer == "" && len(projects) == 1 {
		prefer = projects[0]
	}
	if prefer == "" {
		return map[string]string{}
	}
	return map[string]string{store.SettingDefaultProject: prefer}
}
