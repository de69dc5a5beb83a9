package azure

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"aurora/providers"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// publicResource is what az asks a token for when it talks to Resource Manager; the slash at its end is part of the name.
const publicResource = "https://management.core.windows.net/"

// armScope is the scope of Resource Manager as az writes it: it looks its token up by this very text.
func (c *Connector) armScope() string {
	if c.custom {
		return c.config.ARM + "/.default"
	}
	return publicResource + "/.default"
}

// furtherScopes are services with tokens of their own, by the words of the commands that ask them.
var furtherScopes = []struct{ words, scope, name string }{
	{"ad", "https://graph.microsoft.com//.default", "Microsoft Graph"},
	{"role assignment", "https://graph.microsoft.com//.default", "Microsoft Graph"},
	{"keyvault secret", "https://vault.azure.net/.default", "Key Vault"},
	{"keyvault key", "https://vault.azure.net/.default", "Key Vault"},
	{"keyvault certificate", "https://vault.azure.net/.default", "Key Vault"},
	{"storage", "https://storage.azure.com/.default", "Storage"},
	{"monitor log-analytics", "https://api.loganalytics.io/.default", "Log Analytics"},
	{"batch", "https://batch.core.windows.net//.default", "Batch"},
	{"synapse", "https://dev.azuresynapse.net/.default", "Synapse"},
}

// needs gives the scopes of a command besides Resource Manager's.
func needs(argv []string) (scope, name string) {
	if len(argv) < 2 {
		return "", ""
	}
	words := " " + strings.Join(argv[1:], " ") + " "
	for _, f := range furtherScopes {
		if strings.HasPrefix(words, " "+f.words+" ") {
			return f.scope, f.name
		}
	}
	return "", ""
}

// token is an access token of a principal.
type token struct {
	value   string
	scope   string
	issued  time.Time
	expires time.Time
}

// ask gets a token from Entra. What Entra refuses is a *refusal.
func (c *Connector) ask(ctx context.Context, p principal, scope string) (token, error) {
	config := clientcredentials.Config{ClientID: p.client, TokenURL: c.tokenURL(p.tenant), Scopes: []string{scope}, AuthStyle: oauth2.AuthStyleInParams}
	switch {
	case p.federated:
		own, err := c.ownToken()
		if err != nil {
			return token{}, err
		}
		config.EndpointParams = url.Values{"client_assertion_type": {jwtBearer}, "client_assertion": {own}}
	case p.certificate != "":
		assertion, err := p.assertion(config.TokenURL, c.config.Now())
		if err != nil {
			return token{}, err
		}
		config.EndpointParams = url.Values{"client_assertion_type": {jwtBearer}, "client_assertion": {assertion}}
	default:
		config.ClientSecret = p.secret
	}
	now := c.config.Now()
	got, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, c.http))
	if err != nil {
		return token{}, explain(err)
	}
	if got.Expiry.IsZero() {
		got.Expiry = now.Add(10 * time.Minute)
	}
	return token{got.AccessToken, scope, now, got.Expiry}, nil
}

func (c *Connector) ownToken() (string, error) {
	if c.config.Federated == nil {
		return "", refuse("This Aurora has no identity of its own to federate with: whoever runs it sets AZURE_FEDERATED_TOKEN_FILE. Use a certificate or a secret instead.")
	}
	own, err := c.config.Federated()
	if own = strings.TrimSpace(own); err != nil || own == "" {
		return "", &providers.Problem{Code: providers.CodeUnavailable, Err: err,
			Sentence: "Aurora's own token for Azure cannot be read, so nothing was done: whoever runs Aurora should look at AZURE_FEDERATED_TOKEN_FILE."}
	}
	return own, nil
}

func (c *Connector) tokenURL(tenant string) string {
	if strings.HasSuffix(c.config.Login, "/adfs") {
		return c.config.Login + "/oauth2/token"
	}
	return c.config.Login + "/" + url.PathEscape(tenant) + "/oauth2/v2.0/token"
}

// refusal is Entra's no, by its number.
type refusal struct {
	code     string // AADSTS7000215
	sentence string
}

func (r *refusal) Error() string { return "entra refuses: " + r.code }

var (
	aadsts  = regexp.MustCompile(`AADSTS[0-9]{5,8}`)
	reasons = map[string]string{
		"AADSTS7000215": "the client secret is wrong; copy the secret's Value, not its Secret ID",
		"AADSTS7000222": "the client secret has expired; make a new one",
		"AADSTS700016":  "there is no such application in that tenant; check the client id and the tenant",
		"AADSTS7000112": "the application is disabled",
		"AADSTS7000229": "the application has no service principal in that tenant",
		"AADSTS90002":   "there is no such tenant",
		"AADSTS900023":  "that is not a tenant's id or domain",
		"AADSTS700027":  "the certificate is not one of the application's, or has expired",
		"AADSTS70021":   "the application has no federated credential that fits Aurora's issuer and subject",
		"AADSTS700211":  "the application has no federated credential for Aurora's issuer",
		"AADSTS700212":  "the federated credential's audience is not api://AzureADTokenExchange",
		"AADSTS700213":  "the application has no federated credential for Aurora's subject",
		"AADSTS53003":   "a Conditional Access policy does not let it sign in from here",
		"AADSTS500011":  "the service is not registered in that tenant",
	}
)

// explain reads Entra's answer. Its text is not passed on: it may repeat what was sent.
func explain(err error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.StatusCode >= 500 || answer.Response.StatusCode == 429 {
		return unreachable(errors.New("entra gives no answer that can be used"))
	}
	code := aadsts.FindString(answer.ErrorDescription)
	if code == "" {
		code = answer.ErrorCode
	}
	why := reasons[code]
	if why == "" {
		why = fmt.Sprintf("Entra's reason is %q", providers.Clean(code))
	}
	return &refusal{code, why}
}
