package cloudsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// awsCloud answers for every AWS service at one address, as AWS_ENDPOINT_URL expects it. Which service is meant stands in
// the signature's scope, which also makes it trustworthy.
type awsCloud struct {
	server *Server
	keys   map[string]*awsKeyState // by access key id
}

// awsKeyState is an access key with whom it speaks for.
type awsKeyState struct {
	AWSKey
	who     awsIdentity
	expires time.Time // zero: never
	revoked bool
}

// awsProtocol is how a service's requests and answers are written.
type awsProtocol int

const (
	queryProtocol awsProtocol = iota // form in, XML with a result element out
	ec2Protocol                      // form in, flat XML out
	jsonProtocol                     // X-Amz-Target names the action
	restJSON
	restXML
)

type awsService struct {
	iam      string // prefix of its actions in policies
	protocol awsProtocol
	version  string // of the API, for XML namespaces
}

// awsServices are the services that can be reached, by their name in a signature's scope.
var awsServices = map[string]awsService{
	"sts":            {iam: "sts", protocol: queryProtocol, version: "https://sts.amazonaws.com/doc/2011-06-15/"},
	"iam":            {iam: "iam", protocol: queryProtocol, version: "https://iam.amazonaws.com/doc/2010-05-08/"},
	"rds":            {iam: "rds", protocol: queryProtocol, version: "http://rds.amazonaws.com/doc/2014-10-31/"},
	"ec2":            {iam: "ec2", protocol: ec2Protocol, version: "http://ec2.amazonaws.com/doc/2016-11-15/"},
	"secretsmanager": {iam: "secretsmanager", protocol: jsonProtocol},
	"logs":           {iam: "logs", protocol: jsonProtocol},
	"organizations":  {iam: "organizations", protocol: jsonProtocol},
	"monitoring":     {iam: "cloudwatch", protocol: jsonProtocol},
	"lambda":         {iam: "lambda", protocol: restJSON},
	"s3":             {iam: "s3", protocol: restXML},
}

// awsCall is one authenticated request.
type awsCall struct {
	*request
	aws     *awsCloud
	service awsService
	scope   string // service name in the signature
	action  string // as the API calls it
	region  string
	form    url.Values // query protocols
	input   []byte     // JSON protocols
	who     awsIdentity
	account *Account
}

// awsError is a refusal in AWS's words.
type awsError struct {
	status  int
	code    string
	message string
}

// awsOp is one operation: what it does, what it is done to, and the parameters it knows.
type awsOp struct {
	run       func(*awsCall) (any, *awsError)
	resources func(*awsCall) []string // ARNs asked of IAM; nil: "*"
	iam       string                  // name of the permission when it is not the action's
	open      bool                    // needs no permission
	params    []string                // top-level parameter names (query protocols); nil: not checked
}

var awsOps = buildAWSOps()

func buildAWSOps() map[string]awsOp {
	all := map[string]awsOp{}
	for _, part := range []map[string]awsOp{stsOps, organizationsOps, ec2ReadOps, ec2ChangeOps, dataOps, s3Ops} {
		for name, op := range part {
			all[name] = op
		}
	}
	return all
}

func newAWSCloud(s *Server) *awsCloud {
	a := &awsCloud{server: s, keys: map[string]*awsKeyState{}}
	key := s.config.AWSKey
	a.keys[key.ID] = &awsKeyState{AWSKey: key, who: userIdentity(AuroraAccount, "aurora")}
	return a
}

// AWSKey is Aurora's own access key: the one identity that may assume the roles.
func (s *Server) AWSKey() AWSKey { return s.config.AWSKey }

// AWSSessions are the keys of all sessions that were ever opened.
func (s *Server) AWSSessions() []AWSKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []AWSKey
	for _, state := range s.aws.keys {
		if state.SessionToken != "" {
			keys = append(keys, state.AWSKey)
		}
	}
	return keys
}

// NewAWSKey makes a long-lived access key for a user that exists in the world, by account and name.
func (s *Server) NewAWSKey(account, user string) AWSKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := AWSKey{ID: "AKIA" + randomUpper(16), Secret: randomSecret(30)}
	s.aws.keys[key.ID] = &awsKeyState{AWSKey: key, who: userIdentity(account, user)}
	return key
}

func (a *awsCloud) plan(r *request) func() reply {
	call := &awsCall{request: r, aws: a}
	refused := call.open()
	r.entry.Action = call.name()
	if refused != nil {
		return func() reply { return call.fail(refused) }
	}
	op, known := awsOps[r.entry.Action]
	if !known {
		return func() reply { return call.fail(call.unknownAction()) }
	}
	r.entry.Principal, r.entry.Source = call.who.arn, call.who.sourceIdentity
	r.entry.Account, r.entry.Region = call.who.account, call.region
	if op.resources != nil {
		r.entry.Resources = op.resources(call)
	}
	return func() reply { return call.carryOut(op) }
}

// carryOut asks IAM and runs the operation. The session may have ended since it was planned.
func (c *awsCall) carryOut(op awsOp) reply {
	if state := c.aws.keys[c.who.key]; state != nil {
		if refused := c.live(state); refused != nil {
			return c.fail(refused)
		}
	}
	c.account = c.aws.server.world.account(c.who.account)
	if c.account == nil {
		return c.fail(&awsError{http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."})
	}
	if unknown := c.unknownParameter(op); unknown != "" {
		return c.fail(&awsError{http.StatusBadRequest, "UnknownParameter", "The parameter " + unknown + " is not recognized"})
	}
	if refused := c.permitted(op); refused != nil {
		return c.fail(refused)
	}
	c.account.settle(time.Now())
	output, refused := op.run(c)
	if refused != nil {
		answer := c.fail(refused)
		answer.dryRun = refused.code == dryRunCode
		return answer
	}
	return c.succeed(output)
}

// open recognises the service, the action and the caller.
func (c *awsCall) open() *awsError {
	sig, ok := readSignature(c.Request)
	c.scope, c.region = sig.service, sig.region
	c.service = awsServices[sig.service]
	c.readAction()
	if !ok {
		return c.authError(missingSignature)
	}
	if _, served := awsServices[sig.service]; !served {
		c.service = awsService{iam: sig.service, protocol: jsonProtocol}
		return &awsError{http.StatusNotFound, "UnknownOperationException", "The service " + sig.service + " is not simulated."}
	}
	if skew := time.Since(sig.at).Abs(); skew > maxSkew {
		return c.authError(skewedClock)
	}
	state := c.aws.keys[sig.keyID]
	if state == nil || state.SessionToken != sig.token {
		return c.authError(unknownKey)
	}
	if !sig.verify(c.Request, c.body, state.Secret) {
		return c.authError(wrongSignature)
	}
	c.who = state.who
	c.who.key = sig.keyID
	return c.live(state)
}

func (c *awsCall) live(state *awsKeyState) *awsError {
	if state.revoked {
		return c.authError(unknownKey)
	}
	if !state.expires.IsZero() && !time.Now().Before(state.expires) {
		return c.authError(expiredToken)
	}
	return nil
}

func (c *awsCall) name() string {
	if c.service.iam == "" {
		return c.action
	}
	return c.service.iam + ":" + c.action
}

// readAction finds the action's name and parameters where the protocol has them.
func (c *awsCall) readAction() {
	switch c.service.protocol {
	case jsonProtocol:
		_, c.action, _ = strings.Cut(c.Header.Get("X-Amz-Target"), ".")
		c.input = c.body
	case restJSON:
		c.action, c.form = lambdaAction(c.Method, c.URL)
	case restXML:
		c.action, c.form = s3Action(c.Method, c.URL)
	default:
		c.form, _ = url.ParseQuery(string(c.body)) // what cannot be read has no Action and is refused for that
		if c.Method == http.MethodGet {
			c.form = c.URL.Query()
		}
		c.action = c.form.Get("Action")
	}
}

func (c *awsCall) unknownAction() *awsError {
	code, status := "InvalidAction", http.StatusBadRequest
	if c.service.protocol == jsonProtocol {
		code = "UnknownOperationException"
	}
	return &awsError{status, code, "The action " + c.action + " is not valid for this web service."}
}

// unknownParameter names a parameter the operation does not know; the clouds refuse those rather than ignore them.
func (c *awsCall) unknownParameter(op awsOp) string {
	if op.params == nil {
		return ""
	}
	names := make([]string, 0, len(c.form))
	for name := range c.form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		root, _, _ := strings.Cut(name, ".")
		if root != "Action" && root != "Version" && !slices.Contains(op.params, root) {
			return name
		}
	}
	return ""
}

// decode reads a JSON request's input; unknown members are ignored, as AWS does.
func (c *awsCall) decode(into any) *awsError {
	if len(c.input) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.input, into); err != nil {
		return &awsError{http.StatusBadRequest, "SerializationException", "The request body is not valid JSON for this operation."}
	}
	return nil
}

func (c *awsCall) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + c.region + ":" + c.who.account + ":" + resource
}
