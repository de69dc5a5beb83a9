package cloudsim

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

type ec2SecurityGroup struct {
	Owner       string               `xml:"ownerId"`
	ID          string               `xml:"groupId"`
	Name        string               `xml:"groupName"`
	Description string               `xml:"groupDescription"`
	VPC         string               `xml:"vpcId"`
	Ingress     items[ec2Permission] `xml:"ipPermissions"`
	Egress      items[ec2Permission] `xml:"ipPermissionsEgress"`
	Tags        items[ec2Tag]        `xml:"tagSet"`
}

type ec2Permission struct {
	Protocol string          `xml:"ipProtocol"`
	From     int             `xml:"fromPort"`
	To       int             `xml:"toPort"`
	Ranges   items[ec2Range] `xml:"ipRanges"`
}

type ec2Range struct {
	CIDR string `xml:"cidrIp"`
}

func (g *SecurityGroup) filterValues(name string) ([]string, bool) {
	if g == nil {
		g = &SecurityGroup{}
	}
	switch name {
	case "group-id":
		return []string{g.ID}, true
	case "group-name":
		return []string{g.Name}, true
	case "vpc-id":
		return []string{g.VPC}, true
	case "description":
		return []string{g.Description}, true
	case "ip-permission.cidr":
		return g.ingress(func(in Ingress) string { return in.CIDR }), true
	case "ip-permission.from-port":
		return g.ingress(func(in Ingress) string { return strconv.Itoa(in.From) }), true
	case "ip-permission.to-port":
		return g.ingress(func(in Ingress) string { return strconv.Itoa(in.To) }), true
	case "ip-permission.protocol":
		return g.ingress(func(in Ingress) string { return in.Protocol }), true
	}
	return tagFilter(name, nil)
}

func (g *SecurityGroup) ingress(value func(Ingress) string) []string {
	var out []string
	for _, in := range g.Ingress {
		out = append(out, value(in))
	}
	return out
}

func describeSecurityGroups(c *awsCall) (any, *awsError) {
	ids, names := valuesOf(c.form, "GroupId"), valuesOf(c.form, "GroupName")
	var all []*SecurityGroup
	for i := range c.account.SecurityGroups {
		g := &c.account.SecurityGroups[i]
		wanted := len(ids)+len(names) == 0 || slices.Contains(ids, g.ID) || slices.Contains(names, g.Name)
		if g.Region == c.region && wanted {
			all = append(all, g)
		}
	}
	if len(all) < len(ids)+len(names) {
		return nil, &awsError{http.StatusBadRequest, "InvalidGroup.NotFound", "The security group '" + slices.Concat(ids, names)[0] + "' does not exist"}
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
		Groups    items[ec2SecurityGroup] `xml:"securityGroupInfo"`
		NextToken string                  `xml:"nextToken,omitempty"`
	}
	out.NextToken = next
	for _, g := range part {
		doc := ec2SecurityGroup{Owner: c.account.ID, ID: g.ID, Name: g.Name, Description: g.Description, VPC: g.VPC}
		for _, in := range g.Ingress {
			doc.Ingress.List = append(doc.Ingress.List, ec2Permission{in.Protocol, in.From, in.To, items[ec2Range]{[]ec2Range{{in.CIDR}}}})
		}
		doc.Egress.List = []ec2Permission{{"-1", -1, -1, items[ec2Range]{[]ec2Range{{"0.0.0.0/0"}}}}}
		out.Groups.List = append(out.Groups.List, doc)
	}
	return out, c.dry()
}

type ec2ResourceTag struct {
	Resource string `xml:"resourceId"`
	Kind     string `xml:"resourceType"`
	Key      string `xml:"key"`
	Value    string `xml:"value"`
}

func (t ec2ResourceTag) filterValues(name string) ([]string, bool) {
	switch name {
	case "resource-id":
		return []string{t.Resource}, true
	case "resource-type":
		return []string{t.Kind}, true
	case "key":
		return []string{t.Key}, true
	case "value":
		return []string{t.Value}, true
	}
	return tagFilter(name, map[string]string{t.Key: t.Value})
}

func describeTags(c *awsCall) (any, *awsError) {
	var all []ec2ResourceTag
	add := func(kind, id string, tags map[string]string) {
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			all = append(all, ec2ResourceTag{id, kind, key, tags[key]})
		}
	}
	for _, in := range c.account.Instances {
		if in.Region == c.region {
			add("instance", in.ID, in.Tags)
		}
	}
	for _, v := range c.account.Volumes {
		if v.Region == c.region {
			add("volume", v.ID, v.Tags)
		}
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
		Tags      items[ec2ResourceTag] `xml:"tagSet"`
		NextToken string                `xml:"nextToken,omitempty"`
	}
	out.Tags.List, out.NextToken = part, next
	return out, c.dry()
}
