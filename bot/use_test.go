package bot

import (
	"strings"
	"testing"

	"aurora/providers"
	"aurora/store"
)

func TestAPlaceIsUsedByItsIDOrItsName(t *testing.T) {
	t.Parallel()
	tenant := store.Connection{Account: "tenant", Projects: []string{"0000", "0001", "0002"}, Settings: map[string]string{}}
	providers.SetProjectNames(tenant.Settings, map[string]string{"0000": "Production", "0001": "twin", "0002": "Twin"})
	conns := []store.Connection{tenant, {Account: "111122223333", Label: "payments"}, {Account: "Production-2", Projects: []string{"production"}}}
	for name, want := range map[string]string{
		"0000": "0000", "Production": "0000", "PRODUCTION": "0000", "production": "production", "tenant": "tenant",
		"Payments": "111122223333", "111122223333": "111122223333", "twin": "0001 0002", "gone": "", "": "",
	} {
		if got := strings.Join(placesNamed(conns, name), " "); got != want {
			t.Errorf("%q names %q, want %q", name, got, want)
		}
	}
	if list := strings.Join(reachable(conns), ", "); !strings.Contains(list, "Production (0000)") || !strings.Contains(list, "payments (111122223333)") {
		t.Errorf("the list is %s", list)
	}
}
