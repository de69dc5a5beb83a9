package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"aurora/store"
)

// config is every setting, as the environment gives it.
type config struct {
	Listen    string `env:"AURORA_LISTEN" envDefault:"127.0.0.1:8080"`
	OpsListen string `env:"AURORA_OPS_LISTEN" envDefault:"127.0.0.1:9090"`
	PublicURL string `env:"AURORA_PUBLIC_URL"`
	DataDir   string `env:"AURORA_DATA_DIR" envDefault:"aurora-data"`

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
	EndpointTailscale string `env:"AURORA_ENDPOINT_TAILSCALE"`

	Path      string `env:"PATH"`
	AWSRegion string `env:"AWS_REGION" envDefault:"us-east-1"`

	identity    *awsKey       // Aurora's own AWS identity when it does not come from the SDK's chain
	confirmWait time.Duration // how long a click is waited for; 0 is the executor's own
}

// awsKey is a long-lived AWS access key.
type awsKey struct {
	id     string
	secret store.Secret
}

// settings is where the configuration comes from.
type settings struct {
	environ []string
	file    *string
}

// load reads the configuration and tells everything that is wrong with it at once.
func (s *settings) load() (config, error) {
	vars, err := s.variables()
	if err != nil {
		return config{}, err
	}
	c, err := env.ParseAsWithOptions[config](env.Options{Environment: vars})
	if err != nil {
		return config{}, fmt.Errorf("read the settings: %w", err)
	}
	return c, nil
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
		return fmt.Errorf("read --env-file: %w", err)
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
		if !ok {
			return fmt.Errorf("--env-file %s, line %d: expected NAME=value", path, n+1)
		}
		vars[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"'`)
	}
	return nil
}

// embedded tells whether the stores are the built-in ones.
func (c config) embedded() bool { return c.DatabaseURL == "" && c.RedisURL == "" && c.VaultAddr == "" }

// check tells everything that keeps serve from starting, each with what to do.
func (c config) check() error {
	return errors.Join(c.checkStores(), c.checkAddresses(), c.checkSlack(), c.checkModel(), c.checkPeople())
}

func (c config) checkStores() error {
	if c.embedded() {
		return nil
	}
	var wrong []error
	for name, missing := range map[string]bool{"DATABASE_URL": c.DatabaseURL == "", "REDIS_URL": c.RedisURL == "", "VAULT_ADDR": c.VaultAddr == ""} {
		if missing {
			wrong = append(wrong, fmt.Errorf("%s is missing: set DATABASE_URL, REDIS_URL and VAULT_ADDR together, or none of them for the embedded stores", name))
		}
	}
	if c.VaultAddr != "" && c.VaultToken == "" && (c.VaultRole == "" || c.VaultSecret == "") {
		wrong = append(wrong, errors.New("VAULT_ADDR needs VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID"))
	}
	return errors.Join(wrong...)
}

func (c config) checkAddresses() error {
	var wrong []error
	for name, addr := range map[string]string{"AURORA_LISTEN": c.Listen, "AURORA_OPS_LISTEN": c.OpsListen} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			wrong = append(wrong, fmt.Errorf("%s is %q: give host:port, such as 127.0.0.1:8080", name, addr))
		}
	}
	if c.PublicURL != "" {
		wrong = append(wrong, checkWeb("AURORA_PUBLIC_URL", c.PublicURL, true))
	}
	local := c.PublicURL == "" || isLoopbackURL(c.PublicURL)
	for name, value := range c.endpoints() {
		wrong = append(wrong, checkWeb(name, value, local))
	}
	if c.OpenAIBase != "" {
		wrong = append(wrong, checkWeb("OPENAI_BASE_URL", c.OpenAIBase, true))
	}
	return errors.Join(wrong...)
}

// endpoints are the overrides that are set.
func (c config) endpoints() map[string]string {
	set := map[string]string{}
	for name, value := range map[string]string{
		"AURORA_ENDPOINT_AWS": c.EndpointAWS, "AURORA_ENDPOINT_AWS_STS": c.EndpointSTS, "AURORA_ENDPOINT_GCP_COMPUTE": c.EndpointCompute,
		"AURORA_ENDPOINT_GCP_RESOURCEMANAGER": c.EndpointProjects, "AURORA_ENDPOINT_TAILSCALE": c.EndpointTailscale,
	} {
		if value != "" {
			set[name] = value
		}
	}
	return set
}

// checkWeb accepts https, and http on loopback where that is allowed.
func checkWeb(name, value string, loopback bool) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%s is %q: give an https:// address", name, value)
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
	if c.SlackSockets < 1 || c.SlackSockets > 10 {
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
	if _, err := c.admins(); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// admins are the people AURORA_ADMINS names.
func (c config) admins() (map[store.Person]bool, error) {
	people := map[store.Person]bool{}
	for _, entry := range c.Admins {
		parts := strings.SplitN(strings.TrimSpace(entry), ":", 3)
		if len(parts) != 3 || parts[0] != string(store.Slack) && parts[0] != string(store.Teams) || parts[1] == "" || parts[2] == "" {
			return nil, fmt.Errorf("AURORA_ADMINS has %q: write slack:<team>:<user> or teams:<tenant>:<object id>, separated by commas", entry)
		}
		people[store.Person{Platform: store.Platform(parts[0]), Team: parts[1], ID: parts[2]}] = true
	}
	return people, nil
}
