package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/providers/gcp"
	"aurora/providers/ovh"
	"aurora/providers/policy"
	"aurora/store"
)

// SignIns are the settings of the clouds that people sign in to with OAuth: who Aurora is there, and where that is.
type SignIns struct {
	GoogleID     string       `env:"GOOGLE_CLIENT_ID"`
	GoogleSecret store.Secret `env:"GOOGLE_CLIENT_SECRET"`

	OVH         bool         `env:"FEATURE_FLAG_OVH_ENABLED"`
	OVHEUID     string       `env:"OVH_EU_CLIENT_ID"`
	OVHEUSecret store.Secret `env:"OVH_EU_CLIENT_SECRET"`
	OVHCAID     string       `env:"OVH_CA_CLIENT_ID"`
	OVHCASecret store.Secret `env:"OVH_CA_CLIENT_SECRET"`
	OVHUSID     string       `env:"OVH_US_CLIENT_ID"`
	OVHUSSecret store.Secret `env:"OVH_US_CLIENT_SECRET"`

	EndpointGoogleAuth   string `env:"AURORA_ENDPOINT_GOOGLE_AUTH"`
	EndpointGoogleToken  string `env:"AURORA_ENDPOINT_GOOGLE_TOKEN"`
	EndpointGoogleRevoke string `env:"AURORA_ENDPOINT_GOOGLE_REVOKE"`
	EndpointImpersonate  string `env:"AURORA_ENDPOINT_GCP_IAMCREDENTIALS"`
	EndpointOVHEU        string `env:"AURORA_ENDPOINT_OVH_EU"`
	EndpointOVHCA        string `env:"AURORA_ENDPOINT_OVH_CA"`
	EndpointOVHUS        string `env:"AURORA_ENDPOINT_OVH_US"`
	EndpointOVHAuth      string `env:"AURORA_ENDPOINT_OVH_AUTH"`
}

// clients are Aurora's OAuth clients by the beginning of their settings' names.
func (s SignIns) clients() map[string]ovh.Client {
	return map[string]ovh.Client{
		"GOOGLE": {ID: s.GoogleID, Secret: s.GoogleSecret}, "OVH_EU": {ID: s.OVHEUID, Secret: s.OVHEUSecret},
		"OVH_CA": {ID: s.OVHCAID, Secret: s.OVHCASecret}, "OVH_US": {ID: s.OVHUSID, Secret: s.OVHUSSecret},
	}
}

// ovhClients are those of OVHcloud by region, where both parts are set.
func (s SignIns) ovhClients() map[string]ovh.Client {
	found := map[string]ovh.Client{}
	for name, client := range s.clients() {
		if region, ok := strings.CutPrefix(name, "OVH_"); ok && client.ID != "" && client.Secret != "" {
			found[strings.ToLower(region)] = client
		}
	}
	return found
}

// check tells which settings lack their other half.
func (s SignIns) check() error {
	var wrong []error
	all := s.clients()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if client := all[name]; (client.ID == "") != (client.Secret == "") {
			wrong = append(wrong, fmt.Errorf("%s_CLIENT_ID and %[1]s_CLIENT_SECRET belong together: set the other one too", name))
		}
	}
	if s.OVH && len(s.ovhClients()) == 0 {
		wrong = append(wrong, errors.New("FEATURE_FLAG_OVH_ENABLED is on and Aurora has no OAuth client at OVHcloud: set OVH_EU_CLIENT_ID and OVH_EU_CLIENT_SECRET, or those of CA or US"))
	}
	return errors.Join(wrong...)
}

// addresses are the overrides by the names of their settings.
func (s SignIns) addresses() map[string]string {
	return map[string]string{
		"AURORA_ENDPOINT_GOOGLE_AUTH": s.EndpointGoogleAuth, "AURORA_ENDPOINT_GOOGLE_TOKEN": s.EndpointGoogleToken,
		"AURORA_ENDPOINT_GOOGLE_REVOKE": s.EndpointGoogleRevoke, "AURORA_ENDPOINT_GCP_IAMCREDENTIALS": s.EndpointImpersonate,
		"AURORA_ENDPOINT_OVH_EU": s.EndpointOVHEU,
		"AURORA_ENDPOINT_OVH_CA": s.EndpointOVHCA, "AURORA_ENDPOINT_OVH_US": s.EndpointOVHUS, "AURORA_ENDPOINT_OVH_AUTH": s.EndpointOVHAuth,
	}
}

// secrets are what no output may show.
func (s SignIns) secrets() []store.Secret {
	return []store.Secret{s.GoogleSecret, s.OVHEUSecret, s.OVHCASecret, s.OVHUSSecret}
}

// notes tell what people cannot do for lack of a setting. None of it is a fault.
func (s SignIns) notes(publicURL string) []string {
	var notes []string
	if s.GoogleID == "" {
		notes = append(notes, "gcp: GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are not set, so people link Google Cloud by a service account's key only. "+
			"Make an OAuth client of the type Web application with the redirect URI "+publicURL+"/api/auth/gcp/callback")
	}
	switch {
	case !s.OVH && len(s.ovhClients()) > 0:
		notes = append(notes, "ovh: FEATURE_FLAG_OVH_ENABLED is off, so Aurora's clients at OVHcloud are not used")
	case s.OVH && len(s.ovhClients()) < 3:
		notes = append(notes, "ovh: people can sign in to "+strings.Join(slices.Sorted(maps.Keys(s.ovhClients())), ", ")+
			" only; each of eu, ca and us needs an OAuth client of its own, with the redirect URI "+publicURL+"/api/auth/ovh/callback")
	}
	return notes
}

func (d *doctor) signIns() {
	public := d.config.PublicURL
	if public == "" {
		public = "<AURORA_PUBLIC_URL>"
	}
	notes := d.config.notes(public)
	if d.config.SlackClientID == "" {
		notes = append(notes, "slack: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are not set, so an admin has to approve what people connect. "+
			"Add the user scope openid and the redirect URL "+public+"/api/auth/slack/callback to the Slack app")
	}
	for _, note := range notes {
		_, _ = fmt.Fprintln(d.io.out, "note  "+note)
	}
}

func newGCP(c config) (*gcp.Connector, error) {
	trusted, err := c.trusted()
	if err != nil {
		return nil, err
	}
	return gcp.New(gcp.Config{
		ClientID: c.GoogleID, ClientSecret: c.GoogleSecret, AuthURL: c.EndpointGoogleAuth, TokenURL: c.EndpointGoogleToken, RevokeURL: c.EndpointGoogleRevoke,
		Compute: c.EndpointCompute, ResourceManager: c.EndpointProjects, Credentials: c.EndpointImpersonate, BigQuery: c.EndpointBigQuery, Storage: c.EndpointStorage, CA: trusted,
	}), nil
}

// newOVH gives nil while OVHcloud is off.
func newOVH(c config, engine *policy.Engine) (*ovh.Connector, error) {
	if !c.OVH {
		return nil, nil
	}
	return ovh.New(ovh.Config{
		Resolve: engine.ResolveCall, Clients: c.ovhClients(), Auth: c.EndpointOVHAuth,
		API: map[string]string{"eu": c.EndpointOVHEU, "ca": c.EndpointOVHCA, "us": c.EndpointOVHUS},
	})
}

// newRefresher keeps the access tokens of the clouds that people sign in to good.
func (a *app) newRefresher() *providers.Refresher {
	renewers := map[store.Cloud]providers.Renewer{store.GCP: a.clouds.gcp}
	if a.clouds.ovh != nil {
		renewers[store.OVH] = a.clouds.ovh
	}
	return &providers.Refresher{Keeper: a.stores.keeper, Leases: a.stores.redis, Breaker: a.stores.sql, Renewers: renewers}
}

// signInAt has people sign in to the simulated clouds.
func (c config) signInAt(sim *cloudsim.Server) config {
	ends := sim.Endpoints()
	c.EndpointGoogleAuth, c.EndpointGoogleToken, c.EndpointGoogleRevoke = ends.GoogleAuth, ends.GoogleToken, ends.GoogleRevoke
	c.EndpointImpersonate = ends.GCPCredentials
	c.EndpointOVHEU, c.EndpointOVHCA, c.EndpointOVHUS, c.EndpointOVHAuth, c.OVH = ends.OVHEU, ends.OVHCA, ends.OVHUS, ends.OVHAuth, true
	google, eu, ca, us := sim.OAuthClient("gcp"), sim.OAuthClient("ovh-eu"), sim.OAuthClient("ovh-ca"), sim.OAuthClient("ovh-us")
	c.GoogleID, c.GoogleSecret = google.ID, store.Secret(google.Secret)
	c.OVHEUID, c.OVHEUSecret = eu.ID, store.Secret(eu.Secret)
	c.OVHCAID, c.OVHCASecret = ca.ID, store.Secret(ca.Secret)
	c.OVHUSID, c.OVHUSSecret = us.ID, store.Secret(us.Secret)
	return c
}
