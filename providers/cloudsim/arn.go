package cloudsim

import "strings"

// arn is the parsed name of an AWS resource, arn:partition:service:region:account:kind/name.
type arn struct {
	partition, service, region, account string
	kind, name                          string // of resource; name is what stands after the last slash
	resource                            string
}

func parseARN(text string) (arn, bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return arn{}, false
	}
	a := arn{partition: parts[1], service: parts[2], region: parts[3], account: parts[4], resource: parts[5]}
	a.kind, a.name, _ = strings.Cut(a.resource, "/")
	if i := strings.LastIndex(a.name, "/"); i >= 0 {
		a.name = a.name[i+1:] // a path such as role/ops/Admin does not belong to the name
	}
	return a, true
}
