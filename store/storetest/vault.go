package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// VaultServer is a real Vault in dev mode on loopback, with KV version 2 at kv/, the policy of manifests/vault-policy.hcl
// under the name "aurora", and an AppRole that has this policy and no other. It dies with the test.
type VaultServer struct {
	Addr      string
	RootToken string
	RoleID    string
	SecretID  string // may be used any number of times

	process *process
	log     *transcript
}

// Vault starts one. Its program lies in the user's cache directory; where it is missing the test is skipped, or fails
// when CI=true.
func Vault(t testing.TB) *VaultServer {
	t.Helper()
	binary := vaultBinary(t)
	v := &VaultServer{RootToken: "root-" + rand.Text(), log: &transcript{}}
	v.start(t, binary)
	v.prepare(t)
	return v
}

func vaultBinary(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(cache, "aurora-test", "vault-1.21.2")
	if _, err := os.Stat(binary); err != nil {
		missing(t, binary, "build it with: make tools")
	}
	return binary
}

// prepare sets up what an operator does before Aurora may start.
func (v *VaultServer) prepare(t testing.TB) {
	t.Helper()
	v.Call(t, "POST", "sys/mounts/kv", map[string]any{"type": "kv", "options": map[string]string{"version": "2"}})
	v.Call(t, "PUT", "sys/policies/acl/aurora", map[string]any{"policy": VaultPolicy(t)})
	v.Call(t, "POST", "sys/auth/approle", map[string]any{"type": "approle"})
	v.SetRole(t, time.Hour, 4*time.Hour)
	v.RoleID = data(v.Call(t, "GET", "auth/approle/role/aurora/role-id", nil), "role_id")
	v.SecretID = data(v.Call(t, "POST", "auth/approle/role/aurora/secret-id", nil), "secret_id")
}

// VaultPolicy is the text of manifests/vault-policy.hcl.
func VaultPolicy(t testing.TB) string {
	t.Helper()
	policy, err := os.ReadFile(filepath.Join(moduleRoot(t), "manifests", "vault-policy.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(policy)
}

func (v *VaultServer) start(t testing.TB, binary string) {
	t.Helper()
	retryPorts(t, func(port int) error {
		listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		v.Addr = "http://" + listen
		cmd := exec.CommandContext(context.Background(), binary, "server", "-dev", "-dev-listen-address="+listen, "-dev-no-store-token")
		cmd.Env = []string{"HOME=" + t.TempDir(), "CHECKPOINT_DISABLE=1", "VAULT_DEV_ROOT_TOKEN_ID=" + v.RootToken}
		cmd.Stdout, cmd.Stderr = v.log, v.log
		v.process = start(t, cmd)
		return v.process.until(func() bool {
			status, _, err := v.request("GET", "sys/mounts", v.RootToken, nil)
			return err == nil && status == http.StatusOK
		})
	})
}

// SetRole sets how long the AppRole's tokens live, and to what age they can be renewed. They have the policy "aurora"
// alone, not even Vault's default one, which proves that policy sufficient.
func (v *VaultServer) SetRole(t testing.TB, ttl, most time.Duration) {
	t.Helper()
	v.Call(t, "POST", "auth/approle/role/aurora", map[string]any{
		"token_policies": []string{"aurora"}, "token_no_default_policy": true,
		"token_ttl": ttl.String(), "token_max_ttl": most.String(),
	})
}

// Call asks Vault as root and fails the test unless it agrees.
func (v *VaultServer) Call(t testing.TB, method, path string, body any) map[string]any {
	t.Helper()
	status, reply, err := v.request(method, path, v.RootToken, body)
	if err != nil || status >= 300 {
		t.Fatalf("%s %s: status %d, %v, error %v", method, path, status, reply["errors"], err)
	}
	return reply
}

// Status asks Vault with a token and gives the status of its answer.
func (v *VaultServer) Status(t testing.TB, method, path, token string, body any) int {
	t.Helper()
	status, _, err := v.request(method, path, token, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return status
}

// SignIn gives a token of the AppRole.
func (v *VaultServer) SignIn(t testing.TB) string {
	t.Helper()
	reply := v.Call(t, "POST", "auth/approle/login", map[string]string{"role_id": v.RoleID, "secret_id": v.SecretID})
	auth, _ := reply["auth"].(map[string]any)
	token, _ := auth["client_token"].(string)
	if token == "" {
		t.Fatal("the AppRole's sign-in gave no token")
	}
	return token
}

// Seal seals Vault; Unseal opens it again.
func (v *VaultServer) Seal(t testing.TB) {
	t.Helper()
	v.Call(t, "POST", "sys/seal", nil)
}

var unsealKey = regexp.MustCompile(`Unseal Key: (\S+)`)

// Unseal opens a sealed Vault with the key it printed at its start.
func (v *VaultServer) Unseal(t testing.TB) {
	t.Helper()
	found := unsealKey.FindStringSubmatch(v.log.String())
	if found == nil {
		t.Fatal("Vault printed no unseal key")
	}
	v.Call(t, "POST", "sys/unseal", map[string]string{"key": found[1]})
	waitFor(t, "Vault to be unsealed", func() bool {
		status, _, err := v.request("GET", "sys/health", "", nil)
		return err == nil && status == http.StatusOK
	})
}

// Pause freezes Vault: it keeps its connections and answers nothing. Resume wakes it.
func (v *VaultServer) Pause(t testing.TB) {
	t.Helper()
	v.process.signal(t, syscall.SIGSTOP)
}

// Resume ends a Pause.
func (v *VaultServer) Resume(t testing.TB) {
	t.Helper()
	v.process.signal(t, syscall.SIGCONT)
}

// Kill ends Vault at once; dev mode keeps nothing.
func (v *VaultServer) Kill(t testing.TB) {
	t.Helper()
	v.process.kill(t)
}

func (v *VaultServer) request(method, path, token string, body any) (int, map[string]any, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequestWithContext(context.Background(), method, v.Addr+"/v1/"+path, bytes.NewReader(raw))
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		request.Header.Set("X-Vault-Token", token)
	}
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, err
	}
	reply := map[string]any{}
	if len(answer) > 0 && json.Unmarshal(answer, &reply) != nil {
		return 0, nil, fmt.Errorf("not JSON: %.100q", answer)
	}
	return response.StatusCode, reply, nil
}

func data(reply map[string]any, name string) string {
	values, _ := reply["data"].(map[string]any)
	text, _ := values[name].(string)
	return text
}

// transcript keeps what a server prints.
type transcript struct {
	mu  sync.Mutex
	out bytes.Buffer
}

// Write appends.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(p)
}

// String gives all that was printed so far.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.String()
}

// moduleRoot is the directory of go.mod; tests run in their package's directory, below it.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("no go.mod above the test's directory")
	return ""
}
