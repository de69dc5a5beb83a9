package cloudsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Account is one AWS account.
type Account struct {
	ID             string          `json:"id"`
	Alias          string          `json:"alias,omitempty"`
	Users          []IAMUser       `json:"users,omitempty"`
	Roles          []Role          `json:"roles,omitempty"`
	Instances      []Instance      `json:"instances,omitempty"`
	Volumes        []Volume        `json:"volumes,omitempty"`
	SecurityGroups []SecurityGroup `json:"security_groups,omitempty"`
	Buckets        []Bucket        `json:"buckets,omitempty"`
	Secrets        []AWSSecret     `json:"secrets,omitempty"`
	LogGroups      []LogGroup      `json:"log_groups,omitempty"`
	Functions      []Function      `json:"functions,omitempty"`
	Databases      []Database      `json:"databases,omitempty"`
}

// IAMUser is a user with the policies that say what it may do.
type IAMUser struct {
	Name     string            `json:"name"`
	Managed  []string          `json:"managed,omitempty"`  // ARNs of AWS managed policies
	Policies []json.RawMessage `json:"policies,omitempty"` // inline policy documents
}

// Role is a role: Trust says who may assume it, the policies what the session may do.
type Role struct {
	Name       string            `json:"name"`
	Trust      json.RawMessage   `json:"trust"`
	Managed    []string          `json:"managed,omitempty"`
	Policies   []json.RawMessage `json:"policies,omitempty"`
	MaxSession int               `json:"max_session"` // seconds, 3600 to 43200
}

// Instance is one EC2 instance.
type Instance struct {
	ID        string            `json:"id"`
	Region    string            `json:"region"`
	Zone      string            `json:"zone"`
	Type      string            `json:"type"`
	Image     string            `json:"image"`
	State     string            `json:"state"`             // pending, running, stopping, stopped, shutting-down, terminated
	Becomes   string            `json:"becomes,omitempty"` // the state it is on its way to
	Settles   time.Time         `json:"settles,omitzero"`  // when it gets there
	Launched  time.Time         `json:"launched"`
	PrivateIP string            `json:"private_ip"`
	PublicIP  string            `json:"public_ip,omitempty"`
	VPC       string            `json:"vpc"`
	Subnet    string            `json:"subnet"`
	Groups    []string          `json:"groups,omitempty"` // ids of security groups
	KeyName   string            `json:"key_name,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
	UserData  string            `json:"user_data,omitempty"` // as written, not base64
	Protected bool              `json:"protected,omitempty"` // disableApiTermination
	Token     string            `json:"token,omitempty"`     // ClientToken it was run with
	Asked     string            `json:"asked,omitempty"`     // digest of the RunInstances request, for idempotency
}

// Volume is one EBS volume.
type Volume struct {
	ID       string            `json:"id"`
	Region   string            `json:"region"`
	Zone     string            `json:"zone"`
	SizeGB   int               `json:"size_gb"`
	Instance string            `json:"instance,omitempty"` // what it is attached to
	Tags     map[string]string `json:"tags,omitempty"`
}

// SecurityGroup is one VPC security group.
type SecurityGroup struct {
	ID          string    `json:"id"`
	Region      string    `json:"region"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	VPC         string    `json:"vpc"`
	Ingress     []Ingress `json:"ingress,omitempty"`
}

// Ingress lets one CIDR range in on a range of ports.
type Ingress struct {
	Protocol string `json:"protocol"`
	From     int    `json:"from"`
	To       int    `json:"to"`
	CIDR     string `json:"cidr"`
}

// Bucket is one S3 bucket with the objects in it by key.
type Bucket struct {
	Name    string            `json:"name"`
	Region  string            `json:"region"`
	Objects map[string]string `json:"objects,omitempty"`
}

// AWSSecret is one secret of Secrets Manager.
type AWSSecret struct {
	Name   string `json:"name"`
	Region string `json:"region"`
	Value  string `json:"value"`
}

// LogGroup is one group of CloudWatch Logs.
type LogGroup struct {
	Name   string     `json:"name"`
	Region string     `json:"region"`
	Events []LogEvent `json:"events,omitempty"`
}

// LogEvent is one line of a log.
type LogEvent struct {
	Stream  string    `json:"stream"`
	Time    time.Time `json:"time"`
	Message string    `json:"message"`
}

// Function is one Lambda function.
type Function struct {
	Name    string            `json:"name"`
	Region  string            `json:"region"`
	Runtime string            `json:"runtime"`
	Env     map[string]string `json:"env,omitempty"`
}

// Database is one RDS instance.
type Database struct {
	ID     string `json:"id"`
	Region string `json:"region"`
	Engine string `json:"engine"`
	Class  string `json:"class"`
	Status string `json:"status"`
}

func (w *World) account(id string) *Account {
	i := slices.IndexFunc(w.AWS, func(a Account) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return &w.AWS[i]
}

func (a *Account) role(name string) *Role {
	i := slices.IndexFunc(a.Roles, func(r Role) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &a.Roles[i]
}

func (a *Account) user(name string) *IAMUser {
	i := slices.IndexFunc(a.Users, func(u IAMUser) bool { return u.Name == name })
	if i < 0 {
		return nil
	}
	return &a.Users[i]
}

func (a *Account) instance(region, id string) *Instance {
	i := slices.IndexFunc(a.Instances, func(in Instance) bool { return in.ID == id && in.Region == region })
	if i < 0 {
		return nil
	}
	return &a.Instances[i]
}

// Instance gives a copy of the EC2 instance with this id, in any account.
func (s *Server) Instance(id string) (Instance, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.world.AWS {
		for _, in := range a.Instances {
			if in.ID == id {
				in.Tags = maps.Clone(in.Tags)
				in.Groups = slices.Clone(in.Groups)
				return in, true
			}
		}
	}
	return Instance{}, false
}

// SetTrust makes the role (by ARN) demand this external id of [AuroraPrincipal]. An empty one makes the role trust
// Aurora without any, which is the mistake a careful caller has to notice.
func (s *Server) SetTrust(roleARN, externalID string) error {
	return s.SetTrustDocument(roleARN, trustDocument(AuroraPrincipal, externalID))
}

// SetTrustDocument replaces the role's trust policy.
func (s *Server) SetTrustDocument(roleARN string, document json.RawMessage) error {
	if _, err := parsePolicy(document, trustPolicy); err != nil {
		return fmt.Errorf("read the trust policy of %s: %w", roleARN, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	role := s.world.roleByARN(roleARN)
	if role == nil {
		return fmt.Errorf("there is no role %s in the simulated AWS", roleARN)
	}
	role.Trust = document
	return nil
}

func (w *World) roleByARN(text string) *Role {
	arn, ok := parseARN(text)
	if !ok || arn.service != "iam" || arn.kind != "role" {
		return nil
	}
	account := w.account(arn.account)
	if account == nil {
		return nil
	}
	return account.role(arn.name)
}

// trustDocument lets the principal assume, tag and name itself, with the external id when there is one.
func trustDocument(principal, externalID string) json.RawMessage {
	statements := []map[string]any{{
		"Effect":    "Allow",
		"Principal": map[string]any{"AWS": principal},
		"Action":    []string{"sts:AssumeRole"},
	}, {
		"Effect":    "Allow",
		"Principal": map[string]any{"AWS": principal},
		"Action":    []string{"sts:TagSession", "sts:SetSourceIdentity"},
	}}
	if externalID != "" {
		statements[0]["Condition"] = map[string]any{"StringEquals": map[string]any{"sts:ExternalId": externalID}}
	}
	raw, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements}) // strings and maps always marshal
	return raw
}
