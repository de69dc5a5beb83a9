package cloudsim

import "time"

// GCP is what exists at Google.
type GCP struct {
	Users    []string  `json:"users"` // e-mail addresses that can sign in
	Projects []Project `json:"projects"`
	Folders  []Folder  `json:"folders,omitempty"`
	// Impersonators say who may ask for tokens of a service account, by its address.
	Impersonators map[string][]string `json:"impersonators,omitempty"`
}

// Project is one Google Cloud project.
type Project struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Number   string            `json:"number"`
	Labels   map[string]string `json:"labels,omitempty"`
	Folder   string            `json:"folder,omitempty"` // the number of the folder it is in
	State    string            `json:"state"`            // ACTIVE or DELETE_REQUESTED
	Bindings map[string]string `json:"bindings"`         // e-mail to role: roles/viewer, roles/editor, roles/owner, roles/compute.viewer
	VMs      []VM              `json:"vms,omitempty"`
	Ops      []GCPOperation    `json:"operations,omitempty"`
	Datasets []Dataset         `json:"datasets,omitempty"`
	Queries  []QueryJob        `json:"queries,omitempty"`
	Buckets  []GCSBucket       `json:"buckets,omitempty"`
}

// VM is one Compute Engine instance.
type VM struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Zone       string            `json:"zone"`
	Type       string            `json:"type"`              // machine type, without its path
	Status     string            `json:"status"`            // PROVISIONING, RUNNING, STOPPING, TERMINATED
	Becomes    string            `json:"becomes,omitempty"` // the status it is on its way to; "gone" while it is deleted
	Settles    time.Time         `json:"settles,omitzero"`
	Labels     map[string]string `json:"labels,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	InternalIP string            `json:"internal_ip"`
	ExternalIP string            `json:"external_ip,omitempty"`
	Created    time.Time         `json:"created"`
	Protected  bool              `json:"protected,omitempty"` // deletionProtection
}

// GCPOperation is one zonal operation.
type GCPOperation struct {
	Name    string    `json:"name"`
	Zone    string    `json:"zone"`
	Type    string    `json:"type"`
	VM      string    `json:"vm"`
	VMID    string    `json:"vm_id"`
	User    string    `json:"user"`
	Request string    `json:"request,omitempty"` // requestId it was asked with
	Started time.Time `json:"started"`
	Settles time.Time `json:"settles"`
}

// gcpZones are the zones the simulated Compute Engine has.
var gcpZones = []string{"europe-west1-b", "europe-west1-c", "us-central1-a", "us-central1-b"}

func defaultGCP() GCP {
	return GCP{
		Users: []string{GCPUser, "ben@example.com"},
		Projects: []Project{
			{
				ID: GCPProject, Name: "Acme production", Number: "401122334455", State: "ACTIVE", Labels: map[string]string{"env": "prod"},
				Bindings: map[string]string{GCPUser: "roles/owner", "ben@example.com": "roles/viewer", GCPAccount: "roles/editor"},
				VMs: []VM{
					defaultVM("checkout-web-1", "us-central1-a", "RUNNING", "10.128.0.11"),
					defaultVM("checkout-web-2", "us-central1-a", "RUNNING", "10.128.0.12"),
					defaultVM("batch-1", "europe-west1-b", "TERMINATED", "10.132.0.11"),
				},
				Datasets: defaultDatasets(), Buckets: defaultGCSBuckets(),
			},
			{
				ID: "acme-staging", Name: "Acme staging", Number: "501122334455", State: "ACTIVE",
				Bindings: map[string]string{GCPUser: "roles/viewer"},
				VMs:      []VM{defaultVM("staging-web-1", "europe-west1-c", "RUNNING", "10.132.1.11")},
			},
			{ID: "other-corp", Name: "Somebody else's", Number: "601122334455", State: "ACTIVE", Bindings: map[string]string{}},
		},
	}
}

func defaultVM(name, zone, status, ip string) VM {
	vm := VM{
		ID: numberOf(zone + name), Name: name, Zone: zone, Type: "e2-medium", Status: status, InternalIP: ip, Created: worldBegan,
		Labels:   map[string]string{"team": "checkout"},
		Metadata: map[string]string{"startup-script": "#!/bin/sh\nexport API_TOKEN=simulated-token-1234\n"},
	}
	if status == "RUNNING" {
		vm.ExternalIP = "203.0.113." + ip[len(ip)-2:]
	}
	return vm
}

func (g *GCP) project(id string) *Project {
	for i := range g.Projects {
		if p := &g.Projects[i]; p.ID == id || p.Number == id {
			return p
		}
	}
	return nil
}

func (p *Project) vm(zone, name string) *VM {
	for i := range p.VMs {
		if vm := &p.VMs[i]; vm.Zone == zone && (vm.Name == name || vm.ID == name) {
			return vm
		}
	}
	return nil
}

// settle lets the instances arrive whose time has come.
func (p *Project) settle(now time.Time) {
	kept := p.VMs[:0]
	for _, vm := range p.VMs {
		if vm.Becomes != "" && !now.Before(vm.Settles) {
			vm.Status, vm.Becomes = vm.Becomes, ""
		}
		if vm.Status != "gone" {
			kept = append(kept, vm)
		}
	}
	p.VMs = kept
}

// VM gives a copy of the Compute Engine instance of this name in this project.
func (s *Server) VM(project, name string) (VM, bool) {
	world := s.World()
	p := world.GCP.project(project)
	if p == nil {
		return VM{}, false
	}
	for _, vm := range p.VMs {
		if vm.Name == name {
			return vm, true
		}
	}
	return VM{}, false
}
