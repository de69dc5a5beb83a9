package aws

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"aurora/providers"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// How long a session lasts. One that may change things is as short as AWS allows.
const (
	readSeconds   = 3600
	changeSeconds = 900
)

// denySecrets is the second wall of a read-only session: what ReadOnlyAccess lets through and whose answer is a secret
// or a new credential. The whole stays far below the 2,048 characters that a session policy may have.
const denySecrets = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":[` +
	`"secretsmanager:GetSecretValue","secretsmanager:BatchGetSecretValue",` +
	`"ec2:GetPasswordData","ecr:GetAuthorizationToken","ecr-public:GetAuthorizationToken","codeartifact:GetAuthorizationToken",` +
	`"sts:AssumeRole*","sts:GetFederationToken","sts:GetSessionToken","sts:GetServiceBearerToken",` +
	`"cognito-identity:GetCredentialsForIdentity","cognito-identity:GetOpenIdToken*",` +
	`"redshift:GetClusterCredentials*","redshift-serverless:GetCredentials","rds-db:connect",` +
	`"lightsail:GetInstanceAccessDetails","lightsail:GetRelationalDatabaseMasterUserPassword","lightsail:DownloadDefaultKeyPair",` +
	`"sso:GetRoleCredentials","connect:GetFederationToken","gamelift:GetComputeAuthToken","mwaa:Create*Token",` +
	`"acm:ExportCertificate","appsync:ListApiKeys","deadline:Assume*"],"Resource":"*"},` +
	`{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*","Condition":{"StringLike":{"kms:ViaService":["ssm.*","secretsmanager.*"]}}},` +
	`{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*","Condition":{"Null":{"kms:ViaService":"true"}}},` +
	`{"Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"}]}`

// Session gives the environment of one run: short-lived keys of the connection's role, and nothing of the host's own
// configuration. In Ask and Incident they are the read-only role's where there is one, and cannot change anything in
// either case.
func (c *Connector) Session(ctx context.Context, ask providers.SessionAsk) (providers.Session, error) {
	r, err := roleFor(ask)
	id := ask.Credential.Get("external_id")
	if refused, ok := errors.AsType[*providers.Problem](err); ok && ask.Connection.Spans() {
		return providers.Session{}, refused
	}
	if err != nil || !validID(id) {
		return providers.Session{}, &providers.Problem{
			Code: providers.CodeExpired, Broken: true, Err: err,
			Sentence: "The stored role of AWS account " + ask.Connection.Account + " cannot be used: " + providers.Mend(ask.Connection) + ".",
		}
	}
	who := bearer{user: ask.UserID, turn: ask.Turn, named: ask.Connection.Settings[settingNamed] == "true"}
	keys, err := c.cache.get(ctx, cacheKey(ask), func(ctx context.Context) (*types.Credentials, error) {
		keys, err := c.assume(ctx, r, id, who, ask.ReadOnly)
		if err != nil && who.named && denied(err) { // the trust policy may have lost the right to it
			who.named = false
			return c.assume(ctx, r, id, who, ask.ReadOnly)
		}
		return keys, err
	})
	if err != nil {
		return providers.Session{}, sessionProblem(ask, r, err)
	}
	return c.environment(ask, keys), nil
}

// settingNamed says that the role's trust policy lets sessions bear tags and a source identity.
const settingNamed = "named_sessions"

// bearer is whom a session is for, as CloudTrail shows it.
type bearer struct {
	user, turn string
	named      bool // by source identity and tags, too
}

func (b bearer) sign(in *sts.AssumeRoleInput, readOnly bool) {
	in.RoleSessionName = sdk.String(sessionName(b.user, b.turn))
	if !b.named || b.user == "" {
		return
	}
	in.SourceIdentity = sdk.String(cleanName("aurora-"+b.user, 64))
	in.Tags = []types.Tag{{Key: sdk.String("aurora-user"), Value: sdk.String(cleanName(b.user, 256))}}
	if !readOnly { // a session for reading serves all of the person's turns
		in.Tags = append(in.Tags, types.Tag{Key: sdk.String("aurora-turn"), Value: sdk.String(cleanName(b.turn, 256))})
	}
}

func sessionProblem(ask providers.SessionAsk, r role, err error) error {
	if !denied(err) {
		return unreachable(err)
	}
	if ask.Connection.Spans() { // one account without the role says nothing about the others
		return &providers.Problem{
			Code: providers.CodeExpired, Err: err,
			Sentence: fmt.Sprintf("AWS does not let Aurora assume %s: an admin should roll the template of the roles out to account %s again.", r.arn, r.account),
		}
	}
	return &providers.Problem{
		Code: providers.CodeExpired, Broken: true, Err: err,
		Sentence: fmt.Sprintf("AWS no longer lets Aurora assume the role in account %s: check the role's trust policy; if it has to be made anew, %s.",
			ask.Connection.Account, providers.Mend(ask.Connection)),
	}
}

// assume asks STS for the role's keys. An empty id asks without an external id, for the check at connect.
func (c *Connector) assume(ctx context.Context, r role, id string, who bearer, readOnly bool) (*types.Credentials, error) {
	in := &sts.AssumeRoleInput{RoleArn: sdk.String(r.arn), DurationSeconds: sdk.Int32(changeSeconds)}
	who.sign(in, readOnly)
	if id != "" {
		in.ExternalId = sdk.String(id)
	}
	if readOnly {
		in.DurationSeconds = sdk.Int32(readSeconds)
		in.Policy = sdk.String(denySecrets)
		in.PolicyArns = []types.PolicyDescriptorType{{Arn: sdk.String("arn:" + r.partition + ":iam::aws:policy/ReadOnlyAccess")}}
	}
	out, err := c.sts.AssumeRole(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("assume role in account %s: %w", r.account, err)
	}
	k := out.Credentials
	if k == nil || k.AccessKeyId == nil || k.SecretAccessKey == nil || k.SessionToken == nil || k.Expiration == nil {
		return nil, fmt.Errorf("assume role in account %s: the answer holds no keys", r.account)
	}
	return k, nil
}

func (c *Connector) environment(ask providers.SessionAsk, k *types.Credentials) providers.Session {
	region := ask.Region
	if region == "" {
		region = c.config.Region
	}
	env := map[string]string{
		"AWS_ACCESS_KEY_ID": *k.AccessKeyId, "AWS_SECRET_ACCESS_KEY": *k.SecretAccessKey, "AWS_SESSION_TOKEN": *k.SessionToken,
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_DEFAULT_OUTPUT": "json",
		"AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_PAGER": "", "AWS_CLI_AUTO_PROMPT": "off", "AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "4",
		"AWS_STS_REGIONAL_ENDPOINTS": "regional",
	}
	if c.config.Endpoint != "" {
		env["AWS_ENDPOINT_URL"] = c.config.Endpoint
	}
	if c.config.STSEndpoint != "" {
		env["AWS_ENDPOINT_URL_STS"] = c.config.STSEndpoint
	}
	return providers.Session{
		Env: env, Files: []providers.File{{Name: "aws-config", Content: pathStyle, Env: "AWS_CONFIG_FILE"}},
		Secrets: []string{*k.AccessKeyId, *k.SecretAccessKey, *k.SessionToken},
	}
}

// pathStyle keeps the names of buckets out of the names of hosts: a run reaches S3 itself, not whatever host a bucket's
// owner has named.
const pathStyle = "[default]\ns3 =\n  addressing_style = path\n"

var notInName = regexp.MustCompile(`[^\w+=,.@-]+`)

// sessionName is what CloudTrail shows: aurora-<user>-<turn>, cut to the 64 characters that AWS allows.
func sessionName(user, turn string) string {
	return "aurora-" + cleanName(user, 28) + "-" + cleanName(turn, 28)
}

func cleanName(s string, most int) string {
	s = notInName.ReplaceAllString(s, "-")
	return s[:min(len(s), most)]
}

// cacheKey tells sessions apart. A read-only one serves all of a user's turns; one that may change things is asked for
// each turn, so that CloudTrail names the turn that did it.
func cacheKey(ask providers.SessionAsk) string {
	turn := ""
	if !ask.ReadOnly {
		turn = ask.Turn
	}
	return fmt.Sprintf("%q %d %q %t %q %q", ask.Connection.ID, ask.Connection.Generation, ask.Project, ask.ReadOnly, ask.UserID, turn)
}

const leastLeft = 5 * time.Minute
