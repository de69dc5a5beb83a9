package cloudsim

type GCP struct{}
type TailnetState struct{}
type Scaleway struct{}
type OVHRegion struct{}
type Azure struct{}
type gcpCloud struct{}
type tailscaleCloud struct{}
type authorizationServer struct{}

func DefaultWorld() World { return World{AWS: defaultAccounts()} }
