package cloudsim

import (
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// moveVM makes the method that takes an instance through a change of status and answers with an operation.
func moveVM(kind, through, end string) func(*gcpCall) (any, *gcpError) {
	return func(c *gcpCall) (any, *gcpError) {
		if op, ok := c.repeated(kind); ok {
			return c.operationDocument(op), nil
		}
		vm, refused := c.named()
		if refused != nil {
			return nil, refused
		}
		if kind == "delete" && vm.Protected {
			return nil, &gcpError{code: http.StatusBadRequest, reason: "invalidResourceUsage",
				message: "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'."}
		}
		if kind == "reset" && vm.Status != "RUNNING" {
			return nil, &gcpError{code: http.StatusBadRequest, reason: "resourceNotReady",
				message: "The resource 'projects/" + c.project.ID + "/zones/" + vm.Zone + "/instances/" + vm.Name + "' is not ready"}
		}
		if vm.Status != end {
			vm.Status, vm.Becomes, vm.Settles = through, end, time.Now().Add(c.cloud.server.config.Settle)
		}
		return c.operationDocument(c.newOperation(kind, *vm)), nil
	}
}

// repeated finds the operation an earlier request with the same requestId began.
func (c *gcpCall) repeated(kind string) (GCPOperation, bool) {
	id := c.query.Get("requestId")
	for _, op := range c.project.Ops {
		if id != "" && op.Request == id && op.Type == kind {
			return op, true
		}
	}
	return GCPOperation{}, false
}

func (c *gcpCall) newOperation(kind string, vm VM) GCPOperation {
	now := time.Now()
	op := GCPOperation{
		Name: "operation-" + hexID(c.cloud.server.world.next("operation"), 24), Zone: vm.Zone, Type: kind, VM: vm.Name, VMID: vm.ID,
		User: c.token.grant.subject, Request: c.query.Get("requestId"), Started: now, Settles: now.Add(c.cloud.server.config.Settle),
	}
	c.project.Ops = append(c.project.Ops, op)
	doc := op
	doc.Settles = now.Add(time.Hour) // the first answer is never DONE, as on the real thing
	return doc
}

func (c *gcpCall) operationDocument(op GCPOperation) map[string]any {
	doc := map[string]any{
		"kind": "compute#operation", "id": numberOf(op.Name), "name": op.Name, "zone": c.zoneLink(op.Zone, ""), "operationType": op.Type,
		"targetLink": c.zoneLink(op.Zone, "/instances/"+op.VM), "targetId": op.VMID, "user": op.User, "status": "RUNNING", "progress": 0,
		"insertTime": op.Started.Format(time.RFC3339), "startTime": op.Started.Format(time.RFC3339), "selfLink": c.zoneLink(op.Zone, "/operations/"+op.Name),
	}
	if !time.Now().Before(op.Settles) {
		doc["status"], doc["progress"], doc["endTime"] = "DONE", 100, op.Settles.Format(time.RFC3339)
	}
	return doc
}

func (c *gcpCall) operation() (*GCPOperation, *gcpError) {
	for i := range c.project.Ops {
		if op := &c.project.Ops[i]; op.Name == c.params["operation"] && op.Zone == c.params["zone"] {
			return op, nil
		}
	}
	return nil, &gcpError{code: http.StatusNotFound, reason: "notFound",
		message: "The resource 'projects/" + c.project.ID + "/zones/" + c.params["zone"] + "/operations/" + c.params["operation"] + "' was not found"}
}

func getOperation(c *gcpCall) (any, *gcpError) {
	op, refused := c.operation()
	if refused != nil {
		return nil, refused
	}
	return c.operationDocument(*op), nil
}

// waitOperation answers when the operation is done. It lets the time until then pass at once rather than keep its caller.
func waitOperation(c *gcpCall) (any, *gcpError) {
	op, refused := c.operation()
	if refused != nil {
		return nil, refused
	}
	now := time.Now()
	if op.Settles.After(now) {
		op.Settles = now
	}
	if vm := c.project.vm(op.Zone, op.VM); vm != nil && vm.Settles.After(now) {
		vm.Settles = now
	}
	c.project.settle(now)
	return c.operationDocument(*op), nil
}

func listOperations(c *gcpCall) (any, *gcpError) {
	var all []map[string]any
	for _, op := range c.project.Ops {
		if op.Zone == c.params["zone"] {
			all = append(all, c.operationDocument(op))
		}
	}
	return c.list("compute#operationList", all)
}

func getMachineType(c *gcpCall) (any, *gcpError) {
	if refused := c.checkZone(); refused != nil {
		return nil, refused
	}
	return map[string]any{"kind": "compute#machineType", "name": c.params["type"], "id": numberOf(c.params["type"]), "zone": c.params["zone"], "guestCpus": 2, "memoryMb": 4096, "selfLink": c.base + c.URL.Path}, nil
}

// insertInstance makes a new instance of the name, machine type and labels in the body.
func insertInstance(c *gcpCall) (any, *gcpError) {
	if op, ok := c.repeated("insert"); ok {
		return c.operationDocument(op), nil
	}
	if refused := c.checkZone(); refused != nil {
		return nil, refused
	}
	var in struct {
		Name               string
		MachineType        string
		Labels             map[string]string
		DeletionProtection bool
		Metadata           struct{ Items []struct{ Key, Value string } }
	}
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	if !instanceNameShape.MatchString(in.Name) {
		return nil, &gcpError{code: http.StatusBadRequest, reason: "invalid", message: "Invalid value for field 'resource.name': '" + in.Name + "'. Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'"}
	}
	if in.MachineType == "" {
		return nil, &gcpError{code: http.StatusBadRequest, reason: "required", message: "Invalid value for field 'resource.machineType': ''. The value must not be empty."}
	}
	zone := c.params["zone"]
	if c.project.vm(zone, in.Name) != nil {
		return nil, &gcpError{code: http.StatusConflict, reason: "alreadyExists", message: "The resource 'projects/" + c.project.ID + "/zones/" + zone + "/instances/" + in.Name + "' already exists"}
	}
	c.entry.Resources = []string{in.Name}
	world := &c.cloud.server.world
	vm := VM{
		ID: numberOf(world.next("vm")), Name: in.Name, Zone: zone, Type: path.Base(in.MachineType), Status: "PROVISIONING", Becomes: "RUNNING",
		Settles: time.Now().Add(c.cloud.server.config.Settle), Labels: in.Labels, Protected: in.DeletionProtection, Created: time.Now().UTC().Truncate(time.Second),
		InternalIP: "10.128.1." + strconv.Itoa(10+world.Serial%240), Metadata: map[string]string{},
	}
	for _, item := range in.Metadata.Items {
		vm.Metadata[item.Key] = item.Value
	}
	c.project.VMs = append(c.project.VMs, vm)
	return c.operationDocument(c.newOperation("insert", vm)), nil
}

// setLabels replaces the labels; the fingerprint must be the one last read.
func setLabels(c *gcpCall) (any, *gcpError) {
	vm, refused := c.named()
	if refused != nil {
		return nil, refused
	}
	var in struct {
		Labels           map[string]string
		LabelFingerprint string
	}
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	if in.LabelFingerprint != fingerprint(vm.Labels) {
		return nil, &gcpError{code: http.StatusPreconditionFailed, reason: "conditionNotMet", message: "Labels fingerprint either invalid or resource labels have changed"}
	}
	vm.Labels = maps.Clone(in.Labels)
	return c.operationDocument(c.newOperation("setLabels", *vm)), nil
}

// batch takes a multipart request apart into the requests it holds and answers each of them.
func (s *Server) batch(w http.ResponseWriter, r *http.Request, body []byte) {
	boundary, ok := multipartBoundary(r.Header.Get("Content-Type"))
	if !ok {
		http.Error(w, "a batch is multipart/mixed", http.StatusBadRequest)
		return
	}
	requests, ids, err := batchParts(r, body, boundary)
	if err != nil {
		http.Error(w, "the batch could not be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	const edge = "batch_simulated"
	var b strings.Builder
	for i, part := range requests {
		answer, cut := s.handle(part.Request, part.body)
		if cut {
			panic(http.ErrAbortHandler)
		}
		b.WriteString("--" + edge + "\r\nContent-Type: application/http\r\nContent-ID: <response-" + strings.Trim(ids[i], "<>") + ">\r\n\r\n")
		b.WriteString("HTTP/1.1 " + strconv.Itoa(answer.status) + " " + http.StatusText(answer.status) + "\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n")
		b.Write(answer.body)
		b.WriteString("\r\n")
	}
	b.WriteString("--" + edge + "--\r\n")
	write(w, reply{status: http.StatusOK, body: []byte(b.String()), header: map[string]string{"Content-Type": "multipart/mixed; boundary=" + edge}})
}
