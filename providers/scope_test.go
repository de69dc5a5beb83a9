package providers

import (
	"testing"

	"aurora/providers/policy"
	"aurora/store"
)

// namedPlaces are commands that name places, and whether all of them belong to a connection that has shop-a and shop-b.
var namedPlaces = map[string]bool{
	"bq show shop-a:ds.t":                       true,
	"bq show ds.t":                              true,
	"bq show shop-x:ds.t":                       false,
	"bq ls shop-x:":                             false,
	"bq ls --datasets shop-x":                   false,
	"bq ls -j shop-x":                           false,
	"bq ls -j shop-a":                           true,
	"bq ls orders":                              true,
	"bq head shop-x:ds.t":                       false,
	"bq --dataset_id=shop-x:ds show t":          false,
	"bq show --connection shop-x.eu.link":       false,
	"bq show --connection eu.link":              true,
	"bq cp shop-a:ds.t,shop-x:ds.t shop-a:ds.u": false,
	"bq cp ds.t shop-x:ds.u":                    false,
	"bq load ds.t gs://b/f name:STRING,n:INT":   true,
	"bq query --destination_table=shop-x:d.t x": false,

	"gcloud asset search-all-resources --scope=projects/shop-a":                                                                                      true,
	"gcloud asset search-all-resources --scope=folders/1":                                                                                            false,
	"gcloud asset search-all-resources --scope organizations/1":                                                                                      false,
	"gcloud asset search-all-resources --scope=projects/shop-a --query=folders/1":                                                                    true,
	"gcloud logging read x --resource-names=folders/1":                                                                                               false,
	"gcloud logging read folders/1 --resource-names folders/1":                                                                                       false,
	"gcloud logging read x --resource-names=projects/shop-a/locations/l,projects/shop-x/locations/l":                                                 false,
	"gcloud logging read x --resource-names=projects/shop-a/locations/l,projects/shop-a/logs/l":                                                      true,
	"gcloud logging read 'logName=projects/shop-x/logs/l'":                                                                                           true,
	"gcloud compute instances list --filter=zone:projects/shop-x/zones/z":                                                                            true,
	"gcloud compute instances list --filter projects/shop-x/zones/z":                                                                                 true,
	"gcloud storage ls gs://bucket/folders/2026/projects/old":                                                                                        true,
	"gcloud compute images describe projects/debian-cloud/global/images/family/debian-12":                                                            true,
	"gcloud compute images delete projects/shop-x/global/images/golden":                                                                              false,
	"gcloud compute instances create v --image=projects/debian-cloud/global/images/d":                                                                true,
	"gcloud compute instances create v --create-disk=image=projects/debian-cloud/global/images/d,source-snapshot=projects/shop-x/global/snapshots/s": false,
	"gcloud projects describe shop-a":                                                                                                                true,
	"gcloud projects get-iam-policy shop-x":                                                                                                          false,
	"gcloud projects delete shop-x":                                                                                                                  false,
	"gcloud projects create shop-new":                                                                                                                true,
	"gcloud resource-manager folders describe 1":                                                                                                     false,
	"gcloud organizations get-iam-policy 1":                                                                                                          false,
	"gcloud billing projects describe shop-x":                                                                                                        false,
	"gcloud secrets versions list projects/shop-a/secrets/s":                                                                                         true,
	"gcloud pubsub topics list-subscriptions projects/shop-x/topics/t":                                                                               false,
	"gcloud compute instances list --project=shop-a":                                                                                                 true,
	"gcloud compute instances describe https://h/v1/projects/shop-x/z/i":                                                                             false,

	"az graph query -q x --management-groups g":                                                              false,
	"az graph query -q x --subscriptions shop-a":                                                             true,
	"az graph query -q x --subscriptions shop-a shop-x":                                                      false,
	"az deployment mg create --management-group-id g --location eu":                                          false,
	"az deployment mg show -m g --name n":                                                                    false,
	"az account management-group show --name g":                                                              false,
	"az policy definition list --management-group g":                                                         false,
	"az role assignment list --scope /subscriptions/shop-a":                                                  true,
	"az role assignment list --scope /Subscriptions/shop-x/x":                                                false,
	"az resource show --ids /subscriptions/shop-a/r /subscriptions/shop-x/r":                                 false,
	"az role assignment list --scope /providers/Microsoft.Management/managementGroups/g":                     false,
	"az role assignment list --scope /subscriptions/shop-a --query \"[?scope=='/subscriptions/shop-x']\"":    true,
	"az group create -n g -l eu --tags 'of=[\"/subscriptions/shop-x/resourceGroups/r\"]'":                    false,
	"az vm create -n v -g g --nics /subscriptions/shop-a/n --public-ip-address /subscriptions/shop-x/public": false,
}

// TestPlacesBelongToTheConnection holds every way to name a place against a connection that has two projects, shop-a and
// shop-b, and a person who is meant to stay in shop-a.
func TestPlacesBelongToTheConnection(t *testing.T) {
	t.Parallel()
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for line, inside := range namedPlaces {
		command, refused := engine.Parse(line)
		if refused != nil {
			t.Errorf("%s: %s", line, refused.Reason)
			continue
		}
		p := Prepared{Command: command, Verdict: engine.Classify(command)}
		if p.Verdict.Rule == policy.RuleUnknown {
			t.Errorf("%s: %s", line, p.Verdict.Reason)
			continue
		}
		want, bad := wanted(p, "", store.Cloud(command.Provider))
		if bad == nil {
			_, bad = want.fitting([]store.Connection{{ID: "c", Account: "account", Projects: []string{"shop-a", "shop-b"}}})
		}
		if (bad == nil) != inside {
			t.Errorf("%s: inside is %v, the answer is %v", line, !inside, bad)
		}
	}
}
