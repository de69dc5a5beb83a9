package cloudsim

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scaleway is one Scaleway organisation.
type Scaleway struct {
	Organization string            `json:"organization"`
	Projects     []ScalewayProject `json:"projects"`
	Servers      []ScalewayServer  `json:"servers"`
}

// ScalewayProject is one project of the organisation.
type ScalewayProject struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ScalewayServer is one instance.
type ScalewayServer struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Project string    `json:"project"`
	Zone    string    `json:"zone"`
	Type    string    `json:"type"`
	State   string    `json:"state"` // running, stopped, stopping, starting
	Becomes string    `json:"becomes,omitempty"`
	Settles time.Time `json:"settles,omitzero"`
	IP      string    `json:"ip,omitempty"`
	Tags    []string  `json:"tags,omitempty"`
}

// ScalewayKey is an API key of an IAM application.
type ScalewayKey struct {
	AccessKey string `json:"access_key"` // SCW and 17 characters
	SecretKey string `json:"secret_key"` // a UUID
	ReadOnly  bool   `json:"read_only"`
	// PermissionSets is what its application's policy holds; nil means all products and IAM, to read or to change.
	PermissionSets []string `json:"permission_sets,omitempty"`
	// GroupSets is what the policy of the group holds that its application is a member of; nil means that it is in none.
	GroupSets []string `json:"group_sets,omitempty"`
	// Expires is when it ends by itself; zero means never.
	Expires time.Time `json:"expires_at,omitzero"`
}

func (k ScalewayKey) sets() []string {
	switch {
	case k.PermissionSets != nil:
		return k.PermissionSets
	case k.ReadOnly:
		return []string{"AllProductsReadOnly", "IAMReadOnly", "ProjectReadOnly"}
	}
	return []string{"AllProductsFullAccess", "IAMManager", "ProjectManager"}
}

type scalewayCloud struct {
	server *Server
	keys   map[string]*scalewayKeyState // by access key
}

type scalewayKeyState struct {
	ScalewayKey
	expires time.Time
	revoked bool
}

var scalewayZones = []string{"fr-par-1", "fr-par-2", "fr-par-3", "nl-ams-1", "nl-ams-2", "nl-ams-3", "pl-waw-1", "pl-waw-2", "pl-waw-3"}

var scalewayRoutes = []restRoute{
	{"GET", "/iam/v1alpha1/api-keys/{key}", "iam.api-keys.get", false, scalewayAPIKey},
	{"DELETE", "/iam/v1alpha1/api-keys/{key}", "iam.api-keys.delete", true, scalewayDeleteKey},
	{"GET", "/iam/v1alpha1/applications/{application}", "iam.applications.get", false, scalewayApplication},
	{"GET", "/iam/v1alpha1/groups", "iam.groups.list", false, scalewayGroups},
	{"GET", "/iam/v1alpha1/policies", "iam.policies.list", false, scalewayPolicies},
	{"GET", "/iam/v1alpha1/rules", "iam.rules.list", false, scalewayRules},
	{"GET", "/account/v3/projects", "account.projects.list", false, scalewayProjects},
	{"GET", "/account/v3/projects/{project}", "account.projects.get", false, scalewayProject},
	{"GET", "/instance/v1/zones/{zone}/servers", "instance.servers.list", false, scalewayServers},
	{"GET", "/instance/v1/zones/{zone}/servers/{server}", "instance.servers.get", false, scalewayServer},
	{"POST", "/instance/v1/zones/{zone}/servers/{server}/action", "instance.servers.action", true, scalewayAction},
	{"DELETE", "/instance/v1/zones/{zone}/servers/{server}", "instance.servers.delete", true, scalewayDelete},
}

func defaultScaleway() Scaleway {
	organization, project := uuidOf("scaleway acme"), uuidOf("scaleway acme default")
	server := func(name, zone, state, ip string) ScalewayServer {
		return ScalewayServer{ID: uuidOf("scaleway " + name), Name: name, Project: project, Zone: zone, Type: "DEV1-S", State: state, IP: ip, Tags: []string{"checkout"}}
	}
	return Scaleway{
		Organization: organization,
		Projects:     []ScalewayProject{{project, "default"}, {uuidOf("scaleway acme staging"), "staging"}},
		Servers:      []ScalewayServer{server("cache-1", "fr-par-1", "running", "203.0.113.50"), server("cache-2", "nl-ams-1", "stopped", "")},
	}
}

func newScalewayCloud(s *Server) *scalewayCloud {
	c := &scalewayCloud{server: s, keys: map[string]*scalewayKeyState{}}
	for _, key := range s.config.ScalewayKeys {
		c.keys[key.AccessKey] = &scalewayKeyState{ScalewayKey: key, expires: key.Expires}
	}
	return c
}

// ScalewayKeys gives the API keys made at the start: the first may change things, the second only read.
func (s *Server) ScalewayKeys() []ScalewayKey { return s.config.ScalewayKeys }

func (c *scalewayCloud) plan(r *request) func() reply {
	route, params, found := findRoute(scalewayRoutes, r)
	if !found {
		r.entry.Action = "unknown"
		return scalewayNotFound("path", r.rest).reply
	}
	call := &restCall{request: r, server: c.server, route: route, params: params}
	r.entry.Action, r.entry.Region, r.entry.Account = route.action, params["zone"], c.server.world.Scaleway.Organization
	if route.action == "instance.servers.action" {
		r.entry.Action += "." + scalewayVerb(call)
	}
	if id := params["server"]; id != "" {
		r.entry.Resources = []string{id}
	}
	if key := c.caller(r); key != nil {
		r.entry.Principal = key.AccessKey
	}
	return func() reply { return c.carryOut(call) }
}

func (c *scalewayCloud) carryOut(call *restCall) reply {
	key := c.caller(call.request)
	if key == nil {
		return (&restError{http.StatusUnauthorized, "denied_authentication", map[string]any{
			"message": "authentication is denied", "method": "api_key", "reason": "not_found", "type": "denied_authentication",
		}}).reply()
	}
	if !key.allows(call.route) {
		resource, _, _ := strings.Cut(call.route.action, ".")
		return (&restError{http.StatusForbidden, "permissions_denied", map[string]any{
			"message": "insufficient permissions", "type": "permissions_denied", "details": []any{map[string]string{"action": "write", "resource": resource}},
		}}).reply()
	}
	if zone := call.params["zone"]; zone != "" && !slices.Contains(scalewayZones, zone) {
		return scalewayNotFound("zone", zone).reply()
	}
	now := time.Now()
	for i := range c.server.world.Scaleway.Servers {
		if server := &c.server.world.Scaleway.Servers[i]; server.Becomes != "" && !now.Before(server.Settles) {
			server.State, server.Becomes = server.Becomes, ""
		}
	}
	c.server.world.Scaleway.Servers = slices.DeleteFunc(c.server.world.Scaleway.Servers, func(s ScalewayServer) bool { return s.State == "gone" })
	return call.answer()
}

// allows tells whether the key's permission sets cover a method.
func (k *scalewayKeyState) allows(route restRoute) bool {
	wanted := []string{"AllProductsFullAccess", "InstancesFullAccess"}
	if strings.HasPrefix(route.action, "iam.") {
		wanted = []string{"IAMManager"}
	}
	if strings.HasPrefix(route.action, "account.") {
		wanted = []string{"ProjectManager"}
	}
	if !route.writes {
		wanted = append(wanted, map[string]string{"iam": "IAMReadOnly", "acc": "ProjectReadOnly"}[route.action[:3]], "AllProductsReadOnly", "InstancesReadOnly")
		if strings.HasPrefix(route.action, "iam.") { // all products do not include IAM
			wanted = wanted[:2]
		}
	}
	return slices.ContainsFunc(slices.Concat(k.sets(), k.GroupSets), func(set string) bool { return slices.Contains(wanted, set) })
}

// caller finds the key whose secret the request bears.
func (c *scalewayCloud) caller(r *request) *scalewayKeyState {
	token := []byte(r.Header.Get("X-Auth-Token"))
	for _, key := range c.keys {
		alive := !key.revoked && (key.expires.IsZero() || time.Now().Before(key.expires))
		if alive && subtle.ConstantTimeCompare(token, []byte(key.SecretKey)) == 1 {
			return key
		}
	}
	return nil
}

func (c *scalewayCloud) refusal(_ *request, status int, code, message string) reply {
	return (&restError{status, code, map[string]any{"type": code, "message": message}}).reply()
}

func scalewayNotFound(resource, id string) *restError {
	return &restError{http.StatusNotFound, "not_found", map[string]any{"message": "resource is not found", "resource": resource, "resource_id": id, "type": "not_found"}}
}

func scalewayAPIKey(c *restCall) (any, *restError) {
	key := c.server.scaleway.keys[c.params["key"]]
	if key == nil || key.revoked {
		return nil, scalewayNotFound("api_key", c.params["key"])
	}
	var expires any
	if !key.expires.IsZero() {
		expires = key.expires.UTC().Format(time.RFC3339)
	}
	return map[string]any{
		"access_key": key.AccessKey, "secret_key": nil, "application_id": uuidOf("application " + key.AccessKey), "description": "aurora", "editable": true,
		"default_project_id": c.server.world.Scaleway.Projects[0].ID, "created_at": worldBegan.Format(time.RFC3339), "expires_at": expires, "creation_ip": "203.0.113.1",
	}, nil
}

func scalewayDeleteKey(c *restCall) (any, *restError) {
	key := c.server.scaleway.keys[c.params["key"]]
	if key == nil || key.revoked {
		return nil, scalewayNotFound("api_key", c.params["key"])
	}
	key.revoked = true
	return nil, nil
}

func scalewayApplication(c *restCall) (any, *restError) {
	for _, key := range c.server.scaleway.keys {
		if uuidOf("application "+key.AccessKey) == c.params["application"] {
			return map[string]any{"id": c.params["application"], "name": "aurora", "organization_id": c.server.world.Scaleway.Organization, "nb_api_keys": 1}, nil
		}
	}
	return nil, scalewayNotFound("application", c.params["application"])
}

func (w *World) scalewayProject(p ScalewayProject) map[string]any {
	return map[string]any{"id": p.ID, "name": p.Name, "organization_id": w.Scaleway.Organization, "description": "", "created_at": worldBegan.Format(time.RFC3339), "updated_at": worldBegan.Format(time.RFC3339)}
}

func scalewayProjects(c *restCall) (any, *restError) {
	w, query := &c.server.world, c.URL.Query()
	list := []any{}
	if asked := query.Get("organization_id"); asked == "" || asked == w.Scaleway.Organization {
		for _, p := range w.Scaleway.Projects {
			list = append(list, w.scalewayProject(p))
		}
	}
	return map[string]any{"projects": scalewayPage(list, query), "total_count": len(list)}, nil
}

// scalewayPage cuts a list as ?page= and ?page_size= say; pages are counted from 1 and hold 20 by default.
func scalewayPage(list []any, query url.Values) []any {
	n, err := strconv.Atoi(query.Get("page"))
	if err != nil || n < 1 {
		n = 1
	}
	size, err := strconv.Atoi(query.Get("page_size"))
	if err != nil || size < 1 || size > 100 {
		size = 20
	}
	from := min((n-1)*size, len(list))
	return list[from:min(from+size, len(list))]
}

// scalewayGroups lists the groups, each with one application in it.
func scalewayGroups(c *restCall) (any, *restError) {
	if refused := scalewayOrganization(c); refused != nil {
		return nil, refused
	}
	query, list := c.URL.Query(), []any{}
	for _, key := range c.server.scaleway.keys {
		application := uuidOf("application " + key.AccessKey)
		if asked := query["application_ids"]; key.GroupSets == nil || len(asked) > 0 && !slices.Contains(asked, application) {
			continue
		}
		list = append(list, map[string]any{"id": uuidOf("group " + key.AccessKey), "name": "aurora", "organization_id": c.server.world.Scaleway.Organization,
			"application_ids": []string{application}, "user_ids": []string{}, "tags": []string{}})
	}
	return map[string]any{"groups": scalewayPage(list, query), "total_count": len(list)}, nil
}

// scalewayOrganization refuses a list of IAM's that says no organisation, or another one.
func scalewayOrganization(c *restCall) *restError {
	if c.URL.Query().Get("organization_id") == c.server.world.Scaleway.Organization {
		return nil
	}
	return &restError{http.StatusBadRequest, "invalid_arguments", map[string]any{
		"details": []any{map[string]string{"argument_name": "organization_id", "reason": "required"}}, "message": "invalid argument(s)", "type": "invalid_arguments",
	}}
}

// scalewayPolicies lists the policies: one attached to each application, and one to each group.
func scalewayPolicies(c *restCall) (any, *restError) {
	if refused := scalewayOrganization(c); refused != nil {
		return nil, refused
	}
	query, list := c.URL.Query(), []any{}
	for _, key := range c.server.scaleway.keys {
		for _, holder := range []string{"application", "group"} {
			id, everyone := uuidOf(holder+" "+key.AccessKey), !query.Has("application_ids") && !query.Has("group_ids")
			if holder == "group" && key.GroupSets == nil || !everyone && !slices.Contains(query[holder+"_ids"], id) {
				continue
			}
			list = append(list, map[string]any{
				"id": uuidOf(holder + " policy " + key.AccessKey), "name": "aurora", "organization_id": c.server.world.Scaleway.Organization, holder + "_id": id, "nb_rules": 1,
			})
		}
	}
	return map[string]any{"policies": scalewayPage(list, query), "total_count": len(list)}, nil
}

func scalewayRules(c *restCall) (any, *restError) {
	policy := c.URL.Query().Get("policy_id")
	for _, key := range c.server.scaleway.keys {
		for holder, sets := range map[string][]string{"application": key.sets(), "group": key.GroupSets} {
			if sets != nil && policy == uuidOf(holder+" policy "+key.AccessKey) {
				rule := map[string]any{"id": uuidOf(holder + " rule " + key.AccessKey), "permission_set_names": sets, "permission_sets_scope_type": "organization"}
				return map[string]any{"rules": []any{rule}, "total_count": 1}, nil
			}
		}
	}
	return nil, scalewayNotFound("policy", policy)
}

func scalewayProject(c *restCall) (any, *restError) {
	for _, p := range c.server.world.Scaleway.Projects {
		if p.ID == c.params["project"] {
			return c.server.world.scalewayProject(p), nil
		}
	}
	return nil, scalewayNotFound("project", c.params["project"])
}
