package providers

import "testing"

func TestRefusedListIsNoEmptyList(t *testing.T) {
	warning := []byte("WARNING: Some requests did not succeed.\n - Required 'compute.instances.list' permission\nListed 0 items.\n")
	if !halfRefused("gcloud", warning) {
		t.Error("gcloud's warning is taken for an answer")
	}
	if halfRefused("gcloud", []byte("Listed 0 items.\n")) || halfRefused("aws", warning) {
		t.Error("an empty list is taken for a refusal")
	}
}
