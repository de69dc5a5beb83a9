package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

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

// TrustPolicy is the document a role needs so that principal, and nobody else, may assume it with the external id.
func TrustPolicy(principal, externalID string) string {
	raw, err := json.MarshalIndent(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]string{"AWS": principal}, "Action": "sts:AssumeRole",
			"Condition": map[string]any{"StringEquals": map[string]string{"sts:ExternalId": externalID}},
		}},
	}, "", "  ")
	if err != nil { // unreachable: strings alone
		return ""
	}
	return string(raw)
}
