package web

import (
	"context"
	"net/url"
	"strings"
	"time"

	"aurora/bot"
	"aurora/providers/aws"
	"aurora/providers/tailscale"
)

// AWS links an account by a role in it.
type AWS struct {
	Connector *aws.Connector
	Template  string // where on S3 the template of the roles lies; empty when nobody put it there
}

// Page shows our External ID: the person makes the role trust it, and cannot choose it. Who Aurora is to AWS is shown as
// long as AWS says so.
func (l AWS) Page(ctx context.Context, t bot.ConnectTicket) Page {
	p := Page{
		Steps: []string{
			"In the AWS account, create an IAM role that trusts Aurora's principal, on condition that sts:ExternalId equals the External ID below: the trust policy shown here does both.",
			"Give the role what Aurora may do at most; ReadOnlyAccess is enough for Ask mode.",
			"Paste the role's ARN here. Aurora accepts it only if it can be assumed with this External ID, and not without it.",
		},
		Facts: []Field{{Name: "external_id", Label: "External ID", Value: t.Mark}},
		Fields: []Field{
			{Name: "role_arn", Label: "Role ARN", Hint: "arn:aws:iam::123456789012:role/aurora-operate"},
			{Name: "reader_role_arn", Label: "Read-only role's ARN", Hint: "a second role for Ask mode, such as …:role/aurora-read; may be empty: an Ask session is made read-only in any case"},
			{Name: "region", Label: "Default region", Value: "us-east-1"},
		},
	}
	ctx, cancel := context.WithTimeout(ctx, principalTime)
	defer cancel()
	principal, err := l.Connector.Principal(ctx)
	if err != nil {
		p.Steps[0] = "Aurora's own AWS identity cannot be told right now. Load this page again in a minute; if it stays so, tell whoever runs Aurora."
		return p
	}
	if l.Template != "" {
		p.Links = []bot.Link{{Label: "Make the roles with CloudFormation: this fills in everything", URL: aws.QuickCreate(l.Template, l.Connector.Region(), principal, t.Mark)}}
	}
	p.Facts = append(p.Facts, Field{Name: "principal", Label: "Aurora's principal", Value: principal},
		Field{Name: "trust_policy", Label: "Trust policy of the role", Value: aws.TrustPolicy(principal, t.Mark)})
	return p
}

// principalTime is how long the page waits for AWS to say who Aurora is.
const principalTime = 5 * time.Second

// Link checks the role with AWS.
func (l AWS) Link(ctx context.Context, t bot.ConnectTicket, form url.Values) (Linked, error) {
	link, err := l.Connector.Connect(ctx, aws.Setup{
		RoleARN: strings.TrimSpace(form.Get("role_arn")), ReaderARN: strings.TrimSpace(form.Get("reader_role_arn")),
		Region: strings.TrimSpace(form.Get("region")), ExternalID: t.Mark, SessionFor: t.UserID,
	})
	if err != nil {
		return Linked{}, err
	}
	return Linked{Account: link.Account, Region: link.Region, Settings: link.Settings, Credential: link.Credential, Note: link.Note}, nil
}

// Tailscale links a tailnet by an OAuth client or an access token.
type Tailscale struct{ Connector *tailscale.Connector }

// Page asks for the client.
func (Tailscale) Page(context.Context, bot.ConnectTicket) Page {
	return Page{
		Steps: []string{
			"In Tailscale's admin console, make an OAuth client under Settings, Trust credentials. The scopes devices:core:read, routes:read, dns:read, policy_file:read and auth_keys:read are enough for Ask mode; for Agent mode take the same without :read.",
			"An API access token works, too, but it has all the rights of the person who made it.",
		},
		Fields: []Field{
			{Name: "client_id", Label: "OAuth client ID"},
			{Name: "client_secret", Label: "OAuth client secret", Hint: "tskey-client-…", Secret: true},
			{Name: "api_key", Label: "or an API access token", Hint: "tskey-api-…", Secret: true},
			{Name: "tailnet", Label: "Tailnet", Hint: "leave empty for the credential's own"},
			{Name: "for_aurora", Label: "Delete it at Tailscale when you disconnect?", Hint: "write yes if it was made for Aurora"},
			{Name: "scopes", Label: "The client's scopes", Hint: "separated by blanks; leave empty, Tailscale says them"},
		},
	}
}

// Link checks the client with Tailscale.
func (l Tailscale) Link(ctx context.Context, _ bot.ConnectTicket, form url.Values) (Linked, error) {
	link, err := l.Connector.Connect(ctx, tailscale.Setup{
		ClientID: strings.TrimSpace(form.Get("client_id")), ClientSecret: strings.TrimSpace(form.Get("client_secret")), APIKey: strings.TrimSpace(form.Get("api_key")),
		Tailnet: strings.TrimSpace(form.Get("tailnet")), Scopes: strings.TrimSpace(form.Get("scopes")), ForAurora: yes(form.Get("for_aurora")),
	})
	if err != nil {
		return Linked{}, err
	}
	return Linked{Account: link.Account, Settings: link.Settings, ReadOnly: link.ReadOnly, Credential: link.Credential, Note: link.Note}, nil
}
