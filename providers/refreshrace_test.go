package providers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"aurora/providers"
	"aurora/store"
	"aurora/store/redis"
	"aurora/store/storetest"
	"aurora/store/vault"
)

const (
	racers     = 12
	raceRounds = 100
	raceCall   = "http://127.0.0.1:1/callback"
	racePath   = "kv/data/aurora/users/usr_race/ovh"
)

// race is what a racer must know. It comes on a racer's standard input, since it holds secrets.
type race struct {
	Provider, Redis, Vault, RoleID, SecretID string
}

// raced is what a racer says of one round.
type raced struct {
	Round int
	Token string
	Err   string
}

// peer is oidc-provider as an authorization server of Aurora's.
type peer struct {
	providers.AuthServer
}

func newPeer(base string, now func() time.Time) peer {
	return peer{providers.AuthServer{
		Cloud: store.OVH, Name: "oidc-provider", ClientID: "aurora", ClientSecret: "aurora-secret-of-the-test", Style: oauth2.AuthStyleInParams,
		Issuer: base, AuthURL: base + "/auth", TokenURL: base + "/token", RevokeURL: base + "/token/revocation", Now: now,
	}}
}

func (peer) Slot(store.Connection, store.Credential, bool) (providers.Slot, error) {
	return providers.WideSlot, nil
}

func (p peer) Renew(ctx context.Context, _ store.Connection, cred store.Credential, slot providers.Slot) (providers.Tokens, error) {
	old, _ := providers.TokensOf(cred, slot)
	g, err := p.AuthServer.Renew(ctx, old.Refresh)
	return providers.Tokens{Access: g.Access, Refresh: g.Refresh, Expiry: g.Expiry, Scopes: g.Scopes}, err
}

// roundTime is the time of a round: each is two hours after the one before, so that every round finds the access token,
// which lasts one, at its end, without anybody waiting for that.
func roundTime(began time.Time, round int) time.Time {
	return began.Add(time.Duration(round) * 2 * time.Hour)
}

// TestRacer is one of the processes of TestOneRefreshOverAllProcesses; by itself it does nothing.
func TestRacer(t *testing.T) {
	if os.Getenv("AURORA_TEST_RACER") == "" {
		t.Skip("it is a part of TestOneRefreshOverAllProcesses")
	}
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.NewFile(3, "answers"))
	var r race
	if !in.Scan() || json.Unmarshal(in.Bytes(), &r) != nil {
		t.Fatal("nobody said what to do")
	}
	leases, err := redis.Open(t.Context(), r.Redis)
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := vault.Open(t.Context(), vault.Config{Addr: r.Vault, RoleID: r.RoleID, SecretID: store.Secret(r.SecretID)})
	if err != nil {
		t.Fatal(err)
	}
	began, round := time.Now(), 0
	now := func() time.Time { return roundTime(began, round) }
	refresher := &providers.Refresher{
		Keeper: keeper, Leases: leases, Breaker: &rows{broken: map[string]bool{}}, Now: now,
		Renewers: map[store.Cloud]providers.Renewer{store.OVH: newPeer(r.Provider, now)},
	}
	for in.Scan() {
		if _, err := fmt.Sscan(in.Text(), &round); err != nil {
			t.Fatal(err)
		}
		cred, err := refresher.Fresh(t.Context(), raceConnection(), false)
		said := raced{Round: round, Token: cred.Get("access_token")}
		if err != nil {
			said.Err = fmt.Sprintf("%v (%v)", err, problemOf(t, err).Err)
		}
		if err := out.Encode(said); err != nil {
			t.Fatal(err)
		}
	}
}

func raceConnection() store.Connection {
	return store.Connection{ID: "con_race", OrgID: "org_1", UserID: "usr_race", Cloud: store.OVH, Account: "eu:ada", Token: "vault:" + racePath}
}

// Twelve processes find the access token at its end, a hundred times over, all at once. The provider is one nobody here
// wrote, and it ends the whole sign-in when it sees a refresh token twice.
func TestOneRefreshOverAllProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("a race of processes takes half a minute")
	}
	took, _ := refreshRace(t)
	t.Logf("%d processes, %d rounds: one refresh each, none refused; a round took %s in the middle", racers, raceRounds, took[len(took)/2])
}

// BenchmarkRefreshRace is the same race, told in numbers.
func BenchmarkRefreshRace(b *testing.B) {
	took, stats := refreshRace(b)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(stats.Renewed), "renewals")
	b.ReportMetric(float64(len(stats.Errors)), "refused")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "round-p50-ms")
}

// refreshRace gives how long the rounds took, in order of length, and what the provider counted in them.
func refreshRace(t testing.TB) ([]time.Duration, providerStats) {
	t.Helper()
	base := startProvider(t)
	server, secrets := storetest.Redis(t), storetest.Vault(t)
	r := race{Provider: base, Redis: server.URL, Vault: secrets.Addr, RoleID: secrets.RoleID, SecretID: secrets.SecretID}
	keeper, err := vault.Open(t.Context(), vault.Config{Addr: r.Vault, RoleID: r.RoleID, SecretID: store.Secret(r.SecretID)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keeper.Close() })
	p := newPeer(base, time.Now)
	first := signInAt(t, p)
	cred := providers.WithTokens(store.NewCredential(map[string]string{"kind": providers.KindOAuth}), providers.WideSlot,
		providers.Tokens{Access: first.Access, Refresh: first.Refresh, Expiry: first.Expiry})
	if _, err := keeper.Put(t.Context(), racePath, cred, 0); err != nil {
		t.Fatal(err)
	}
	runners := make([]*racer, racers)
	for i := range runners {
		runners[i] = startRacer(t, r)
	}
	before := statsOf(t, base)
	took := runRounds(t, base, runners)
	stats := statsOf(t, base)
	stats.Renewed, stats.Errors = stats.Renewed-before.Renewed, stats.Errors[len(before.Errors):]
	last, _, err := keeper.Get(t.Context(), racePath)
	if err != nil {
		t.Fatal(err)
	}
	tokens, _ := providers.TokensOf(last, providers.WideSlot)
	familyLives(t, p, base, first.Refresh, tokens.Refresh)
	slices.Sort(took)
	return took, stats
}

func runRounds(t testing.TB, base string, runners []*racer) (took []time.Duration) {
	t.Helper()
	before := statsOf(t, base)
	for round := 1; round <= raceRounds; round++ {
		began := time.Now()
		for _, r := range runners {
			r.say(t, fmt.Sprint(round))
		}
		tokens := map[string]int{}
		for i, r := range runners {
			said := r.hear(t)
			if said.Err != "" || said.Round != round {
				t.Fatalf("round %d, racer %d: %+v", round, i, said)
			}
			tokens[said.Token]++
		}
		took = append(took, time.Since(began))
		stats := statsOf(t, base)
		if len(tokens) != 1 || stats.Renewed != round || len(stats.Errors) != len(before.Errors) || stats.Revoked > 0 {
			t.Fatalf("round %d: %d different tokens; the provider counts %+v", round, len(tokens), stats)
		}
	}
	return took
}

// familyLives renews with the token that is kept, and then shows that the provider would have noticed a second use.
func familyLives(t testing.TB, p peer, base, spent, kept string) {
	t.Helper()
	next, err := p.AuthServer.Renew(t.Context(), kept)
	if err != nil {
		t.Fatalf("after the race: %v", err)
	}
	if _, err := p.AuthServer.Renew(t.Context(), spent); err == nil || !problemOf(t, err).Broken {
		t.Fatalf("a spent token: %v", err)
	}
	if _, err := p.AuthServer.Renew(t.Context(), next.Refresh); err == nil || !problemOf(t, err).Broken {
		t.Errorf("after a second use the family lives on: %v", err)
	}
	if stats := statsOf(t, base); stats.Revoked == 0 {
		t.Errorf("the provider counts %+v", stats)
	}
}

type providerStats struct {
	Renewed int      `json:"renewed"`
	Errors  []string `json:"errors"`
	Revoked int      `json:"revoked"`
}

func statsOf(t testing.TB, base string) (s providerStats) {
	t.Helper()
	resp := get(t, http.DefaultClient, base+"/stats")
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t testing.TB, client *http.Client, address string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// signInAt walks the whole sign-in as a browser does.
func signInAt(t testing.TB, p peer) providers.Issued {
	t.Helper()
	in := providers.NewSignIn(raceCall, true)
	address, err := p.Begin("state-1", in, []string{"openid", "offline_access"})
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), raceCall) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp := get(t, browser, address)
	defer func() { _ = resp.Body.Close() }()
	back, err := resp.Location()
	if err != nil || back.Query().Get("state") != "state-1" || back.Query().Get("iss") != p.Issuer {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("the sign-in ended with %d at %v: %s", resp.StatusCode, back, text)
	}
	code, err := p.Code(back.Query())
	if err != nil {
		t.Fatal(err)
	}
	wrong := in
	wrong.Verifier = providers.NewSignIn("", false).Verifier
	if _, err := p.Exchange(t.Context(), wrong, code); err == nil {
		t.Fatal("another verifier was taken")
	}
	grant, err := p.Exchange(t.Context(), in, code)
	if err != nil || grant.Refresh == "" {
		t.Fatalf("exchange: %v", err)
	}
	return grant
}

// startProvider runs oidc-provider, installed when it is not there yet.
func startProvider(t testing.TB) string {
	t.Helper()
	const dir = "testdata/oidc"
	if _, err := os.Stat(dir + "/node_modules/oidc-provider/package.json"); err != nil {
		install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = dir
		if out, err := install.CombinedOutput(); err != nil {
			unavailable(t, "oidc-provider cannot be installed with npm", fmt.Errorf("%w: %s", err, out))
		}
	}
	node, err := exec.LookPath("node")
	if err != nil {
		unavailable(t, "node is not installed", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	_ = listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, node, "server.mjs", port)
	server.Dir, server.SysProcAttr = dir, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := storetest.OnLastingThread(server.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait() // it was killed
		if t.Failed() {
			t.Logf("oidc-provider said:\n%s", log.String())
		}
	})
	answering(t, "127.0.0.1:"+port)
	return "http://127.0.0.1:" + port
}

// answering polls, since the process gives no sign of its own.
func answering(t testing.TB, address string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatal("oidc-provider does not answer")
}

func unavailable(t testing.TB, what string, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}

// racer is one process of the race.
type racer struct {
	in  io.Writer
	out *json.Decoder
}

func startRacer(t testing.TB, r race) *racer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	answers, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), self, "-test.run=^TestRacer$") // ended by its input's end
	cmd.Env = append(os.Environ(), "AURORA_TEST_RACER=1")
	cmd.ExtraFiles, cmd.SysProcAttr = []*os.File{theirs}, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := storetest.OnLastingThread(cmd.Start); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("a racer ended with %v and said:\n%s", err, log.String())
		}
		_ = answers.Close()
	})
	p := &racer{in: in, out: json.NewDecoder(answers)}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	p.say(t, string(raw))
	return p
}

func (r *racer) say(t testing.TB, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(r.in, line); err != nil {
		t.Fatal(err)
	}
}

func (r *racer) hear(t testing.TB) (said raced) {
	t.Helper()
	if err := r.out.Decode(&said); err != nil {
		t.Fatalf("a racer went away: %v", err)
	}
	return said
}
