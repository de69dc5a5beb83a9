package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"aurora/providers"
)

// Session gives az a directory of its own with one subscription, so that nothing else can be meant, and the tokens of one
// hour. In Ask and Incident they are the read-only principal's; the other is not even read then.
func (c *Connector) Session(ctx context.Context, ask providers.SessionAsk) (providers.Session, error) {
	p, ok := c.principalFor(ask)
	if !ok {
		return providers.Session{}, &providers.Problem{Code: providers.CodeExpired, Broken: true,
			Sentence: "The stored service principal of Azure tenant " + ask.Connection.Account + " cannot be used: " + providers.Mend(ask.Connection) + "."}
	}
	arm, err := c.cached(ctx, ask, p, c.armScope())
	if err != nil {
		return providers.Session{}, sessionProblem(ask, err, "Resource Manager", true)
	}
	tokens := []token{arm}
	if scope, name := needs(ask.Argv); scope != "" && !c.custom {
		further, err := c.cached(ctx, ask, p, scope)
		if err != nil {
			return providers.Session{}, sessionProblem(ask, err, name, false)
		}
		tokens = append(tokens, further)
	}
	return c.session(ask, p, tokens)
}

// principalFor chooses the principal: the read-only one where the session must not be able to change anything. The main
// one serves then only where it was found to be read-only itself.
func (c *Connector) principalFor(ask providers.SessionAsk) (principal, bool) {
	if ask.ReadOnly && !ask.Connection.ReadOnly {
		return principalOf(ask.Credential, true)
	}
	p, ok := principalOf(ask.Credential, false)
	return p, ok && p.tenant == ask.Connection.Account
}

func (c *Connector) cached(ctx context.Context, ask providers.SessionAsk, p principal, scope string) (token, error) {
	return c.tokens.get(ctx, cacheKey(ask, p, scope), func(ctx context.Context) (token, error) { return c.ask(ctx, p, scope) })
}

// sessionProblem says why there is no token. Only Resource Manager's is proof that the principal no longer works.
func sessionProblem(ask providers.SessionAsk, err error, service string, proof bool) error {
	var no *refusal
	if !errors.As(err, &no) {
		return err
	}
	if !proof {
		return refuse("Entra gives the service principal no token for %s: %s.", service, no.sentence)
	}
	return &providers.Problem{Code: providers.CodeExpired, Broken: true, Err: err, Sentence: fmt.Sprintf(
		"Entra no longer lets Aurora sign in to tenant %s: %s. Connect again with /aurora connect azure.", ask.Connection.Account, no.sentence)}
}

func (c *Connector) session(ask providers.SessionAsk, p principal, tokens []token) (providers.Session, error) {
	s := providers.Session{Env: environment(), FilesEnv: "AZURE_CONFIG_DIR"}
	for _, t := range tokens {
		s.Secrets = append(s.Secrets, t.value)
	}
	for name, content := range map[string]any{
		"azureProfile.json": c.profile(ask, p), "msal_token_cache.json": c.msalCache(p, tokens),
		// az wants an entry with some secret in it; with a good token in its cache it never uses that.
		"service_principal_entries.json": []any{map[string]string{"client_id": p.client, "tenant": p.tenant, "client_secret": "kept-by-aurora"}},
	} {
		raw, err := json.Marshal(content)
		if err != nil {
			return providers.Session{}, fmt.Errorf("write %s: %w", name, err)
		}
		s.Files = append(s.Files, providers.File{Name: name, Content: string(raw)})
	}
	if len(c.config.CA) > 0 {
		s.Files = append(s.Files, providers.File{Name: "ca.pem", Content: string(c.config.CA), Env: "REQUESTS_CA_BUNDLE"})
	}
	s.Files = append(append(s.Files, c.cloudFiles()...), c.index.files(c)...)
	return s, nil
}

// cloudFiles tell az of a cloud that is not the public one.
func (c *Connector) cloudFiles() []providers.File {
	if !c.custom {
		return nil
	}
	return []providers.File{{Name: "config", Content: "[cloud]\nname = " + customCloud + "\n"}, {Name: "clouds.config", Content: c.cloudConfig()}}
}

func environment() map[string]string {
	return map[string]string{
		"AZURE_CORE_COLLECT_TELEMETRY": "0", "AZURE_CORE_NO_COLOR": "1", "AZURE_CORE_ONLY_SHOW_ERRORS": "1",
		"AZURE_CORE_OUTPUT": "json", "AZURE_CORE_SURVEY_MESSAGE": "0", "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
		"AZURE_CORE_DISABLE_CONFIRM_PROMPT":   "1", // whoever confirms has done so on a card
		"AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no", "AZURE_LOGGING_ENABLE_LOG_FILE": "no",
		"AZURE_AUTO_UPGRADE_ENABLE": "no", "AZURE_CLIENTS_SHOW_SECRETS_WARNING": "no",
	}
}

// customCloud names the cloud that overrides make.
const customCloud = "aurora"

// cloudConfig describes a cloud that is not the public one. The profile is the newest that every az knows for such a cloud.
func (c *Connector) cloudConfig() string {
	return strings.Join([]string{
		"[" + customCloud + "]", "profile = 2020-09-01-hybrid",
		"endpoint_management = " + c.config.ARM, "endpoint_resource_manager = " + c.config.ARM,
		"endpoint_active_directory = " + c.config.Login,
		"endpoint_active_directory_resource_id = " + c.config.ARM, "endpoint_active_directory_graph_resource_id = " + c.config.ARM, "",
	}, "\n")
}

// profile is what az login would have written: the one subscription of the run, or all where the command stands above them.
func (c *Connector) profile(ask providers.SessionAsk, p principal) any {
	cloud := "AzureCloud"
	if c.custom {
		cloud = customCloud
	}
	ids := ask.Connection.Projects
	if ask.Project != "" {
		ids = []string{ask.Project}
	}
	names := providers.ProjectNames(ask.Connection)
	list := []any{}
	for i, id := range ids {
		name := names[id]
		if name == "" {
			name = id
		}
		list = append(list, map[string]any{
			"id": id, "name": name, "state": "Enabled", "tenantId": p.tenant, "homeTenantId": p.tenant, "managedByTenants": []any{},
			"isDefault": i == 0, "environmentName": cloud, "user": map[string]string{"name": p.client, "type": "servicePrincipal"},
		})
	}
	return map[string]any{"subscriptions": list}
}

// msalCache is az's own store of tokens, with these in it.
func (c *Connector) msalCache(p principal, tokens []token) any {
	environment, realm := "login.microsoftonline.com", p.tenant
	if u, err := url.Parse(c.config.Login); err == nil && c.custom {
		environment = u.Hostname()
		if strings.HasSuffix(c.config.Login, "/adfs") {
			realm = "adfs"
		}
	}
	unix := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	entries := map[string]any{}
	for _, t := range tokens {
		key := strings.ToLower(strings.Join([]string{"", environment, "accesstoken", p.client, realm, t.scope}, "-"))
		entries[key] = map[string]any{
			"credential_type": "AccessToken", "secret": t.value, "home_account_id": nil, "environment": environment, "client_id": p.client,
			"target": t.scope, "realm": realm, "token_type": "Bearer", "cached_at": unix(t.issued), "expires_on": unix(t.expires), "extended_expires_on": unix(t.expires),
		}
	}
	return map[string]any{
		"AccessToken": entries,
		"AppMetadata": map[string]any{"appmetadata-" + environment + "-" + p.client: map[string]string{"client_id": p.client, "environment": environment}},
	}
}
