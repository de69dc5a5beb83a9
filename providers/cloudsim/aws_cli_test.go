package cloudsim_test

import (
	"strings"
	"testing"

	"aurora/providers/cloudsim"
)

func awsEnv(sim *cloudsim.Server, key cloudsim.AWSKey) []string {
	env := []string{
		"AWS_ENDPOINT_URL=" + sim.Endpoints().AWS, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1", "AWS_ACCESS_KEY_ID=" + key.ID, "AWS_SECRET_ACCESS_KEY=" + key.Secret,
	}
	if key.SessionToken != "" {
		env = append(env, "AWS_SESSION_TOKEN="+key.SessionToken)
	}
	return env
}

func startAWS(t *testing.T) *manyRuns {
	return startMany(t, "aws", "awscli.clidriver,awscli.handlers,botocore.client,botocore.endpoint,botocore.retryhandler,botocore.signers", true)
}

type assumed struct {
	Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }
}

// assume opens a session with the aws tool itself.
func assume(t *testing.T, aws *manyRuns, sim *cloudsim.Server, role string, more ...string) cloudsim.AWSKey {
	t.Helper()
	argv := append([]string{"sts", "assume-role", "--role-arn", role, "--role-session-name", "aurora-u1", "--external-id", externalID}, more...)
	out, errs, ok := aws.run(t, awsEnv(sim, sim.AWSKey()), argv...)
	if !ok {
		t.Fatalf("assume %s: %s", role, errs)
	}
	got := decode[assumed](t, out).Credentials
	return cloudsim.AWSKey{ID: got.AccessKeyID, Secret: got.SecretAccessKey, SessionToken: got.SessionToken}
}

const denyStops = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:Describe*","sts:GetCallerIdentity"],"Resource":"*"}]}`

func TestRealAWSListsAndChanges(t *testing.T) {
	t.Parallel()
	aws := startAWS(t)
	sim := start(t, cloudsim.Config{})
	admin := awsEnv(sim, assume(t, aws, sim, cloudsim.RoleAdmin, "--source-identity", "ada"))
	const web, db = "i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60002"
	rows := []struct {
		line string
		ok   bool
		want string
	}{
		{"ec2 describe-instances", true, "checkout-web-1"},
		{"ec2 describe-instances", true, cloudsim.HostileName},
		{"ec2 describe-instances --page-size 5 --query length(Reservations)", true, "3"},
		{"ec2 describe-instances --filters Name=instance-state-name,Values=stop* --query Reservations[].Instances[].InstanceId", true, "i-0a1b2c3d4e5f60003"},
		{"ec2 describe-instances --filters Name=colour,Values=red", false, "(InvalidParameterValue)"},
		{"ec2 describe-instances --instance-ids i-0a1b2c3d4e5f6ffff", false, "(InvalidInstanceID.NotFound)"},
		{"ec2 describe-instances --instance-ids i-nonsense", false, "(InvalidInstanceID.Malformed)"},
		{"ec2 stop-instances --dry-run --instance-ids " + web, false, "(DryRunOperation)"},
		{"ec2 stop-instances --instance-ids " + web, true, "stopping"},
		{"ec2 reboot-instances --instance-ids " + web, false, "(IncorrectState)"},
		{"ec2 start-instances --instance-ids " + web, true, "pending"},
		{"ec2 terminate-instances --instance-ids " + db, false, "(OperationNotPermitted)"},
		{"ec2 terminate-instances --instance-ids " + web, true, "shutting-down"},
		{"ec2 start-instances --instance-ids " + web, false, "(IncorrectInstanceState)"},
		{"ec2 run-instances --image-id ami-0a1b2c3d4e5f60001 --instance-type t3.micro --count 2", true, "pending"},
		{"ec2 describe-instance-attribute --instance-id " + web + " --attribute userData", true, "UserData"},
		{"ec2 describe-regions --query Regions[].RegionName", true, "eu-west-1"},
		{"ec2 describe-volumes", true, "vol-0a1b2c3d4e5f60003"},
		{"ec2 describe-security-groups", true, "0.0.0.0/0"},
		{"s3 ls", true, "acme-prod-logs"},
		{"s3 cp s3://acme-prod-backups/orders.csv -", true, "1,Grace"},
		{"secretsmanager get-secret-value --secret-id prod/checkout/db", true, "Tr0ub4dor"},
		{"secretsmanager get-secret-value --secret-id nothing", false, "(ResourceNotFoundException)"},
		{"logs filter-log-events --log-group-name /aws/lambda/checkout-webhook --filter-pattern ERROR", true, "too many connections"},
		{"lambda list-functions", true, "STRIPE_API_KEY"},
		{"--region eu-west-1 rds describe-db-instances", true, "DBInstances"},
		{"iam list-account-aliases", true, "acme-prod"},
		{"iam list-users", false, "(InvalidAction)"},
	}
	for _, row := range rows {
		out, errs, ok := aws.run(t, admin, strings.Fields(row.line)...)
		if ok != row.ok || !strings.Contains(out+errs, row.want) {
			t.Errorf("aws %s: ok %v, want %v with %q in:\n%s%s", row.line, ok, row.ok, row.want, out, errs)
		}
	}
	for action, want := range map[string]int{"ec2:StopInstances": 1, "ec2:StartInstances": 1, "ec2:TerminateInstances": 1, "ec2:RunInstances": 1} {
		if got := sim.Executed(action); got != want {
			t.Errorf("%s was executed %d times, want %d", action, got, want)
		}
	}
	stop := sim.Requests("ec2:StopInstances")[1]
	if stop.Source != "ada" || !strings.HasSuffix(stop.Principal, ":assumed-role/AuroraAdmin/aurora-u1") || stop.Region != "us-east-1" || !strings.HasPrefix(stop.UserAgent, "aws-cli/") {
		t.Errorf("the journal says of the stop: %+v", stop)
	}
	if in, _ := sim.Instance(web); in.State != "terminated" {
		t.Errorf("the terminated instance is %s", in.State)
	}
}

func TestRealAWSIsHeldToTheTrustPolicy(t *testing.T) {
	t.Parallel()
	aws := startAWS(t)
	sim := start(t, cloudsim.Config{})
	own := awsEnv(sim, sim.AWSKey())
	stranger := awsEnv(sim, sim.NewAWSKey(cloudsim.AuroraAccount, "stranger"))
	rows := []struct {
		name string
		env  []string
		args string
		ok   bool
		want string
	}{
		{"right external id", own, cloudsim.RoleReadOnly + " --external-id " + externalID, true, "AuroraReadOnly/aurora"},
		{"wrong external id", own, cloudsim.RoleReadOnly + " --external-id aurora-wrong", false, "(AccessDenied)"},
		{"no external id", own, cloudsim.RoleReadOnly, false, "(AccessDenied)"},
		{"role that demands none", own, cloudsim.RoleOpen, true, "AuroraNoExternal"},
		{"another principal", stranger, cloudsim.RoleReadOnly + " --external-id " + externalID, false, "(AccessDenied)"},
		{"no such role", own, "arn:aws:iam::111122223333:role/Nobody --external-id " + externalID, false, "(AccessDenied)"},
		{"too long", own, cloudsim.RoleReadOnly + " --duration-seconds 7200 --external-id " + externalID, false, "MaxSessionDuration"},
		{"malformed session policy", own, cloudsim.RoleReadOnly + " --policy {} --external-id " + externalID, false, "(MalformedPolicyDocument)"},
	}
	for _, row := range rows {
		argv := append(strings.Fields("sts assume-role --role-session-name aurora --role-arn"), strings.Fields(row.args)...)
		out, errs, ok := aws.run(t, row.env, argv...)
		if ok != row.ok || !strings.Contains(out+errs, row.want) {
			t.Errorf("%s: ok %v, want %v with %q in:\n%s%s", row.name, ok, row.ok, row.want, out, errs)
		}
	}
}

func TestRealAWSSessionPolicyBoundsTheRole(t *testing.T) {
	t.Parallel()
	aws := startAWS(t)
	sim := start(t, cloudsim.Config{})
	ask := awsEnv(sim, assume(t, aws, sim, cloudsim.RoleAdmin, "--policy", denyStops))
	if out, errs, ok := aws.run(t, ask, "ec2", "describe-instances"); !ok {
		t.Errorf("reading is refused: %s%s", out, errs)
	}
	_, errs, ok := aws.run(t, ask, "ec2", "stop-instances", "--instance-ids", "i-0a1b2c3d4e5f60001")
	if ok || sim.Executed("ec2:StopInstances") != 0 {
		t.Error("a session policy without StopInstances did not keep the role from stopping")
	}
	wantContains(t, errs, "(UnauthorizedOperation)", "no session policy allows the ec2:StopInstances action")
	byARN := awsEnv(sim, assume(t, aws, sim, cloudsim.RoleAdmin, "--policy-arns", "arn=arn:aws:iam::aws:policy/ReadOnlyAccess"))
	_, errs, _ = aws.run(t, byARN, "secretsmanager", "get-secret-value", "--secret-id", "prod/checkout/db")
	wantContains(t, errs, "(AccessDeniedException)", "no session policy allows the secretsmanager:GetSecretValue action")
}

func TestRealAWSHearsThatTheSessionEnded(t *testing.T) {
	t.Parallel()
	aws := startAWS(t)
	sim := start(t, cloudsim.Config{})
	key := assume(t, aws, sim, cloudsim.RoleReadOnly)
	wrong, unknown := key, key
	wrong.Secret = strings.Repeat("x", 40)
	unknown.ID = "ASIAZZZZZZZZZZZZZZZZ"
	check := func(name string, key cloudsim.AWSKey, argv, want string) {
		t.Helper()
		_, errs, ok := aws.run(t, awsEnv(sim, key), strings.Fields(argv)...)
		if ok || !strings.Contains(errs, want) {
			t.Errorf("%s: want %s, got ok %v: %s", name, want, ok, errs)
		}
	}
	check("wrong secret, STS", wrong, "sts get-caller-identity", "(SignatureDoesNotMatch)")
	check("wrong secret, EC2", wrong, "ec2 describe-instances", "(AuthFailure)")
	check("unknown key, STS", unknown, "sts get-caller-identity", "(InvalidClientTokenId)")
	check("unknown key, S3", unknown, "s3api list-buckets", "(InvalidAccessKeyId)")
	swapped := key
	swapped.SessionToken += "x"
	check("wrong session token", swapped, "sts get-caller-identity", "(InvalidClientTokenId)")
	if n, err := sim.Expire("aws", key.ID); n != 1 || err != nil {
		t.Fatalf("expire ended %d sessions: %v", n, err)
	}
	check("expired, STS", key, "sts get-caller-identity", "(ExpiredToken)")
	check("expired, EC2", key, "ec2 describe-instances", "(RequestExpired)")
	check("expired, Logs", key, "logs describe-log-groups", "(ExpiredTokenException)")
}
