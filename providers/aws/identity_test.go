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
