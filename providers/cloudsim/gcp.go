package cloudsim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// gcpCloud answers for one of Google's services. Sign-in is its authorization server.
type gcpCloud struct {
	server  *Server
	oauth   *authorizationServer
	service string // compute, cloudresourcemanager, bigquery or storage
	routes  []gcpRoute
}

// The scopes the simulated services know.
const (
	ScopeCloudPlatform         = "https://www.googleapis.com/auth/cloud-platform"
	ScopeCloudPlatformReadOnly = "https://www.googleapis.com/auth/cloud-platform.read-only"
	ScopeIAM                   = "https://www.googleapis.com/auth/iam"
	ScopeCompute               = "https://www.googleapis.com/auth/compute"
	ScopeComputeReadOnly       = "https://www.googleapis.com/auth/compute.readonly"
	ScopeBigQuery              = "https://www.googleapis.com/auth/bigquery"
	ScopeStorage               = "https://www.googleapis.com/auth/devstorage.full_control"
	ScopeStorageReadOnly       = "https://www.googleapis.com/auth/devstorage.read_only"
)

// gcpScopes are the scopes besides the whole cloud's that a service takes: for everything, and for what only reads.
var gcpScopes = map[string]struct{ all, read []string }{
	"iamcredentials": {[]string{ScopeIAM}, nil},
	"compute":        {[]string{ScopeCompute}, []string{ScopeComputeReadOnly}},
	"bigquery":       {[]string{ScopeBigQuery}, nil},
	"storage":        {[]string{ScopeStorage}, []string{ScopeStorageReadOnly}},
}

// gcpRoute is one method of an API. The pattern's {names} become params.
type gcpRoute struct {
	method, pattern string
	action          string // compute.instances.stop; also the IAM permission unless permission says otherwise
	permission      string // "-": none is needed beyond the token
	writes          bool
	run             func(*gcpCall) (any, *gcpError)
}

// gcpCall is one authenticated request to a Google API.
type gcpCall struct {
	*request
	cloud   *gcpCloud
	route   gcpRoute
	params  map[string]string
	query   url.Values
	token   *accessToken
	project *Project
}

// gcpError is a refusal in Google's words.
type gcpError struct {
	code    int
	status  string // UNAUTHENTICATED, PERMISSION_DENIED, ...; "" is left out, as Compute does
	reason  string
	message string
	details []any
	header  map[string]string
}

// gcpRoles are the roles bindings name, as patterns of permissions.
var gcpRoles = map[string][]string{
	"roles/owner":  {"*"},
	"roles/editor": {"compute.*", "resourcemanager.projects.get", "resourcemanager.projects.list"},
	"roles/viewer": {
		"compute.*.get", "compute.*.list", "compute.instances.getSerialPortOutput", "resourcemanager.projects.get", "resourcemanager.projects.list",
		"bigquery.*.get", "bigquery.*.list", "bigquery.tables.getData", "bigquery.jobs.create", "storage.*.get", "storage.*.list",
	},
	"roles/compute.viewer":                {"compute.*.get", "compute.*.list", "compute.instances.getSerialPortOutput", "resourcemanager.projects.get"},
	"roles/compute.instanceAdmin.v1":      {"compute.instances.*", "compute.zones.*", "compute.zoneOperations.*", "compute.machineTypes.*", "compute.projects.get", "resourcemanager.projects.get"},
	"roles/resourcemanager.projectViewer": {"resourcemanager.projects.get", "resourcemanager.projects.list"},
}

// GoogleToken gives an access token as if this person had signed in, good for life (an hour when 0).
func (s *Server) GoogleToken(email string, life time.Duration, scopes ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if life == 0 {
		life = time.Hour
	}
	return s.grants["gcp"].mint(email, scopes, life)
}

func (g *gcpCloud) plan(r *request) func() reply {
	call := &gcpCall{request: r, cloud: g, query: r.URL.Query()}
	found := call.find()
	r.entry.Action = call.route.action
	if !found {
		r.entry.Action = g.service + "." + r.Method
		return func() reply { return call.fail(gcpNotFoundURL()) }
	}
	r.entry.Account, r.entry.Region = call.params["project"], call.params["zone"]
	if name := call.params["instance"]; name != "" {
		r.entry.Resources = []string{name}
	}
	call.token = g.oauth.live(bearer(r.Request))
	if call.token != nil {
		r.entry.Principal = call.token.grant.subject
	}
	return call.carryOut
}

func (c *gcpCall) carryOut() reply {
	c.token = c.cloud.oauth.live(bearer(c.Request)) // it may have ended while the request was held
	if refused := c.permitted(); refused != nil {
		return c.fail(refused)
	}
	if c.project != nil {
		c.project.settle(time.Now())
	}
	output, refused := c.route.run(c)
	if refused != nil {
		return c.fail(refused)
	}
	if text, ok := output.(media); ok {
		return reply{status: http.StatusOK, body: []byte(text), header: map[string]string{"Content-Type": "text/plain"}}
	}
	return reply{dryRun: c.entry.DryRun, status: http.StatusOK, body: mustJSON(output), header: map[string]string{"Content-Type": "application/json; charset=UTF-8"}}
}

func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return strings.TrimSpace(token)
}

// find matches the path with the routes.
func (c *gcpCall) find() bool {
	for _, route := range c.cloud.routes {
		if params, ok := matchPath(route.pattern, c.rest); ok && route.method == c.Method {
			c.route, c.params = route, params
			return true
		}
	}
	return false
}

// matchPath compares an escaped path with a pattern such as /projects/{project}/zones and gives the unescaped params.
func matchPath(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, part := range want {
		text, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		before, name, isParam := strings.Cut(part, "{")
		if !isParam {
			if part != text {
				return nil, false
			}
			continue
		}
		name, after, _ := strings.Cut(name, "}")
		value, fits := strings.CutPrefix(text, before)
		value, ends := strings.CutSuffix(value, after)
		if !fits || !ends || value == "" || (after == "" && strings.Contains(value, ":")) {
			return nil, false
		}
		params[name] = value
	}
	return params, true
}

// permitted checks token, scope and the person's roles, in the order Google does.
func (c *gcpCall) permitted() *gcpError {
	if c.token == nil {
		return gcpUnauthenticated(bearer(c.Request) == "")
	}
	if !c.scoped() {
		return c.scopeRefusal()
	}
	id := c.params["project"]
	if id == "" || c.route.permission == "-" {
		return nil
	}
	c.project = c.cloud.server.world.GCP.project(id)
	return c.allowedOn(c.project, id)
}

func (c *gcpCall) allowedOn(p *Project, id string) *gcpError {
	permission := c.route.permission
	if permission == "" {
		permission = c.route.action
	}
	if p == nil && c.cloud.service == "compute" {
		return &gcpError{code: http.StatusNotFound, reason: "notFound", message: "The resource 'projects/" + id + "' was not found"}
	}
	if p == nil || !p.may(c.token.grant.subject, permission) {
		return c.forbidden(permission)
	}
	return nil
}

// may tells whether the person's role on the project has the permission.
func (p *Project) may(email, permission string) bool {
	return slices.ContainsFunc(gcpRoles[p.Bindings[email]], func(pattern string) bool { return glob(pattern, permission) })
}

func (c *gcpCall) forbidden(permission string) *gcpError {
	if c.cloud.service != "compute" {
		return &gcpError{code: http.StatusForbidden, status: "PERMISSION_DENIED", reason: "forbidden", message: "The caller does not have permission"}
	}
	resource := "projects/" + c.params["project"]
	if c.params["instance"] != "" {
		resource += "/zones/" + c.params["zone"] + "/instances/" + c.params["instance"]
	}
	return &gcpError{code: http.StatusForbidden, reason: "forbidden", message: fmt.Sprintf("Required '%s' permission for '%s'", permission, resource)}
}

func (c *gcpCall) scoped() bool {
	own := gcpScopes[c.cloud.service]
	enough := append([]string{ScopeCloudPlatform}, own.all...)
	if !c.route.writes {
		enough = append(append(enough, ScopeCloudPlatformReadOnly), own.read...)
	}
	return slices.ContainsFunc(c.token.scopes, func(s string) bool { return slices.Contains(enough, s) })
}

func (c *gcpCall) scopeRefusal() *gcpError {
	return &gcpError{
		code: http.StatusForbidden, status: "PERMISSION_DENIED", reason: "insufficientPermissions", message: "Request had insufficient authentication scopes.",
		header: map[string]string{"Www-Authenticate": `Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="` + ScopeCloudPlatform + `"`},
		details: []any{map[string]any{
			"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "domain": "googleapis.com",
			"metadata": map[string]string{"service": c.cloud.service + ".googleapis.com", "method": c.route.action},
		}},
	}
}

func gcpUnauthenticated(missing bool) *gcpError {
	reason, message := "ACCESS_TOKEN_TYPE_UNSUPPORTED", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
	if missing {
		reason, message = "CREDENTIALS_MISSING", "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
	}
	return &gcpError{
		code: http.StatusUnauthorized, status: "UNAUTHENTICATED", reason: "authError", message: message,
		header:  map[string]string{"Www-Authenticate": `Bearer realm="https://accounts.google.com/", error="invalid_token"`},
		details: []any{map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}},
	}
}

func gcpNotFoundURL() *gcpError {
	return &gcpError{code: http.StatusNotFound, status: "NOT_FOUND", reason: "notFound", message: "The requested URL was not found on this server."}
}

func (c *gcpCall) fail(e *gcpError) reply {
	one := map[string]any{"message": e.message, "domain": "global", "reason": e.reason}
	body := map[string]any{"code": e.code, "message": e.message, "errors": []any{one}}
	if e.status != "" {
		body["status"] = e.status
	}
	if e.details != nil {
		body["details"] = e.details
	}
	answer := reply{status: e.code, code: e.reason, body: mustJSON(map[string]any{"error": body}), header: map[string]string{"Content-Type": "application/json; charset=UTF-8"}}
	for name, value := range e.header {
		answer.header[name] = value
	}
	return answer
}

func (g *gcpCloud) refusal(r *request, status int, code, message string) reply {
	said, reason, words := "UNAVAILABLE", "backendError", "The service is currently unavailable."
	if status == http.StatusTooManyRequests {
		said, reason, words = "RESOURCE_EXHAUSTED", "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'."
	}
	return (&gcpCall{request: r, cloud: g}).fail(&gcpError{code: status, status: said, reason: cmp.Or(code, reason), message: cmp.Or(message, words)})
}
