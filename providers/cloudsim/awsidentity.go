package cloudsim

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// awsIdentity is who an access key speaks for.
type awsIdentity struct {
	key            string // access key id, set for each request
	arn            string
	account        string
	userID         string
	user           string // name, for a user's key
	role           string // name, for a session
	session        string // role session name
	sourceIdentity string
	tags           map[string]string // session tags
	limited        bool              // a session policy was passed: it bounds what the role may do
	policies       []policy          // the session policies
}

func userIdentity(account, name string) awsIdentity {
	return awsIdentity{arn: "arn:aws:iam::" + account + ":user/" + name, account: account, user: name, userID: "AIDA" + shortID(account+name, 17)}
}

func sessionIdentity(account, role, session string) awsIdentity {
	return awsIdentity{
		arn: "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session, account: account,
		role: role, session: session, userID: "AROA" + shortID(account+role, 17) + ":" + session,
	}
}

// names are all the names a trust policy may know the caller by.
func (i awsIdentity) names() []string {
	names := []string{i.arn, i.account, "arn:aws:iam::" + i.account + ":root"}
	if i.role != "" {
		names = append(names, "arn:aws:iam::"+i.account+":role/"+i.role)
	}
	return names
}

// identityPolicies are what stands on the user or role now.
func (i awsIdentity) identityPolicies(w *World) []policy {
	account := w.account(i.account)
	if account == nil {
		return nil
	}
	if role := account.role(i.role); role != nil {
		return readPolicies(role.Managed, role.Policies)
	}
	if user := account.user(i.user); user != nil {
		return readPolicies(user.Managed, user.Policies)
	}
	return nil
}

func readPolicies[T ~[]byte](arns []string, documents []T) []policy {
	policies, _ := managed(arns) // an unknown ARN grants nothing
	for _, document := range documents {
		if p, err := parsePolicy([]byte(document), identityPolicy); err == nil {
			policies = append(policies, p)
		}
	}
	return policies
}

// refusedBecause tells why the identity may not do this, "" when it may: what its own policies allow, and, for a session
// that was given policies, these as well.
func (i awsIdentity) refusedBecause(w *World, q question) string {
	own := anyOf(i.identityPolicies(w), q)
	bound := anyOf(i.policies, q)
	switch {
	case own == denied:
		return "with an explicit deny in an identity-based policy"
	case i.limited && bound == denied:
		return "with an explicit deny in a session policy"
	case own != allowed:
		return "because no identity-based policy allows the " + q.action + " action"
	case i.limited && bound != allowed:
		return "because no session policy allows the " + q.action + " action"
	}
	return ""
}

// permitted asks IAM about every resource the operation touches.
func (c *awsCall) permitted(op awsOp) *awsError {
	if op.open {
		return nil
	}
	resources := []string{"*"}
	if op.resources != nil {
		resources = op.resources(c)
	}
	action := c.name()
	if op.iam != "" {
		action = op.iam
	}
	for _, resource := range resources {
		q := question{action: action, resource: resource, keys: c.conditionKeys(resource)}
		if why := c.who.refusedBecause(&c.aws.server.world, q); why != "" {
			return c.unauthorized(action, resource, why)
		}
	}
	return nil
}

func (c *awsCall) unauthorized(action, resource, why string) *awsError {
	text := "User: " + c.who.arn + " is not authorized to perform: " + action
	if resource != "*" || c.service.protocol != ec2Protocol {
		text += " on resource: " + resource
	}
	text = strings.TrimSpace(text + " " + why)
	switch c.service.protocol {
	case ec2Protocol:
		return &awsError{http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. " + text}
	case jsonProtocol:
		return &awsError{http.StatusBadRequest, "AccessDeniedException", text}
	case restJSON:
		return &awsError{http.StatusForbidden, "AccessDeniedException", text}
	}
	return &awsError{http.StatusForbidden, "AccessDenied", text}
}

// conditionKeys are what policies may ask about a request, in lower case.
func (c *awsCall) conditionKeys(resource string) map[string][]string {
	keys := map[string][]string{
		"aws:principalarn":     {c.who.arn},
		"aws:principalaccount": {c.who.account},
		"aws:userid":           {c.who.userID},
		"aws:requestedregion":  {c.region},
		"aws:securetransport":  {"true"}, // the real endpoints have no other
		"aws:currenttime":      {time.Now().UTC().Format(time.RFC3339)},
		"aws:epochtime":        {strconv.FormatInt(time.Now().Unix(), 10)},
		"aws:sourceip":         {"127.0.0.1"},
	}
	if c.who.user != "" {
		keys["aws:username"] = []string{c.who.user}
	}
	if c.who.role != "" {
		keys["aws:principalarn"] = []string{"arn:aws:iam::" + c.who.account + ":role/" + c.who.role}
	}
	if c.who.sourceIdentity != "" {
		keys["aws:sourceidentity"] = []string{c.who.sourceIdentity}
	}
	for name, value := range c.who.tags {
		keys["aws:principaltag/"+strings.ToLower(name)] = []string{value}
	}
	c.resourceTags(resource, keys)
	return keys
}

func (c *awsCall) resourceTags(resource string, keys map[string][]string) {
	name, ok := parseARN(resource)
	if !ok || name.service != "ec2" || name.kind != "instance" || c.account == nil {
		return
	}
	in := c.account.instance(name.region, name.name)
	if in == nil {
		return
	}
	for tag, value := range in.Tags {
		keys["aws:resourcetag/"+strings.ToLower(tag)] = []string{value}
		keys["ec2:resourcetag/"+strings.ToLower(tag)] = []string{value}
	}
}
