package cloudsim

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

var ec2ReadOps = map[string]awsOp{
	"ec2:DescribeInstances":         {run: describeInstances, params: []string{"InstanceId", "Filter", "MaxResults", "NextToken", "DryRun"}},
	"ec2:DescribeInstanceStatus":    {run: describeInstanceStatus, params: []string{"InstanceId", "Filter", "MaxResults", "NextToken", "DryRun", "IncludeAllInstances"}},
	"ec2:DescribeInstanceAttribute": {run: describeInstanceAttribute, params: []string{"InstanceId", "Attribute", "DryRun"}, resources: instanceResource},
	"ec2:DescribeRegions":           {run: describeRegions, params: []string{"RegionName", "Filter", "AllRegions", "DryRun"}},
	"ec2:DescribeVolumes":           {run: describeVolumes, params: []string{"VolumeId", "Filter", "MaxResults", "NextToken", "DryRun"}},
	"ec2:DescribeSecurityGroups":    {run: describeSecurityGroups, params: []string{"GroupId", "GroupName", "Filter", "MaxResults", "NextToken", "DryRun"}},
	"ec2:DescribeTags":              {run: describeTags, params: []string{"Filter", "MaxResults", "NextToken", "DryRun"}},
}

// awsRegions are the regions an account has without asking for more.
var awsRegions = []string{
	"ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1",
	"eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

func (c *awsCall) dry() *awsError {
	if c.form.Get("DryRun") != "true" {
		return nil
	}
	return &awsError{http.StatusPreconditionFailed, dryRunCode, "Request would have succeeded, but DryRun flag is set."}
}

func describeInstances(c *awsCall) (any, *awsError) {
	ids := valuesOf(c.form, "InstanceId")
	if len(ids) > 0 && c.form.Has("MaxResults") {
		return nil, &awsError{http.StatusBadRequest, "InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults"}
	}
	found, next, refused := c.select1000(ids, 5)
	if refused != nil {
		return nil, refused
	}
	var out struct {
		Reservations items[ec2Reservation] `xml:"reservationSet"`
		NextToken    string                `xml:"nextToken,omitempty"`
	}
	out.NextToken = next
	for _, in := range found {
		out.Reservations.List = append(out.Reservations.List, c.account.reservation(in))
	}
	return out, nil
}

// select1000 finds, filters and pages instances.
func (c *awsCall) select1000(ids []string, least int) ([]*Instance, string, *awsError) {
	found, refused := c.instances(ids)
	if refused != nil {
		return nil, "", refused
	}
	found, refused = choose(c, found)
	if refused != nil {
		return nil, "", refused
	}
	if refused := c.dry(); refused != nil {
		return nil, "", refused
	}
	return page(c, found, least, 1000)
}

type ec2Status struct {
	ID       string     `xml:"instanceId"`
	Zone     string     `xml:"availabilityZone"`
	State    ec2State   `xml:"instanceState"`
	System   ec2Summary `xml:"systemStatus"`
	Instance ec2Summary `xml:"instanceStatus"`
}

type ec2Summary struct {
	Status  string           `xml:"status"`
	Details items[ec2Detail] `xml:"details"`
}

type ec2Detail struct {
	Name   string `xml:"name"`
	Status string `xml:"status"`
}

func describeInstanceStatus(c *awsCall) (any, *awsError) {
	found, next, refused := c.select1000(valuesOf(c.form, "InstanceId"), 5)
	if refused != nil {
		return nil, refused
	}
	var out struct {
		Statuses  items[ec2Status] `xml:"instanceStatusSet"`
		NextToken string           `xml:"nextToken,omitempty"`
	}
	out.NextToken = next
	for _, in := range found {
		running := in.State == "running"
		if !running && c.form.Get("IncludeAllInstances") != "true" {
			continue
		}
		check := ec2Summary{Status: "not-applicable"}
		if running {
			check = ec2Summary{Status: "ok", Details: items[ec2Detail]{[]ec2Detail{{"reachability", "passed"}}}}
		}
		out.Statuses.List = append(out.Statuses.List, ec2Status{in.ID, in.Zone, stateOf(in.State), check, check})
	}
	return out, nil
}

func instanceResource(c *awsCall) []string {
	return []string{c.arn("ec2", "instance/"+c.form.Get("InstanceId"))}
}

type ec2Value struct {
	Value string `xml:"value,omitempty"`
}

func describeInstanceAttribute(c *awsCall) (any, *awsError) {
	found, refused := c.instances([]string{c.form.Get("InstanceId")})
	if refused != nil {
		return nil, refused
	}
	if refused := c.dry(); refused != nil {
		return nil, refused
	}
	in := found[0]
	var out struct {
		ID        string           `xml:"instanceId"`
		UserData  *ec2Value        `xml:"userData"`
		Type      *ec2Value        `xml:"instanceType"`
		Protected *ec2Value        `xml:"disableApiTermination"`
		Groups    *items[ec2Group] `xml:"groupSet"`
	}
	out.ID = in.ID
	switch c.form.Get("Attribute") {
	case "userData":
		out.UserData = &ec2Value{base64.StdEncoding.EncodeToString([]byte(in.UserData))}
	case "instanceType":
		out.Type = &ec2Value{in.Type}
	case "disableApiTermination":
		out.Protected = &ec2Value{boolText(in.Protected)}
	case "groupSet":
		doc := c.account.document(in)
		out.Groups = &doc.Groups
	default:
		return nil, &awsError{http.StatusBadRequest, "InvalidParameterValue", "Value (" + c.form.Get("Attribute") + ") for parameter attribute is invalid. Unknown attribute."}
	}
	return out, nil
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

type ec2Region struct {
	Name     string `xml:"regionName"`
	Endpoint string `xml:"regionEndpoint"`
	OptIn    string `xml:"optInStatus"`
}

func (r ec2Region) filterValues(name string) ([]string, bool) {
	switch name {
	case "region-name":
		return []string{r.Name}, true
	case "endpoint":
		return []string{r.Endpoint}, true
	case "opt-in-status":
		return []string{r.OptIn}, true
	}
	return nil, false
}

func describeRegions(c *awsCall) (any, *awsError) {
	names := valuesOf(c.form, "RegionName")
	var all []ec2Region
	for _, name := range names {
		if !slices.Contains(awsRegions, name) {
			return nil, &awsError{http.StatusBadRequest, "InvalidParameterValue", "Invalid region(s): " + name}
		}
	}
	for _, name := range awsRegions {
		if len(names) == 0 || slices.Contains(names, name) {
			all = append(all, ec2Region{name, "ec2." + name + ".amazonaws.com", "opt-in-not-required"})
		}
	}
	chosen, refused := choose(c, all)
	if refused != nil {
		return nil, refused
	}
	var out struct {
		Regions items[ec2Region] `xml:"regionInfo"`
	}
	out.Regions.List = chosen
	return out, c.dry()
}

type ec2Volume struct {
	ID          string               `xml:"volumeId"`
	Size        int                  `xml:"size"`
	Snapshot    string               `xml:"snapshotId"`
	Zone        string               `xml:"availabilityZone"`
	Status      string               `xml:"status"`
	Created     string               `xml:"createTime"`
	Attachments items[ec2Attachment] `xml:"attachmentSet"`
	Tags        items[ec2Tag]        `xml:"tagSet"`
	Type        string               `xml:"volumeType"`
	Encrypted   bool                 `xml:"encrypted"`
}

type ec2Attachment struct {
	Volume   string `xml:"volumeId"`
	Instance string `xml:"instanceId"`
	Device   string `xml:"device"`
	Status   string `xml:"status"`
}

func (v *Volume) filterValues(name string) ([]string, bool) {
	if v == nil {
		v = &Volume{}
	}
	switch name {
	case "volume-id":
		return []string{v.ID}, true
	case "availability-zone":
		return []string{v.Zone}, true
	case "status":
		return []string{v.status()}, true
	case "attachment.instance-id":
		return []string{v.Instance}, true
	}
	return tagFilter(name, v.Tags)
}

func (v *Volume) status() string {
	if v.Instance == "" {
		return "available"
	}
	return "in-use"
}

func describeVolumes(c *awsCall) (any, *awsError) {
	ids := valuesOf(c.form, "VolumeId")
	var all []*Volume
	for i := range c.account.Volumes {
		v := &c.account.Volumes[i]
		if v.Region == c.region && (len(ids) == 0 || slices.Contains(ids, v.ID)) {
			all = append(all, v)
		}
	}
	if len(all) < len(ids) {
		return nil, &awsError{http.StatusBadRequest, "InvalidVolume.NotFound", "The volume '" + strings.Join(ids, ", ") + "' does not exist."}
	}
	chosen, refused := choose(c, all)
	if refused != nil {
		return nil, refused
	}
	part, next, refused := page(c, chosen, 5, 1000)
	if refused != nil {
		return nil, refused
	}
	var out struct {
		Volumes   items[ec2Volume] `xml:"volumeSet"`
		NextToken string           `xml:"nextToken,omitempty"`
	}
	out.NextToken = next
	for _, v := range part {
		doc := ec2Volume{ID: v.ID, Size: v.SizeGB, Zone: v.Zone, Status: v.status(), Created: worldBegan.Format(ec2Time), Tags: tagsOf(v.Tags), Type: "gp3", Encrypted: true}
		if v.Instance != "" {
			doc.Attachments.List = []ec2Attachment{{v.ID, v.Instance, "/dev/xvda", "attached"}}
		}
		out.Volumes.List = append(out.Volumes.List, doc)
	}
	return out, c.dry()
}
