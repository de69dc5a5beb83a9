package cloudsim

import "slices"

// Azure is one Entra tenant with its subscriptions.
type Azure struct {
	Tenant        string            `json:"tenant"`
	Users         []string          `json:"users"` // who can sign in; all are Contributors
	Subscriptions []Subscription    `json:"subscriptions"`
	Groups        []ManagementGroup `json:"groups,omitempty"`
}

// Subscription is one Azure subscription.
type Subscription struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	State string    `json:"state"` // Enabled or Disabled
	VMs   []AzureVM `json:"vms,omitempty"`
}

// AzureVM is one virtual machine.
type AzureVM struct {
	Name     string            `json:"name"`
	Group    string            `json:"group"` // resource group
	Location string            `json:"location"`
	Size     string            `json:"size"`
	Power    string            `json:"power"` // running, stopped, deallocated
	Tags     map[string]string `json:"tags,omitempty"`
}

// AzurePrincipal is a service principal. Role is Contributor or Reader, on every subscription of the tenant. It signs in
// with whichever of Secret, Certificate and Federated is set.
type AzurePrincipal struct {
	ClientID    string `json:"client_id"`
	Secret      string `json:"client_secret"`
	Certificate string `json:"certificate,omitempty"` // PEM, without the key
	Federated   string `json:"federated,omitempty"`   // the subject of FederatedToken that it trusts
	Role        string `json:"role"`
	// Grants are its roles on single resource groups and resources, besides.
	Grants []AzureGrant `json:"grants,omitempty"`
}

func defaultAzure() Azure {
	vm := func(name, power string) AzureVM {
		return AzureVM{Name: name, Group: "checkout", Location: "westeurope", Size: "Standard_B1s", Power: power, Tags: map[string]string{"team": "checkout"}}
	}
	return Azure{
		Tenant: uuidOf("azure acme"), Users: []string{"ada@example.com"},
		Subscriptions: []Subscription{
			{ID: uuidOf("azure acme prod"), Name: "acme-prod", State: "Enabled", VMs: []AzureVM{vm("checkout-vm-1", "running"), vm("checkout-vm-2", "deallocated")}},
			{ID: uuidOf("azure acme staging"), Name: "acme-staging", State: "Enabled"},
		},
	}
}

func (a *Azure) subscription(id string) *Subscription {
	i := slices.IndexFunc(a.Subscriptions, func(s Subscription) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &a.Subscriptions[i]
}

// AzurePrincipals gives the service principals made at the start: a Contributor, then a Reader.
func (s *Server) AzurePrincipals() []AzurePrincipal { return s.config.AzurePrincipals }

// AzureVM gives a copy of the virtual machine of this name, in any subscription.
func (s *Server) AzureVM(name string) (AzureVM, bool) {
	world := s.World()
	for _, sub := range world.Azure.Subscriptions {
		for _, vm := range sub.VMs {
			if vm.Name == name {
				return vm, true
			}
		}
	}
	return AzureVM{}, false
}
