package aws

import (
	"context"
	"errors"
	"net"
	"strings"

	"aurora/store"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
)

// Setup is what the connect page sends: the role and region that the person typed, and the external id that it showed.
type Setup struct {
	RoleARN    string
	ReaderARN  string // a second role for Ask mode, in the same account; may be empty
	Region     string
	ExternalID string
	SessionFor string // user id, for the session's name in CloudTrail
}

// Link is a connection that was checked and can be stored.
type Link struct {
	Account    string
	Region     string
	Projects   []string // the accounts, where it reaches many
	Settings   map[string]string
	Credential store.Credential
	Note       string // what the person should know, a sentence or nothing
}

// Connect checks the roles: each must be assumable with our external id, must not be without it or with another one, and
// must be in the account that its ARN names; the region must be one that the account has. A role that is refused is a
// *providers.Problem with a sentence for the person.
func (c *Connector) Connect(ctx context.Context, s Setup) (Link, error) {
	main, err := parseRole(s.RoleARN)
	if err != nil {
		return Link{}, err
	}
	region := strings.TrimSpace(s.Region)
	if !regionName.MatchString(region) {
		return Link{}, refuse("%q is not the name of an AWS region: give one such as eu-west-1.", region)
	}
	if !validID(s.ExternalID) || len(s.ExternalID) < 32 {
		return Link{}, refuse("The external id is not one that Aurora made: start again with /aurora connect aws.")
	}
	values := map[string]string{"external_id": s.ExternalID, "role_arn": main.arn}
	link := Link{Account: main.account, Region: region, Settings: map[string]string{"role_arn": main.arn}}
	roles := []role{main}
	if strings.TrimSpace(s.ReaderARN) != "" {
		reader, err := parseRole(s.ReaderARN)
		if err != nil {
			return Link{}, err
		}
		if reader.account != main.account || reader.arn == main.arn {
			return Link{}, refuse("The read-only role is a second role in the same account: %s is not.", reader.arn)
		}
		values["reader_role_arn"], link.Settings["reader_role_arn"] = reader.arn, reader.arn
		roles = append(roles, reader)
	}
	named := true
	for _, r := range roles {
		bears, err := c.check(ctx, r, s, region)
		if err != nil {
			return Link{}, err
		}
		named = named && bears
	}
	link.Settings[settingNamed] = "true"
	if !named {
		link.Settings[settingNamed] = "false"
		link.Note = "The trust policy does not allow sts:TagSession and sts:SetSourceIdentity, so CloudTrail names people in the session's name alone."
	}
	link.Credential = store.NewCredential(values)
	return link, nil
}

// check tells whether sessions of the role may bear the person's name.
func (c *Connector) check(ctx context.Context, r role, s Setup, region string) (named bool, err error) {
	who := bearer{user: s.SessionFor, turn: "connect", named: true}
	keys, err := c.assume(ctx, r, s.ExternalID, who, true)
	if denied(err) {
		who.named = false
		keys, err = c.assume(ctx, r, s.ExternalID, who, true)
	}
	if denied(err) {
		return false, refuse("The role %s cannot be assumed with the external id. Its trust policy must name Aurora's identity as principal and require "+
			"sts:ExternalId to be exactly the external id shown here, and Aurora's identity must itself be allowed sts:AssumeRole. AWS says: %s", r.arn, reason(err))
	}
	if err != nil {
		return false, unreachable(err)
	}
	for _, other := range []string{"", NewExternalID()} {
		_, err := c.assume(ctx, r, other, bearer{user: s.SessionFor, turn: "connect"}, true)
		if err == nil {
			return false, refuse("The role can be assumed without the right external id, so anybody who knows its name could use Aurora to get in. " +
				"Add the condition StringEquals sts:ExternalId with the external id shown here to its trust policy, wait a minute and try again.")
		}
		if !denied(err) {
			return false, unreachable(err)
		}
	}
	return who.named, c.confirm(ctx, r, keys, region)
}

// confirm has the region's own STS say whose keys they are.
func (c *Connector) confirm(ctx context.Context, r role, k *types.Credentials, region string) error {
	out, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) {
		o.Region = region
		o.Credentials = credentials.NewStaticCredentialsProvider(*k.AccessKeyId, *k.SecretAccessKey, *k.SessionToken)
	})
	switch {
	case noSuchRegion(err):
		return refuse("The role works, but AWS does not know the region %s, or account %s has not enabled it: give another one, such as eu-west-1.", region, r.account)
	case err != nil:
		return unreachable(err)
	case sdk.ToString(out.Account) != r.account:
		return refuse("AWS says that the role's keys are of account %s, and its ARN names %s.", sdk.ToString(out.Account), r.account)
	}
	return nil
}

// noSuchRegion tells an answer about the region from one about the keys: those were given out a moment ago.
func noSuchRegion(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "SignatureDoesNotMatch", "InvalidClientTokenId", "UnrecognizedClientException", "RegionDisabledException":
			return true
		}
	}
	var name *net.DNSError
	return errors.As(err, &name) && name.IsNotFound
}
