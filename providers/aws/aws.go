// Package aws signs in to AWS accounts through a role in each: Aurora's own identity assumes it with an external id
// that Aurora made. The executor calls Session before each run of the aws CLI; the connect page calls NewExternalID and
// Connect. It keeps sessions in memory only, and never keeps or shows a long-lived key.
package aws

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"aurora/providers"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Config is what the connector needs. Identity and Region must be set.
type Config struct {
	Identity    sdk.CredentialsProvider // Aurora's own identity
	Region      string                  // where STS is asked
	Endpoint    string                  // override for the CLI's endpoint; empty for AWS itself
	STSEndpoint string                  // override for STS; empty for AWS itself
	HTTP        *http.Client            // nil for the SDK's own
	Now         func() time.Time        // nil for time.Now
}

// Connector is the providers.Driver for AWS. It is safe for concurrent use.
type Connector struct {
	config Config
	sts    *sts.Client
	cache  *cache
}

// New checks the configuration.
func New(c Config) (*Connector, error) {
	if c.Identity == nil {
		return nil, errors.New("aws connector needs Aurora's own AWS identity")
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	opts := sts.Options{Credentials: sdk.NewCredentialsCache(c.Identity), Region: c.Region, RetryMaxAttempts: 3}
	if c.HTTP != nil {
		opts.HTTPClient = c.HTTP
	}
	if c.STSEndpoint != "" {
		opts.BaseEndpoint = sdk.String(c.STSEndpoint)
	}
	return &Connector{config: c, sts: sts.New(opts), cache: newCache(c.Now)}, nil
}

var (
	rolePattern = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::([0-9]{12}):role((?:/[\x21-\x2e\x30-\x7e]+)*)/([\w+=,.@-]{1,64})$`)
	regionName  = regexp.MustCompile(`^[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}$`)
	idPattern   = regexp.MustCompile(`^[\w+=,.@:/-]+$`) // and 2 to 1,224 long, more than a pattern can count
)

func validID(id string) bool { return idPattern.MatchString(id) && len(id) >= 2 && len(id) <= 1224 }

// NewExternalID makes an external id: 32 random bytes, never chosen by people.
func NewExternalID() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

type role struct {
	arn, partition, account string
}

func parseRole(arn string) (role, error) {
	arn = strings.TrimSpace(arn)
	m := rolePattern.FindStringSubmatch(arn)
	if m == nil || len(m[3]) > 512 {
		return role{}, refuse("%q is not the ARN of an IAM role: it looks like arn:aws:iam::123456789012:role/AuroraReadOnly.", arn)
	}
	return role{arn: arn, partition: m[1], account: m[2]}, nil
}

func refuse(format string, args ...any) *providers.Problem {
	return &providers.Problem{Code: providers.CodeRefused, Sentence: fmt.Sprintf(format, args...)}
}

func unreachable(err error) *providers.Problem {
	return &providers.Problem{
		Code: providers.CodeUnavailable, Err: err,
		Sentence: "AWS STS cannot be reached with Aurora's own identity, so nothing was done. Try again in a minute; if it stays, an admin should run aurora doctor.",
	}
}

// denied tells an answer of STS that says no to this role from one that says nothing about it.
func denied(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "AccessDenied", "AccessDeniedException":
		return true
	}
	return false
}

func reason(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}
