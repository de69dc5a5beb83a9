package bot

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"aurora/store"
)

// ticketLife is how long a link of connect works.
const ticketLife = 10 * time.Minute

// ConnectTicket is what a one-time link of `connect` stands for. The link says where to go; it proves nobody's identity.
type ConnectTicket struct {
	Purpose string       `json:"purpose"` // PurposeConnect, ...
	Cloud   store.Cloud  `json:"cloud"`
	OrgID   string       `json:"org_id"`
	UserID  string       `json:"user_id"`
	Person  store.Person `json:"person"`
	Place   store.Place  `json:"place"` // where to whisper how it went
	Mark    string       `json:"mark"`  // made by us for this sign-in: AWS's ExternalId
	// Shared says that the organisation will own the connection; an admin asked for it.
	Shared bool `json:"shared,omitempty"`
	// ReadOnly are the accounts of this cloud that the user has connected for reading alone, and that work.
	ReadOnly []string `json:"read_only,omitempty"`
}

// Owner is the id of the user who will own the connection, empty for the organisation.
func (t ConnectTicket) Owner() string {
	if t.Shared {
		return ""
	}
	return t.UserID
}

// connect whispers a one-time link to the page that links a cloud, for the asker or for the whole organisation.
func (d *Desk) connect(ctx context.Context, o order) (Message, error) {
	args, shared := forEveryone(o.verb.Args)
	known, whom := d.Settings.Connectable, "yourself"
	if shared {
		known, whom = d.Settings.Shareable, "everyone: your organisation will own it"
	}
	if shared && o.asker.User.Role != store.Admin {
		return notice("Only Aurora admins can connect a cloud for everyone. You are %s.", o.asker.User.Role), nil
	}
	if len(args) == 0 {
		return notice("Say which cloud, for example `connect aws`. I know %s.", cloudWords(known)), nil
	}
	cloud := cloudNamed(args[0])
	if !slices.Contains(known, cloud) {
		return notice("I can't link `%s` yet. I know %s.", clip(args[0], 40), cloudWords(known)), nil
	}
	if d.Settings.PublicURL == "" {
		return notice("Linking needs Aurora's own address: whoever runs Aurora sets AURORA_PUBLIC_URL."), nil
	}
	reading, err := d.reading(ctx, o.asker, cloud)
	if err != nil {
		return Message{}, err
	}
	ticket, err := d.Tickets.NewTicket(ctx, detail(ConnectTicket{
		Purpose: PurposeConnect, Cloud: cloud, OrgID: o.asker.Org.ID, UserID: o.asker.User.ID, Person: o.row.Person, Place: o.row.Place,
		Mark: NewMark(), Shared: shared, ReadOnly: reading,
	}), ticketLife)
	if err != nil {
		return notice("I can't make a link right now: my short-term memory is away. Please try again in a minute."), nil
	}
	return Message{
		Notice: fmt.Sprintf("Open this link to connect %s for %s. It works once, for ten minutes; don't pass it on.", cloud, whom),
		Links:  []Link{{Label: "Connect " + string(cloud), URL: d.Settings.PublicURL + "/connect/" + ticket}},
	}, nil
}

// reading is Reading of what the asker can use.
func (d *Desk) reading(ctx context.Context, a asker, cloud store.Cloud) ([]string, error) {
	conns, err := d.Connections.Connections(ctx, a.Org.ID, a.User.ID)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return Reading(conns, cloud, a.User.ID), nil
}

// Reading lists the accounts of a cloud among conns that a user has connected for reading alone, and that work: a broken
// one is mended first.
func Reading(conns []store.Connection, cloud store.Cloud, userID string) (accounts []string) {
	for _, c := range conns {
		if c.Cloud == cloud && c.UserID == userID && c.ReadOnly && c.Status != store.ConnectionBroken {
			accounts = append(accounts, c.Account)
		}
	}
	return accounts
}

func cloudWords(clouds []store.Cloud) string {
	words := make([]string, len(clouds))
	for i, c := range clouds {
		words[i] = string(c)
	}
	return strings.Join(words, ", ")
}

// NewMark makes an identifier nobody can guess, in the alphabet AWS allows for an ExternalId.
func NewMark() string { return "aurora-" + rand.Text() + rand.Text() }
