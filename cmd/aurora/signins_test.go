package main

import (
	"slices"
	"strings"
	"testing"

	"aurora/providers/policy"
)

func TestDoctorTellsWhoCannotSignIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environ []string
		want    []string
	}{
		"nothing":         {nil, []string{"https://aurora.example/api/auth/gcp/callback"}},
		"Google":          {[]string{"GOOGLE_CLIENT_ID=g", "GOOGLE_CLIENT_SECRET=s3cret"}, nil},
		"OVH is off":      {[]string{"GOOGLE_CLIENT_ID=g", "OVH_EU_CLIENT_ID=e", "OVH_EU_CLIENT_SECRET=s3cret"}, []string{"FEATURE_FLAG_OVH_ENABLED is off"}},
		"two of three":    {[]string{"GOOGLE_CLIENT_ID=g", "FEATURE_FLAG_OVH_ENABLED=1", "OVH_EU_CLIENT_ID=e", "OVH_EU_CLIENT_SECRET=s3cret", "OVH_US_CLIENT_ID=u", "OVH_US_CLIENT_SECRET=s3cret"}, []string{"people can sign in to eu, us only"}},
		"half of a third": {[]string{"GOOGLE_CLIENT_ID=g", "FEATURE_FLAG_OVH_ENABLED=1", "OVH_EU_CLIENT_ID=e"}, []string{"people can sign in to  only"}},
	} {
		got := loadFrom(t, "", c.environ...).notes("https://aurora.example")
		if len(got) != len(c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i], want) || strings.Contains(got[i], "s3cret") {
				t.Errorf("%s: %q, want %q", name, got[i], want)
			}
		}
	}
}

func TestOVHIsThereOnlyWhenItIsOn(t *testing.T) {
	t.Parallel()
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	clients := []string{"OVH_EU_CLIENT_ID=e", "OVH_EU_CLIENT_SECRET=s", "OVH_CA_CLIENT_ID=c"}
	if off, err := newOVH(loadFrom(t, "", clients...), engine); off != nil || err != nil {
		t.Errorf("off: %v, %v", off, err)
	}
	on, err := newOVH(loadFrom(t, "", append(clients, "FEATURE_FLAG_OVH_ENABLED=true")...), engine)
	if err != nil || !slices.Equal(on.Regions(), []string{"eu"}) {
		t.Errorf("on: %v, %v", on, err)
	}
	secrets := loadFrom(t, "", clients...).secrets()
	if len(secrets) != 4 || secrets[1].Reveal() != "s" {
		t.Error("the redactor does not know the clients' secrets")
	}
}
