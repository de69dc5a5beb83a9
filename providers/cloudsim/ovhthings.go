package cloudsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// OVHThing is something else of an account or a project, as the API writes it. Its "id" is what it is found by.
type OVHThing map[string]any

// ovhKind is a kind of OVHThing with the path it lies at.
type ovhKind struct {
	path string
	bare bool // the list has ids only
}

// ovhProjectKinds lie below /cloud/project/{project}, ovhAccountKinds at the root.
var (
	ovhProjectKinds = []ovhKind{
		{"kube", true}, {"volume", false}, {"snapshot", false}, {"network/private", false}, {"database/service", true}, {"region", true},
		{"flavor", false}, {"image", false}, {"sshkey", false}, {"operation", false},
	}
	ovhAccountKinds = []ovhKind{
		{"vps", true}, {"dedicated/server", true}, {"ip", true}, {"domain/zone", true}, {"domain", true}, {"vrack", true}, {"ipLoadbalancing", true},
	}
)

// ovhThingRoutes are the methods of everything but instances.
func ovhThingRoutes() []restRoute {
	project := "/cloud/project/{project}"
	all := []restRoute{
		{"GET", project + "/quota", "cloud.quota.get", false, ovhInProject(func(*restCall, *OVHProject) (any, *restError) {
			return []any{map[string]any{"region": "GRA11", "instance": map[string]any{"maxInstances": 20, "usedInstances": 2}}}, nil
		})},
		{"GET", project + "/usage/current", "cloud.usage.get", false, ovhInProject(func(*restCall, *OVHProject) (any, *restError) {
			return map[string]any{"lastUpdate": worldBegan.Format(time.RFC3339), "monthlyUsage": nil}, nil
		})},
		{"GET", project + "/kube/{id}/nodepool", "cloud.kube.nodepool.list", false, ovhPartOf("kube", "nodepools")},
		{"GET", project + "/kube/{id}/node", "cloud.kube.node.list", false, ovhPartOf("kube", "nodes")},
		{"GET", project + "/region/{id}/storage", "cloud.storage.list", false, ovhPartOf("region", "storage")},
		{"GET", project + "/region/{id}/storage/{part}", "cloud.storage.get", false, ovhOnePart("region", "storage")},
		{"GET", project + "/region/{id}/loadbalancing/loadbalancer", "cloud.loadbalancer.list", false, ovhPartOf("region", "loadbalancers")},
		{"GET", project + "/region/{id}/loadbalancing/loadbalancer/{part}", "cloud.loadbalancer.get", false, ovhOnePart("region", "loadbalancers")},
		{"POST", project + "/instance/{instance}/snapshot", "cloud.instance.snapshot", true, ovhSnapshot},
		{"GET", "/domain/zone/{id}/record", "domain.zone.record.list", false, ovhRecords},
		{"GET", "/domain/zone/{id}/record/{part}", "domain.zone.record.get", false, ovhRecord},
		{"POST", "/dedicated/server/{id}/reboot", "dedicated.server.reboot", true, ovhPower("dedicated/server", "", "")},
		{"POST", "/vps/{id}/reboot", "vps.reboot", true, ovhPower("vps", "running", "running")},
		{"POST", "/vps/{id}/start", "vps.start", true, ovhPower("vps", "stopped", "running")},
		{"POST", "/vps/{id}/stop", "vps.stop", true, ovhPower("vps", "running", "stopped")},
	}
	for _, k := range ovhProjectKinds {
		name := "cloud." + strings.ReplaceAll(k.path, "/", ".")
		all = append(all,
			restRoute{"GET", project + "/" + k.path, name + ".list", false, ovhInProject(func(c *restCall, p *OVHProject) (any, *restError) { return k.list(c, p.Things[k.path]), nil })},
			restRoute{"GET", project + "/" + k.path + "/{id}", name + ".get", false, ovhInProject(func(c *restCall, p *OVHProject) (any, *restError) { return c.ovhThing(p.Things[k.path], "id") })})
	}
	for _, k := range ovhAccountKinds {
		name := strings.ReplaceAll(k.path, "/", ".")
		all = append(all,
			restRoute{"GET", "/" + k.path, name + ".list", false, func(c *restCall) (any, *restError) { return k.list(c, c.ovhOwn(k.path)), nil }},
			restRoute{"GET", "/" + k.path + "/{id}", name + ".get", false, func(c *restCall) (any, *restError) { return c.ovhThing(c.ovhOwn(k.path), "id") }})
	}
	return all
}

// list gives the things of a kind, of one region when the caller says so.
func (k ovhKind) list(c *restCall, things []OVHThing) any {
	out := []any{}
	for _, t := range things {
		place, _ := t["region"].(string)
		if region := c.URL.Query().Get("region"); region != "" && place != "" && place != region {
			continue
		}
		if k.bare {
			out = append(out, t["id"])
			continue
		}
		out = append(out, t)
	}
	return out
}

// ovhThing finds the one whose id the path names.
func (c *restCall) ovhThing(things []OVHThing, param string) (OVHThing, *restError) {
	for _, t := range things {
		if fmt.Sprint(t["id"]) == c.params[param] {
			return t, nil
		}
	}
	return nil, ovhError(http.StatusNotFound, "Client::NotFound", "This service does not exist")
}

// ovhOwn gives what the caller's account has of a kind. Things without an account belong to all accounts of the region.
func (c *restCall) ovhOwn(kind string) []OVHThing {
	for _, r := range c.server.world.OVH {
		if r.Name == c.entry.Region && slices.Contains(r.Accounts, c.owner) {
			return r.Things[kind]
		}
	}
	return nil
}

func ovhInProject(run func(*restCall, *OVHProject) (any, *restError)) func(*restCall) (any, *restError) {
	return func(c *restCall) (any, *restError) {
		p, refused := c.ovhProject()
		if refused != nil {
			return nil, refused
		}
		return run(c, p)
	}
}

// parts reads a list inside a thing; after a copy of the world it is plain JSON.
func parts(t OVHThing, name string) []OVHThing {
	var out []OVHThing
	list, _ := t[name].([]any)
	for _, one := range list {
		if part, ok := one.(map[string]any); ok {
			out = append(out, part)
		}
	}
	return out
}

func ovhPartOf(kind, name string) func(*restCall) (any, *restError) {
	return ovhInProject(func(c *restCall, p *OVHProject) (any, *restError) {
		t, refused := c.ovhThing(p.Things[kind], "id")
		if refused != nil {
			return nil, refused
		}
		if t[name] == nil {
			return nil, ovhError(http.StatusBadRequest, "Client::BadRequest", "This service is not available in this region")
		}
		return parts(t, name), nil
	})
}

func ovhOnePart(kind, name string) func(*restCall) (any, *restError) {
	return ovhInProject(func(c *restCall, p *OVHProject) (any, *restError) {
		t, refused := c.ovhThing(p.Things[kind], "id")
		if refused != nil {
			return nil, refused
		}
		return c.ovhThing(parts(t, name), "part")
	})
}

func ovhRecords(c *restCall) (any, *restError) {
	zone, refused := c.ovhThing(c.ovhOwn("domain/zone"), "id")
	if refused != nil {
		return nil, refused
	}
	ids := []any{}
	for _, r := range parts(zone, "records") {
		ids = append(ids, r["id"])
	}
	return ids, nil
}

func ovhRecord(c *restCall) (any, *restError) {
	zone, refused := c.ovhThing(c.ovhOwn("domain/zone"), "id")
	if refused != nil {
		return nil, refused
	}
	return c.ovhThing(parts(zone, "records"), "part")
}

// ovhPower makes the method that takes a machine from one state to another and answers with a task.
func ovhPower(kind, from, to string) func(*restCall) (any, *restError) {
	return func(c *restCall) (any, *restError) {
		t, refused := c.ovhThing(c.ovhOwn(kind), "id")
		if refused != nil {
			return nil, refused
		}
		if from != "" && t["state"] != from {
			return nil, ovhError(http.StatusConflict, "Client::Conflict", fmt.Sprintf("This action is not allowed in state %v", t["state"]))
		}
		if to != "" {
			t["state"] = to
		}
		c.server.world.Serial++
		return map[string]any{"id": 7000 + c.server.world.Serial, "state": "todo", "progress": 0}, nil
	}
}

func ovhSnapshot(c *restCall) (any, *restError) {
	p, in, refused := c.ovhInstance()
	if refused != nil {
		return nil, refused
	}
	var asked struct {
		Name string `json:"snapshotName"`
	}
	if !c.readBody(&asked) || asked.Name == "" {
		return nil, ovhError(http.StatusBadRequest, "Client::BadRequest", "Missing parameter snapshotName")
	}
	if p.Things == nil {
		p.Things = map[string][]OVHThing{}
	}
	p.Things["snapshot"] = append(p.Things["snapshot"], OVHThing{"id": uuidOf("snapshot " + asked.Name + in.ID), "name": asked.Name, "region": in.Region, "status": "queued"})
	return nil, nil
}

// defaultOVHThings are what the default project and account of a region have besides instances.
func defaultOVHThings(region, place string) (project, account map[string][]OVHThing) {
	id := func(what string) string { return uuidOf("ovh " + what + " " + region) }
	other := "other-" + strings.ToLower(place)
	project = map[string][]OVHThing{
		"kube": {{"id": id("kube"), "name": "acme-kube", "region": place, "status": "READY", "version": "1.33",
			"nodepools": []any{map[string]any{"id": id("pool"), "name": "default", "currentNodes": 1}}, "nodes": []any{map[string]any{"id": id("node"), "name": "default-node-1", "status": "READY"}}}},
		"volume":           {{"id": id("volume"), "name": "data-1", "region": place, "size": 50, "status": "in-use"}},
		"snapshot":         {{"id": id("snapshot"), "name": "before-upgrade", "region": place, "status": "active"}},
		"network/private":  {{"id": "pn-1042_0", "name": "backend", "vlanId": 42, "status": "ACTIVE"}},
		"database/service": {{"id": id("database"), "description": "orders", "engine": "postgresql", "status": "READY"}},
		"region": {{"id": place, "name": place, "status": "UP", "storage": []any{map[string]any{"id": "acme-backups", "name": "acme-backups", "region": place}},
			"loadbalancers": []any{map[string]any{"id": id("lb"), "name": "front", "operatingStatus": "online"}}}, {"id": other, "name": other, "status": "UP"}},
		"flavor":    {{"id": id("flavor"), "name": "d2-2", "region": place, "vcpus": 1, "ram": 2000}, {"id": id("flavor2"), "name": "d2-4", "region": other, "vcpus": 2, "ram": 4000}},
		"image":     {{"id": id("image"), "name": "Debian 12", "region": place, "status": "active"}},
		"sshkey":    {{"id": "b3BzLWtleQ", "name": "ops-key", "publicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAuroraSimulatedKey ops"}},
		"operation": {{"id": id("operation"), "action": "instance#create", "status": "completed"}},
	}
	account = map[string][]OVHThing{
		"vps":              {{"id": "vps-1a2b3c.vps.ovh.net", "name": "vps-1a2b3c.vps.ovh.net", "state": "running", "zone": place}},
		"dedicated/server": {{"id": "ns1.ip-203-0-113.net", "name": "ns1.ip-203-0-113.net", "state": "ok", "datacenter": place}},
		"ip":               {{"id": "203.0.113.60/32", "ip": "203.0.113.60/32", "type": "cloud"}},
		"domain/zone": {{"id": "example.net", "name": "example.net", "dnssecSupported": true, "records": []any{
			map[string]any{"id": 51001, "zone": "example.net", "subDomain": "www", "fieldType": "A", "target": "203.0.113.60"},
			map[string]any{"id": 51002, "zone": "example.net", "subDomain": "", "fieldType": "MX", "target": "1 mail.example.net."}}}},
		"domain":          {{"id": "example.net", "domain": "example.net", "state": "ok"}},
		"vrack":           {{"id": "pn-77001", "name": "acme"}},
		"ipLoadbalancing": {{"id": "ip-203.0.113.90", "serviceName": "ip-203.0.113.90", "state": "ok"}},
	}
	return project, account
}
