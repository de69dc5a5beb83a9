package providers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/providers"
	"aurora/providers/aws"
	"aurora/providers/cloudsim"
	"aurora/providers/confine"
	"aurora/providers/egress"
	"aurora/providers/gcp"
	"aurora/providers/policy"
	"aurora/providers/scaleway"
	"aurora/store"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// trusting judges everything to be an allowed read: what stops a change behind it is the second wall.
type trusting struct{}

func (trusting) Parse(text string) (policy.Command, *policy.Refusal) {
	return trusting{}.ParseArgv(strings.Fields(text))
}

func (trusting) ParseArgv(argv []string) (policy.Command, *policy.Refusal) {
	cloud, _ := providers.CloudOf(argv[0])
	return policy.Command{Argv: argv, Provider: string(cloud), Path: strings.Join(argv[:3], " ")}, nil
}

func (trusting) Classify(c policy.Command) policy.Verdict {
	return policy.Verdict{Provider: c.Provider, Path: c.Path, Effect: policy.Read, Rule: "trusting"}
}

func (trusting) Decide(policy.Verdict, policy.Context) policy.Ruling {
	return policy.Ruling{Decision: policy.Allow, Rule: "trusting"}
}

func (trusting) Version() string { return "trusting" }

// books is the store side of an executor, in memory.
type books struct {
	mu          sync.Mutex
	connections []store.Connection
	credentials map[string]store.Credential
	intents     int
	outcomes    []string
}

func (b *books) Connections(context.Context, string, string) ([]store.Connection, error) {
	return b.connections, nil
}

func (b *books) Connection(context.Context, string, string, string) (store.Connection, error) {
	return store.Connection{}, store.ErrNotFound
}
func (b *books) Grants(context.Context, string, string) ([]store.Grant, error) { return nil, nil }
func (b *books) Selections(context.Context, string) ([]store.Selection, error) { return nil, nil }
func (b *books) Audit(context.Context, store.AuditEntry) error                 { return nil }
func (b *books) Get(_ context.Context, path string) (store.Credential, int64, error) {
	return b.credentials[path], 1, nil
}

func (b *books) BeginIntent(context.Context, store.Intent) (*store.Intent, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.intents++
	return nil, nil
}

func (b *books) Frozen(context.Context, string) (store.Freeze, bool, error) {
	return store.Freeze{}, false, nil
}

func (b *books) FinishIntent(_ context.Context, _ string, outcome json.RawMessage) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.outcomes = append(b.outcomes, string(outcome))
	return nil
}

// needCLI skips where the CLI is missing, and fails there in CI.
func needCLI(t testing.TB, name string) providers.Program {
	t.Helper()
	p := providers.Locate(os.Getenv("PATH"))[name]
	if p.Err == nil {
		return p
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is needed in CI: %v", name, p.Err)
	}
	t.Skipf("%s: %v", name, p.Err)
	return p
}

type cloudBench struct {
	*providers.Executor
	sim    *cloudsim.Server
	books  *books
	secret []string // what no argv, output or outcome may hold
}

func newCloudBench(t testing.TB, judge providers.Policy, role string) *cloudBench {
	t.Helper()
	key := cloudsim.AWSKey{ID: "AKIA" + strings.Repeat("A", 16), Secret: strings.Repeat("s", 40)}
	sim := cloudsim.New(cloudsim.Config{AWSKey: key})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	ca, err := sim.StartTLS()
	if err != nil {
		t.Fatal(err)
	}
	at := sim.Endpoints()
	driver, err := aws.New(aws.Config{Identity: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""), Endpoint: at.AWS, STSEndpoint: at.AWS})
	if err != nil {
		t.Fatal(err)
	}
	way, err := egress.New(egress.Config{Endpoints: map[store.Cloud][]string{
		store.AWS: {at.AWS}, store.GCP: {at.GCPCompute, at.GCPResourceManager, at.GCPBigQuery, at.GCPStorageTLS},
	}})
	if err != nil {
		t.Fatal(err)
	}
	id := aws.NewExternalID()
	if err := sim.SetTrust(role, id); err != nil {
		t.Fatal(err)
	}
	b := &cloudBench{sim: sim, secret: []string{key.ID, key.Secret, id}, books: &books{credentials: map[string]store.Credential{
		"kv/aws": store.NewCredential(map[string]string{"external_id": id, "role_arn": role}),
	}}}
	b.books.connections = []store.Connection{{
		ID: "c-aws", OrgID: "org", UserID: "user", Cloud: store.AWS, Account: cloudsim.ProdAccount, Region: "us-east-1",
		Token: "vault:kv/aws", Generation: 1, Status: store.ConnectionActive,
	}}
	b.Executor, err = providers.New(providers.Config{
		Policy: judge, Connections: b.books, Credentials: b.books, Intents: b.books, Auditor: b.books, Runner: "test",
		Drivers: map[store.Cloud]providers.Driver{
			store.AWS: driver, store.GCP: gcp.New(gcp.Config{
				Compute: at.GCPCompute, ResourceManager: at.GCPResourceManager, BigQuery: at.GCPBigQuery, Storage: at.GCPStorageTLS, CA: ca, TokenURL: at.GoogleToken,
			}),
		},
		Programs: providers.Locate(os.Getenv("PATH")), Dir: t.TempDir(), Network: way, Sandbox: confine.Examine().Sandbox,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// connectGCP links the simulator's owner of acme-prod.
func (b *cloudBench) connectGCP(t testing.TB) {
	t.Helper()
	b.linkGCP(t, cloudsim.ScopeCloudPlatform)
	b.books.connections = append(b.books.connections, store.Connection{
		ID: "c-gcp", OrgID: "org", UserID: "user", Cloud: store.GCP, Account: cloudsim.GCPUser, Projects: []string{cloudsim.GCPProject},
		Token: "vault:kv/gcp", Generation: 1, Status: store.ConnectionActive,
	})
}

// linkGCP keeps a token with this scope for the connection.
func (b *cloudBench) linkGCP(t testing.TB, scope string) {
	t.Helper()
	token := b.sim.GoogleToken(cloudsim.GCPUser, time.Hour, scope)
	cred, err := gcp.NewCredential(token, cloudsim.GCPUser, time.Now().Add(time.Hour), []string{cloudsim.GCPProject})
	if err != nil {
		t.Fatal(err)
	}
	b.secret = append(b.secret, token)
	b.books.credentials["kv/gcp"] = cred
}

var calls struct {
	sync.Mutex
	n int
}

func wants(line string, mode store.Mode) providers.Ask {
	calls.Lock()
	defer calls.Unlock()
	calls.n++
	return providers.Ask{
		Turn: "turn_1", Step: 1, Call: fmt.Sprint("call_", calls.n), Line: line,
		Caller: providers.Caller{
			Org: store.Organisation{ID: "org"}, User: store.User{ID: "user", Active: true, Role: store.Operator}, Mode: mode,
		},
	}
}

func (b *cloudBench) clean(t *testing.T, texts ...string) {
	t.Helper()
	for _, secret := range b.secret {
		if strings.Contains(strings.Join(append(texts, b.books.outcomes...), "\n"), secret) {
			t.Errorf("%q is shown or kept", secret)
		}
	}
}

func TestRealAWSListsInstances(t *testing.T) {
	t.Parallel()
	needCLI(t, "aws")
	b := newCloudBench(t, trusting{}, cloudsim.RoleReadOnly)
	r := b.Run(context.Background(), wants("aws ec2 describe-instances", store.Ask))
	if r.Status != providers.StatusOK || !strings.Contains(r.Output, "checkout-web-1") || !json.Valid([]byte(r.Output)) {
		t.Fatalf("%+v", r)
	}
	b.clean(t, r.Output, string(r.ModelJSON()))
	for _, e := range b.sim.Requests("ec2:DescribeInstances") {
		if !strings.Contains(e.Principal, "assumed-role/AuroraReadOnly/aurora-user-turn_1") {
			t.Errorf("asked as %q", e.Principal)
		}
	}
}

func TestTheSessionIsReadOnlyEvenWhenPolicyIsWrong(t *testing.T) {
	t.Parallel()
	needCLI(t, "aws")
	b := newCloudBench(t, trusting{}, cloudsim.RoleAdmin)
	for line, action := range map[string]string{
		"aws ec2 stop-instances --instance-ids i-0a1b2c3d4e5f60001":                       "ec2:StopInstances",
		"aws ec2 terminate-instances --instance-ids i-0a1b2c3d4e5f60001":                  "ec2:TerminateInstances",
		"aws secretsmanager get-secret-value --secret-id prod/checkout/db":                "secretsmanager:GetSecretValue",
		"aws sts assume-role --role-arn " + cloudsim.RoleOpen + " --role-session-name x1": "sts:AssumeRole",
	} {
		before := b.sim.Executed(action)
		for _, mode := range []store.Mode{store.Ask, store.Incident} {
			r := b.Run(context.Background(), wants(line, mode))
			if r.Status != providers.StatusFailed || !strings.Contains(r.Output, "not authorized") && !strings.Contains(r.Output, "AccessDenied") {
				t.Errorf("%s in %s: %q %q", line, mode, r.Status, r.Output)
			}
		}
		if action != "sts:AssumeRole" && b.sim.Executed(action) != before {
			t.Errorf("%s was carried out", action)
		}
	}
	r := b.Run(context.Background(), wants("aws ec2 stop-instances --instance-ids i-0a1b2c3d4e5f60001", store.Agent))
	if r.Status != providers.StatusOK || b.sim.Executed("ec2:StopInstances") != 1 {
		t.Errorf("in Agent mode the same role cannot stop an instance: %+v", r)
	}
}

func TestNoSecretIsInAnyArgvAndNothingOfTheHostInTheEnvironment(t *testing.T) {
	needCLI(t, "aws")
	t.Setenv("AWS_PROFILE", "host-profile")
	t.Setenv("AURORA_SECRET_OF_THE_HOST", "hunter2-host")
	b := newCloudBench(t, trusting{}, cloudsim.RoleReadOnly)
	held := cloudsim.Fault{Cloud: "aws", Action: "ec2:DescribeInstances", Kind: cloudsim.FaultHoldBefore}
	if err := b.sim.Inject(held); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan providers.Result, 1)
	go func() { done <- b.Run(ctx, wants("aws ec2 describe-instances", store.Ask)) }()
	wait, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	if _, err := b.sim.WaitHeld(wait, "ec2:DescribeInstances"); err != nil {
		t.Fatal(err)
	}
	argv, env := childOf(t, os.Getpid(), "describe-instances")
	cancel()
	r := <-done
	if r.Code != providers.CodeCancelled {
		t.Errorf("%+v", r)
	}
	for _, secret := range append(b.secret, "ASIA", "hunter2-host", "host-profile") {
		if strings.Contains(argv, secret) {
			t.Errorf("argv holds %q", secret)
		}
	}
	var names []string
	for pair := range strings.SplitSeq(strings.TrimRight(env, "\x00"), "\x00") {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	allowed := strings.Fields(`AWS_ACCESS_KEY_ID AWS_ACCOUNT_ID_ENDPOINT_MODE AWS_CLI_AUTO_PROMPT AWS_CONFIG_FILE AWS_DEFAULT_OUTPUT AWS_DEFAULT_REGION
		AWS_EC2_METADATA_DISABLED AWS_ENDPOINT_URL AWS_ENDPOINT_URL_STS AWS_MAX_ATTEMPTS AWS_PAGER AWS_REGION AWS_RETRY_MODE
		AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SHARED_CREDENTIALS_FILE AWS_STS_REGIONAL_ENDPOINTS HOME HTTPS_PROXY
		HTTP_PROXY LANG LC_ALL NO_COLOR NO_PROXY PATH PYTHONDONTWRITEBYTECODE TERM TMPDIR http_proxy https_proxy no_proxy`)
	if !slices.Equal(names, allowed) {
		t.Errorf("environment is %v", names)
	}
	for _, secret := range append(b.secret, "hunter2-host") {
		if strings.Contains(env, secret) {
			t.Errorf("environment holds Aurora's own %q", secret)
		}
	}
}

// childOf reads argv and environment of the child process whose argv holds the word, as ps would.
func childOf(t *testing.T, parent int, word string) (argv, env string) {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, stat := range found {
		raw, err := os.ReadFile(stat)
		if err != nil || !strings.Contains(string(raw), fmt.Sprintf(" %d ", parent)) {
			continue
		}
		line, err := os.ReadFile(filepath.Join(filepath.Dir(stat), "cmdline"))
		if err != nil || !strings.Contains(string(line), word) {
			continue
		}
		vars, err := os.ReadFile(filepath.Join(filepath.Dir(stat), "environ"))
		if err != nil {
			t.Fatal(err)
		}
		return string(line), string(vars)
	}
	t.Fatal("no such child")
	return "", ""
}

func TestEveryProgramOfThisMachineIsResolved(t *testing.T) {
	t.Parallel()
	for name, p := range providers.Locate(os.Getenv("PATH")) {
		if _, err := exec.LookPath(name); errors.Is(err, exec.ErrNotFound) {
			if p.Err == nil || !strings.HasPrefix(providers.Install(name), "Install") {
				t.Errorf("%s is said to be there, or nobody learns how to install it", name)
			}
			continue
		}
		if p.Err != nil || len(p.SHA256) != 64 || !filepath.IsAbs(p.Entry) || p.Interpreter != "" && !filepath.IsAbs(p.Interpreter) {
			t.Errorf("%s: %+v", name, p)
			continue
		}
		version, err := p.Version(context.Background(), confine.Examine().Sandbox)
		if err != nil || !strings.ContainsAny(version, "0123456789") {
			t.Errorf("%s: version %q, %v", name, version, err)
		}
		t.Logf("%s: %s %v %s: %s", name, p.Interpreter, p.Flags, p.Entry, version)
	}
	if p := providers.Locate("")["aws"]; p.Err == nil || p.Entry != "" {
		t.Errorf("found %+v on an empty path", p)
	}
}

func TestRealGcloudListsInstances(t *testing.T) {
	t.Parallel()
	needCLI(t, "gcloud")
	b := newCloudBench(t, trusting{}, cloudsim.RoleReadOnly)
	b.connectGCP(t)
	r := b.Run(context.Background(), wants("gcloud compute instances list --format=json", store.Ask))
	if r.Status != providers.StatusOK || !json.Valid([]byte(r.Output)) || !strings.Contains(r.Output, "selfLink") {
		t.Fatalf("%+v", r)
	}
	b.clean(t, r.Output, string(r.ModelJSON()))
	for _, e := range b.sim.Requests("compute.instances.*") {
		if e.Principal != cloudsim.GCPUser || e.Account != cloudsim.GCPProject {
			t.Errorf("asked as %q in %q", e.Principal, e.Account)
		}
	}
	r = b.Run(context.Background(), wants("gcloud auth print-access-token", store.Ask))
	b.clean(t, r.Output, string(r.ModelJSON()))
	if !strings.Contains(r.Output, "[redacted]") {
		t.Errorf("the token was to be printed and redacted: %+v", r)
	}
}

func TestCloudsAreReadSideBySide(t *testing.T) {
	t.Parallel()
	needCLI(t, "gcloud")
	needCLI(t, "aws")
	b := newCloudBench(t, trusting{}, cloudsim.RoleReadOnly)
	b.connectGCP(t)
	lines := []string{"gcloud compute instances list", "aws ec2 describe-instances"}
	results := make([]providers.Result, len(lines))
	var wg sync.WaitGroup
	for i, line := range lines {
		wg.Go(func() { results[i] = b.Run(context.Background(), wants(line, store.Ask)) })
	}
	wg.Wait()
	for i, r := range results {
		if r.Status != providers.StatusOK || len(r.Sections) != 1 {
			t.Errorf("%s: %+v", lines[i], r)
		}
	}
}

func TestAnExpiredGoogleTokenRunsNothing(t *testing.T) {
	t.Parallel()
	b := newCloudBench(t, trusting{}, cloudsim.RoleReadOnly)
	b.connectGCP(t)
	cred, err := gcp.NewCredential("ya29.old-token", cloudsim.GCPUser, time.Now().Add(-time.Minute), []string{cloudsim.GCPProject})
	if err != nil {
		t.Fatal(err)
	}
	b.books.credentials["kv/gcp"] = cred
	r := b.Run(context.Background(), wants("gcloud compute instances list", store.Ask))
	if !slices.Contains([]providers.Code{providers.CodeExpired, providers.CodeNotInstalled}, r.Code) || b.books.intents != 0 {
		t.Errorf("%+v", r)
	}
}

// TestNoProgramGetsPastTheGate has every program reach for a cloud whose address its run was not given: none is asked
// anything, though it listens on the same machine.
func TestNoProgramGetsPastTheGate(t *testing.T) {
	t.Parallel()
	b := newCloudBench(t, trusting{}, cloudsim.RoleReadOnly)
	b.connectGCP(t)
	b.connectScaleway(t)
	closed, err := egress.New(egress.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b.Network, b.ReadTimeout = closed, 8*time.Second // some try again for minutes
	t.Run("each", func(t *testing.T) {
		for _, line := range []string{
			"aws ec2 describe-instances --cli-connect-timeout=2", "gcloud projects describe acme-prod", "bq ls orders", "gsutil ls gs://acme-reports", "scw instance server list",
		} {
			program, _, _ := strings.Cut(line, " ")
			t.Run(program, func(t *testing.T) {
				t.Parallel()
				needCLI(t, program)
				if r := b.Run(t.Context(), wants(line, store.Ask)); r.Status == providers.StatusOK || r.Sections[0].Intent == "" {
					t.Errorf("%+v", r)
				}
			})
		}
	})
	for _, e := range b.sim.Journal() {
		if !strings.HasPrefix(e.UserAgent, "aws-sdk-go") { // Aurora's own sign-in
			t.Errorf("%s was asked by %s", e.Action, e.UserAgent)
		}
	}
}

// connectScaleway links the simulator's organisation by its two keys.
func (b *cloudBench) connectScaleway(t *testing.T) {
	t.Helper()
	driver, err := scaleway.New(scaleway.Config{API: b.sim.Endpoints().Scaleway})
	if err != nil {
		t.Fatal(err)
	}
	b.Drivers[store.Scaleway] = driver
	full, reader, world := b.sim.ScalewayKeys()[0], b.sim.ScalewayKeys()[1], b.sim.World().Scaleway
	b.secret = append(b.secret, full.SecretKey, reader.SecretKey)
	b.books.credentials["kv/scw"] = store.NewCredential(map[string]string{
		"access_key": full.AccessKey, "secret_key": full.SecretKey, "reader_access_key": reader.AccessKey, "reader_secret_key": reader.SecretKey,
	})
	b.books.connections = append(b.books.connections, store.Connection{
		ID: "c-scw", OrgID: "org", UserID: "user", Cloud: store.Scaleway, Account: world.Organization, Region: "fr-par",
		Token: "vault:kv/scw", Generation: 1, Status: store.ConnectionActive,
	})
}
