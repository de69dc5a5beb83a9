package cloudsim

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var stsOps = map[string]awsOp{
	"sts:AssumeRole":        {run: assumeRole, open: true, params: []string{"RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds", "Policy", "PolicyArns", "Tags", "TransitiveTagKeys", "SourceIdentity", "SerialNumber", "TokenCode", "ProvidedContexts"}},
	"sts:GetCallerIdentity": {run: callerIdentity, open: true, params: []string{}},
}

var (
	sessionNameShape = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalIDShape  = regexp.MustCompile(`^[\w+=,.@:/-]+$`) // and of 2 to 1224 characters, more than a pattern can count
)

const maxSessionPolicy = 2048 // characters of inline policy and policy ARNs together

type callerIdentityOut struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

func callerIdentity(c *awsCall) (any, *awsError) {
	if !slices.Contains(awsRegions, c.entry.Region) {
		return nil, &awsError{http.StatusForbidden, "SignatureDoesNotMatch", "Credential should be scoped to a valid region."}
	}
	return callerIdentityOut{c.who.arn, c.who.userID, c.who.account}, nil
}

// assumption is an AssumeRole request that was read.
type assumption struct {
	roleARN, session, externalID, sourceIdentity string
	duration                                     time.Duration
	policies                                     []policy
	limited                                      bool
	tags                                         map[string]string
	packed                                       int // percent of what a session's policies and tags may take
}

type assumeRoleOut struct {
	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	AssumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		Arn           string
	}
	PackedPolicySize int    `xml:",omitempty"`
	SourceIdentity   string `xml:",omitempty"`
}

func assumeRole(c *awsCall) (any, *awsError) {
	asked, refused := c.readAssumption()
	if refused != nil {
		return nil, refused
	}
	c.entry.Resources = []string{asked.roleARN}
	c.entry.Source = asked.sourceIdentity
	role := c.aws.server.world.roleByARN(asked.roleARN)
	for _, action := range asked.actions() {
		// A role that does not exist is refused like one that does not trust: nobody learns which roles there are.
		if role == nil || !c.trusted(*role, asked, action) {
			return nil, c.unauthorized(action, asked.roleARN, "")
		}
	}
	if asked.duration > time.Duration(role.MaxSession)*time.Second {
		return nil, invalidSTS("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if c.who.role != "" && asked.duration > time.Hour {
		return nil, invalidSTS("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	return c.openSession(asked), nil
}

// actions are the permissions the request needs of the caller and of the role's trust policy.
func (a assumption) actions() []string {
	actions := []string{"sts:AssumeRole"}
	if len(a.tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if a.sourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	return actions
}

// trusted tells whether the trust policy lets the caller in and, for another account's role, the caller's own policies do.
func (c *awsCall) trusted(role Role, a assumption, action string) bool {
	trust, err := parsePolicy(role.Trust, trustPolicy)
	if err != nil {
		return false
	}
	keys := c.conditionKeys(a.roleARN)
	keys["sts:rolesessionname"] = []string{a.session}
	keys["sts:durationseconds"] = []string{strconv.Itoa(int(a.duration.Seconds()))}
	if a.externalID != "" {
		keys["sts:externalid"] = []string{a.externalID}
	}
	if a.sourceIdentity != "" {
		keys["sts:sourceidentity"] = []string{a.sourceIdentity}
	}
	for name, value := range a.tags {
		keys["aws:requesttag/"+strings.ToLower(name)] = []string{value}
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], name)
	}
	q := question{action: action, resource: a.roleARN, principals: c.who.names(), keys: keys}
	if trust.answer(q) != allowed {
		return false
	}
	return c.who.refusedBecause(&c.aws.server.world, q) == ""
}

func (c *awsCall) openSession(a assumption) assumeRoleOut {
	name, _ := parseARN(a.roleARN) // readAssumption has checked it
	who := sessionIdentity(name.account, name.name, a.session)
	who.sourceIdentity, who.tags, who.policies, who.limited = a.sourceIdentity, a.tags, a.policies, a.limited
	if who.sourceIdentity == "" {
		who.sourceIdentity = c.who.sourceIdentity // it stays through role chaining
	}
	key := AWSKey{ID: "ASIA" + randomUpper(16), Secret: randomSecret(30), SessionToken: "FwoGZXIvYXdzE" + randomSecret(150)}
	expires := time.Now().Add(a.duration)
	c.aws.keys[key.ID] = &awsKeyState{AWSKey: key, who: who, expires: expires}
	out := assumeRoleOut{PackedPolicySize: a.packed, SourceIdentity: who.sourceIdentity}
	out.Credentials.AccessKeyID, out.Credentials.SecretAccessKey = key.ID, key.Secret
	out.Credentials.SessionToken = key.SessionToken
	out.Credentials.Expiration = expires.UTC().Format(time.RFC3339)
	out.AssumedRoleUser.AssumedRoleID, out.AssumedRoleUser.Arn = who.userID, who.arn
	return out
}

func invalidSTS(message string) *awsError {
	return &awsError{http.StatusBadRequest, "ValidationError", message}
}

func constraint(value, name, rule string) *awsError {
	return invalidSTS(fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, name, rule))
}

func (c *awsCall) readAssumption() (assumption, *awsError) {
	a := assumption{
		roleARN: c.form.Get("RoleArn"), session: c.form.Get("RoleSessionName"), externalID: c.form.Get("ExternalId"),
		sourceIdentity: c.form.Get("SourceIdentity"), duration: time.Hour,
	}
	name, ok := parseARN(a.roleARN)
	if !ok || name.service != "iam" || name.kind != "role" {
		return a, invalidSTS(a.roleARN + " is invalid")
	}
	if !sessionNameShape.MatchString(a.session) {
		return a, constraint(a.session, "roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]* and have length between 2 and 64`)
	}
	if c.form.Has("ExternalId") && (!externalIDShape.MatchString(a.externalID) || len(a.externalID) < 2 || len(a.externalID) > 1224) {
		return a, constraint(a.externalID, "externalId", `Member must satisfy regular expression pattern: [\w+=,.@:\/-]* and have length between 2 and 1224`)
	}
	if c.form.Has("SourceIdentity") && !sessionNameShape.MatchString(a.sourceIdentity) {
		return a, constraint(a.sourceIdentity, "sourceIdentity", `Member must satisfy regular expression pattern: [\w+=,.@-]* and have length between 2 and 64`)
	}
	if text := c.form.Get("DurationSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 900 || seconds > 43200 {
			return a, constraint(text, "durationSeconds", "Member must have value between 900 and 43200")
		}
		a.duration = time.Duration(seconds) * time.Second
	}
	if refused := a.readTags(c); refused != nil {
		return a, refused
	}
	return a, a.readPolicies(c)
}

// readPolicies reads the inline session policy and the managed ones by ARN.
func (a *assumption) readPolicies(c *awsCall) *awsError {
	document := c.form.Get("Policy")
	var arns []string
	for _, member := range listOf(c.form, "PolicyArns.member") {
		arns = append(arns, c.form.Get(member+".arn"))
	}
	if len(arns) > 10 {
		return constraint(strconv.Itoa(len(arns)), "policyArns", "Member must have length less than or equal to 10")
	}
	size := len(document) + len(strings.Join(arns, ""))
	if size > maxSessionPolicy {
		return constraint(strconv.Itoa(size)+" characters", "policy", "Member must have length less than or equal to 2048")
	}
	if document != "" {
		p, err := parsePolicy([]byte(document), identityPolicy)
		if err != nil {
			return &awsError{http.StatusBadRequest, "MalformedPolicyDocument", "Syntax errors in policy: " + err.Error()}
		}
		a.policies = append(a.policies, p)
	}
	more, known := managed(arns)
	if !known {
		return &awsError{http.StatusBadRequest, "MalformedPolicyDocument", "One of the policy ARNs does not exist."}
	}
	a.policies = append(a.policies, more...)
	a.limited = len(a.policies) > 0
	a.packed = int(math.Ceil(float64(size) * 100 / (maxSessionPolicy * 2)))
	return nil
}

func (a *assumption) readTags(c *awsCall) *awsError {
	for _, member := range listOf(c.form, "Tags.member") {
		key := c.form.Get(member + ".Key")
		if key == "" || len(key) > 128 || len(c.form.Get(member+".Value")) > 256 {
			return constraint(key, "tags", "Member must have a key of 1 to 128 and a value of up to 256 characters")
		}
		if a.tags == nil {
			a.tags = map[string]string{}
		}
		a.tags[key] = c.form.Get(member + ".Value")
	}
	return nil
}
