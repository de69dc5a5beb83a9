package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aurora/store"
)

// complete is what serve needs at least, with the embedded stores.
func complete(more ...string) []string {
	return append([]string{"SLACK_APP_TOKEN=xapp-1-test", "SLACK_BOT_TOKEN=xoxb-test"}, more...)
}

func loadFrom(t *testing.T, file string, environ ...string) config {
	t.Helper()
	c, err := (&settings{environ: environ, file: &file}).load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every row names the words that each of the complaints must hold; nothing else may be complained of.
func TestSettingsAreCheckedAtOnce(t *testing.T) {
	t.Parallel()
	stores := []string{"DATABASE_URL=postgres://aurora:s3cret@db/aurora", "REDIS_URL=redis://cache", "VAULT_ADDR=https://vault:8200", "VAULT_TOKEN=hvs.s3cret"}
	for name, c := range map[string]struct {
		environ []string
		want    []string
	}{
		"embedded":    {complete(), nil},
		"real stores": {complete(stores...), nil},
		"nothing":     {nil, []string{"SLACK_APP_TOKEN is missing", "SLACK_BOT_TOKEN is missing"}},
		"everything wrong": {
			[]string{"SLACK_APP_TOKEN=xoxb-s3cret", "SLACK_BOT_TOKEN=xapp-s3cret", "AURORA_SLACK_SOCKETS=eleven", "DATABASE_URL=mysql://root:s3cret@db",
				"VAULT_ADDR=http://vault.example:8200", "AURORA_LISTEN=8080", "AURORA_OPS_LISTEN=127.0.0.1:99999", "AURORA_PUBLIC_URL=http://aurora.example",
				"OPENAI_BASE_URL=ftp://s3cret@models", "AURORA_DEFAULT_ROLE=god", "AURORA_ADMINS=ada,slack:T1", "SLACK_API_URL=http://slack.example/api/",
				"AURORA_ENDPOINT_TAILSCALE=tailscale.example"},
			[]string{`AURORA_SLACK_SOCKETS is "eleven": give a whole number`, "REDIS_URL is missing", "DATABASE_URL is not an address of PostgreSQL",
				"VAULT_ADDR is plain http", "VAULT_ADDR needs VAULT_TOKEN", `AURORA_LISTEN is "8080"`, `AURORA_OPS_LISTEN is "127.0.0.1:99999"`,
				"AURORA_PUBLIC_URL is plain http", "AURORA_ENDPOINT_TAILSCALE cannot be read", "OPENAI_BASE_URL cannot be read", "SLACK_API_URL is plain http",
				"SLACK_APP_TOKEN does not begin with xapp-", "SLACK_BOT_TOKEN does not begin with xoxb-", "AURORA_MODEL is missing",
				`AURORA_DEFAULT_ROLE is "god"`, `AURORA_ADMINS has "ada"`, `AURORA_ADMINS has "slack:T1"`},
		},
		"only a database":         {complete(stores[0]), []string{"REDIS_URL is missing", "VAULT_ADDR is missing"}},
		"no Vault":                {complete(stores[0], stores[1]), []string{"VAULT_ADDR is missing"}},
		"no database":             {complete(stores[1:]...), []string{"DATABASE_URL is missing"}},
		"half an AppRole":         {complete(append(stores[:3:3], "VAULT_ROLE_ID=r")...), []string{"VAULT_ROLE_ID and VAULT_SECRET_ID belong together"}},
		"two ways to sign in":     {complete(append(stores, "VAULT_ROLE_ID=r", "VAULT_SECRET_ID=s")...), []string{"VAULT_TOKEN is set beside"}},
		"Vault on loopback":       {complete(stores[0], stores[1], "VAULT_ADDR=http://127.0.0.1:8200", stores[3]), nil},
		"both on one address":     {complete("AURORA_LISTEN=127.0.0.1:1", "AURORA_OPS_LISTEN=127.0.0.1:1"), []string{"are both 127.0.0.1:1"}},
		"too many sockets":        {complete("AURORA_SLACK_SOCKETS=11"), []string{"AURORA_SLACK_SOCKETS is 11"}},
		"local simulators":        {complete("AURORA_ENDPOINT_AWS=http://127.0.0.1:1", "AURORA_PUBLIC_URL=http://localhost:8080/"), nil},
		"simulators in public":    {complete("AURORA_ENDPOINT_AWS=http://127.0.0.1:1", "AURORA_PUBLIC_URL=https://aurora.example"), []string{"AURORA_ENDPOINT_AWS is plain http, which is only for trying things out"}},
		"a far endpoint":          {complete("AURORA_ENDPOINT_AWS=http://10.0.0.1"), []string{"AURORA_ENDPOINT_AWS is plain http"}},
		"a secure endpoint":       {complete("AURORA_ENDPOINT_AWS=https://proxy.example", "AURORA_PUBLIC_URL=https://aurora.example"), nil},
		"a key without a model":   {complete("OPENAI_API_KEY=s3cret"), []string{"AURORA_MODEL is missing"}},
		"loopback, but not quite": {complete("AURORA_PUBLIC_URL=http://127.0.0.1.example.com"), []string{"AURORA_PUBLIC_URL is plain http"}},
		"half a client":           {complete("GOOGLE_CLIENT_ID=g", "OVH_US_CLIENT_SECRET=s3cret"), []string{"GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET belong together", "OVH_US_CLIENT_ID and OVH_US_CLIENT_SECRET belong together"}},
		"OVH without a client":    {complete("FEATURE_FLAG_OVH_ENABLED=true"), []string{"has no OAuth client at OVHcloud"}},
		"OVH with one":            {complete("FEATURE_FLAG_OVH_ENABLED=true", "OVH_CA_CLIENT_ID=c", "OVH_CA_CLIENT_SECRET=s3cret"), nil},
		"neither on nor off":      {complete("FEATURE_FLAG_OVH_ENABLED=perhaps"), []string{`FEATURE_FLAG_OVH_ENABLED is "perhaps": say true or false`}},
		"a far sign-in":           {complete("AURORA_ENDPOINT_GOOGLE_TOKEN=http://10.0.0.1", "AURORA_ENDPOINT_OVH_AUTH=http://10.0.0.1"), []string{"AURORA_ENDPOINT_GOOGLE_TOKEN is plain http", "AURORA_ENDPOINT_OVH_AUTH is plain http"}},
		"a path":                  {complete("AURORA_PUBLIC_URL=https://aurora.example/bot/"), []string{"AURORA_PUBLIC_URL has a path: give Aurora a host of its own"}},
		"a query":                 {complete("AURORA_PUBLIC_URL=https://aurora.example/?x=1"), []string{"AURORA_PUBLIC_URL has something behind a ?"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkComplaints(t, loadFrom(t, "", c.environ...).check(), c.want)
		})
	}
}

func checkComplaints(t *testing.T, err error, want []string) {
	t.Helper()
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n")
	}
	if len(lines) != len(want) {
		t.Errorf("%d complaints, want %d", len(lines), len(want))
	}
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("nothing says %q", w)
		}
	}
	for _, line := range lines {
		if strings.Contains(line, "s3cret") {
			t.Errorf("a secret is told: %s", line)
		}
		if !strings.ContainsAny(line, ":;,") {
			t.Errorf("it does not say what to do: %s", line)
		}
	}
	if t.Failed() {
		t.Logf("complaints:\n%v", err)
	}
}

func TestComplaintsComeInTheSameOrder(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=x", "AURORA_LISTEN=x", "AURORA_OPS_LISTEN=y", "AURORA_ENDPOINT_AWS=x", "AURORA_ENDPOINT_TAILSCALE=x", "AURORA_ENDPOINT_GCP_COMPUTE=x"}
	first := loadFrom(t, "", environ...).check().Error()
	for range 20 {
		if again := loadFrom(t, "", environ...).check().Error(); again != first {
			t.Fatalf("first:\n%s\nthen:\n%s", first, again)
		}
	}
}

func TestConfigurationNeverPrintsSecrets(t *testing.T) {
	t.Parallel()
	c := loadFrom(t, "", complete("VAULT_TOKEN=s3cret", "OPENAI_API_KEY=s3cret", "REDIS_URL=redis://:s3cret@x", "AURORA_AUDIT_KEY=s3cret")...)
	if c.OpenAIKey.Reveal() != "s3cret" {
		t.Fatal("the test proves nothing")
	}
	for _, secret := range []store.Secret{c.OpenAIKey, c.VaultToken, c.RedisURL, c.AuditKey, c.SlackBotToken} {
		if strings.Contains(secret.String(), "s3cret") || strings.Contains(secret.GoString(), "s3cret") {
			t.Error("a secret prints as it is")
		}
	}
}

func TestEnvFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aurora.env")
	text := "# comment\n\nexport SLACK_APP_TOKEN=xapp-file\n SLACK_BOT_TOKEN = 'xoxb-file' \nOPENAI_API_KEY=\"a=b#c\"\n" +
		"AURORA_MODEL=it's\nAWS_ACCESS_KEY_ID=AKIAFILE\nAWS_SECRET_ACCESS_KEY=hidden\nAURORA_PUBLIC_URL=https://aurora.example/\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := loadFrom(t, path, "SLACK_APP_TOKEN=xapp-environment")
	for name, pair := range map[string][2]string{
		"the environment counts": {c.SlackAppToken.Reveal(), "xapp-environment"},
		"quotes come off":        {c.SlackBotToken.Reveal(), "xoxb-file"},
		"the value stays whole":  {c.OpenAIKey.Reveal(), "a=b#c"},
		"one quote stays":        {c.Model, "it's"},
		"no slash at the end":    {c.PublicURL, "https://aurora.example"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", name, pair[0], pair[1])
		}
	}
	if c.identity == nil || c.identity.id != "AKIAFILE" || c.identity.secret.Reveal() != "hidden" {
		t.Error("the AWS identity of the file does not count")
	}
	if c := loadFrom(t, "", "AWS_ACCESS_KEY_ID=AKIAENV"); c.identity != nil {
		t.Error("without a file the SDK's own chain decides")
	}
}

func TestBadEnvFilesAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"open":   {"A=b\n", 0o644, "chmod 600"},
		"group":  {"A=b\n", 0o640, "chmod 600"},
		"broken": {"A=b\nhunter2s3cret\n", 0o600, "line 2 is not NAME=value"},
		"absent": {"", 0, "name a file"},
	} {
		path := filepath.Join(dir, name)
		if c.mode != 0 {
			if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil { // whatever the umask made of it
				t.Fatal(err)
			}
		}
		_, err := (&settings{file: &path}).load()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestAdminsAreRead(t *testing.T) {
	t.Parallel()
	admins, err := loadFrom(t, "", "AURORA_ADMINS=slack:T1:U1, teams:contoso:8:orgid:1").admins()
	if err != nil || len(admins) != 2 || !admins[store.Person{Platform: store.Slack, Team: "T1", ID: "U1"}] ||
		!admins[store.Person{Platform: store.Teams, Team: "contoso", ID: "8:orgid:1"}] {
		t.Errorf("%v, %v", admins, err)
	}
}

// Whoever can reach the pages from elsewhere has to prove who he is, whatever people call them.
func TestOnlyPagesThatNobodyElseReachesProveNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		listen, public string
		want           bool
	}{
		{"127.0.0.1:8080", "http://localhost:8080", true},
		{"[::1]:8080", "http://127.0.0.1:8080", true},
		{"localhost:8080", "http://localhost:8080", true},
		{"0.0.0.0:8080", "http://localhost:8080", false},
		{":8080", "http://localhost:8080", false},
		{"[::]:8080", "http://localhost:8080", false},
		{"10.0.0.1:8080", "http://127.0.0.1:8080", false},
		{"127.0.0.1:8080", "https://aurora.example", false},
		{"127.0.0.1:8080", "", false},
	} {
		if got := (config{Listen: row.listen, PublicURL: row.public}).local(); got != row.want {
			t.Errorf("%s behind %s: %v", row.listen, row.public, got)
		}
	}
}
