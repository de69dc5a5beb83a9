// Package scaleway gives runs of the scw CLI an API key of one organisation. The executor calls Session before each run;
// the connect page calls Connect, and disconnecting calls Revoke. Ask runs get the read-only key where there is one. It
// keeps nothing in memory and no answer of Scaleway makes it forget a key.
package scaleway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"aurora/providers"
	"aurora/store"
)

// Config is what the connector needs; its zero value is Scaleway itself.
type Config struct {
	API  string       // override for https://api.scaleway.com
	HTTP *http.Client // nil for one of our own
}

const (
	production = "https://api.scaleway.com"
	answerTime = 30 * time.Second
	mostBytes  = 8 << 20 // of one answer
)

// Connector is the providers.Driver for Scaleway. It is safe for concurrent use.
type Connector struct {
	api    string
	custom bool
	http   *http.Client
}

// New checks the configuration.
func New(c Config) (*Connector, error) {
	made := &Connector{api: strings.TrimSuffix(c.API, "/"), custom: c.API != "", http: c.HTTP}
	if !made.custom {
		made.api = production
	}
	if u, err := url.Parse(made.api); err != nil || u.Host == "" {
		return nil, fmt.Errorf("address of the scaleway API %q is not a URL", made.api)
	}
	if made.http == nil {
		// A redirect would carry the key somewhere else.
		made.http = &http.Client{Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return made, nil
}

// key is one API key.
type key struct{ access, secret string }

// readerMembers is what the read-only key's members of a credential begin with.
const readerMembers = "reader_"

var (
	accessKey = regexp.MustCompile(`^SCW[A-Z0-9]{17}$`)
	uuid      = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	zones     = map[string][]string{
		"fr-par": {"fr-par-1", "fr-par-2", "fr-par-3"}, "nl-ams": {"nl-ams-1", "nl-ams-2", "nl-ams-3"}, "pl-waw": {"pl-waw-1", "pl-waw-2", "pl-waw-3"},
		"it-mil": {"it-mil-1"},
	}
)

func keyOf(cred store.Credential, prefix string) (key, bool) {
	k := key{cred.Get(prefix + "access_key"), cred.Get(prefix + "secret_key")}
	return k, accessKey.MatchString(k.access) && uuid.MatchString(k.secret)
}

// Session gives scw a key and where to work by default, and nothing of the host's own configuration.
func (c *Connector) Session(_ context.Context, ask providers.SessionAsk) (providers.Session, error) {
	k, ok := keyFor(ask)
	if !ok {
		return providers.Session{}, c.rejected(ask.Connection.Account)
	}
	zone := ask.Connection.Settings["zone"]
	env := map[string]string{
		"SCW_ACCESS_KEY": k.access, "SCW_SECRET_KEY": k.secret, "SCW_DEFAULT_ORGANIZATION_ID": ask.Connection.Account,
		"SCW_CONFIG_PATH": "/dev/null", "SCW_DISABLE_CHECK_VERSION": "true", "SCW_SEND_TELEMETRY": "false",
	}
	for name, value := range map[string]string{
		"SCW_DEFAULT_PROJECT_ID": ask.Project, "SCW_DEFAULT_REGION": ask.Region, "SCW_DEFAULT_ZONE": zone,
	} {
		if value != "" {
			env[name] = value
		}
	}
	if !strings.HasPrefix(zone, ask.Region+"-") && len(zones[ask.Region]) > 0 { // another region than the default one
		env["SCW_DEFAULT_ZONE"] = zones[ask.Region][0]
	}
	if c.custom {
		env["SCW_API_URL"] = c.api
	}
	return providers.Session{Env: env, Secrets: []string{k.secret}, Rejected: func(out providers.Output) *providers.Problem {
		if !denied(string(out.Stderr), ask.Argv) {
			return nil
		}
		return c.rejected(ask.Connection.Account)
	}}, nil
}

// keyFor chooses the key: in Ask the read-only one where there is one, and then the other is not even read.
func keyFor(ask providers.SessionAsk) (key, bool) {
	if ask.ReadOnly && ask.Credential.Get(readerMembers+"access_key") != "" {
		return keyOf(ask.Credential, readerMembers)
	}
	return keyOf(ask.Credential, "")
}

// denied finds Scaleway's own words for a key it does not know (any more), in what scw prints of them.
func denied(said string, argv []string) bool {
	return providers.Says(said, argv, "denied_authentication", "denied authentication", "authentication is denied")
}

func (c *Connector) rejected(account string) *providers.Problem {
	return &providers.Problem{Code: providers.CodeExpired, Broken: true,
		Sentence: "Scaleway no longer accepts the API key of organisation " + account + ": connect again with /aurora connect scaleway."}
}

func refuse(format string, args ...any) *providers.Problem {
	return &providers.Problem{Code: providers.CodeRefused, Sentence: fmt.Sprintf(format, args...)}
}

func unreachable(err error) *providers.Problem {
	return &providers.Problem{Code: providers.CodeUnavailable, Err: err,
		Sentence: "Scaleway's API cannot be reached right now, so nothing was done. Try again in a minute."}
}
