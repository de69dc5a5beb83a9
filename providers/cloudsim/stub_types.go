package cloudsim

import "time"

type Scaleway struct{}
type OVHRegion struct{}
type Azure struct{}
type ScalewayKey struct{}
type scalewayCloud struct {
	keys map[string]*struct {
		expires time.Time
		revoked bool
	}
}
