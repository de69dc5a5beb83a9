package ovh

import (
	"fmt"
	"strings"

	"aurora/providers"
)

// region is one of OVHcloud's three, which share neither accounts nor clients nor hosts.
type region struct {
	name string // eu, ca, us
	api  string // the API's address without its version
	auth string // the sign-in's
}

// regions is the only place that names OVHcloud's hosts.
var regions = []region{
	{"eu", "https://eu.api.ovh.com", "https://www.ovh.com"},
	{"ca", "https://ca.api.ovh.com", "https://ca.ovh.com"},
	{"us", "https://api.us.ovhcloud.com", "https://us.ovhcloud.com"},
}

const (
	apiVersion    = "/1.0"
	authorizePath = "/auth/oauth2/authorize"
	tokenPath     = "/auth/oauth2/token"
)

// find gives the region of this name, with the overrides of the configuration.
func (c Config) find(name string) (region, error) {
	for _, r := range regions {
		if r.name != name {
			continue
		}
		if c.API[name] != "" {
			r.api = strings.TrimSuffix(c.API[name], "/")
		}
		if c.Auth != "" {
			r.auth = strings.TrimSuffix(c.Auth, "/") + "/" + name
		}
		return r, nil
	}
	return region{}, &providers.Problem{Code: providers.CodeRefused, Sentence: fmt.Sprintf("OVHcloud has no region %q: say eu, ca or us.", name)}
}

// endpoint is how OVHcloud's own tools call a region.
func (r region) endpoint() string { return "ovh-" + r.name }

// regionOf reads an endpoint; "" when it is none.
func regionOf(endpoint string) string {
	name, _ := strings.CutPrefix(endpoint, "ovh-")
	return name
}

// shown names the region for people.
func (r region) shown() string { return "OVHcloud " + strings.ToUpper(r.name) }
