package cloudsim

import (
	"encoding/json"
	"fmt"
	"time"
)

// World is everything that exists in the simulated clouds. It is plain data: read a copy with [Server.World], change it
// with [Server.Change] or over /sim/state.
type World struct {
	AWS           []Account         `json:"aws"`
	Organisations []AWSOrganisation `json:"organisations,omitempty"`
	GCP           GCP               `json:"gcp"`
	Tailscale     []TailnetState    `json:"tailscale"`
	Scaleway      Scaleway          `json:"scaleway"`
	OVH           []OVHRegion       `json:"ovh"`
	Azure         Azure             `json:"azure"`
	Serial        int               `json:"serial"` // counts what was made, so that ids repeat from run to run
}

// World gives a copy of what exists now.
func (s *Server) World() World {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.clone()
}

// Change alters the world in place, with the server locked: change must not call the server's methods.
func (s *Server) Change(change func(*World)) { s.update(func() { change(&s.world) }) }

func (w World) clone() World {
	raw, err := json.Marshal(w)
	if err != nil {
		panic(fmt.Sprintf("world is not plain data: %v", err)) // a type in this package is wrong
	}
	var out World
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(fmt.Sprintf("world is not plain data: %v", err))
	}
	return out
}

// worldBegan is when the default world's things were made. It is fixed so that answers repeat.
var worldBegan = time.Date(2026, time.March, 2, 9, 30, 0, 0, time.UTC)

// DefaultWorld is the small world every simulator starts with: two AWS accounts besides Aurora's own, three Google
// projects, one tailnet, and one account each at Scaleway, OVH and Azure.
func DefaultWorld() World {
	return World{AWS: defaultAccounts(), GCP: defaultGCP(), Tailscale: []TailnetState{defaultTailnet()}, Scaleway: defaultScaleway(), OVH: defaultOVH(), Azure: defaultAzure()}
}
