package cloudsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// policyKind says where a policy document stands: that decides which elements it must and must not have.
type policyKind int

const (
	identityPolicy policyKind = iota // on a user or role, or passed with a session
	trustPolicy                      // on a role, saying who may assume it
)

// policy is a parsed IAM policy document.
type policy struct{ statements []statement }

type statement struct {
	allow                bool
	actions, notActions  []string
	resources, notResrcs []string
	principals           []string // ARNs, account ids or "*"
	conditions           []condition
}

type condition struct {
	operator string // without IfExists and set prefixes
	each     string // "", ForAnyValue or ForAllValues
	ifExists bool
	key      string // lower case
	values   []string
}

// oneOrMany reads what IAM lets people write as one string or a list of them.
type oneOrMany []string

// UnmarshalJSON takes a string, a bool or a list of them.
func (o *oneOrMany) UnmarshalJSON(raw []byte) error {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return err
	}
	list, many := value.([]any)
	if !many {
		list = []any{value}
	}
	for _, item := range list {
		switch v := item.(type) {
		case string:
			*o = append(*o, v)
		case bool, float64:
			*o = append(*o, fmt.Sprint(v))
		default:
			return errors.New("neither a string nor a list of strings")
		}
	}
	return nil
}

type rawStatement struct {
	Sid          string
	Effect       string
	Action       oneOrMany
	NotAction    oneOrMany
	Resource     oneOrMany
	NotResource  oneOrMany
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Condition    map[string]map[string]oneOrMany
}

type rawPolicy struct {
	Version   string
	ID        string `json:"Id"`
	Statement json.RawMessage
}

func parsePolicy(document json.RawMessage, kind policyKind) (policy, error) {
	var raw rawPolicy
	if err := strictJSON(document, &raw); err != nil {
		return policy{}, err
	}
	if raw.Version != "" && raw.Version != "2012-10-17" && raw.Version != "2008-10-17" {
		return policy{}, errors.New("the policy must contain a valid version string")
	}
	var statements []rawStatement
	if err := strictJSON(raw.Statement, &statements); err != nil {
		var one rawStatement
		if err := strictJSON(raw.Statement, &one); err != nil {
			return policy{}, err
		}
		statements = []rawStatement{one}
	}
	if len(statements) == 0 {
		return policy{}, errors.New("the policy has no statement")
	}
	var p policy
	for _, s := range statements {
		read, err := s.read(kind)
		if err != nil {
			return policy{}, err
		}
		p.statements = append(p.statements, read)
	}
	return p, nil
}

func strictJSON(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one JSON value")
	}
	return nil
}

func (r rawStatement) read(kind policyKind) (statement, error) {
	s := statement{allow: r.Effect == "Allow", actions: r.Action, notActions: r.NotAction, resources: r.Resource, notResrcs: r.NotResource}
	if r.Effect != "Allow" && r.Effect != "Deny" {
		return s, errors.New("a statement's Effect is neither Allow nor Deny")
	}
	if (len(r.Action) == 0) == (len(r.NotAction) == 0) {
		return s, errors.New("a statement needs either Action or NotAction")
	}
	for _, action := range slices.Concat(r.Action, r.NotAction) {
		if action != "*" && !strings.Contains(action, ":") {
			return s, fmt.Errorf("actions must be prefixed with a vendor: %q", action)
		}
	}
	if len(r.NotPrincipal) > 0 {
		return s, errors.New("NotPrincipal is not supported here")
	}
	if err := r.place(kind, &s); err != nil {
		return s, err
	}
	var err error
	s.conditions, err = readConditions(r.Condition)
	return s, err
}

// place checks what the document's place demands: whom a trust policy speaks of, what an identity policy speaks of.
func (r rawStatement) place(kind policyKind, s *statement) error {
	if kind == trustPolicy {
		if len(r.Resource)+len(r.NotResource) > 0 {
			return errors.New("a trust policy has no Resource")
		}
		principals, err := readPrincipal(r.Principal)
		s.principals = principals
		return err
	}
	if len(r.Principal) > 0 {
		return errors.New("an identity or session policy has no Principal")
	}
	if (len(r.Resource) == 0) == (len(r.NotResource) == 0) {
		return errors.New("a statement needs either Resource or NotResource")
	}
	return nil
}

func readPrincipal(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 {
		return nil, errors.New("a trust policy needs a Principal")
	}
	if string(raw) == `"*"` {
		return []string{"*"}, nil
	}
	var byKind map[string]oneOrMany
	if err := json.Unmarshal(raw, &byKind); err != nil {
		return nil, errors.New("the Principal is not an object")
	}
	return byKind["AWS"], nil
}

func readConditions(raw map[string]map[string]oneOrMany) ([]condition, error) {
	var out []condition
	for name, keys := range raw {
		each, operator, _ := strings.Cut(name, ":")
		if operator == "" {
			each, operator = "", name
		}
		operator, ifExists := strings.CutSuffix(operator, "IfExists")
		if each != "" && each != "ForAnyValue" && each != "ForAllValues" {
			return nil, fmt.Errorf("unknown condition set operator %q", each)
		}
		if operators[operator] == nil && operator != "Null" {
			return nil, fmt.Errorf("unknown condition operator %q", name)
		}
		for key, values := range keys {
			out = append(out, condition{operator: operator, each: each, ifExists: ifExists, key: strings.ToLower(key), values: values})
		}
	}
	return out, nil
}
