package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

var assumedRole = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):sts::([0-9]{12}):assumed-role/([^/]+)/[^/]+$`)

// Principal is the ARN of Aurora's own identity, as a role's trust policy names it. AWS is asked.
func (c *Connector) Principal(ctx context.Context) (string, error) {
	out, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || out.Arn == nil {
		return "", fmt.Errorf("ask AWS who Aurora is: %w", unreachable(err))
	}
	// A session's own ARN ends with the session; a trust policy names the role. A role's path is not in it.
	if m := assumedRole.FindStringSubmatch(*out.Arn); m != nil {
		return "arn:" + m[1] + ":iam::" + m[2] + ":role/" + m[3], nil
	}
	return *out.Arn, nil
}

// Region is where STS is asked, and where the console is opened.
func (c *Connector) Region() string { return c.config.Region }

// QuickCreate is the address of the AWS console's page that makes the roles of a template which lies on S3, with Aurora's
// principal and the external id filled in.
func QuickCreate(templateURL, region, principal, externalID string) string {
	at := url.URL{Scheme: "https", Host: region + ".console.aws.amazon.com", Path: "/cloudformation/home", RawQuery: url.Values{"region": {region}}.Encode()}
	answers := url.Values{
		"templateURL": {templateURL}, "stackName": {"aurora"}, "param_AuroraPrincipal": {principal}, "param_ExternalId": {externalID},
	}
	// The console reads the fragment itself, and takes a plus for a plus.
	return at.String() + "#/stacks/quickcreate?" + strings.ReplaceAll(answers.Encode(), "+", "%20")
}

// StackSetCommands are what an organisation's admin runs to roll the roles out: a StackSet for every account, and a stack for
// the managing one, which no StackSet with service-managed permissions reaches. Without an address on S3 the template is read
// from a file that aurora manifest aws wrote.
func StackSetCommands(templateURL, region, principal, externalID string) string {
	template := "--template-body file://aurora-roles.yaml"
	if templateURL != "" {
		template = "--template-url " + templateURL
	}
	parameters := "--parameters ParameterKey=AuroraPrincipal,ParameterValue=" + principal + " ParameterKey=ExternalId,ParameterValue=" + externalID +
		" ParameterKey=Operate,ParameterValue=yes"
	common := " " + template + " --capabilities CAPABILITY_NAMED_IAM " + parameters + " --region " + region
	return strings.Join([]string{
		"aws cloudformation create-stack-set --stack-set-name aurora --permission-model SERVICE_MANAGED --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false" + common,
		"aws cloudformation create-stack-instances --stack-set-name aurora --deployment-targets OrganizationalUnitIds=<the root's id, r-...> --regions " + region + " --region " + region,
		"aws cloudformation create-stack --stack-name aurora" + common,
	}, "\n")
}

// TrustPolicy is the document a role needs so that principal, and nobody else, may assume it with the external id.
func TrustPolicy(principal, externalID string) string {
	raw, err := json.MarshalIndent(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]string{"AWS": principal}, "Action": "sts:AssumeRole",
			"Condition": map[string]any{"StringEquals": map[string]string{"sts:ExternalId": externalID}},
		}, map[string]any{ // so that CloudTrail names the person; the external id is no condition key of these
			"Effect": "Allow", "Principal": map[string]string{"AWS": principal}, "Action": []string{"sts:TagSession", "sts:SetSourceIdentity"},
		}},
	}, "", "  ")
	if err != nil { // unreachable: strings alone
		return ""
	}
	return string(raw)
}
