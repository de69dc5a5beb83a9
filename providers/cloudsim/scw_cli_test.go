package cloudsim_test

import (
	"strings"
	"testing"

	"aurora/providers/cloudsim"
)

func TestRealScwListsAndStops(t *testing.T) {
	t.Parallel()
	needCLI(t, "scw", false)
	sim := start(t, cloudsim.Config{})
	world := sim.World().Scaleway
	run := func(key cloudsim.ScalewayKey, line string) (string, bool) {
		env := []string{
			"SCW_CONFIG_PATH=/dev/null", "SCW_API_URL=" + sim.Endpoints().Scaleway, "SCW_ACCESS_KEY=" + key.AccessKey, "SCW_SECRET_KEY=" + key.SecretKey,
			"SCW_DEFAULT_PROJECT_ID=" + world.Projects[0].ID, "SCW_DEFAULT_ORGANIZATION_ID=" + world.Organization,
			"SCW_DEFAULT_REGION=fr-par", "SCW_DEFAULT_ZONE=fr-par-1", "SCW_DISABLE_CHECK_VERSION=1", "SCW_SEND_TELEMETRY=false",
		}
		out, errs, ok := tool(t, env, append([]string{"scw", "-o", "json"}, strings.Fields(line)...)...)
		return out + errs, ok
	}
	full, readOnly := sim.ScalewayKeys()[0], sim.ScalewayKeys()[1]
	rows := []struct {
		key  cloudsim.ScalewayKey
		line string
		ok   bool
		want string
	}{
		{readOnly, "instance server list zone=all", true, "cache-2"},
		{readOnly, "instance server stop " + world.Servers[0].ID, false, "insufficient permissions"},
		{full, "instance server stop " + world.Servers[0].ID, true, "poweroff"},
		{full, "instance server get " + world.Servers[0].ID, true, `"state":"stopped"`},
		{full, "account project list", true, "staging"},
		{cloudsim.ScalewayKey{AccessKey: full.AccessKey, SecretKey: "11111111-1111-4111-a111-111111111111"}, "instance server list", false, "denied authentication"},
	}
	for _, row := range rows {
		text, ok := run(row.key, row.line)
		if ok != row.ok || !strings.Contains(text, row.want) {
			t.Errorf("scw %s: ok %v, want %v with %q in:\n%s", row.line, ok, row.ok, row.want, text)
		}
	}
	if n := sim.Executed("instance.servers.action.poweroff"); n != 1 {
		t.Errorf("poweroff was executed %d times", n)
	}
}
