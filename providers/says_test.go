package providers

import "testing"

func TestWhatAProgramRepeatsItDoesNotSay(t *testing.T) {
	t.Parallel()
	const words = "Request had invalid authentication credentials"
	for _, c := range []struct {
		said string
		argv []string
		want bool
	}{
		{"ERROR: (gcloud) 401: " + words + ".", []string{"gcloud", "compute", "instances", "list"}, true},
		{"ERROR: Could not fetch [" + words + "]", []string{"gcloud", "describe", words}, false},
		{"ERROR: Could not fetch " + words, []string{"gcloud", "describe", "Request had invalid", "authentication credentials"}, false},
		{"ERROR: not found", []string{"gcloud", "describe", "x"}, false},
	} {
		if got := Says(c.said, c.argv, "something else", words); got != c.want {
			t.Errorf("%q of %q: %v", c.said, c.argv, got)
		}
	}
}
