package cloudsim

// Endpoints are the base addresses of everything a Server answers for.
type Endpoints struct {
	AWS                string `json:"aws"` // every AWS service, for AWS_ENDPOINT_URL
	GCPCompute         string `json:"gcp_compute"`
	GCPResourceManager string `json:"gcp_resourcemanager"`
	GCPCredentials     string `json:"gcp_iamcredentials"`
	GCPBigQuery        string `json:"gcp_bigquery"`              // the root of BigQuery's API; /bigquery/v2 and the discovery document are below it
	GCPStorageTLS      string `json:"gcp_storage_tls,omitempty"` // the root of Cloud Storage's JSON API, which gsutil takes over TLS alone; /storage/v1 is below it
	GoogleAuth         string `json:"google_auth"`
	GoogleToken        string `json:"google_token"`
	GoogleRevoke       string `json:"google_revoke"`
	GoogleUserinfo     string `json:"google_userinfo"`
	Tailscale          string `json:"tailscale"` // base address; /api/v2 is below it
	Scaleway           string `json:"scaleway"`
	OVHEU              string `json:"ovh_eu"`
	OVHCA              string `json:"ovh_ca"`
	OVHUS              string `json:"ovh_us"`
	OVHAuth            string `json:"ovh_auth"` // below it: {eu,ca,us}/auth/oauth2/{authorize,token}
	AzureLogin         string `json:"azure_login"`
	AzureARM           string `json:"azure_arm"`
	AzureLoginTLS      string `json:"azure_login_tls,omitempty"` // AD FS form, for az cloud register; empty without StartTLS
	AzureARMTLS        string `json:"azure_arm_tls,omitempty"`
	Control            string `json:"control"` // the simulator's own interface, /sim/
}

// Endpoints tells where this server answers. It is empty until the server listens.
func (s *Server) Endpoints() Endpoints {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := endpointsAt(s.base)
	if s.secure != "" {
		e.AzureLoginTLS, e.AzureARMTLS = s.secure+"/adfs", s.secure+"/azure/arm"
		e.GCPStorageTLS = s.secure + "/"
	}
	return e
}

func endpointsAt(base string) Endpoints {
	if base == "" {
		return Endpoints{}
	}
	return Endpoints{
		AWS:                base,
		GCPCompute:         base + "/compute/v1/",
		GCPResourceManager: base + "/cloudresourcemanager/",
		GCPCredentials:     base + "/iamcredentials/",
		GCPBigQuery:        base + "/",
		GoogleAuth:         base + "/google/o/oauth2/v2/auth",
		GoogleToken:        base + "/google/token",
		GoogleRevoke:       base + "/google/revoke",
		GoogleUserinfo:     base + "/google/oauth2/v2/userinfo",
		Tailscale:          base + "/tailscale",
		Scaleway:           base + "/scaleway",
		OVHEU:              base + "/ovh/eu",
		OVHCA:              base + "/ovh/ca",
		OVHUS:              base + "/ovh/us",
		OVHAuth:            base + "/ovh",
		AzureLogin:         base + "/azure/login",
		AzureARM:           base + "/azure/arm",
		Control:            base + "/sim/",
	}
}

// Env gives the endpoints as Aurora's own settings, AURORA_ENDPOINT_<X>.
func (e Endpoints) Env() map[string]string {
	login, arm := e.AzureLogin, e.AzureARM
	if e.AzureARMTLS != "" { // az takes nothing else
		login, arm = e.AzureLoginTLS, e.AzureARMTLS
	}
	return map[string]string{
		"AURORA_ENDPOINT_AWS":                 e.AWS,
		"AURORA_ENDPOINT_AWS_STS":             e.AWS,
		"AURORA_ENDPOINT_GOOGLE_AUTH":         e.GoogleAuth,
		"AURORA_ENDPOINT_GOOGLE_TOKEN":        e.GoogleToken,
		"AURORA_ENDPOINT_GOOGLE_REVOKE":       e.GoogleRevoke,
		"AURORA_ENDPOINT_GCP_COMPUTE":         e.GCPCompute,
		"AURORA_ENDPOINT_GCP_RESOURCEMANAGER": e.GCPResourceManager,
		"AURORA_ENDPOINT_GCP_IAMCREDENTIALS":  e.GCPCredentials,
		"AURORA_ENDPOINT_GCP_BIGQUERY":        e.GCPBigQuery,
		"AURORA_ENDPOINT_GCP_STORAGE":         e.GCPStorageTLS,
		"AURORA_ENDPOINT_AZURE_LOGIN":         login,
		"AURORA_ENDPOINT_AZURE_ARM":           arm,
		"AURORA_ENDPOINT_SCALEWAY":            e.Scaleway,
		"AURORA_ENDPOINT_TAILSCALE":           e.Tailscale,
		"AURORA_ENDPOINT_OVH_EU":              e.OVHEU,
		"AURORA_ENDPOINT_OVH_CA":              e.OVHCA,
		"AURORA_ENDPOINT_OVH_US":              e.OVHUS,
		"AURORA_ENDPOINT_OVH_AUTH":            e.OVHAuth,
	}
}
