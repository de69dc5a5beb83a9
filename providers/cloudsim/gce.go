package cloudsim

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// computeRoutes are the methods of Compute Engine that are simulated, below /compute/v1.
var computeRoutes = []gcpRoute{
	{method: "GET", pattern: "/projects/{project}", action: "compute.projects.get", run: computeProject},
	{method: "GET", pattern: "/projects/{project}/zones", action: "compute.zones.list", run: listZones},
	{method: "GET", pattern: "/projects/{project}/zones/{zone}", action: "compute.zones.get", run: getZone},
	{method: "GET", pattern: "/projects/{project}/regions", action: "compute.regions.list", run: listGCPRegions},
	{method: "GET", pattern: "/projects/{project}/aggregated/instances", action: "compute.instances.list", run: aggregatedInstances},
	{method: "GET", pattern: "/projects/{project}/zones/{zone}/instances", action: "compute.instances.list", run: zonalInstances},
	{method: "POST", pattern: "/projects/{project}/zones/{zone}/instances", action: "compute.instances.insert", permission: "compute.instances.create", writes: true, run: insertInstance},
	{method: "GET", pattern: "/projects/{project}/zones/{zone}/instances/{instance}", action: "compute.instances.get", run: getInstance},
	{method: "DELETE", pattern: "/projects/{project}/zones/{zone}/instances/{instance}", action: "compute.instances.delete", writes: true, run: moveVM("delete", "STOPPING", "gone")},
	{method: "POST", pattern: "/projects/{project}/zones/{zone}/instances/{instance}/start", action: "compute.instances.start", writes: true, run: moveVM("start", "PROVISIONING", "RUNNING")},
	{method: "POST", pattern: "/projects/{project}/zones/{zone}/instances/{instance}/stop", action: "compute.instances.stop", writes: true, run: moveVM("stop", "STOPPING", "TERMINATED")},
	{method: "POST", pattern: "/projects/{project}/zones/{zone}/instances/{instance}/reset", action: "compute.instances.reset", writes: true, run: moveVM("reset", "RUNNING", "RUNNING")},
	{method: "POST", pattern: "/projects/{project}/zones/{zone}/instances/{instance}/setLabels", action: "compute.instances.setLabels", writes: true, run: setLabels},
	{method: "GET", pattern: "/projects/{project}/zones/{zone}/instances/{instance}/serialPort", action: "compute.instances.getSerialPortOutput", run: serialPort},
	{method: "GET", pattern: "/projects/{project}/zones/{zone}/operations", action: "compute.zoneOperations.list", run: listOperations},
	{method: "GET", pattern: "/projects/{project}/zones/{zone}/operations/{operation}", action: "compute.zoneOperations.get", run: getOperation},
	{method: "POST", pattern: "/projects/{project}/zones/{zone}/operations/{operation}/wait", action: "compute.zoneOperations.wait", permission: "compute.zoneOperations.get", run: waitOperation},
	{method: "GET", pattern: "/projects/{project}/zones/{zone}/machineTypes/{type}", action: "compute.machineTypes.get", run: getMachineType},
}

func (c *gcpCall) link(path string) string {
	return c.base + "/compute/v1/projects/" + c.params["project"] + path
}

func (c *gcpCall) zoneLink(zone, path string) string { return c.link("/zones/" + zone + path) }

func regionOf(zone string) string {
	if i := strings.LastIndexByte(zone, '-'); i > 0 {
		return zone[:i]
	}
	return zone
}

func computeProject(c *gcpCall) (any, *gcpError) {
	return map[string]any{"kind": "compute#project", "name": c.project.ID, "id": c.project.Number, "selfLink": c.link(""), "commonInstanceMetadata": map[string]any{"kind": "compute#metadata"}}, nil
}

func (c *gcpCall) zoneDocument(zone string) map[string]any {
	return map[string]any{"kind": "compute#zone", "id": numberOf(zone), "name": zone, "status": "UP", "region": c.link("/regions/" + regionOf(zone)), "selfLink": c.zoneLink(zone, "")}
}

func listZones(c *gcpCall) (any, *gcpError) {
	var all []map[string]any
	for _, zone := range gcpZones {
		all = append(all, c.zoneDocument(zone))
	}
	return c.list("compute#zoneList", all)
}

func getZone(c *gcpCall) (any, *gcpError) {
	if refused := c.checkZone(); refused != nil {
		return nil, refused
	}
	return c.zoneDocument(c.params["zone"]), nil
}

func listGCPRegions(c *gcpCall) (any, *gcpError) {
	var all []map[string]any
	for _, region := range []string{"europe-west1", "us-central1"} {
		all = append(all, map[string]any{"kind": "compute#region", "id": numberOf(region), "name": region, "status": "UP", "selfLink": c.link("/regions/" + region)})
	}
	return c.list("compute#regionList", all)
}

func (c *gcpCall) checkZone() *gcpError {
	if slices.Contains(gcpZones, c.params["zone"]) {
		return nil
	}
	return &gcpError{code: http.StatusBadRequest, reason: "invalid", message: "Invalid value for field 'zone': '" + c.params["zone"] + "'. Unknown zone."}
}

func (c *gcpCall) instanceDocument(vm VM) map[string]any {
	access := []any{}
	if vm.ExternalIP != "" && vm.Status == "RUNNING" {
		access = append(access, map[string]any{"kind": "compute#accessConfig", "type": "ONE_TO_ONE_NAT", "name": "external-nat", "natIP": vm.ExternalIP})
	}
	metadata := []any{}
	for _, key := range slices.Sorted(maps.Keys(vm.Metadata)) {
		metadata = append(metadata, map[string]string{"key": key, "value": vm.Metadata[key]})
	}
	return map[string]any{
		"kind": "compute#instance", "id": vm.ID, "name": vm.Name, "status": vm.Status, "labels": vm.Labels, "labelFingerprint": fingerprint(vm.Labels),
		"zone": c.zoneLink(vm.Zone, ""), "machineType": c.zoneLink(vm.Zone, "/machineTypes/"+vm.Type), "creationTimestamp": vm.Created.Format(time.RFC3339),
		"selfLink": c.zoneLink(vm.Zone, "/instances/"+vm.Name), "deletionProtection": vm.Protected,
		"metadata": map[string]any{"kind": "compute#metadata", "fingerprint": fingerprint(vm.Metadata), "items": metadata},
		"networkInterfaces": []any{map[string]any{
			"kind": "compute#networkInterface", "name": "nic0", "networkIP": vm.InternalIP, "network": c.link("/global/networks/default"), "accessConfigs": access,
		}},
		"scheduling": map[string]any{"preemptible": false, "automaticRestart": true, "onHostMaintenance": "MIGRATE"},
		"disks": []any{map[string]any{
			"kind": "compute#attachedDisk", "boot": true, "autoDelete": true, "deviceName": vm.Name, "index": 0, "type": "PERSISTENT", "mode": "READ_WRITE",
			"source": c.zoneLink(vm.Zone, "/disks/"+vm.Name),
		}},
	}
}

func fingerprint(m map[string]string) string { return hexID(string(mustJSON(m)), 12) + "=" }

func aggregatedInstances(c *gcpCall) (any, *gcpError) {
	all, next, refused := c.page(c.vms(""))
	if refused != nil {
		return nil, refused
	}
	groups := map[string]any{}
	for _, zone := range gcpZones {
		var here []any
		for _, doc := range all {
			if doc["zone"] == c.zoneLink(zone, "") {
				here = append(here, doc)
			}
		}
		groups["zones/"+zone] = map[string]any{"instances": here}
		if here == nil {
			groups["zones/"+zone] = map[string]any{"warning": map[string]any{
				"code": "NO_RESULTS_ON_PAGE", "message": "There are no results for scope 'zones/" + zone + "' on this page.",
				"data": []any{map[string]string{"key": "scope", "value": "zones/" + zone}},
			}}
		}
	}
	out := map[string]any{"kind": "compute#instanceAggregatedList", "id": "projects/" + c.project.ID + "/aggregated/instances", "items": groups, "selfLink": c.link("/aggregated/instances")}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

func (c *gcpCall) vms(zone string) []map[string]any {
	var all []map[string]any
	for _, vm := range c.project.VMs {
		if zone == "" || vm.Zone == zone {
			all = append(all, c.instanceDocument(vm))
		}
	}
	return all
}

func zonalInstances(c *gcpCall) (any, *gcpError) {
	if refused := c.checkZone(); refused != nil {
		return nil, refused
	}
	return c.list("compute#instanceList", c.vms(c.params["zone"]))
}

// list filters and pages documents into a list answer.
func (c *gcpCall) list(kind string, all []map[string]any) (any, *gcpError) {
	part, next, refused := c.page(all)
	if refused != nil {
		return nil, refused
	}
	out := map[string]any{"kind": kind, "items": part, "selfLink": c.base + c.URL.Path}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

func (c *gcpCall) page(all []map[string]any) (part []map[string]any, next string, refused *gcpError) {
	all, err := filterDocuments(all, c.query.Get("filter"))
	if err != nil {
		return nil, "", &gcpError{code: http.StatusBadRequest, reason: "invalid", message: "Invalid value for field 'filter': '" + c.query.Get("filter") + "'. " + err.Error()}
	}
	size, start := 500, 0
	if text := c.query.Get("maxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 500 && c.cloud.service == "compute" {
			return nil, "", &gcpError{code: http.StatusBadRequest, reason: "invalid", message: "Invalid value for field 'maxResults': '" + text + "'. Values must be within the range: [0, 500]"}
		}
		size = min(orInt(n, 500), 1000)
	}
	if token := c.query.Get("pageToken"); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		at, bad := strconv.Atoi(string(raw))
		if err != nil || bad != nil || at < 0 || at > len(all) {
			return nil, "", &gcpError{code: http.StatusBadRequest, reason: "invalid", message: "Invalid value for field 'pageToken': '" + token + "'."}
		}
		start = at
	}
	end := min(start+size, len(all))
	if end < len(all) {
		next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end)))
	}
	return all[start:end], next, nil
}

var instanceNameShape = regexp.MustCompile(`^(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?|[1-9][0-9]{0,19})$`)

// named finds the instance the path names.
func (c *gcpCall) named() (*VM, *gcpError) {
	if refused := c.checkZone(); refused != nil {
		return nil, refused
	}
	name := c.params["instance"]
	if !instanceNameShape.MatchString(name) {
		return nil, &gcpError{code: http.StatusBadRequest, reason: "invalidParameter", message: "Invalid value for field 'instance': '" + name + "'. Must be a match of regex '[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?|[1-9][0-9]{0,19}'"}
	}
	vm := c.project.vm(c.params["zone"], name)
	if vm == nil {
		return nil, &gcpError{code: http.StatusNotFound, reason: "notFound", message: "The resource 'projects/" + c.project.ID + "/zones/" + c.params["zone"] + "/instances/" + name + "' was not found"}
	}
	return vm, nil
}

func getInstance(c *gcpCall) (any, *gcpError) {
	vm, refused := c.named()
	if refused != nil {
		return nil, refused
	}
	return c.instanceDocument(*vm), nil
}

func serialPort(c *gcpCall) (any, *gcpError) {
	vm, refused := c.named()
	if refused != nil {
		return nil, refused
	}
	text := console(vm.Name)
	return map[string]any{"kind": "compute#serialPortOutput", "contents": text, "start": "0", "next": strconv.Itoa(len(text)), "selfLink": c.base + c.URL.Path}, nil
}

// readBody reads a request's JSON; unknown members are refused as Google does.
func (c *gcpCall) readBody(into any) *gcpError {
	if err := json.Unmarshal(c.body, into); err != nil {
		return &gcpError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", reason: "parseError", message: "Invalid JSON payload received."}
	}
	return nil
}
