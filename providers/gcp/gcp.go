// Package gcp links Google Cloud accounts and gives runs of gcloud, gsutil and bq an access token of theirs.
//
// The connect pages link an account in one of three ways, all of which end in a providers.SignedIn to be stored:
//
//	in := providers.NewSignIn(redirect, wide)           // kept under the hash of state, bound to user and browser
//	address, err := c.AuthURL(state, in)                // the browser goes there
//	linked, err := c.Finish(ctx, in, r.URL.Query())     // when it is back; the state was checked and spent before
//
//	linked, err := c.ConnectKey(ctx, keyJSON)           // a service account's key, from a form
//	linked, err := c.ConnectFolder(ctx, setup)          // for an organisation: all projects of a folder
//
// An error that people can do something about is a *providers.Problem with a sentence; nothing is to be stored then. With
// wide the consent is for Agent mode: linked.Credential then goes through providers.MergeCredential with what is kept for
// that account, and the connection's ReadOnly follows from whether the merged credential has providers.WideSlot. A
// linked.Reduced is shown. At the end Revoke takes back what Google lets us, before the credential is deleted.
//
// The executor calls Session before each run, with a credential that providers.Refresher has narrowed to one access token
// (it asks Slot and Renew for that). The package never writes a token anywhere but into the run's private file, and never
// repeats what Google's sign-in says.
package gcp

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"aurora/providers"
	"aurora/store"
)

// Config is what the connector needs; its zero value is Google itself, without a sign-in of people.
type Config struct {
	ClientID        string // of the OAuth client; empty: people link by a service account's key alone
	ClientSecret    store.Secret
	AuthURL         string           // override for the consent page
	TokenURL        string           // override for the token endpoint
	RevokeURL       string           // override for the revocation endpoint
	Compute         string           // override for the Compute Engine API, such as http://127.0.0.1:1/compute/v1/
	ResourceManager string           // override for the Cloud Resource Manager API
	Credentials     string           // override for the IAM Service Account Credentials API
	BigQuery        string           // override for the root of the BigQuery API, such as http://127.0.0.1:1/
	Storage         string           // override for the root of Cloud Storage's API; https alone
	CA              []byte           // what gsutil trusts in place of its own certificates, PEM; nil for those
	Now             func() time.Time // nil for time.Now
}

// Connector is the providers.Driver and providers.Renewer for Google Cloud. It is safe for concurrent use.
type Connector struct {
	config  Config
	oauth   providers.AuthServer
	manager string
	// credentials is where tokens of other service accounts are asked for.
	credentials string
	http        *http.Client
}

const (
	answerTime = 20 * time.Second
	mostBytes  = 4 << 20 // of one page of projects
)

// New makes a connector.
func New(c Config) *Connector {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Connector{
		config: c, manager: cmp.Or(c.ResourceManager, managerAddress), credentials: cmp.Or(c.Credentials, impersonateAddress), http: providers.NewHTTPClient(answerTime, mostBytes),
		oauth: providers.AuthServer{
			Cloud: store.GCP, Name: "Google", ClientID: c.ClientID, ClientSecret: c.ClientSecret,
			Settings: "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET", Style: oauth2.AuthStyleInParams, Issuer: issuer, Now: c.Now,
			AuthURL: cmp.Or(c.AuthURL, consentAddress), TokenURL: cmp.Or(c.TokenURL, tokenAddress), RevokeURL: cmp.Or(c.RevokeURL, revokeAddress),
		},
	}
}

// CanSignIn tells whether people can sign in with Google: whether Aurora has a client there.
func (c *Connector) CanSignIn() bool { return c.oauth.ClientID != "" && c.oauth.ClientSecret != "" }

// leastLeft is how long a token must still be good for: a run may take some minutes.
const leastLeft = time.Minute

var projectID = regexp.MustCompile(`^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// NewCredential makes the credential of a connection. expiry may be zero when it is not known.
func NewCredential(accessToken, email string, expiry time.Time, projects []string) (store.Credential, error) {
	accessToken = strings.TrimSpace(accessToken)
	if accessToken == "" || strings.ContainsAny(accessToken, " \r\n\t") {
		return store.Credential{}, &providers.Problem{Code: providers.CodeRefused, Sentence: "That is not an access token."}
	}
	for _, p := range projects {
		if !projectID.MatchString(p) {
			return store.Credential{}, &providers.Problem{Code: providers.CodeRefused, Sentence: "A project is not a valid Google Cloud project id."}
		}
	}
	values := map[string]string{"access_token": accessToken, "email": email, "projects": strings.Join(projects, ",")}
	if !expiry.IsZero() {
		values["expiry"] = expiry.UTC().Format(time.RFC3339)
	}
	return store.NewCredential(values), nil
}

// Session gives the environment and the private files of one run, and nothing of the host's own configuration.
func (c *Connector) Session(_ context.Context, ask providers.SessionAsk) (providers.Session, error) {
	token := ask.Credential.Get("access_token")
	if token == "" || c.expired(ask.Credential.Get("expiry")) {
		return providers.Session{}, &providers.Problem{
			Code: providers.CodeExpired, Broken: true,
			Sentence: "The sign-in to Google Cloud of " + ask.Connection.Account + " has expired: " + providers.Mend(ask.Connection) + ".",
		}
	}
	files, err := c.files(ask, token)
	if err != nil {
		return providers.Session{}, err
	}
	return providers.Session{Env: c.environment(ask), Files: files, Secrets: []string{token}, Rejected: c.rejected(ask)}, nil
}

func (c *Connector) expired(expiry string) bool {
	if expiry == "" {
		return false
	}
	at, err := time.Parse(time.RFC3339, expiry)
	return err != nil || at.Sub(c.config.Now()) < leastLeft
}

func (c *Connector) environment(ask providers.SessionAsk) map[string]string {
	env := map[string]string{
		"CLOUDSDK_CORE_DISABLE_PROMPTS": "1", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
		"CLOUDSDK_CORE_SURVEY_DISABLE_PROMPTS":            "1",
		"CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
		"CLOUDSDK_CORE_DISABLE_FILE_LOGGING":              "1",
		"CLOUDSDK_CORE_CHECK_GCE_METADATA":                "0", // else the host's own identity is looked for
		"CLOUDSDK_CORE_DISABLE_COLOR":                     "1",
		"NO_GCE_CHECK":                                    "true",
	}
	set := func(name, value string) {
		if value != "" {
			env[name] = value
		}
	}
	set("CLOUDSDK_CORE_ACCOUNT", ask.Connection.Account)
	set("CLOUDSDK_CORE_PROJECT", ask.Project)
	set("GOOGLE_CLOUD_PROJECT", ask.Project)
	set("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", c.config.Compute)
	set("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER", c.config.ResourceManager)
	return env
}
