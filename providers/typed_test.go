package providers

import (
	"strings"
	"testing"
)

func TestPastedCredentialsAreSeen(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("Ab3dE5gH", 12)
	secret := made("wJalrXUtnFEMI/K7MDENG/", "bPxRfiCYEXAMPLEKEY")
	uuid := "6f4e2c1a-9b3d-4e5f-8a7b-0c1d2e3f4a5b"
	for name, text := range map[string]string{
		"aws pair":                 made("AKIA", "Q3EXAMPLE7ZZZZ42") + " " + secret,
		"aws secret alone":         "use " + secret + " please",
		"aws credentials file":     "[default]\naws_access_key_id = AKIAQ3EXAMPLE7ZZZZ42\naws_secret_access_key = " + secret,
		"aws exports":              "export AWS_SECRET_ACCESS_KEY=" + secret,
		"aws flag":                 "run aws configure set aws_secret_access_key " + secret,
		"hexadecimal beside an id": made("AKIA", "Q3EXAMPLE7ZZZZ42:") + strings.Repeat("0a1b2c3d", 5),
		"gcp key file":             `{"type":"service_account","private_key_id":"1","private_key":"-----BEGIN ` + `PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n"}`,
		"pem":                      "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEvQ",
		"azure client secret":      "the secret is " + made("abC8", "Q~", key[:34]),
		"scaleway in the shell":    "SCW_SECRET_KEY=" + uuid,
		"scaleway in yaml":         "secret_key: " + uuid,
		"scaleway in words":        "my secret key is " + uuid,
		"tailscale":                made("tsk", "ey-auth-kAbCdEf1CNTRL-", key[:20]),
		"github":                   made("gh", "p_", key[:36]),
		"github fine":              made("github", "_pat_", key[:22], "_", key[:59]),
		"openai":                   made("sk", "-proj-", key[:40]),
		"jwt":                      made("ey", "JhbGciOiJIUzI1NiJ9.ey", "JzdWIiOiIxIn0.", key[:43]),
		"slack":                    made("xo", "xb-", "123456789012-123456789012-", key[:24]),
		"vault":                    made("hv", "s.", key[:24]),
		"connection string":        "postgres://app:" + "hunter2@db.internal:5432/shop",
		"azure storage":            "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=" + key[:86] + "==;",
		"service bus":              "Endpoint=sb://shop/;SharedAccessKeyName=root;SharedAccessKey=" + key[:43] + "=",
		"ado.net":                  "Server=db;User Id=sa;Password=" + "hunter2x;",
		"userinfo":                 "curl https://ada:" + "hunter2@example.com/x",
		"kubeconfig token":         "users:\n- name: ada\n  user:\n    token: " + key[:40],
		"kubeconfig key":           "    client-key-data: " + key[:60],
		"bearer":                   "curl -H 'Authorization: Bearer " + key[:30] + "'",
		"in a sentence":            "the password is: Tr0ub4dor&3",
		"as a flag":                "aws rds modify-db-instance --master-user-password Tr0ub4dor3",
		"dotenv":                   "DB_PASSWORD=correcthorsebatterystaple",
		"json":                     `{"password": "correct-horse"}`,
	} {
		if got := (Redactor{}).Typed(text); got == text {
			t.Errorf("%s was not seen: %s", name, text)
		}
	}
}

// ordinary is what people on call say: nothing of it is a secret.
var ordinary = strings.Split(`run aws iam update-access-key --access-key-id AKIAQ3EXAMPLE7ZZZZ42 --status Inactive
who used the key AKIAQ3EXAMPLE7ZZZZ42 last?
delete ASIAQ3EXAMPLE7ZZZZ42, it is compromised
why does checkout say password authentication failed?
the log says: password: authentication failed for user app
token: expired since this morning, can you look?
is the token invalid or missing?
secret: prod-db was rotated yesterday, right?
explain gcloud secrets versions list --secret=db-password
run gcloud secrets versions list --secret db-password --project shop-prod
run aws secretsmanager describe-secret --secret-id prod/checkout/db
run aws secretsmanager list-secrets --next-token abc
run az keyvault secret list --vault-name kv-prod
run kubectl get secret checkout-tls -n prod
what is the password policy? password: policy of the account
password: 8 characters min?
did somebody change the api key rotation? api key: rotation is 90 days
set DB_PASSWORD=$DB_PASSWORD in the pod?
should I write password=<your-password> there?
the doc says token: xxxxxxxxxxxx
image sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 crashes
which commit is da39a3ee5e6b4b0d3255bfef95601890afd80709?
roll back to 4b825dc642cb6eb9a060e54bf8d69288fbee4904 please
what runs on i-0abcdef1234567890 and i-0fedcba0987654321?
arn:aws:iam::111122223333:role/OrganizationAccountAccessRole may do what?
arn:aws:lambda:us-east-1:111122223333:function:checkout-2024 fails
arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/checkout/db-AbCdEf is tagged how?
projects/shop-prod/serviceAccounts/ci@shop-prod.iam.gserviceaccount.com/keys/1f2e3d4c5b6a79880f1e2d3c4b5a697887766554
restart the server 11111111-2222-3333-4444-555555555555
the subscription 6f4e2c1a-9b3d-4e5f-8a7b-0c1d2e3f4a5b is over budget
scw secret secret get 6f4e2c1a-9b3d-4e5f-8a7b-0c1d2e3f4a5b
/subscriptions/6f4e2c1a-9b3d-4e5f-8a7b-0c1d2e3f4a5b/resourceGroups/prod/providers/Microsoft.Compute/virtualMachines/web1
s3://shop-logs/AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/x.json.gz is empty
open AWSLogs/111122223333/vpcflowlogs/euwest1
etag "5d41402abc4b2a76b9719d911017c592" differs
md5 1B2M2Y8AsgTpgAmY7PhCfg== of the empty file
integrity sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==
postgres://db.internal:5432/shop does not answer
https://grafana.internal/d/abc123/checkout?orgId=1&from=now-6h is red
ssh -i key.pem ec2-user@10.0.0.1 hangs
is 10.0.3.17:6379 reachable?
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcG2yqVn3mVbX0c1sQe0a1b2c3d4e5f6a7b8c9d0e1f2a3b ada@laptop is whose key?
the certificate fingerprint is 3A:5F:9C:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00
trace 4bf92f3577b34da6a3ce929d0e0e4736 is slow, span 00f067aa0ba902b7
X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678
request id 7b4e5a2c-1d9f-4c3b-8e6a-5f0d2c1b3a49 got a 403
gcloud projects list --filter='labels.env=prod AND createTime>2024-01-01'
aws ec2 describe-instances --filters Name=tag:Name,Values=web-1 Name=instance-state-name,Values=running
aws sts get-session-token --duration-seconds 900
authorization: denied for user ada, why?
what does the metric TokenUsage: 4821 mean?
credentials: none found in the pod, what now?
rotate the secret for checkout-2 and checkout-3 please
nodekey:1234567890abcdef is which device?
tailscale device get nHj9kP3CNTRL
how many tokens did the model use: 48211?
basic authentication: is it on for the storage account?`, "\n")

func TestOrdinarySentencesAreNoCredentials(t *testing.T) {
	t.Parallel()
	taken := 0
	for _, text := range ordinary {
		if got := (Redactor{}).Typed(text); got != text {
			taken++
			t.Logf("taken for a credential: %s\n%s", text, got)
		}
	}
	if taken > 1 {
		t.Errorf("%d of %d sentences are taken for credentials", taken, len(ordinary))
	}
}

func TestOwnValuesAreSeenWhenTyped(t *testing.T) {
	t.Parallel()
	if got := NewRedactor("plainword").Typed("say plainword"); strings.Contains(got, "plainword") {
		t.Error("a value that is known was not seen")
	}
}
