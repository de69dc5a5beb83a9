package cloudsim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// OVHRegion is what one OVHcloud region (eu, ca, us) knows: they share nothing.
type OVHRegion struct {
	Name     string                `json:"name"`
	Accounts []string              `json:"accounts"` // nichandles that can sign in
	Projects []OVHProject          `json:"projects"`
	Things   map[string][]OVHThing `json:"things,omitempty"` // of the accounts, by kind: vps, dedicated/server, ip, ...
}

// OVHProject is one Public Cloud project of an account.
type OVHProject struct {
	ID        string                `json:"id"`
	Name      string                `json:"name"`
	Account   string                `json:"account"`
	Instances []OVHInstance         `json:"instances"`
	Things    map[string][]OVHThing `json:"things,omitempty"` // by kind: kube, volume, network/private, ...
}

// OVHInstance is one Public Cloud instance.
type OVHInstance struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Region string `json:"region"`
	Status string `json:"status"` // ACTIVE, SHUTOFF
	IP     string `json:"ip"`
}

// ovhCloud is the API and the sign-in of all three regions: /{eu,ca,us}/1.0/... and /{eu,ca,us}/auth/oauth2/...
type ovhCloud struct{ server *Server }

var ovhRoutes = append([]restRoute{
	{"GET", "/me", "me.get", false, ovhMe},
	{"GET", "/cloud/project", "cloud.project.list", false, ovhProjects},
	{"GET", "/cloud/project/{project}", "cloud.project.get", false, ovhProject},
	{"GET", "/cloud/project/{project}/instance", "cloud.instance.list", false, ovhInstances},
	{"GET", "/cloud/project/{project}/instance/{instance}", "cloud.instance.get", false, ovhGetInstance},
	{"POST", "/cloud/project/{project}/instance/{instance}/start", "cloud.instance.start", true, ovhMove("SHUTOFF", "ACTIVE")},
	{"POST", "/cloud/project/{project}/instance/{instance}/stop", "cloud.instance.stop", true, ovhMove("ACTIVE", "SHUTOFF")},
	{"POST", "/cloud/project/{project}/instance/{instance}/reboot", "cloud.instance.reboot", true, ovhReboot},
	{"DELETE", "/cloud/project/{project}/instance/{instance}", "cloud.instance.delete", true, ovhDelete},
}, ovhThingRoutes()...)

func defaultOVH() []OVHRegion {
	var regions []OVHRegion
	for _, name := range []string{"eu", "ca", "us"} {
		id := hexID("ovh project "+name, 32)
		place := map[string]string{"eu": "GRA11", "ca": "BHS5", "us": "US-EAST-VA-1"}[name]
		project, account := defaultOVHThings(name, place)
		regions = append(regions, OVHRegion{Name: name, Accounts: []string{OVHUser}, Things: account, Projects: []OVHProject{{
			ID: id, Name: "acme-" + name, Account: OVHUser, Things: project,
			Instances: []OVHInstance{
				{ID: uuidOf("ovh web " + name), Name: "web-1", Region: place, Status: "ACTIVE", IP: "203.0.113.60"},
				{ID: uuidOf("ovh old " + name), Name: "old-1", Region: place, Status: "SHUTOFF", IP: "203.0.113.61"},
			},
		}}})
	}
	return regions
}

func (w *World) ovhAccounts(region string) []string {
	for _, r := range w.OVH {
		if r.Name == region {
			return r.Accounts
		}
	}
	return nil
}

func (o *ovhCloud) plan(r *request) func() reply {
	region, rest, _ := strings.Cut(strings.TrimPrefix(r.rest, "/"), "/")
	oauth := o.server.grants["ovh-"+region]
	r.entry.Region = region
	if oauth == nil {
		r.entry.Action = "unknown"
		return ovhError(http.StatusNotFound, "Client::NotFound", "Got an invalid (or empty) URL").reply
	}
	if endpoint, ok := strings.CutPrefix(rest, "auth/oauth2/"); ok {
		if endpoint != "authorize" && endpoint != "token" { // OVHcloud takes no token back
			return ovhError(http.StatusNotFound, "Client::NotFound", "Got an invalid (or empty) URL").reply
		}
		oauth.issuer = r.base
		return oauth.plan(r, endpoint, &o.server.world)
	}
	path, _ := strings.CutPrefix(rest, "1.0")
	inner := &request{Request: r.Request, body: r.body, rest: path, base: r.base, entry: r.entry}
	route, params, found := findRoute(ovhRoutes, inner)
	r.entry.Action = route.action
	if !found {
		r.entry.Action = "unknown"
		return ovhError(http.StatusNotFound, "Client::NotFound", "Got an invalid (or empty) URL").reply
	}
	r.entry.Account = params["project"]
	if id := params["instance"]; id != "" {
		r.entry.Resources = []string{id}
	}
	call := &restCall{request: inner, server: o.server, route: route, params: params}
	if token := oauth.live(bearer(r.Request)); token != nil {
		r.entry.Principal = token.grant.subject
	}
	return func() reply { return o.carryOut(call, oauth) }
}

func (o *ovhCloud) carryOut(c *restCall, oauth *authorizationServer) reply {
	token := oauth.live(bearer(c.Request))
	if token == nil {
		return ovhError(http.StatusUnauthorized, "Client::Unauthorized", "This credential is not valid").reply()
	}
	c.owner = token.grant.subject
	if !slices.Contains(token.scopes, "all") { // the only scope that the authorization code flow offers
		return ovhError(http.StatusForbidden, "Client::Forbidden", "This call has not been granted").reply()
	}
	return c.answer()
}

func (o *ovhCloud) refusal(_ *request, status int, code, message string) reply {
	return ovhError(status, code, message).reply()
}

func ovhError(status int, class, message string) *restError {
	return &restError{status, class, map[string]any{"class": class, "message": message}}
}

func (c *restCall) ovhProjects() []*OVHProject {
	var out []*OVHProject
	for i := range c.server.world.OVH {
		region := &c.server.world.OVH[i]
		for j := range region.Projects {
			if p := &region.Projects[j]; region.Name == c.entry.Region && p.Account == c.owner {
				out = append(out, p)
			}
		}
	}
	return out
}

func (c *restCall) ovhProject() (*OVHProject, *restError) {
	for _, p := range c.ovhProjects() {
		if p.ID == c.params["project"] {
			return p, nil
		}
	}
	return nil, ovhError(http.StatusNotFound, "Client::NotFound", "This service does not exist")
}

func (c *restCall) ovhInstance() (*OVHProject, *OVHInstance, *restError) {
	p, refused := c.ovhProject()
	if refused != nil {
		return nil, nil, refused
	}
	for i := range p.Instances {
		if in := &p.Instances[i]; in.ID == c.params["instance"] {
			return p, in, nil
		}
	}
	return nil, nil, ovhError(http.StatusNotFound, "Client::NotFound", "Instance not found")
}

func ovhMe(c *restCall) (any, *restError) {
	return map[string]any{"nichandle": c.owner, "email": c.owner + "@example.com", "state": "complete", "ovhSubsidiary": strings.ToUpper(c.entry.Region)}, nil
}

func ovhProjects(c *restCall) (any, *restError) {
	ids := []string{}
	for _, p := range c.ovhProjects() {
		ids = append(ids, p.ID)
	}
	return ids, nil
}

func ovhProject(c *restCall) (any, *restError) {
	p, refused := c.ovhProject()
	if refused != nil {
		return nil, refused
	}
	return map[string]any{"project_id": p.ID, "projectName": p.Name, "description": p.Name, "status": "ok", "planCode": "project.2018", "creationDate": worldBegan.Format(time.RFC3339)}, nil
}

func ovhDocument(in OVHInstance) map[string]any {
	return map[string]any{
		"id": in.ID, "name": in.Name, "region": in.Region, "status": in.Status, "created": worldBegan.Format(time.RFC3339),
		"ipAddresses": []any{map[string]any{"ip": in.IP, "type": "public", "version": 4}}, "planCode": "d2-2.consumption",
	}
}

func ovhInstances(c *restCall) (any, *restError) {
	p, refused := c.ovhProject()
	if refused != nil {
		return nil, refused
	}
	list := []any{}
	for _, in := range p.Instances {
		if region := c.URL.Query().Get("region"); region != "" && in.Region != region {
			continue
		}
		list = append(list, ovhDocument(in))
	}
	return list, nil
}

func ovhGetInstance(c *restCall) (any, *restError) {
	_, in, refused := c.ovhInstance()
	if refused != nil {
		return nil, refused
	}
	return ovhDocument(*in), nil
}

// ovhMove makes the method that takes an instance from one status to another, at once.
func ovhMove(from, to string) func(*restCall) (any, *restError) {
	return func(c *restCall) (any, *restError) {
		_, in, refused := c.ovhInstance()
		if refused != nil {
			return nil, refused
		}
		if in.Status != from {
			return nil, ovhError(http.StatusConflict, "Client::Conflict", "Instance is in status "+in.Status)
		}
		in.Status = to
		return nil, nil
	}
}

func ovhReboot(c *restCall) (any, *restError) {
	var asked struct {
		Type string `json:"type"`
	}
	if !c.readBody(&asked) || asked.Type != "soft" && asked.Type != "hard" {
		return nil, ovhError(http.StatusBadRequest, "Client::BadRequest", "Invalid parameter type: it is soft or hard")
	}
	return ovhMove("ACTIVE", "ACTIVE")(c)
}

func ovhDelete(c *restCall) (any, *restError) {
	p, in, refused := c.ovhInstance()
	if refused != nil {
		return nil, refused
	}
	id := in.ID
	p.Instances = slices.DeleteFunc(p.Instances, func(in OVHInstance) bool { return in.ID == id })
	return nil, nil
}
