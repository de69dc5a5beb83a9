package cloudsim

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

var ec2ChangeOps = map[string]awsOp{
	"ec2:RunInstances":       {run: runInstances, params: runParams, resources: anyInstance},
	"ec2:StartInstances":     {run: startInstances, params: []string{"InstanceId", "DryRun", "AdditionalInfo"}, resources: namedInstances},
	"ec2:StopInstances":      {run: stopInstances, params: []string{"InstanceId", "DryRun", "Force", "Hibernate", "SkipOsShutdown"}, resources: namedInstances},
	"ec2:RebootInstances":    {run: rebootInstances, params: []string{"InstanceId", "DryRun"}, resources: namedInstances},
	"ec2:TerminateInstances": {run: terminateInstances, params: []string{"InstanceId", "DryRun", "Force", "SkipOsShutdown"}, resources: namedInstances},
	"ec2:CreateTags":         {run: createTags, params: []string{"ResourceId", "Tag", "DryRun"}, resources: taggedResources},
}

var runParams = []string{
	"ImageId", "InstanceType", "MinCount", "MaxCount", "KeyName", "SecurityGroupId", "SubnetId", "UserData", "TagSpecification",
	"ClientToken", "DryRun", "DisableApiTermination", "InstanceInitiatedShutdownBehavior", "Monitoring", "Placement", "EbsOptimized",
}

func namedInstances(c *awsCall) []string {
	var out []string
	for _, id := range valuesOf(c.form, "InstanceId") {
		out = append(out, c.arn("ec2", "instance/"+id))
	}
	return out
}

func taggedResources(c *awsCall) []string {
	var out []string
	for _, id := range valuesOf(c.form, "ResourceId") {
		out = append(out, c.arn("ec2", "instance/"+id))
	}
	return out
}

func anyInstance(c *awsCall) []string { return []string{c.arn("ec2", "instance/*")} }

// change is what an operation does to the state of an instance.
type change struct {
	verb         string   // in the refusal: "from which it can be <verb>ed"
	from         []string // states in which something happens
	already      []string // states that are taken without doing anything
	through, end string
}

type ec2Change struct {
	ID       string   `xml:"instanceId"`
	Current  ec2State `xml:"currentState"`
	Previous ec2State `xml:"previousState"`
}

type ec2Changes struct {
	Instances items[ec2Change] `xml:"instancesSet"`
}

// named gives the instances a changing operation is about; it must name some.
func (c *awsCall) named() ([]*Instance, *awsError) {
	ids := valuesOf(c.form, "InstanceId")
	if len(ids) == 0 {
		return nil, &awsError{http.StatusBadRequest, "MissingParameter", "The request must contain the parameter InstanceId"}
	}
	return c.instances(ids)
}

// move takes the named instances through a change; it is all of them or none.
func (c *awsCall) move(how change) (any, *awsError) {
	found, refused := c.named()
	if refused != nil {
		return nil, refused
	}
	for _, in := range found {
		if !slices.Contains(how.from, in.State) && !slices.Contains(how.already, in.State) {
			return nil, &awsError{http.StatusBadRequest, "IncorrectInstanceState", "The instance '" + in.ID + "' is not in a state from which it can be " + how.verb + "."}
		}
	}
	if refused := c.dry(); refused != nil {
		return nil, refused
	}
	var out ec2Changes
	for _, in := range found {
		before := in.State
		if slices.Contains(how.from, in.State) {
			in.State, in.Becomes = how.through, how.end
			in.Settles = time.Now().Add(c.aws.server.config.Settle)
		}
		out.Instances.List = append(out.Instances.List, ec2Change{in.ID, stateOf(in.State), stateOf(before)})
	}
	return out, nil
}

func startInstances(c *awsCall) (any, *awsError) {
	return c.move(change{"started", []string{"stopped"}, []string{"running", "pending"}, "pending", "running"})
}

func stopInstances(c *awsCall) (any, *awsError) {
	return c.move(change{"stopped", []string{"running", "pending"}, []string{"stopped", "stopping"}, "stopping", "stopped"})
}

func terminateInstances(c *awsCall) (any, *awsError) {
	found, refused := c.named()
	if refused != nil {
		return nil, refused
	}
	for _, in := range found {
		if in.Protected {
			return nil, &awsError{http.StatusBadRequest, "OperationNotPermitted",
				"The instance '" + in.ID + "' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."}
		}
	}
	return c.move(change{"terminated", []string{"running", "pending", "stopped", "stopping"}, []string{"terminated", "shutting-down"}, "shutting-down", "terminated"})
}

type ec2Return struct {
	Return bool `xml:"return"`
}

func rebootInstances(c *awsCall) (any, *awsError) {
	found, refused := c.named()
	if refused != nil {
		return nil, refused
	}
	for _, in := range found {
		if in.State != "running" {
			return nil, &awsError{http.StatusBadRequest, "IncorrectState", "The instance '" + in.ID + "' is not in the 'running' state."}
		}
	}
	return ec2Return{true}, c.dry()
}

func createTags(c *awsCall) (any, *awsError) {
	found, refused := c.instances(valuesOf(c.form, "ResourceId"))
	if refused != nil {
		return nil, refused
	}
	if refused := c.dry(); refused != nil {
		return nil, refused
	}
	for _, in := range found {
		if in.Tags == nil {
			in.Tags = map[string]string{}
		}
		for key, value := range formTags(c.form, "Tag") {
			in.Tags[key] = value
		}
	}
	return ec2Return{true}, nil
}

func formTags(form url.Values, prefix string) map[string]string {
	tags := map[string]string{}
	for _, name := range listOf(form, prefix) {
		tags[form.Get(name+".Key")] = form.Get(name + ".Value")
	}
	return tags
}

// runInstances starts new instances. The same client token gives the same instances again.
func runInstances(c *awsCall) (any, *awsError) {
	least, most, refused := c.counts()
	if refused != nil {
		return nil, refused
	}
	token, digest := c.form.Get("ClientToken"), hexSum([]byte(c.form.Encode()))
	if repeated, refused := c.repeated(token, digest); repeated != nil || refused != nil {
		return repeated, refused
	}
	if refused := c.checkRun(); refused != nil {
		return nil, refused
	}
	if most > 20 {
		return nil, &awsError{http.StatusBadRequest, "InstanceLimitExceeded", "You have requested more instances (" + strconv.Itoa(most) + ") than your current instance limit of 20 allows."}
	}
	_ = least // enough capacity for MaxCount is always there
	if refused := c.dry(); refused != nil {
		return nil, refused
	}
	start := len(c.account.Instances)
	for range most {
		c.account.Instances = append(c.account.Instances, c.newInstance(token, digest))
	}
	var started []*Instance
	for i := start; i < len(c.account.Instances); i++ {
		started = append(started, &c.account.Instances[i])
		c.entry.Resources = append(c.entry.Resources, c.account.Instances[i].ID)
	}
	return c.account.reservation(started...), nil
}

func (c *awsCall) counts() (least, most int, refused *awsError) {
	least, first := strconv.Atoi(c.form.Get("MinCount"))
	most, second := strconv.Atoi(c.form.Get("MaxCount"))
	if first != nil || second != nil || least < 1 || most < least {
		return 0, 0, &awsError{http.StatusBadRequest, "InvalidParameterValue", "MinCount and MaxCount must be numbers of at least 1, and MaxCount not less than MinCount."}
	}
	return least, most, nil
}

func (c *awsCall) repeated(token, digest string) (any, *awsError) {
	var same []*Instance
	for i := range c.account.Instances {
		in := &c.account.Instances[i]
		if token != "" && in.Token == token && in.Region == c.region {
			same = append(same, in)
		}
	}
	if len(same) == 0 {
		return nil, nil
	}
	if same[0].Asked != digest {
		return nil, &awsError{http.StatusBadRequest, "IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."}
	}
	return c.account.reservation(same...), nil
}

func (c *awsCall) checkRun() *awsError {
	image, kind := c.form.Get("ImageId"), c.form.Get("InstanceType")
	family, size, ok := strings.Cut(kind, ".")
	switch {
	case image == "":
		return &awsError{http.StatusBadRequest, "MissingParameter", "The request must contain the parameter ImageId"}
	case !imageIDShape.MatchString(image):
		return &awsError{http.StatusBadRequest, "InvalidAMIID.Malformed", `Invalid id: "` + image + `" (expecting "ami-...")`}
	case kind != "" && (!ok || family == "" || size == ""):
		return &awsError{http.StatusBadRequest, "InvalidParameterValue", "Invalid value '" + kind + "' for InstanceType."}
	}
	for _, id := range valuesOf(c.form, "SecurityGroupId") {
		if !slices.ContainsFunc(c.account.SecurityGroups, func(g SecurityGroup) bool { return g.ID == id && g.Region == c.region }) {
			return &awsError{http.StatusBadRequest, "InvalidGroup.NotFound", "The security group '" + id + "' does not exist"}
		}
	}
	return nil
}

func (c *awsCall) newInstance(token, digest string) Instance {
	world := &c.aws.server.world
	in := Instance{
		ID: "i-" + hexID(world.next("instance"), 17), Region: c.region, Zone: c.region + "a", Type: c.form.Get("InstanceType"),
		Image: c.form.Get("ImageId"), State: "pending", Becomes: "running", Settles: time.Now().Add(c.aws.server.config.Settle),
		Launched: time.Now().UTC().Truncate(time.Second), VPC: "vpc-0a1b2c3d4e5f60001", Subnet: c.form.Get("SubnetId"),
		PrivateIP: "10.0.2." + strconv.Itoa(10+world.Serial%240), Groups: valuesOf(c.form, "SecurityGroupId"),
		KeyName: c.form.Get("KeyName"), Token: token, Asked: digest, Protected: c.form.Get("DisableApiTermination") == "true",
	}
	if in.Type == "" {
		in.Type = "m1.small" // EC2's own default
	}
	if raw, err := base64.StdEncoding.DecodeString(c.form.Get("UserData")); err == nil {
		in.UserData = string(raw)
	}
	for _, spec := range listOf(c.form, "TagSpecification") {
		if c.form.Get(spec+".ResourceType") == "instance" {
			in.Tags = formTags(c.form, spec+".Tag")
		}
	}
	return in
}
