package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// ticketLife is how long a link of connect works.
const ticketLife = 10 * time.Minute

// ConnectTicket is what a one-time link of `connect` stands for. The link says where to go; it proves nobody's identity.
type ConnectTicket struct {
	Purpose string       `json:"purpose"` // "connect"
	Cloud   store.Cloud  `json:"cloud"`
	OrgID   string       `json:"org_id"`
	UserID  string       `json:"user_id"`
	Person  store.Person `json:"person"`
	Place   store.Place  `json:"place"` // where to whisper how it went
	Mark    string       `json:"mark"`  // made by us for this sign-in: AWS's ExternalId
	// ReadOnly are the accounts of this cloud that the user has connected for reading alone.
	ReadOnly []string `json:"read_only,omitempty"`
}

// connect whispers a one-time link to the page that links a cloud.
func (d *Desk) connect(ctx context.Context, o order) (Message, error) {
	if len(o.verb.Args) == 0 {
		return notice("Say which cloud, for example `connect aws`. I know %s.", cloudWords(d.Settings.Connectable)), nil
	}
	cloud := cloudNamed(o.verb.Args[0])
	if !slices.Contains(d.Settings.Connectable, cloud) {
		return notice("I can't link `%s` yet. I know %s.", clip(o.verb.Args[0], 40), cloudWords(d.Settings.Connectable)), nil
	}
	if d.Settings.PublicURL == "" {
		return notice("Linking needs Aurora's own address: whoever runs Aurora sets AURORA_PUBLIC_URL."), nil
	}
	reading, err := d.reading(ctx, o.asker, cloud)
	if err != nil {
		return Message{}, err
	}
	ticket, err := d.Tickets.NewTicket(ctx, detail(ConnectTicket{
		Purpose: "connect", Cloud: cloud, OrgID: o.asker.Org.ID, UserID: o.asker.User.ID, Person: o.row.Person, Place: o.row.Place,
		Mark: newMark(), ReadOnly: reading,
	}), ticketLife)
	if err != nil {
		return notice("I can't make a link right now: my short-term memory is away. Please try again in a minute."), nil
	}
	return Message{
		Notice: fmt.Sprintf("Open this link to connect %s for yourself. It works once, for ten minutes; don't pass it on.", cloud),
		Links:  []Link{{Label: "Connect " + string(cloud), URL: d.Settings.PublicURL + "/connect/" + ticket}},
	}, nil
}

// reading lists the accounts of a cloud that the asker himself has connected for reading alone.
func (d *Desk) reading(ctx context.Context, a asker, cloud store.Cloud) (accounts []string, err error) {
	conns, err := d.Connections.Connections(ctx, a.Org.ID, a.User.ID)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	for _, c := range conns {
		if c.Cloud == cloud && c.UserID == a.User.ID && c.ReadOnly {
			accounts = append(accounts, c.Account)
		}
	}
	return accounts, nil
}

func cloudWords(clouds []store.Cloud) string {
	words := make([]string, len(clouds))
	for i, c := range clouds {
		words[i] = string(c)
	}
	return strings.Join(words, ", ")
}

// disconnect forgets a connection of the asker's own: credential first, then the row, so that a crash between leaves
// something that can be disconnected again, never a credential nobody knows of.
func (d *Desk) disconnect(ctx context.Context, o order) (Message, error) {
	if len(o.verb.Args) == 0 || cloudNamed(o.verb.Args[0]) == "" {
		return notice("Say which cloud, for example `disconnect aws`."), nil
	}
	cloud := cloudNamed(o.verb.Args[0])
	conns, err := d.Connections.Connections(ctx, o.asker.Org.ID, o.asker.User.ID)
	if err != nil {
		return Message{}, fmt.Errorf("list connections: %w", err)
	}
	own := slices.DeleteFunc(conns, func(c store.Connection) bool {
		return c.Cloud != cloud || c.UserID != o.asker.User.ID || len(o.verb.Args) == 2 && c.Account != o.verb.Args[1]
	})
	switch {
	case len(own) == 0:
		return notice("You have no such connection of your own to %s.", cloud), nil
	case len(own) > 1:
		return notice("You have several connections to %s: %s. Say `disconnect %s <account>`.", cloud, strings.Join(reachable(own, cloud), ", "), cloud), nil
	}
	said, err := d.Settings.Forget(ctx, own[0])
	if trouble, ok := errors.AsType[*store.Trouble](err); ok { // told now: a disconnection that happens an hour later helps nobody
		zerolog.Ctx(ctx).Error().Err(err).Msg("forget a credential")
		return notice("%s is still connected, because its credential could not be erased. %s", cloud, trouble.Sentence()), nil
	}
	if err != nil {
		return Message{}, fmt.Errorf("forget the credential of %s: %w", cloud, err)
	}
	if _, err := d.Connections.Disconnect(ctx, o.asker.Org.ID, o.asker.User.ID, own[0].ID, o.row.Person); err != nil && !errors.Is(err, store.ErrNotFound) {
		return Message{}, fmt.Errorf("disconnect %s: %w", cloud, err)
	}
	return notice("%s (%s) is disconnected and its credential is erased. %s", cloud, own[0].Account, said), nil
}

// newMark makes an identifier nobody can guess, in the alphabet AWS allows for an ExternalId.
func newMark() string { return "aurora-" + rand.Text() + rand.Text() }
