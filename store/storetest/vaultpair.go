package storetest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// VaultPair is two real Vault servers of one cluster: one is active, the other stands by. Set up like Vault's.
type VaultPair struct {
	Active, Standby *VaultServer

	binary, key string
	dirs        map[*VaultServer]string
}

// NewVaultPair starts the cluster and waits until the second server stands by.
func NewVaultPair(t testing.TB) *VaultPair {
	t.Helper()
	p := &VaultPair{binary: vaultBinary(t), dirs: map[*VaultServer]string{}}
	p.Active, p.Standby = p.member(t, "one"), p.member(t, "two")
	_, reply, err := p.Active.request("PUT", "sys/init", "", map[string]int{"secret_shares": 1, "secret_threshold": 1})
	keys, _ := reply["keys_base64"].([]any)
	if err != nil || len(keys) != 1 {
		t.Fatalf("initialise Vault: %v", err)
	}
	p.key, _ = keys[0].(string)
	p.Active.RootToken, _ = reply["root_token"].(string)
	p.Standby.RootToken = p.Active.RootToken
	p.unseal(t, p.Active)
	waitFor(t, "the first Vault to be active", func() bool {
		status, _, err := p.Active.request("GET", "sys/health", "", nil)
		return err == nil && status == http.StatusOK
	})
	p.Standby.Call(t, "POST", "sys/storage/raft/join", map[string]string{"leader_api_addr": p.Active.Addr})
	p.unseal(t, p.Standby)
	p.Active.prepare(t)
	p.Standby.RoleID, p.Standby.SecretID = p.Active.RoleID, p.Active.SecretID
	p.AwaitStandby(t)
	return p
}

// AwaitStandby waits until the second server passes requests on to the first.
func (p *VaultPair) AwaitStandby(t testing.TB) {
	t.Helper()
	waitFor(t, "the second Vault to stand by", func() bool {
		health, _, err := p.Standby.request("GET", "sys/health", "", nil)
		asked, _, bad := p.Standby.request("GET", "auth/token/lookup-self", p.Standby.RootToken, nil)
		return err == nil && bad == nil && health == http.StatusTooManyRequests && asked == http.StatusOK
	})
}

// Restart starts the first server again after a Kill, unsealed.
func (p *VaultPair) Restart(t testing.TB) {
	t.Helper()
	p.run(t, p.Active)
	p.unseal(t, p.Active)
}

// member starts a server that is neither initialised nor unsealed.
func (p *VaultPair) member(t testing.TB, name string) *VaultServer {
	t.Helper()
	v := &VaultServer{log: &transcript{}}
	dir := t.TempDir()
	p.dirs[v] = dir
	retryPorts(t, func(port int) error {
		listen, cluster := net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
		v.Addr = "http://" + listen
		config := fmt.Sprintf(`storage "raft" {
  path = %[1]q
  node_id = %[2]q
  performance_multiplier = 1
}
listener "tcp" {
  address = %[3]q
  cluster_address = %[4]q
  tls_disable = true
}
api_addr = "http://%[5]s"
cluster_addr = "https://%[6]s"
disable_mlock = true
`, dir, name, listen, cluster, listen, cluster)
		if err := os.WriteFile(filepath.Join(dir, "vault.hcl"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		return p.run(t, v)
	})
	return v
}

func (p *VaultPair) run(t testing.TB, v *VaultServer) error {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), p.binary, "server", "-config="+filepath.Join(p.dirs[v], "vault.hcl"))
	cmd.Env = []string{"HOME=" + p.dirs[v], "CHECKPOINT_DISABLE=1"}
	cmd.Stdout, cmd.Stderr = v.log, v.log
	v.process = start(t, cmd)
	return v.process.until(func() bool {
		_, _, err := v.request("GET", "sys/seal-status", "", nil)
		return err == nil
	})
}

// unseal gives the key, again where the server is not yet far enough to take it.
func (p *VaultPair) unseal(t testing.TB, v *VaultServer) {
	t.Helper()
	waitFor(t, "Vault to be unsealed", func() bool {
		_, reply, err := v.request("PUT", "sys/unseal", "", map[string]string{"key": p.key})
		if sealed, ok := reply["sealed"].(bool); err == nil && ok && !sealed {
			return true
		}
		time.Sleep(100 * time.Millisecond)
		return false
	})
}
