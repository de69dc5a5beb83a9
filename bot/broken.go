package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"aurora/providers"
	"aurora/store"
)

// breakOne marks the connection that a section found broken, unless it was connected again since it was used.
func (d *Desk) breakOne(ctx context.Context, who store.User, s providers.Section) error {
	c, err := d.Connections.Connection(ctx, who.OrgID, who.ID, s.ConnectionID)
	if err != nil {
		return fmt.Errorf("find the connection: %w", err)
	}
	c.Generation = s.Generation
	return d.Breaks.BreakConnection(ctx, c)
}

// broken tells whoever can mend a connection that it needs a new sign-in, in their direct messages: its owner, or for the
// organisation's the admins. The news stands in the inbox until the messages stand in the outbox.
func (d *Desk) broken(ctx context.Context, claim store.Claim, row store.Received) error {
	var news store.BrokenNews
	if err := json.Unmarshal(row.Payload, &news); err != nil {
		return fmt.Errorf("read which connection is broken: %w", err)
	}
	c, err := d.Breaks.BrokenConnection(ctx, news)
	if errors.Is(err, store.ErrNotFound) { // mended or disconnected meanwhile
		return d.settle(ctx, claim, row)
	}
	if err != nil {
		return fmt.Errorf("find a broken connection: %w", err)
	}
	told, err := d.menders(ctx, c)
	if err != nil {
		return err
	}
	var posts []store.Post
	for i, p := range told {
		if _, ok := d.Chats[p.Platform]; ok {
			posts = append(posts, say(rowTurn(row), partMore+i, store.Place{Platform: p.Platform, Whisper: p.ID}, outgoing{Message: brokenMessage(c)}))
		}
	}
	return d.settle(ctx, claim, row, posts...)
}

// menders are the people who can connect c again.
func (d *Desk) menders(ctx context.Context, c store.Connection) (people []store.Person, err error) {
	if c.UserID == "" {
		people, err = d.adminsOf(ctx, c.OrgID)
	} else {
		people, err = d.Breaks.PersonsOf(ctx, c.OrgID, c.UserID)
	}
	if err != nil {
		return nil, fmt.Errorf("find who can connect again: %w", err)
	}
	return people, nil
}

func brokenMessage(c store.Connection) Message {
	whose, again := "Your", "connect "+string(c.Cloud)
	if c.UserID == "" {
		whose, again = "Your organisation's", again+" for everyone"
	}
	m := notice("%s connection to %s, `%s`, needs a new sign-in: what I keep for it is not accepted any more, so nothing runs on it until then. "+
		"Say `%s`, here or wherever I am, and I send a link.", whose, c.Cloud, c.Account, again)
	m.Buttons = []Button{{Action: actionLink, Label: "Connect again", Press: detail(pressed{Cloud: string(c.Cloud), Shared: c.UserID == ""})}}
	return m
}
