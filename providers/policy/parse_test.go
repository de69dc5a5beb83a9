package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestQuotesMakeDataOfEverything(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		`aws ec2 describe-instances --query 'a|b'`:                                {"aws", "ec2", "describe-instances", "--query", "a|b"},
		`aws ec2 describe-instances --query "a` + "`b`" + `$c$(d)>e"`:             {"aws", "ec2", "describe-instances", "--query", "a`b`$c$(d)>e"},
		`aws ec2 describe-instances --query "a\"b\\c\$d\e"`:                       {"aws", "ec2", "describe-instances", "--query", `a"b\c$d\e`},
		`aws ec2 describe-instances --query a\ b`:                                 {"aws", "ec2", "describe-instances", "--query", "a b"},
		`aws ec2 describe-instances --query ''`:                                   {"aws", "ec2", "describe-instances", "--query", ""},
		`aws ec2 describe-instances --query a'b c'"d"`:                            {"aws", "ec2", "describe-instances", "--query", "ab cd"},
		`aws cloudfront create-invalidation --paths /* --distribution-id x`:       {"aws", "cloudfront", "create-invalidation", "--paths", "/*", "--distribution-id", "x"},
		`gcloud compute instances list --format=table(name,status.scope()) --uri`: {"gcloud", "compute", "instances", "list", "--format=table(name,status.scope())", "--uri"},
		"  aws   s3 ls \n": {"aws", "s3", "ls"},
	} {
		c, refusal := engine().Parse(line)
		if refusal != nil || !slices.Equal(c.Argv, want) {
			t.Errorf("%s: %q %+v, want %q", line, c.Argv, refusal, want)
		}
	}
}

func TestShellIsRefusedBySentence(t *testing.T) {
	t.Parallel()
	for line, says := range map[string]string{
		"aws s3 ls | grep x":       "| cannot pipe",
		"aws s3 ls && aws s3 ls":   "& cannot join",
		"aws s3 ls & rm x":         "& cannot join",
		"aws s3 ls; rm x":          "; cannot join",
		"aws s3 ls > f":            "> cannot write",
		"aws s3 ls < f":            "< cannot read",
		"aws s3 ls $HOME":          "$ is not expanded",
		"aws s3 ls `id`":           "` does not run",
		"aws s3 ls $(id)":          "$ is not expanded",
		"(aws s3 ls)":              "( cannot group",
		"aws s3 ls # x":            "comment",
		"aws s3 ls\nrm x":          "one line",
		"aws s3\tls":               "control character (U+0009)",
		"aws s3 ls\u200b":          "invisible character (U+200B)",
		"aws s3 ls \u202eabc":      "invisible character (U+202E)",
		"aws s3 ls \x00":           "control character (U+0000)",
		"aws s3 ls \xff":           "not valid UTF-8",
		"aws s3 ls 'x":             "single quote is not closed",
		`aws s3 ls "x`:             "double quote is not closed",
		`aws s3 ls \`:              "backslash",
		"":                         "no command",
		"   ":                      "no command",
		"sudo aws s3 ls":           "does not know the program",
		"AWS_PROFILE=x aws s3 ls":  "Settings in front",
		"/usr/bin/aws s3 ls":       "without its path",
		"awss s3 ls":               "Did you mean aws",
		strings.Repeat("a", 40000): "longer than",
	} {
		_, refusal := engine().Parse(line)
		if refusal == nil || !strings.Contains(refusal.Reason, says) {
			t.Errorf("%.40q: %+v, want %q", line, refusal, says)
		}
	}
}

func TestUnknownNamesTheNearest(t *testing.T) {
	t.Parallel()
	e := engine()
	for line, nearest := range map[string]string{
		"aws ec2 descibe-instances":                  "aws ec2 describe-instances",
		"gcloud compute instance list":               "gcloud compute instances",
		"az vm lst":                                  "az vm list",
		"aws ec2 describe-instances --instnce-ids i": "--instance-ids",
		"aws ec2 describe-instances --instance-id i": "--instance-ids",
		"gcloud compute instances list --projct=x":   "--project",
		"scw instance server lst":                    "scw instance server list",
		"kubectl gett pods":                          "kubectl get",
		"tailscale device lits":                      "tailscale device list",
	} {
		if v := e.judge(e.Parse(line)); v.Rule != RuleUnknown || v.Nearest != nearest || v.Effect != Forbidden {
			t.Errorf("%s: rule %s, nearest %q, want %q", line, v.Rule, v.Nearest, nearest)
		}
	}
}

func TestCleanHuman(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"aws s3 ls &amp;&amp; x":                "aws s3 ls && x",
		"a &amp;lt; b":                          "a &lt; b",
		"aws ec2 describe-instances —region eu": "aws ec2 describe-instances --region eu",
		"aws ec2 describe-instances –region eu": "aws ec2 describe-instances --region eu",
		"x a—b":                               "x a—b",
		"--query “a” ‘b’":                     `--query "a" 'b'`,
		"--url <https://a.b/c>":               "--url https://a.b/c",
		"--url <https://a.b/c|https://a.b/c>": "--url https://a.b/c",
		"--host <http://a.b|a.b>":             "--host a.b",
		"--host <https://evil.example|safe>":  "--host https://evil.example",
		"--member <mailto:a@b.c|a@b.c>":       "--member a@b.c",
		"aws s3 \\\n ls":                      "aws s3   ls",
		"a <b> c":                             "a <b> c",
	} {
		if got := CleanHuman(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestForbiddenFlagsInEverySpelling(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"aws --endpoint-url=http://x ec2 describe-instances", "aws ec2 describe-instances --endpoint-url http://x", "aws ec2 describe-instances --endp=http://x",
		"aws ec2 describe-instances --profile p", "aws --profile=p ec2 describe-instances", "aws ec2 describe-instances --debug", "aws ec2 describe-instances --filters FILE:///etc/passwd",
		"aws ec2 describe-instances --filters Name@=file://x", "aws ec2 describe-instances --filters https://evil.example/x", "aws ssm get-parameters --names a --cli-input-json {}",
		"gcloud --account=x compute instances list", "gcloud compute --impersonate-service-account x instances list", "gcloud compute instances list --no-log-http",
		"gcloud compute instances list --verbosity=debug", "gcloud compute instances list --verbosity debug", "gcloud compute instances list --flags-file=x",
		"az vm list --debug", "az vm list -g @/etc/passwd", "az vm list --tag a=@/etc/passwd", "az vm list --outp table",
		"kubectl get pods -shttps://x", "kubectl get pods -As https://x", "kubectl get pods -Ashttps://x", "kubectl --server x get pods", "kubectl get pods --token=x",
		"kubectl get pods -v9", "kubectl get pods -v=9", "kubectl get pods --v 10", "kubectl get pods -ojsonpath-file=x", "kubectl get pods -o go-template-file=x", "kubectl get pods -w", "kubectl get pods -Aw",
		"kubectl get --raw /api", "kubectl logs p -f", "kubectl logs -fp p", "scw -D instance server list", "scw instance server list -pother", "scw instance server list -Dojson",
		"terraform -chdir=/x version", "terraform --chdir=/x version", "helm list --kube-context x", "bq --api http://x ls", "bq ls --apilog=stdout", "gsutil -o Boto:proxy=x ls gs://b", "gsutil -i a@b ls gs://b",
	} {
		j := judge(line)
		if j.ask.Decision != Refuse || j.agent.Decision != Refuse || j.v.Effect != Forbidden {
			t.Errorf("%s: %s %s", line, j.v.Effect, j.v.Rule)
		}
	}
}

func TestRaisingFlags(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Effect{
		"aws s3 sync s3://b/a s3://b/c --delete":                                        Delete,
		"kubectl scale deploy x --replicas=0":                                           Disrupt,
		"kubectl delete pod p --dry-run=none":                                           Delete,
		"kubectl delete pod p --dry-run=client":                                         Read,
		"kubectl delete pod p --dry-run=client --dry-run=none":                          Delete,
		"kubectl delete pod p --dry-run":                                                Delete,
		"kubectl delete pod p --dry-run client":                                         Delete,
		"terraform fmt -check":                                                          Read,
		"terraform fmt":                                                                 Write,
		"terraform fmt -check=false":                                                    Write,
		"aws ecs update-service --service s --desired-count 0":                          Disrupt,
		"gcloud pubsub subscriptions pull s --auto-ack":                                 Disrupt,
		"gcloud storage rsync gs://b/a gs://b/c --delete-unmatched-destination-objects": Delete,
		"az deployment group create -g g --template-uri u --mode Complete":              Delete,
		"aws ec2 terminate-instances --instance-ids i --dry-run":                        Delete,
		"scw instance server action s action=terminate":                                 Delete,
	} {
		if v := judge(line).v; v.Effect != want {
			t.Errorf("%s: %s (%s), want %s", line, v.Effect, v.Rule, want)
		}
	}
}
