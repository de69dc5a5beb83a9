// Package gcp gives runs of gcloud, gsutil and bq the access token of a connection. The executor calls Session before
// each run. It never writes a token anywhere but into the run's private file.
package gcp

import (
	"context"
	"regexp"
	"strings"
	"time"

	"aurora/providers"
	"aurora/store"
)

// Config is what the connector needs; its zero value is Google itself.
type Config struct {
	Compute         string           // override for the Compute Engine API, such as http://127.0.0.1:1/compute/v1/
	ResourceManager string           // override for the Cloud Resource Manager API
	Now             func() time.Time // nil for time.Now
}

// Connector is the providers.Driver for Google Cloud. It is safe for concurrent use.
type Connector struct{ config Config }

// New makes a connector.
func New(c Config) *Connector {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Connector{c}
}

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

// Session gives the environment and the token file of one run, and nothing of the host's own configuration.
func (c *Connector) Session(_ context.Context, ask providers.SessionAsk) (providers.Session, error) {
	token := ask.Credential.Get("access_token")
	if token == "" || c.expired(ask.Credential.Get("expiry")) {
		return providers.Session{}, &providers.Problem{
			Code: providers.CodeExpired, Broken: true,
			Sentence: "The sign-in to Google Cloud of " + ask.Connection.Account + " has expired: connect again with /aurora connect gcp.",
		}
	}
	return providers.Session{
		Env:     c.environment(ask),
		Files:   []providers.File{{Name: "token", Content: token, Env: "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"}},
		Secrets: []string{token},
	}, nil
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
