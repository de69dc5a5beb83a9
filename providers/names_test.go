package providers

import (
	"testing"

	"aurora/providers/policy"
	"aurora/store"
)

func TestAProjectIsFoundByIDAndByName(t *testing.T) {
	t.Parallel()
	c := store.Connection{ID: "c", Cloud: store.Azure, Account: "tenant", Projects: []string{"id-1", "id-2", "id-3"}, Settings: map[string]string{}}
	SetProjectNames(c.Settings, map[string]string{"id-1": "prod", "id-2": "twin", "id-3": "twin"})
	for named, want := range map[string]string{"id-1": "id-1", "prod": "id-1", "PROD": "id-1", "id-2": "id-2", "twin": "", "": "", "lab": ""} {
		if got, ok := projectIn(c, named); got != want || ok != (want != "") {
			t.Errorf("%q gives %q, %v", named, got, ok)
		}
	}
	for _, c := range []struct {
		flag, selected string
		fits           bool
	}{{"prod", "id-1", true}, {"id-1", "prod", true}, {"prod", "id-2", false}, {"lab", "id-1", false}, {"prod", "", true}} {
		want, bad := wanted(Prepared{
			Command: policy.Command{Argv: []string{"az"}}, Verdict: policy.Verdict{Scope: []policy.Scope{{Kind: "subscription", Value: c.flag}}},
		}, c.selected, store.Azure)
		connection := store.Connection{Projects: []string{"id-1", "id-2"}, Settings: map[string]string{}}
		SetProjectNames(connection.Settings, map[string]string{"id-1": "prod"})
		kept, refused := want.fitting([]store.Connection{connection})
		if bad != nil || (len(kept) == 1) != c.fits || (refused == nil) != c.fits {
			t.Errorf("%+v: %v, %v", c, kept, refused)
		}
		if c.fits && want.projects("", connection)[0] != "id-1" {
			t.Errorf("%+v works in %v", c, want.projects("", connection))
		}
	}
}
