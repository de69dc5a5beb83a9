package policy

import "testing"

// A command whose own flag shadows the program's must not lose the place that it names.
func TestEveryProjectFlagNamesAPlace(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"gcloud compute instances list --project=other",
		"gcloud beta iap settings get --project=other",
		"gcloud access-approval requests list --project=other",
		"gcloud access-approval requests list --project other",
	} {
		c, refusal := engine().Parse(line)
		if refusal != nil {
			t.Fatalf("%s: %s", line, refusal.Reason)
		}
		v := engine().Classify(c)
		if len(v.Scope) != 1 || v.Scope[0].Kind != "project" || v.Scope[0].Value != "other" {
			t.Errorf("%s names %v", line, v.Scope)
		}
	}
}
