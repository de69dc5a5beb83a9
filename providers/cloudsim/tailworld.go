package cloudsim

import (
	"slices"
	"time"
)

// TailnetState is one tailnet.
type TailnetState struct {
	Name     string         `json:"name"`
	Devices  []Device       `json:"devices,omitempty"`
	Keys     []TailKey      `json:"keys,omitempty"`
	Policy   string         `json:"policy"` // the policy file, HuJSON
	DNS      TailDNS        `json:"dns"`
	Settings map[string]any `json:"settings"`
}

// Device is one machine in a tailnet.
type Device struct {
	ID         string    `json:"id"`     // the old, numeric id
	NodeID     string    `json:"nodeId"` // the one to use
	Name       string    `json:"name"`
	Hostname   string    `json:"hostname"`
	User       string    `json:"user"`
	OS         string    `json:"os"`
	Addresses  []string  `json:"addresses"`
	Tags       []string  `json:"tags,omitempty"`
	Authorized bool      `json:"authorized"`
	NoExpiry   bool      `json:"keyExpiryDisabled"`
	Advertised []string  `json:"advertised,omitempty"`
	Enabled    []string  `json:"enabled,omitempty"`
	Created    time.Time `json:"created"`
	LastSeen   time.Time `json:"lastSeen"`
	Expires    time.Time `json:"expires"`
	External   bool      `json:"isExternal,omitempty"` // of another tailnet, shared with this one
}

// TailKey is an auth key or an OAuth client, without its secret: that is shown once, when it is made.
type TailKey struct {
	ID           string    `json:"id"`
	Kind         string    `json:"keyType"` // auth or client
	Description  string    `json:"description"`
	Reusable     bool      `json:"reusable,omitempty"`
	Ephemeral    bool      `json:"ephemeral,omitempty"`
	Preauthorize bool      `json:"preauthorized,omitempty"`
	Tags         []string  `json:"tags,omitempty"`
	Scopes       []string  `json:"scopes,omitempty"`
	Created      time.Time `json:"created"`
	Expires      time.Time `json:"expires,omitzero"`
	Revoked      time.Time `json:"revoked,omitzero"`
}

// TailDNS is a tailnet's DNS configuration.
type TailDNS struct {
	Nameservers []string            `json:"nameservers"`
	SearchPaths []string            `json:"searchPaths"`
	SplitDNS    map[string][]string `json:"splitDns"`
	MagicDNS    bool                `json:"magicDNS"`
}

func defaultTailnet() TailnetState {
	device := func(id, node, name, address string, tags ...string) Device {
		return Device{
			ID: id, NodeID: node, Name: name + ".tail1234.ts.net", Hostname: name, User: "ada@example.com", OS: "linux", Addresses: []string{address},
			Tags: tags, Authorized: true, Created: worldBegan, LastSeen: worldBegan.Add(time.Hour), Expires: worldBegan.AddDate(0, 6, 0),
		}
	}
	gateway := device("92960230385", "n5xYFQ2CNTRL", "gateway", "100.64.0.1", "tag:router")
	gateway.Advertised, gateway.Enabled = []string{"10.0.0.0/16", "192.168.1.0/24"}, []string{"10.0.0.0/16"}
	laptop := device("92960230387", "nHj9kP3CNTRL", "new-laptop", "100.64.0.3")
	laptop.Authorized, laptop.OS = false, "macOS"
	return TailnetState{
		Name:    Tailnet,
		Devices: []Device{gateway, device("92960230386", "nBc7wL8CNTRL", "checkout-bastion", "100.64.0.2", "tag:prod"), laptop},
		Keys: []TailKey{{ID: "kAuth1111CNTRL", Kind: "auth", Description: "ci runners", Reusable: true, Ephemeral: true, Tags: []string{"tag:prod"},
			Created: worldBegan, Expires: worldBegan.AddDate(1, 0, 0)}},
		Policy: "// Who may reach what.\n{\n\t\"tagOwners\": {\"tag:prod\": [\"autogroup:admin\"], \"tag:router\": [\"autogroup:admin\"]},\n" +
			"\t\"acls\": [{\"action\": \"accept\", \"src\": [\"*\"], \"dst\": [\"*:*\"]}],\n}\n",
		DNS: TailDNS{Nameservers: []string{"1.1.1.1"}, SearchPaths: []string{"corp.example.com"}, SplitDNS: map[string][]string{}, MagicDNS: true},
		Settings: map[string]any{
			"devicesApprovalOn": true, "devicesAutoUpdatesOn": false, "devicesKeyDurationDays": 180.0, "usersApprovalOn": true,
			"usersRoleAllowedToJoinExternalTailnets": "admin", "networkFlowLoggingOn": false, "regionalRoutingOn": false,
			"postureIdentityCollectionOn": false, "httpsEnabled": true, "aclsExternallyManagedOn": false, "aclsExternalLink": "",
		},
	}
}

func (w *World) tailnet(name string) *TailnetState {
	i := slices.IndexFunc(w.Tailscale, func(t TailnetState) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &w.Tailscale[i]
}

// device finds a device of any tailnet by either id.
func (t *TailnetState) device(id string) *Device {
	for i := range t.Devices {
		if d := &t.Devices[i]; d.NodeID == id || d.ID == id {
			return d
		}
	}
	return nil
}

// Device gives a copy of the device with this id or host name, in any tailnet.
func (s *Server) Device(name string) (Device, bool) {
	world := s.World()
	for _, t := range world.Tailscale {
		for _, d := range t.Devices {
			if d.NodeID == name || d.ID == name || d.Hostname == name {
				return d, true
			}
		}
	}
	return Device{}, false
}
