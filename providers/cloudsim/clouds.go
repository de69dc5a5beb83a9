package cloudsim

import "sync"

// mount puts every cloud below its path. AWS answers at the root, because its tools take one address for all services;
// it must stay the last.
func (s *Server) mount() {
	s.grants = map[string]*authorizationServer{}
	for name, client := range s.config.OAuth {
		s.grants[name] = newAuthorizationServer(name, client)
	}
	google := s.grants["gcp"]
	google.prefix = "ya29.a0"
	google.issuer = googleIssuer
	google.signer = sync.OnceValue(newRSAKey)
	google.accounts = func(w *World) []string { return w.GCP.Users }
	s.aws = newAWSCloud(s)
	s.tailnet = newTailscaleCloud(s)
	s.scaleway = newScalewayCloud(s)
	for _, region := range []string{"eu", "ca", "us"} {
		oauth := s.grants["ovh-"+region]
		oauth.rotates, oauth.strict = true, true
		oauth.accounts = func(w *World) []string { return w.ovhAccounts(region) }
	}
	azure := s.grants["azure"]
	azure.rotates = true
	azure.accounts = func(w *World) []string { return w.Azure.Users }
	s.clouds = []mounted{
		{"/compute/v1", "gcp", &gcpCloud{server: s, oauth: google, service: "compute", routes: computeRoutes}},
		{"/cloudresourcemanager", "gcp", &gcpCloud{server: s, oauth: google, service: "cloudresourcemanager", routes: projectRoutes}},
		{"/iamcredentials", "gcp", &gcpCloud{server: s, oauth: google, service: "iamcredentials", routes: impersonateRoutes}},
		{"/bigquery/v2", "gcp", &gcpCloud{server: s, oauth: google, service: "bigquery", routes: bigQueryRoutes}},
		{"/$discovery", "gcp", bigQueryDiscovery{}},
		{"/storage/v1", "gcp", &gcpCloud{server: s, oauth: google, service: "storage", routes: storageRoutes}},
		{"/google", "gcp", &googleSignIn{server: s, oauth: google}},
		{"/tailscale/api/v2", "tailscale", s.tailnet},
		{"/scaleway", "scaleway", s.scaleway},
		{"/ovh", "ovh", &ovhCloud{server: s}},
		{"/azure/login", "azure", &azureLogin{server: s, oauth: azure}},
		{"/adfs", "azure", &azureLogin{server: s, oauth: azure}},
		{"/azure/arm", "azure", &azureARM{server: s, oauth: azure}},
		{"", "aws", s.aws},
	}
}
