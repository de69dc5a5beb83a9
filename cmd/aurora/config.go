package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"aurora/store"
)

// config is every setting, as the environment gives it.
type config struct {
	Listen    string   `env:"AURORA_LISTEN" envDefault:"127.0.0.1:8080"`
	OpsListen string   `env:"AURORA_OPS_LISTEN" envDefault:"127.0.0.1:9090"`
	PublicURL string   `env:"AURORA_PUBLIC_URL"`
	Proxies   []string `env:"AURORA_TRUSTED_PROXIES"` // whose word on a caller's address is taken
	DataDir   string   `env:"AURORA_DATA_DIR" envDefault:"aurora-data"`

	DatabaseURL store.Secret `env:"DATABASE_URL"`
	MigrateURL  store.Secret `env:"AURORA_MIGRATE_URL"`
	RedisURL    store.Secret `env:"REDIS_URL"`
	VaultAddr   string       `env:"VAULT_ADDR"`
	VaultToken  store.Secret `env:"VAULT_TOKEN"`
	VaultRole   string       `env:"VAULT_ROLE_ID"`
	VaultSecret store.Secret `env:"VAULT_SECRET_ID"`

	SlackAppToken store.Secret `env:"SLACK_APP_TOKEN"`
	SlackBotToken store.Secret `env:"SLACK_BOT_TOKEN"`
	SlackAPIURL   string       `env:"SLACK_API_URL"`
	SlackSockets  int          `env:"AURORA_SLACK_SOCKETS" envDefault:"2"`

	SlackClientID     string       `env:"SLACK_CLIENT_ID"` // Sign in with Slack
	SlackClientSecret store.Secret `env:"SLACK_CLIENT_SECRET"`

	OpenAIKey  store.Secret `env:"OPENAI_API_KEY"`
	OpenAIBase string       `env:"OPENAI_BASE_URL"`
	Model      string       `env:"AURORA_MODEL"`

	Admins      []string     `env:"AURORA_ADMINS"`
	DefaultRole string       `env:"AURORA_DEFAULT_ROLE" envDefault:"viewer"`
	PolicyFile  string       `env:"AURORA_POLICY_FILE"`
	AuditKey    store.Secret `env:"AURORA_AUDIT_KEY"`

	EndpointAWS       string `env:"AURORA_ENDPOINT_AWS"`
	EndpointSTS       string `env:"AURORA_ENDPOINT_AWS_STS"`
	EndpointCompute   string `env:"AURORA_ENDPOINT_GCP_COMPUTE"`
	EndpointProjects  string `env:"AURORA_ENDPOINT_GCP_RESOURCEMANAGER"`
	EndpointBigQuery  string `env:"AURORA_ENDPOINT_GCP_BIGQUERY"`
	EndpointStorage   string `env:"AURORA_ENDPOINT_GCP_STORAGE"`
	EndpointTailscale string `env:"AURORA_ENDPOINT_TAILSCALE"`
	EndpointEntra     string `env:"AURORA_ENDPOINT_AZURE_LOGIN"`
	EndpointARM       string `env:"AURORA_ENDPOINT_AZURE_ARM"`
	EndpointScaleway  string `env:"AURORA_ENDPOINT_SCALEWAY"`

	AWSTemplate string `env:"AURORA_AWS_TEMPLATE_URL"` // where on S3 the template of `aurora manifest aws` lies

	AzureTokenFile string `env:"AZURE_FEDERATED_TOKEN_FILE"` // Aurora's own token of its platform
	CAFile         string `env:"SSL_CERT_FILE"`              // Go's own name for it; az must be told

	SignIns

	Path      string `env:"PATH"`
	AWSRegion string `env:"AWS_REGION" envDefault:"us-east-1"`

	unread      error         // settings that could not be read, each in a sentence
	identity    *awsKey       // Aurora's own AWS identity when it does not come from the SDK's chain
	cloudCA     []byte        // what CLIs trust in place of CAFile's certificates
	proveAll    bool          // people prove who they are on this machine's own http, too
	confirmWait time.Duration // how long a click is waited for; 0 is the executor's own
	silence     time.Duration // after how long without a socket Slack counts as away; 0 is the adapter's own
}

// awsKey is an AWS access key; session is empty for a long-lived one.
type awsKey struct {
	id      string
	secret  store.Secret
	session store.Secret
}

// settings is where the configuration comes from.
type settings struct {
	environ []string
	file    *string
}

// load reads the configuration. What is wrong with it is told by check, everything at once.
func (s *settings) load() (config, error) {
	vars, err := s.variables()
	if err != nil {
		return config{}, err
	}
	c, err := env.ParseAsWithOptions[config](env.Options{Environment: vars})
	c.unread = unreadable(err, vars)
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if id := vars["AWS_ACCESS_KEY_ID"]; id != "" && *s.file != "" { // the SDK's chain does not see the file
		c.identity = &awsKey{id: id, secret: store.Secret(vars["AWS_SECRET_ACCESS_KEY"]), session: store.Secret(vars["AWS_SESSION_TOKEN"])}
	}
	return c, nil
}

// unreadable names the settings, not the fields, that a value does not fit.
func unreadable(err error, vars map[string]string) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	var wrong []error
	for _, err := range all.Errors {
		var one env.ParseError
		field, found := reflect.StructField{}, false
		if errors.As(err, &one) {
			field, found = reflect.TypeFor[config]().FieldByName(one.Name)
		}
		if !found {
			wrong = append(wrong, err)
			continue
		}
		name, want := field.Tag.Get("env"), "give a whole number"
		if field.Type.Kind() == reflect.Bool {
			want = "say true or false"
		}
		wrong = append(wrong, fmt.Errorf("%s is %q: %s", name, vars[name], want))
	}
	return errors.Join(wrong...)
}

// variables is the environment, with the named file below it: what is set in both counts as the environment says.
func (s *settings) variables() (map[string]string, error) {
	vars := map[string]string{}
	if *s.file != "" {
		if err := readEnvFile(*s.file, vars); err != nil {
			return nil, err
		}
	}
	for _, entry := range s.environ {
		name, value, _ := strings.Cut(entry, "=")
		vars[name] = value
	}
	return vars, nil
}

func readEnvFile(path string, vars map[string]string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read --env-file: %w; name a file with one NAME=value in a line", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("--env-file %s can be read by others (mode %04o): it holds secrets, so run `chmod 600 %s`", path, info.Mode().Perm(), path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read --env-file: %w", err)
	}
	for n, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "export "))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok { // the line may hold a secret
			return fmt.Errorf("--env-file %s, line %d is not NAME=value: mend it, or begin it with # to leave it out", path, n+1)
		}
		vars[strings.TrimSpace(name)] = unquote(strings.TrimSpace(value))
	}
	return nil
}

// unquote takes off one pair of quotes around a value.
func unquote(value string) string {
	if n := len(value); n >= 2 && value[0] == value[n-1] && (value[0] == '"' || value[0] == '\'') {
		return value[1 : n-1]
	}
	return value
}

// embedded tells whether the stores are the built-in ones.
func (c config) embedded() bool { return c.DatabaseURL == "" && c.RedisURL == "" && c.VaultAddr == "" }

// check tells everything that keeps serve from starting, each with what to do.
func (c config) check() error {
	return errors.Join(c.unread, c.checkStores(), c.checkAddresses(), c.checkSlack(), c.checkModel(), c.checkPeople(), c.SignIns.check())
}

func (c config) checkStores() error {
	if c.embedded() {
		return nil
	}
	var wrong []error
	for _, s := range []struct{ name, value string }{
		{"DATABASE_URL", c.DatabaseURL.Reveal()}, {"REDIS_URL", c.RedisURL.Reveal()}, {"VAULT_ADDR", c.VaultAddr},
	} {
		if s.value == "" {
			wrong = append(wrong, fmt.Errorf("%s is missing: set DATABASE_URL, REDIS_URL and VAULT_ADDR together, or none of them for the embedded stores", s.name))
		}
	}
	if c.DatabaseURL != "" && !isPostgresURL(c.DatabaseURL.Reveal()) {
		wrong = append(wrong, errors.New("DATABASE_URL is not an address of PostgreSQL: write postgres://role:password@host:5432/database"))
	}
	return errors.Join(append(wrong, c.checkVault())...)
}

func isPostgresURL(value string) bool {
	return strings.HasPrefix(value, "postgres://") || strings.HasPrefix(value, "postgresql://")
}

func (c config) checkVault() error {
	if c.VaultAddr == "" {
		return nil
	}
	wrong := []error{checkWeb("VAULT_ADDR", c.VaultAddr, true)}
	role := c.VaultRole != "" || c.VaultSecret != ""
	switch {
	case c.VaultToken == "" && !role:
		wrong = append(wrong, errors.New("VAULT_ADDR needs VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID"))
	case c.VaultToken != "" && role:
		wrong = append(wrong, errors.New("VAULT_TOKEN is set beside VAULT_ROLE_ID or VAULT_SECRET_ID: take one of the two ways to sign in away"))
	case role && (c.VaultRole == "" || c.VaultSecret == ""):
		wrong = append(wrong, errors.New("VAULT_ROLE_ID and VAULT_SECRET_ID belong together: set the other one too"))
	}
	return errors.Join(wrong...)
}

func (c config) checkAddresses() error {
	var wrong []error
	wrong = append(wrong, checkListen("AURORA_LISTEN", c.Listen), checkListen("AURORA_OPS_LISTEN", c.OpsListen))
	if c.Listen == c.OpsListen && !strings.HasSuffix(c.Listen, ":0") {
		wrong = append(wrong, fmt.Errorf("AURORA_LISTEN and AURORA_OPS_LISTEN are both %s: give each an address of its own", c.Listen))
	}
	if c.PublicURL != "" {
		wrong = append(wrong, c.checkPublic())
	}
	if c.AWSTemplate != "" {
		wrong = append(wrong, checkWeb("AURORA_AWS_TEMPLATE_URL", c.AWSTemplate, false))
	}
	for _, text := range c.Proxies {
		if _, err := netip.ParsePrefix(strings.TrimSpace(text)); err != nil {
			wrong = append(wrong, fmt.Errorf("AURORA_TRUSTED_PROXIES has %q: write networks such as 10.0.0.0/8, separated by commas", text))
		}
	}
	local := c.PublicURL == "" || isLoopbackURL(c.PublicURL)
	set := c.endpoints()
	for _, name := range slices.Sorted(maps.Keys(set)) {
		wrong = append(wrong, checkWeb(name, set[name], local && name != "AURORA_ENDPOINT_GCP_STORAGE")) // gsutil speaks TLS alone
	}
	if (c.EndpointEntra == "") != (c.EndpointARM == "") {
		wrong = append(wrong, errors.New("AURORA_ENDPOINT_AZURE_LOGIN and AURORA_ENDPOINT_AZURE_ARM belong together: set the other one too"))
	}
	for _, s := range []struct{ name, value string }{{"OPENAI_BASE_URL", c.OpenAIBase}, {"SLACK_API_URL", c.SlackAPIURL}} {
		if s.value != "" {
			wrong = append(wrong, checkWeb(s.name, s.value, true))
		}
	}
	return errors.Join(wrong...)
}

// proxies are the networks of the proxies before Aurora.
func (c config) proxies() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range c.Proxies {
		if p, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil { // check tells of the others
			all = append(all, p.Masked())
		}
	}
	return all
}

func checkListen(name, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%s is %q: give host:port, such as 127.0.0.1:8080", name, addr)
	}
	return nil
}

// endpoints are the overrides that are set.
func (c config) endpoints() map[string]string {
	set := map[string]string{}
	for name, value := range map[string]string{
		"AURORA_ENDPOINT_AWS": c.EndpointAWS, "AURORA_ENDPOINT_AWS_STS": c.EndpointSTS, "AURORA_ENDPOINT_GCP_COMPUTE": c.EndpointCompute,
		"AURORA_ENDPOINT_GCP_RESOURCEMANAGER": c.EndpointProjects, "AURORA_ENDPOINT_GCP_BIGQUERY": c.EndpointBigQuery,
		"AURORA_ENDPOINT_GCP_STORAGE": c.EndpointStorage, "AURORA_ENDPOINT_TAILSCALE": c.EndpointTailscale,
		"AURORA_ENDPOINT_AZURE_LOGIN": c.EndpointEntra, "AURORA_ENDPOINT_AZURE_ARM": c.EndpointARM, "AURORA_ENDPOINT_SCALEWAY": c.EndpointScaleway,
	} {
		if value != "" {
			set[name] = value
		}
	}
	for name, value := range c.addresses() {
		if value != "" {
			set[name] = value
		}
	}
	return set
}

// reached are the overrides that a cloud's programs speak to. What Aurora alone speaks to, to sign people in and for the
// clouds without a program, is none of theirs.
func (c config) reached() map[store.Cloud][]string {
	return map[store.Cloud][]string{
		store.AWS:      {c.EndpointAWS, c.EndpointSTS},
		store.GCP:      {c.EndpointCompute, c.EndpointProjects, c.EndpointBigQuery, c.EndpointStorage},
		store.Azure:    {c.EndpointEntra, c.EndpointARM},
		store.Scaleway: {c.EndpointScaleway},
	}
}

// checkPublic wants an address that all pages stand right below: their links and redirects begin with a slash.
func (c config) checkPublic() error {
	if err := checkWeb("AURORA_PUBLIC_URL", c.PublicURL, true); err != nil {
		return err
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Path != "" {
		return errors.New("AURORA_PUBLIC_URL has a path: give Aurora a host of its own, such as https://aurora.example, and leave the path out")
	}
	return nil
}

// local tells whether this machine alone reaches the pages, so that a link proves who follows it. An address on loopback
// says where people look for them, not who else does.
func (c config) local() bool {
	return isLoopbackURL(c.PublicURL) && isLoopbackURL("http://"+c.Listen) && !c.proveAll
}

// checkWeb accepts https, and http on loopback where that is allowed.
func checkWeb(name, value string, loopback bool) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return fmt.Errorf("%s cannot be read: give an https:// address without a password in it", name) // it may hold one
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%s has something behind a ? or #: leave that out", name)
	}
	if u.Scheme == "https" || loopback && isLoopbackURL(value) {
		return nil
	}
	if isLoopbackURL(value) {
		return fmt.Errorf("%s is plain http, which is only for trying things out: it needs AURORA_PUBLIC_URL to be on loopback too", name)
	}
	return fmt.Errorf("%s is plain http: use https, or a loopback address", name)
}

func isLoopbackURL(value string) bool {
	u, err := url.Parse(value)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func (c config) checkSlack() error {
	var wrong []error
	if c.SlackAppToken == "" {
		wrong = append(wrong, errors.New("SLACK_APP_TOKEN is missing: make an app-level token (xapp-...) with the scope connections:write under Basic Information, or try `aurora playground`, which needs none"))
	} else if !strings.HasPrefix(c.SlackAppToken.Reveal(), "xapp-") {
		wrong = append(wrong, errors.New("SLACK_APP_TOKEN does not begin with xapp-: it is the app-level token, not the bot token"))
	}
	if c.SlackBotToken == "" {
		wrong = append(wrong, errors.New("SLACK_BOT_TOKEN is missing: install the app to the workspace and take the Bot User OAuth Token (xoxb-...)"))
	} else if !strings.HasPrefix(c.SlackBotToken.Reveal(), "xoxb-") {
		wrong = append(wrong, errors.New("SLACK_BOT_TOKEN does not begin with xoxb-: it is the bot token, not the app-level token"))
	}
	if (c.SlackClientID == "") != (c.SlackClientSecret == "") {
		wrong = append(wrong, errors.New("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET belong together: set the other one too"))
	}
	if c.unread == nil && (c.SlackSockets < 1 || c.SlackSockets > 10) {
		wrong = append(wrong, fmt.Errorf("AURORA_SLACK_SOCKETS is %d: Slack allows 1 to 10", c.SlackSockets))
	}
	return errors.Join(wrong...)
}

func (c config) hasModel() bool { return c.OpenAIKey != "" || c.OpenAIBase != "" }

func (c config) checkModel() error {
	if c.hasModel() && c.Model == "" {
		return errors.New("AURORA_MODEL is missing: name the model to ask, since OPENAI_API_KEY or OPENAI_BASE_URL is set")
	}
	return nil
}

func (c config) checkPeople() error {
	var wrong []error
	if _, ok := store.ParseRole(c.DefaultRole); !ok {
		wrong = append(wrong, fmt.Errorf("AURORA_DEFAULT_ROLE is %q: it is one of viewer, operator, approver, admin", c.DefaultRole))
	}
	_, err := c.admins()
	return errors.Join(append(wrong, err)...)
}

// admins are the people AURORA_ADMINS names.
func (c config) admins() (map[store.Person]bool, error) {
	people, wrong := map[store.Person]bool{}, []error(nil)
	for _, entry := range c.Admins {
		parts := strings.SplitN(strings.TrimSpace(entry), ":", 3)
		if len(parts) != 3 || parts[0] != string(store.Slack) && parts[0] != string(store.Teams) || parts[1] == "" || parts[2] == "" {
			wrong = append(wrong, fmt.Errorf("AURORA_ADMINS has %q: write slack:<team>:<user> or teams:<tenant>:<object id>, separated by commas", entry))
			continue
		}
		people[store.Person{Platform: store.Platform(parts[0]), Team: parts[1], ID: parts[2]}] = true
	}
	return people, errors.Join(wrong...)
}
