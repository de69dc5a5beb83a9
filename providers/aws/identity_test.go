package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

func TestPrincipalIsWhatATrustPolicyNames(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		"arn:aws:iam::999999999999:user/aurora":                             "arn:aws:iam::999999999999:user/aurora",
		"arn:aws:sts::999999999999:assumed-role/Aurora/i-0123456789":        "arn:aws:iam::999999999999:role/Aurora",
		"arn:aws-us-gov:sts::999999999999:assumed-role/Au.ro_ra/session@x1": "arn:aws-us-gov:iam::999999999999:role/Au.ro_ra",
	} {
		sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			_, _ = fmt.Fprintf(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
				`<Arn>%s</Arn><UserId>x</UserId><Account>999999999999</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, arn)
		}))
		t.Cleanup(sts.Close)
		c, err := New(Config{Identity: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""), STSEndpoint: sts.URL})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Principal(t.Context()); err != nil || got != want {
			t.Errorf("%s gives %q, %v, want %q", arn, got, err, want)
		}
	}
}

func TestTrustPolicyIsJSON(t *testing.T) {
	t.Parallel()
	var doc struct {
		Statement []struct {
			Principal map[string]string
			Condition map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(TrustPolicy("arn:x", `mark"`)), &doc); err != nil {
		t.Fatal(err)
	}
	s := doc.Statement[0]
	if s.Principal["AWS"] != "arn:x" || s.Condition["StringEquals"]["sts:ExternalId"] != `mark"` {
		t.Errorf("%+v", s)
	}
}

func TestQuickCreateEscapesItsAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ template, region, principal, id, want string }{
		{"https://acme.s3.eu-west-1.amazonaws.com/aurora-roles.yaml", "eu-west-1", "arn:aws:iam::999999999999:user/aurora", "aurora-ABC",
			"https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/quickcreate?" +
				"param_AuroraPrincipal=arn%3Aaws%3Aiam%3A%3A999999999999%3Auser%2Faurora&param_ExternalId=aurora-ABC&stackName=aurora&" +
				"templateURL=https%3A%2F%2Facme.s3.eu-west-1.amazonaws.com%2Faurora-roles.yaml"},
		{"https://s3.amazonaws.com/a b.yaml", "us-east-1", "arn:aws:iam::1:role/x+y", "a&param_Operate=yes#/",
			"https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/quickcreate?" +
				"param_AuroraPrincipal=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx%2By&param_ExternalId=a%26param_Operate%3Dyes%23%2F&stackName=aurora&" +
				"templateURL=https%3A%2F%2Fs3.amazonaws.com%2Fa%20b.yaml"},
	} {
		if got := QuickCreate(c.template, c.region, c.principal, c.id); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
