package cloudsim_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"aurora/providers/cloudsim"
)

// TestAzureReadsNeedARole holds that a principal sees nothing of a subscription where it has no role that reads.
func TestAzureReadsNeedARole(t *testing.T) {
	t.Parallel()
	world := cloudsim.DefaultWorld()
	subscription := "/azure/arm/subscriptions/" + world.Azure.Subscriptions[0].ID
	sim := start(t, cloudsim.Config{AzurePrincipals: []cloudsim.AzurePrincipal{
		{ClientID: "reader", Secret: "s1", Role: "Reader"}, {ClientID: "vaults", Secret: "s2", Role: "Key Vault Administrator"},
	}})
	for client, row := range map[string]struct {
		secret string
		status int
	}{"reader": {"s1", http.StatusOK}, "vaults": {"s2", http.StatusForbidden}} {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {row.secret}, "scope": {"https://management.azure.com/.default"}}
		_, body := call(t, http.MethodPost, sim.URL()+"/azure/login/"+world.Azure.Tenant+"/oauth2/v2.0/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		var token struct {
			Access string `json:"access_token"`
		}
		if err := json.NewDecoder(strings.NewReader(body)).Decode(&token); err != nil || token.Access == "" {
			t.Fatalf("%s: no token in %s", client, body)
		}
		for path, want := range map[string]int{
			"/providers/Microsoft.Compute/virtualMachines": row.status, "/resourcegroups": row.status, "/providers/Microsoft.Authorization/permissions": http.StatusOK,
		} {
			if status, said := call(t, http.MethodGet, sim.URL()+subscription+path+"?api-version=2024-01-01", "", "Authorization", "Bearer "+token.Access); status != want {
				t.Errorf("%s, %s: %d %s, want %d", client, path, status, said, want)
			}
		}
	}
}
