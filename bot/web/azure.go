package web

import (
	"context"
	"net/url"
	"strings"

	"aurora/bot"
	"aurora/providers/azure"
)

// Azure links a tenant's subscriptions by service principals.
type Azure struct{ Connector *azure.Connector }

// Page asks for the principals. Whoever only wants to read fills in one.
func (Azure) Page(context.Context, bot.ConnectTicket) Page {
	return Page{
		Steps: []string{
			"Ask mode works with a service principal that can only read: `az ad sp create-for-rbac --name aurora-reader --role Reader --scopes /subscriptions/<id>` makes one and prints what this page asks for.",
			"If Aurora may change things in Agent mode, make a second one with the role that it may have at most, such as Contributor, and fill in its fields, too.",
			"Each signs in by one of three: a client secret, a certificate with its private key, or, where Aurora has an identity of its own, federation: then nothing secret is kept.",
		},
		Fields: []Field{
			{Name: "tenant_id", Label: "Directory (tenant) ID"},
			{Name: "reader_client_id", Label: "Read-only principal: application (client) ID"},
			{Name: "reader_client_secret", Label: "Read-only principal: client secret", Hint: "the secret's Value, not its Secret ID", Secret: true},
			{Name: "reader_certificate", Label: "or its certificate and private key", Hint: "PEM", Secret: true, Lines: true},
			{Name: "reader_federated", Label: "or federation", Hint: "write yes"},
			{Name: "client_id", Label: "Principal for Agent mode: application (client) ID", Hint: "leave empty to connect for reading only"},
			{Name: "client_secret", Label: "Principal for Agent mode: client secret", Secret: true},
			{Name: "certificate", Label: "or its certificate and private key", Hint: "PEM", Secret: true, Lines: true},
			{Name: "federated", Label: "or federation", Hint: "write yes"},
			{Name: "subscriptions", Label: "Subscriptions", Hint: "ids or names, separated by commas; leave empty for all that the principals see"},
		},
	}
}

// Link signs the principals in and looks at what they may do.
func (l Azure) Link(ctx context.Context, _ bot.ConnectTicket, form url.Values) (Linked, error) {
	return l.link(ctx, form)
}

func (l Azure) link(ctx context.Context, form url.Values) (Linked, error) {
	full, reader := azureSignIn(form, ""), azureSignIn(form, "reader_")
	if full == (azure.SignIn{}) {
		full, reader = reader, azure.SignIn{}
	}
	link, err := l.Connector.Connect(ctx, azure.Setup{
		Tenant: form.Get("tenant_id"), Group: form.Get("management_group"), Principal: full, Reader: reader, Subscriptions: words(form.Get("subscriptions")),
	})
	if err != nil {
		return Linked{}, err
	}
	return Linked{
		Account: link.Account, Projects: link.Projects, Settings: link.Settings, ReadOnly: link.ReadOnly, Credential: link.Credential, Note: link.Note,
	}, nil
}

func azureSignIn(form url.Values, prefix string) azure.SignIn {
	get := func(name string) string { return strings.TrimSpace(form.Get(prefix + name)) }
	return azure.SignIn{ClientID: get("client_id"), Secret: get("client_secret"), Certificate: get("certificate"), Federated: yes(get("federated"))}
}

// yes reads what people write for it.
func yes(word string) bool {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "yes", "y", "true", "on":
		return true
	}
	return false
}

// words splits what people separate by commas or lines.
func words(text string) []string {
	var list []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == ';' }) {
		if w = strings.TrimSpace(w); w != "" {
			list = append(list, w)
		}
	}
	return list
}
