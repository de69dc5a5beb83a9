package web

import (
	"context"
	"net/url"

	"aurora/bot"
	"aurora/providers/scaleway"
)

// Scaleway links an organisation by API keys.
type Scaleway struct{ Connector *scaleway.Connector }

// Page asks for the keys.
func (Scaleway) Page(context.Context, bot.ConnectTicket) Page {
	return Page{
		Steps: []string{
			"In Scaleway's console, under IAM, make an application with a policy of what Aurora may do, and an API key for it. The policy needs IAMReadOnly and ProjectReadOnly, so that Aurora can see what the key may do.",
			"For Ask mode make a second application whose policy holds permission sets that end with ReadOnly alone, and give its key, too: then Scaleway itself keeps Ask mode from changing anything.",
		},
		Fields: []Field{
			{Name: "access_key", Label: "Access key", Hint: "SCW and 17 letters and digits"},
			{Name: "secret_key", Label: "Secret key", Secret: true},
			{Name: "reader_access_key", Label: "Read-only access key", Hint: "may be empty; Ask mode works with it"},
			{Name: "reader_secret_key", Label: "Read-only secret key", Secret: true},
			{Name: "project", Label: "Default project", Hint: "id or name; leave empty for the key's own"},
			{Name: "region", Label: "Default region", Value: "fr-par"},
			{Name: "for_aurora", Label: "Delete the keys at Scaleway when you disconnect?", Hint: "write yes if they were made for Aurora"},
		},
	}
}

// Link follows the keys to their organisation and rights.
func (l Scaleway) Link(ctx context.Context, _ bot.ConnectTicket, form url.Values) (Linked, error) {
	link, err := l.Connector.Connect(ctx, scaleway.Setup{
		AccessKey: form.Get("access_key"), SecretKey: form.Get("secret_key"), ReaderAccessKey: form.Get("reader_access_key"),
		ReaderSecretKey: form.Get("reader_secret_key"), Project: form.Get("project"), Region: form.Get("region"), ForAurora: yes(form.Get("for_aurora")),
	})
	if err != nil {
		return Linked{}, err
	}
	return Linked{
		Account: link.Account, Region: link.Region, Projects: link.Projects, Settings: link.Settings, ReadOnly: link.ReadOnly,
		Credential: link.Credential, Note: link.Note,
	}, nil
}
