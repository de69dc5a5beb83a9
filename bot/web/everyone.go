package web

import (
	"context"
	"net/url"
	"strings"

	"aurora/bot"
	"aurora/providers/aws"
	"aurora/providers/azure"
	"aurora/providers/gcp"
)

// AWSForEveryone links the accounts of an AWS organisation by two roles that are called the same in each of them.
type AWSForEveryone struct {
	Connector *aws.Connector
	Template  string // where on S3 the template of the roles lies; empty when nobody put it there
}

// Page shows our External ID and how to roll the roles out to all accounts at once.
func (l AWSForEveryone) Page(ctx context.Context, t bot.ConnectTicket) Page {
	p := Page{
		Steps: []string{
			"Roll Aurora's template of the two roles out to all accounts as a CloudFormation StackSet, and as a stack to the account that manages the organisation, which no StackSet reaches. `aurora manifest aws` prints the template; the commands below do both.",
			"aurora-read is what Ask mode works with, aurora-operate what Agent mode does. Leave the parameter Operate at no where nothing may be changed.",
			"Give the account that manages the organisation, or a delegated administrator: Aurora asks AWS Organizations there which accounts there are. Or paste the accounts.",
			"Each account is accepted only if its role can be assumed with this External ID, and not without it or with another.",
		},
		Facts: []Field{{Name: "external_id", Label: "External ID", Value: t.Mark}},
		Fields: []Field{
			{Name: "manager", Label: "Managing account", Hint: "12 digits; may be empty when you paste the accounts"},
			{Name: "accounts", Label: "Accounts", Hint: "12 digits each, separated by commas or lines; leave empty to ask AWS Organizations", Lines: true},
			{Name: "read_role", Label: "Name of the read-only role", Value: aws.DefaultReadRole},
			{Name: "operate_role", Label: "Name of the role for Agent mode", Value: aws.DefaultOperateRole},
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
	p.Facts = append(p.Facts, Field{Name: "principal", Label: "Aurora's principal", Value: principal},
		Field{Name: "stack_set", Label: "Roll out to the accounts", Value: aws.StackSetCommands(l.Template, l.Connector.Region(), principal, t.Mark)},
		Field{Name: "trust_policy", Label: "Trust policy of the roles", Value: aws.TrustPolicy(principal, t.Mark)})
	return p
}

// Link lists the accounts and checks the roles in each.
func (l AWSForEveryone) Link(ctx context.Context, t bot.ConnectTicket, form url.Values) (Linked, error) {
	said := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	link, err := l.Connector.ConnectOrganisation(ctx, aws.OrganisationSetup{
		Manager: said("manager"), ReadRole: said("read_role"), OperateRole: said("operate_role"), Region: said("region"),
		Accounts:   strings.FieldsFunc(form.Get("accounts"), func(r rune) bool { return strings.ContainsRune(", ;\t\r\n", r) }),
		ExternalID: t.Mark, SessionFor: t.UserID,
	})
	if err != nil {
		return Linked{}, err
	}
	return Linked{Account: link.Account, Region: link.Region, Projects: link.Projects, Settings: link.Settings, Credential: link.Credential, Note: link.Note}, nil
}

// AzureForEveryone links the subscriptions below a management group by service principals.
type AzureForEveryone struct{ Connector *azure.Connector }

// Page is that of one person's, with the management group.
func (l AzureForEveryone) Page(ctx context.Context, t bot.ConnectTicket) Page {
	p := Azure(l).Page(ctx, t)
	p.Steps = append([]string{"Give both service principals their role on the management group: what is below it inherits that, and so does every subscription that comes later. Connect again to take in new ones."}, p.Steps...)
	p.Fields = append([]Field{{Name: "management_group", Label: "Management group", Hint: "its id; leave empty for all that the principals see"}}, p.Fields...)
	return p
}

// Link signs the principals in and lists what is below the group.
func (l AzureForEveryone) Link(ctx context.Context, _ bot.ConnectTicket, form url.Values) (Linked, error) {
	return Azure(l).link(ctx, form)
}

// GCPForEveryone links the projects below a folder by a service account that acts as two others.
type GCPForEveryone struct{ Connector *gcp.Connector }

// Page says which accounts are needed.
func (GCPForEveryone) Page(context.Context, bot.ConnectTicket) Page {
	return Page{
		Steps: []string{
			"Make two service accounts for what Aurora does: one for Ask mode with the roles Viewer and Folder Viewer on the folder, one for Agent mode with the role that Aurora may have there at most. What is below the folder inherits that.",
			"Make a third one that has no role of its own but Service Account Token Creator on the other two, and a key for it: Aurora asks with it for tokens of an hour. The IAM Service Account Credentials API must be on in its project.",
			"Projects that come later are taken in when you connect again.",
		},
		Fields: []Field{
			{Name: "folder", Label: "Folder", Hint: "its number"},
			{Name: "reader", Label: "Service account for Ask mode", Hint: "aurora-read@….iam.gserviceaccount.com"},
			{Name: "operator", Label: "Service account for Agent mode", Hint: "leave empty to connect for reading only"},
			{Name: "key", Label: "Key of the third service account", Hint: "the whole JSON file that Google gave you", Secret: true, Lines: true},
		},
	}
}

// Link asks Google for a token of each account and lists the projects.
func (l GCPForEveryone) Link(ctx context.Context, _ bot.ConnectTicket, form url.Values) (Linked, error) {
	in, err := l.Connector.ConnectFolder(ctx, gcp.FolderSetup{
		Key: form.Get("key"), Reader: form.Get("reader"), Operator: form.Get("operator"), Folder: form.Get("folder"),
	})
	if err != nil {
		return Linked{}, err
	}
	return linked(in), nil
}
