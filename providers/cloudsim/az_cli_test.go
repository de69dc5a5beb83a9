package cloudsim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aurora/providers/cloudsim"
)

// azLogin registers the simulated cloud and signs a service principal in, in a configuration of its own.
func azLogin(t *testing.T, sim *cloudsim.Server, certificate string, p cloudsim.AzurePrincipal) (env []string) {
	t.Helper()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(p.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	env = []string{"AZURE_CONFIG_DIR=" + dir, "REQUESTS_CA_BUNDLE=" + certificate, "AZURE_CORE_COLLECT_TELEMETRY=0", "AZURE_CORE_ONLY_SHOW_ERRORS=1"}
	arm := sim.Endpoints().AzureARMTLS
	steps := [][]string{
		{"az", "cloud", "register", "-n", "sim", "--endpoint-resource-manager", arm, "--endpoint-management", arm,
			"--endpoint-active-directory", sim.Endpoints().AzureLoginTLS, "--endpoint-active-directory-resource-id", arm,
			"--endpoint-active-directory-graph-resource-id", arm, "--profile", "2020-09-01-hybrid"},
		{"az", "cloud", "set", "-n", "sim", "--profile", "2020-09-01-hybrid"},
		{"az", "login", "--service-principal", "-u", p.ClientID, "-p", "@" + secret, "-t", sim.World().Azure.Tenant},
	}
	for _, argv := range steps {
		if out, errs, ok := tool(t, env, argv...); !ok {
			t.Fatalf("%s: %s%s", strings.Join(argv[:3], " "), out, errs)
		}
	}
	return env
}

func TestRealAzListsAndStops(t *testing.T) {
	t.Parallel()
	needCLI(t, "az", false)
	sim := start(t, cloudsim.Config{})
	pem, err := sim.StartTLS()
	if err != nil {
		t.Fatal(err)
	}
	certificate := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(certificate, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	contributor := azLogin(t, sim, certificate, sim.AzurePrincipals()[0])
	reader := azLogin(t, sim, certificate, sim.AzurePrincipals()[1])
	rows := []struct {
		env  []string
		line string
		ok   bool
		want string
	}{
		{reader, "vm list -o json", true, "checkout-vm-2"},
		{reader, "vm deallocate -g checkout -n checkout-vm-1", false, "AuthorizationFailed"},
		{contributor, "vm deallocate -g checkout -n checkout-vm-1", true, ""},
		{contributor, "vm show -g checkout -n nothing", false, "ResourceNotFound"},
	}
	for _, row := range rows {
		out, errs, ok := tool(t, row.env, append([]string{"az"}, strings.Fields(row.line)...)...)
		if ok != row.ok || !strings.Contains(out+errs, row.want) {
			t.Errorf("az %s: ok %v, want %v with %q in:\n%s%s", row.line, ok, row.ok, row.want, out, errs)
		}
	}
	if vm, _ := sim.AzureVM("checkout-vm-1"); vm.Power != "deallocated" {
		t.Errorf("the deallocated machine is %s", vm.Power)
	}
	if n := sim.Executed("Microsoft.Compute/virtualMachines/deallocate/action"); n != 1 {
		t.Errorf("deallocate was executed %d times", n)
	}
}
