package cloudsim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aurora/providers/cloudsim"
)

// azCloud registers the simulated cloud in a configuration of its own, which also learns there which commands az has: that
// takes longer than everything else.
func azCloud(t *testing.T, sim *cloudsim.Server, certificate string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	arm := sim.Endpoints().AzureARMTLS
	azRun(t, azEnv(dir, certificate), "cloud", "register", "-n", "sim", "--endpoint-resource-manager", arm, "--endpoint-management", arm,
		"--endpoint-active-directory", sim.Endpoints().AzureLoginTLS, "--endpoint-active-directory-resource-id", arm,
		"--endpoint-active-directory-graph-resource-id", arm, "--profile", "2020-09-01-hybrid")
	azRun(t, azEnv(dir, certificate), "cloud", "set", "-n", "sim", "--profile", "2020-09-01-hybrid")
	return dir
}

func azEnv(dir, certificate string) []string {
	return []string{"AZURE_CONFIG_DIR=" + dir, "REQUESTS_CA_BUNDLE=" + certificate, "AZURE_CORE_COLLECT_TELEMETRY=0", "AZURE_CORE_ONLY_SHOW_ERRORS=1"}
}

func azRun(t *testing.T, env []string, args ...string) {
	t.Helper()
	if out, errs, ok := tool(t, env, append([]string{"az"}, args...)...); !ok {
		t.Fatalf("az %s: %s%s", strings.Join(args[:2], " "), out, errs)
	}
}

// azLogin signs a service principal in, in a copy of the configuration.
func azLogin(t *testing.T, sim *cloudsim.Server, cloud, certificate string, p cloudsim.AzurePrincipal) (env []string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(cloud)); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(p.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	env = azEnv(dir, certificate)
	azRun(t, env, "login", "--service-principal", "-u", p.ClientID, "-p", "@"+secret, "-t", sim.World().Azure.Tenant)
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
	cloud := azCloud(t, sim, certificate)
	contributor := azLogin(t, sim, cloud, certificate, sim.AzurePrincipals()[0])
	reader := azLogin(t, sim, cloud, certificate, sim.AzurePrincipals()[1])
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
