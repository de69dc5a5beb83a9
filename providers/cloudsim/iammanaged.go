package cloudsim

import "encoding/json"

// managedPolicies are the AWS managed policies that can be attached or passed, as far as the simulated services go.
// ReadOnlyAccess has the real one's traps: it reads objects and log lines, but no secret's value.
var managedPolicies = map[string]json.RawMessage{
	administratorAccess: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
	readOnlyAccess: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
		"ec2:Describe*","ec2:Get*","ec2:Search*","autoscaling:Describe*","elasticloadbalancing:Describe*","eks:Describe*","eks:List*","ecs:Describe*","ecs:List*",
		"s3:Get*","s3:List*","rds:Describe*","rds:List*","lambda:Get*","lambda:List*","iam:Get*","iam:List*","iam:GenerateServiceLastAccessedDetails",
		"cloudformation:Describe*","cloudformation:Get*","cloudformation:List*","cloudwatch:Describe*","cloudwatch:Get*","cloudwatch:List*",
		"logs:Describe*","logs:Get*","logs:FilterLogEvents","logs:StartQuery","logs:StopQuery","logs:List*","logs:TestMetricFilter",
		"secretsmanager:Describe*","secretsmanager:GetResourcePolicy","secretsmanager:List*","ssm:Describe*","ssm:Get*","ssm:List*",
		"dynamodb:Describe*","dynamodb:Get*","dynamodb:List*","dynamodb:Query","dynamodb:Scan","route53:Get*","route53:List*",
		"cloudtrail:Describe*","cloudtrail:Get*","cloudtrail:List*","cloudtrail:LookupEvents","sqs:Get*","sqs:List*","sns:Get*","sns:List*",
		"kms:Describe*","kms:Get*","kms:List*","organizations:Describe*","organizations:List*","tag:Get*","sts:Get*"]}]}`),
	"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess": json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
		"ec2:Describe*","s3:ListAllMyBuckets","s3:ListBucket","rds:Describe*","lambda:List*","logs:Describe*","cloudwatch:Describe*","cloudwatch:Get*","cloudwatch:List*",
		"iam:List*","secretsmanager:ListSecrets","eks:List*","ecs:List*"]}]}`),
	"arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess": json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
		"ec2:Describe*","ec2:GetSecurityGroupsForVpc","elasticloadbalancing:Describe*","cloudwatch:ListMetrics","cloudwatch:GetMetricStatistics","cloudwatch:Describe*","autoscaling:Describe*"]}]}`),
	"arn:aws:iam::aws:policy/AmazonEC2FullAccess": json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
		"ec2:*","elasticloadbalancing:*","cloudwatch:*","autoscaling:*"]}]}`),
}

// managed gives the parsed policies of these ARNs; ok is false when one does not exist.
func managed(arns []string) (policies []policy, ok bool) {
	for _, name := range arns {
		document, known := managedPolicies[name]
		if !known {
			return nil, false
		}
		p, err := parsePolicy(document, identityPolicy)
		if err != nil {
			return nil, false
		}
		policies = append(policies, p)
	}
	return policies, true
}
