package cloudsim

import (
	"maps"
	"slices"
	"time"
)

const ec2Time = "2006-01-02T15:04:05.000Z"

// stateCodes are EC2's numbers for the states of an instance.
var stateCodes = map[string]int{"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

type ec2State struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func stateOf(name string) ec2State { return ec2State{stateCodes[name], name} }

type ec2Tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func tagsOf(tags map[string]string) items[ec2Tag] {
	var out items[ec2Tag]
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.List = append(out.List, ec2Tag{key, tags[key]})
	}
	return out
}

type ec2Group struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

type ec2Placement struct {
	Zone      string `xml:"availabilityZone"`
	GroupName string `xml:"groupName"`
	Tenancy   string `xml:"tenancy"`
}

type ec2Reason struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

type ec2Instance struct {
	ID             string           `xml:"instanceId"`
	Image          string           `xml:"imageId"`
	State          ec2State         `xml:"instanceState"`
	PrivateDNS     string           `xml:"privateDnsName"`
	PublicDNS      string           `xml:"dnsName"`
	Transition     string           `xml:"reason"`
	KeyName        string           `xml:"keyName,omitempty"`
	LaunchIndex    int              `xml:"amiLaunchIndex"`
	Type           string           `xml:"instanceType"`
	Launched       string           `xml:"launchTime"`
	Placement      ec2Placement     `xml:"placement"`
	Monitoring     ec2Monitoring    `xml:"monitoring"`
	Subnet         string           `xml:"subnetId,omitempty"`
	VPC            string           `xml:"vpcId,omitempty"`
	PrivateIP      string           `xml:"privateIpAddress,omitempty"`
	PublicIP       string           `xml:"ipAddress,omitempty"`
	Groups         items[ec2Group]  `xml:"groupSet"`
	Reason         *ec2Reason       `xml:"stateReason"`
	Architecture   string           `xml:"architecture"`
	RootType       string           `xml:"rootDeviceType"`
	RootName       string           `xml:"rootDeviceName"`
	Virtualization string           `xml:"virtualizationType"`
	ClientToken    string           `xml:"clientToken"`
	Tags           items[ec2Tag]    `xml:"tagSet"`
	Hypervisor     string           `xml:"hypervisor"`
	Devices        items[ec2Device] `xml:"blockDeviceMapping"`
}

type ec2Monitoring struct {
	State string `xml:"state"`
}

type ec2Device struct {
	Name   string `xml:"deviceName"`
	Volume string `xml:"ebs>volumeId"`
	Status string `xml:"ebs>status"`
}

type ec2Reservation struct {
	ID        string             `xml:"reservationId"`
	Owner     string             `xml:"ownerId"`
	Groups    items[ec2Group]    `xml:"groupSet"`
	Instances items[ec2Instance] `xml:"instancesSet"`
}

func (a *Account) reservation(instances ...*Instance) ec2Reservation {
	out := ec2Reservation{ID: "r-" + hexID("reservation "+instances[0].ID, 17), Owner: a.ID}
	for _, in := range instances {
		out.Instances.List = append(out.Instances.List, a.document(in))
	}
	return out
}

func (a *Account) document(in *Instance) ec2Instance {
	doc := ec2Instance{
		ID: in.ID, Image: in.Image, State: stateOf(in.State), KeyName: in.KeyName, Type: in.Type,
		Launched: in.Launched.UTC().Format(ec2Time), Placement: ec2Placement{Zone: in.Zone, Tenancy: "default"},
		Monitoring: ec2Monitoring{"disabled"}, Tags: tagsOf(in.Tags), ClientToken: in.Token,
		Architecture: "x86_64", RootType: "ebs", RootName: "/dev/xvda", Virtualization: "hvm", Hypervisor: "xen",
	}
	if in.State == "stopped" || in.State == "stopping" {
		doc.Transition = "User initiated"
		doc.Reason = &ec2Reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
	}
	if in.State == "terminated" {
		doc.Transition = "User initiated"
		return doc // a terminated instance has no network any more
	}
	doc.Subnet, doc.VPC, doc.PrivateIP = in.Subnet, in.VPC, in.PrivateIP
	if in.State == "running" {
		doc.PublicIP = in.PublicIP
	}
	for _, id := range in.Groups {
		group := ec2Group{ID: id}
		for _, g := range a.SecurityGroups {
			if g.ID == id {
				group.Name = g.Name
			}
		}
		doc.Groups.List = append(doc.Groups.List, group)
	}
	for _, v := range a.Volumes {
		if v.Instance == in.ID {
			doc.Devices.List = append(doc.Devices.List, ec2Device{"/dev/xvda", v.ID, "attached"})
		}
	}
	return doc
}

// settle lets the instances arrive whose time has come.
func (a *Account) settle(now time.Time) {
	for i := range a.Instances {
		in := &a.Instances[i]
		if in.Becomes != "" && !now.Before(in.Settles) {
			in.State, in.Becomes = in.Becomes, ""
		}
	}
}

func (in *Instance) filterValues(name string) ([]string, bool) {
	if in == nil {
		in = &Instance{}
	}
	switch name {
	case "instance-id":
		return []string{in.ID}, true
	case "instance-state-name":
		return []string{in.State}, true
	case "instance-type":
		return []string{in.Type}, true
	case "availability-zone":
		return []string{in.Zone}, true
	case "image-id":
		return []string{in.Image}, true
	case "vpc-id":
		return []string{in.VPC}, true
	case "subnet-id":
		return []string{in.Subnet}, true
	case "private-ip-address":
		return []string{in.PrivateIP}, true
	case "ip-address":
		return []string{in.PublicIP}, true
	case "key-name":
		return []string{in.KeyName}, true
	case "instance.group-id":
		return in.Groups, true
	case "architecture":
		return []string{"x86_64"}, true
	}
	return tagFilter(name, in.Tags)
}
