package manifests

import (
	"testing"

	"gopkg.in/yaml.v3"
)

// TestRolesTrustAuroraAlone reads the template as CloudFormation would.
func TestRolesTrustAuroraAlone(t *testing.T) {
	t.Parallel()
	var doc struct {
		Parameters map[string]yaml.Node
		Resources  map[string]struct {
			Properties struct {
				RoleName                 string   `yaml:"RoleName"`
				ManagedPolicyArns        []string `yaml:"ManagedPolicyArns"`
				AssumeRolePolicyDocument struct {
					Statement []struct {
						Effect    string                       `yaml:"Effect"`
						Principal map[string]string            `yaml:"Principal"`
						Action    any                          `yaml:"Action"`
						Condition map[string]map[string]string `yaml:"Condition"`
					} `yaml:"Statement"`
				} `yaml:"AssumeRolePolicyDocument"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	var loose struct {
		Parameters yaml.Node `yaml:"Parameters"`
		Resources  yaml.Node `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(AWSRoles, &loose); err != nil {
		t.Fatal(err)
	}
	if err := loose.Parameters.Decode(&doc.Parameters); err != nil {
		t.Fatal(err)
	}
	if err := loose.Resources.Decode(&doc.Resources); err != nil {
		t.Fatal(err)
	}
	if len(doc.Resources) != 2 {
		t.Fatalf("%d roles", len(doc.Resources))
	}
	for name, r := range doc.Resources {
		if _, taken := doc.Parameters[name]; taken {
			t.Errorf("%s is a parameter, too", name)
		}
		trust := r.Properties.AssumeRolePolicyDocument.Statement
		if len(trust) != 2 || trust[0].Action != "sts:AssumeRole" || trust[0].Condition["StringEquals"]["sts:ExternalId"] != "ExternalId" {
			t.Errorf("%s trusts %+v", name, trust)
		}
		for _, s := range trust {
			if s.Principal["AWS"] != "AuroraPrincipal" || s.Effect != "Allow" {
				t.Errorf("%s trusts %+v", name, s)
			}
		}
	}
	if got := doc.Resources["ReadRole"].Properties; got.RoleName != "aurora-read" || len(got.ManagedPolicyArns) != 1 || got.ManagedPolicyArns[0] != "arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess" {
		t.Errorf("the role for reading: %+v", got)
	}
}
