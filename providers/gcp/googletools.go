package gcp

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"aurora/providers"
)

// files gives the program that will run its token the way it takes one: gcloud from a file of its own, bq among its
// defaults, gsutil from what it believes it has fetched before. No program is given another's, and none gets it in an
// argument.
func (c *Connector) files(ask providers.SessionAsk, token string) ([]providers.File, error) {
	program := ""
	if len(ask.Argv) > 0 {
		program = ask.Argv[0]
	}
	switch program {
	case "bq":
		return []providers.File{{Name: "bigqueryrc", Content: c.bigQueryDefaults(ask.Project, token), Env: "BIGQUERYRC"}}, nil
	case "gsutil":
		boto, err := c.boto(ask.Project)
		if err != nil {
			return nil, err
		}
		kept, err := c.gsutilToken(token, ask.Credential.Get("expiry"))
		if err != nil {
			return nil, err
		}
		return []providers.File{
			{Name: "boto", Content: boto, Env: "BOTO_CONFIG"}, {Name: "credstore2", Content: kept}, {Name: "ca.pem", Content: string(c.config.CA)},
		}, nil
	}
	return []providers.File{{Name: "token", Content: token, Env: "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"}}, nil
}

// bigQueryDefaults are bq's flags where the command has none. With a token among them bq asks no gcloud for one, which it
// would look for on PATH.
func (c *Connector) bigQueryDefaults(project, token string) string {
	lines := []string{"oauth_access_token = " + token, "headless = true"}
	if project != "" {
		lines = append(lines, "project_id = "+project)
	}
	if c.config.BigQuery != "" {
		lines = append(lines, "api = "+c.config.BigQuery)
	}
	return strings.Join(lines, "\n") + "\n"
}

// gsutil takes no access token, only what it could get one for. This is a name for that which nobody could use: a token
// that gsutil kept under it earlier is used as long as it lasts.
const (
	gsutilClient = "aurora"
	gsutilSource = "none"
)

// boto is gsutil's configuration. Its state lies where the run's private files are, beside the directory it works in.
func (c *Connector) boto(project string) (string, error) {
	credentials := []string{"[Credentials]", "gs_oauth2_refresh_token = " + gsutilSource}
	if c.config.Storage != "" {
		at, err := url.Parse(c.config.Storage)
		if err != nil {
			return "", fmt.Errorf("read the address of Cloud Storage: %w", err)
		}
		credentials = append(credentials, "gs_json_host = "+at.Hostname(), "gs_json_port = "+cmp.Or(at.Port(), "443"))
	}
	oauth := []string{"[OAuth2]", "client_id = " + gsutilClient, "client_secret = " + gsutilSource, "provider_token_uri = " + c.tokenURL()}
	settings := []string{"[GSUtil]", "state_dir = ../files", "prefer_api = json", "software_update_check_period = 0", "parallel_process_count = 1"}
	if project != "" {
		settings = append(settings, "default_project_id = "+project)
	}
	network := []string{"[Boto]", "https_validate_certificates = True", "num_retries = 2"}
	if c.config.CA != nil {
		network = append(network, "ca_certificates_file = ../files/ca.pem")
	}
	return strings.Join(slices.Concat(credentials, oauth, settings, network), "\n") + "\n", nil
}

func (c *Connector) tokenURL() string { return cmp.Or(c.config.TokenURL, tokenAddress) }

// gsutilToken is the file in which gsutil keeps access tokens, with the one.
func (c *Connector) gsutilToken(token, expiry string) (string, error) {
	at, err := time.Parse(time.RFC3339, expiry)
	if err != nil {
		at = c.config.Now().Add(time.Hour)
	}
	kept, err := json.Marshal(map[string]any{
		"_module": "google_reauth.reauth_creds", "_class": "Oauth2WithReauthCredentials", "access_token": token, "client_id": gsutilClient,
		"client_secret": gsutilSource, "refresh_token": gsutilSource, "token_expiry": at.UTC().Format("2006-01-02T15:04:05Z"),
		"token_uri": c.tokenURL(), "user_agent": nil, "invalid": false, "scopes": []string{},
	})
	if err != nil {
		return "", fmt.Errorf("write gsutil's token: %w", err)
	}
	key := "v1-" + gsutilClient + "-" + gsutilSource + "-" + c.tokenURL()
	raw, err := json.Marshal(map[string]any{"file_version": 2, "credentials": map[string]string{key: base64.StdEncoding.EncodeToString(kept)}})
	if err != nil {
		return "", fmt.Errorf("write gsutil's token: %w", err)
	}
	return string(raw), nil
}

// ended finds in what one of Google's programs said that the token it was given is not taken any more: the API's words, or
// that it looked in vain for the means to get another. What the others print on standard output are data, a log's lines for
// one; bq says its errors there.
func ended(out providers.Output, argv []string) bool {
	said := string(out.Stderr)
	if argv[0] == "bq" {
		said += string(out.Stdout)
	}
	return providers.Says(said, argv, "Request had invalid authentication credentials", "do not contain the necessary fields need to refresh",
		"Your credentials are invalid. Please run")
}

// rejected is said of a run whose token Google did not take, though it was to last.
func (c *Connector) rejected(ask providers.SessionAsk) func(providers.Output) *providers.Problem {
	return func(out providers.Output) *providers.Problem {
		if !ended(out, ask.Argv) {
			return nil
		}
		return &providers.Problem{Code: providers.CodeExpired, Broken: true, Sentence: "Google no longer accepts the sign-in of " +
			ask.Connection.Account + ": " + providers.Mend(ask.Connection) + "."}
	}
}
