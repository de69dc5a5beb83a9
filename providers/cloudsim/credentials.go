package cloudsim

import (
	"fmt"
	"slices"
	"time"
)

// Credentials are the secrets a simulator was made with, for harnesses in other processes.
type Credentials struct {
	AWS       AWSKey                 `json:"aws"`   // Aurora's own
	OAuth     map[string]OAuthClient `json:"oauth"` // by client name
	Tailscale TailscaleClient        `json:"tailscale"`
	Scaleway  []ScalewayKey          `json:"scaleway"`
	Azure     []AzurePrincipal       `json:"azure"`
}

// Credentials gives the secrets this simulator was made with.
func (s *Server) Credentials() Credentials {
	return Credentials{AWS: s.config.AWSKey, OAuth: s.config.OAuth, Tailscale: s.config.TailscaleClient, Scaleway: s.config.ScalewayKeys, Azure: s.config.AzurePrincipals}
}

// Expire lets a short-lived credential end now: an AWS session by its access key id, an OAuth or Tailscale access token by
// itself. An empty id ends all short-lived ones of that cloud. It tells how many ended.
func (s *Server) Expire(cloud, id string) (int, error) {
	return s.endThose(cloud, id, func(t *time.Time, _ *bool) { *t = time.Now() })
}

// Revoke makes a credential unknown: an AWS key by its id, an OAuth or Tailscale access token by itself, a Tailscale OAuth
// client, a Scaleway key or a Google service account's key by its id. An empty id revokes all short-lived ones of that cloud. It tells how many ended.
func (s *Server) Revoke(cloud, id string) (int, error) {
	return s.endThose(cloud, id, func(_ *time.Time, revoked *bool) { *revoked = true })
}

// endThose applies how to the expiry and the revocation of every credential that matches.
func (s *Server) endThose(cloud, id string, how func(*time.Time, *bool)) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hit := func(name string, lasting bool, expires *time.Time, revoked *bool) {
		if name == id || (id == "" && !lasting) {
			how(expires, revoked)
			n++
		}
	}
	switch cloud {
	case "aws":
		for name, key := range s.aws.keys {
			hit(name, key.SessionToken == "", &key.expires, &key.revoked)
		}
	case "tailscale":
		for name, token := range s.tailnet.tokens {
			hit(name, token.client == nil, &token.expires, &token.revoked)
		}
		var never time.Time
		for name, client := range s.tailnet.clients {
			hit(name, true, &never, &client.revoked)
		}
	case "scaleway":
		for name, key := range s.scaleway.keys {
			hit(name, true, &key.expires, &key.revoked)
		}
	case "gcp", "azure", "ovh":
		for _, server := range s.grantsOf(cloud) {
			for name, token := range server.access {
				hit(name, false, &token.expires, &token.revoked)
			}
			var never time.Time
			for name, key := range server.keys {
				hit(name, true, &never, &key.revoked)
			}
		}
	default:
		return 0, fmt.Errorf("there is no cloud %q: use aws, gcp, tailscale, scaleway, ovh or azure", cloud)
	}
	return n, nil
}

// grantsOf gives the authorization servers of a cloud; OVH has three.
func (s *Server) grantsOf(cloud string) []*authorizationServer {
	if cloud != "ovh" {
		return []*authorizationServer{s.grants[cloud]}
	}
	return []*authorizationServer{s.grants["ovh-eu"], s.grants["ovh-ca"], s.grants["ovh-us"]}
}

// RevokeGrants takes back every consent a person gave this OAuth client, so that refreshing fails with invalid_grant.
func (s *Server) RevokeGrants(client, account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	server := s.grants[client]
	if server == nil {
		return fmt.Errorf("there is no OAuth client %q", client)
	}
	grants := []*grant{}
	for _, token := range server.refresh {
		grants = append(grants, token.grant)
	}
	for _, token := range server.access {
		grants = append(grants, token.grant)
	}
	for _, g := range slices.DeleteFunc(grants, func(g *grant) bool { return g.subject != account }) {
		g.revoked = true
	}
	return nil
}
