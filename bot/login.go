package bot

import (
	"context"
	"fmt"

	"aurora/store"
)

// The purposes of one-time links.
const (
	PurposeConnect = "connect"
	PurposeLogin   = "login" // to Aurora's own pages and API
	PurposeLink    = "link"  // joins another chat account to the same user
)

// login whispers a one-time link to Aurora's own pages.
func (d *Desk) login(ctx context.Context, o order) (Message, error) {
	return d.personalLink(ctx, o, PurposeLogin, "Sign in to Aurora's page",
		"Open this link to see what you have connected, or to get a token for Aurora's API. It works once, for ten minutes; don't pass it on.")
}

// link whispers a one-time link to the page that joins a second chat account to this user.
func (d *Desk) link(ctx context.Context, o order) (Message, error) {
	return d.personalLink(ctx, o, PurposeLink, "Join another chat account",
		"This joins another chat account of yours to the user you are here. First say `login` to Aurora from that account and open its link; then open this one in the same browser. It works once, for ten minutes; don't pass it on.")
}

func (d *Desk) personalLink(ctx context.Context, o order, purpose, label, words string) (Message, error) {
	if d.Settings.PublicURL == "" {
		return notice("That needs Aurora's own address: whoever runs Aurora sets AURORA_PUBLIC_URL."), nil
	}
	ticket, err := d.Tickets.NewTicket(ctx, detail(ConnectTicket{
		Purpose: purpose, OrgID: o.asker.Org.ID, UserID: o.asker.User.ID, Person: o.row.Person, Place: o.row.Place,
	}), ticketLife)
	if err != nil {
		return notice("I can't make a link right now: my short-term memory is away. Please try again in a minute."), nil
	}
	if err := d.Audit.Audit(ctx, store.AuditEntry{Kind: store.AuditLogin, OrgID: o.asker.Org.ID, UserID: o.asker.User.ID,
		Person: o.row.Person.String(), Subject: o.asker.User.ID, Detail: detail(map[string]string{"link": purpose})}); err != nil {
		return Message{}, fmt.Errorf("note the link: %w", err)
	}
	return Message{Notice: words, Links: []Link{{Label: label, URL: d.Settings.PublicURL + "/login/" + ticket}}}, nil
}
