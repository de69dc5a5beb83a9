package azure

import (
	"slices"
	"testing"

	"aurora/providers"
	"aurora/providers/cloudsim"
)

func TestAManagementGroupGivesWhatIsBelowIt(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	w.sim.OrganiseAzure(300)
	setup := Setup{Tenant: w.tenant, Group: cloudsim.AzureGroup, Principal: bySecret(w.full), Reader: bySecret(w.read)}
	link, err := w.azure.Connect(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	if len(link.Projects) != 300 || !slices.Contains(link.Projects, cloudsim.AzureMember(7)) || slices.Contains(link.Projects, cloudsim.AzureMember(301)) {
		t.Errorf("%d subscriptions", len(link.Projects))
	}
	if n := w.sim.Executed("Microsoft.Management/managementGroups/descendants/read"); n != 4 {
		t.Errorf("the group was asked for in %d pages", n)
	}
	setup.Group = "../../subscriptions"
	_, err = w.azure.Connect(t.Context(), setup)
	says(t, err, providers.CodeRefused, "not the id of a management group")
	setup.Group = "nobodys"
	_, err = w.azure.Connect(t.Context(), setup)
	says(t, err, providers.CodeRefused, "AuthorizationFailed")
	setup.Group, setup.Subscriptions = cloudsim.AzureGroup, []string{"acme-prod"}
	_, err = w.azure.Connect(t.Context(), setup)
	says(t, err, providers.CodeRefused, "does not see a subscription")
}
