package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"aurora/store"
)

// AdmitAsked is what an admin is shown of a connection that waits for him. Its buttons get their values when it is sent.
func AdmitAsked(p store.PendingConnection, who string) Message {
	press := func(good bool) json.RawMessage {
		return detail(pressed{Pending: p.ID, Token: p.Connection.Token, Good: good})
	}
	return Message{
		Notice: fmt.Sprintf("%s account %s was connected in a browser for %s (%s). Nothing proves that it was that person, so it cannot be used until an admin says so. "+
			"Ask %[3]s whether it was them. Without an answer it is erased after a day.", p.Connection.Cloud, p.Connection.Account, who, p.Person),
		Buttons: []Button{
			{Action: actionAdmit, Label: "It was them: approve", Press: press(true), Style: "primary"},
			{Action: actionExpel, Label: "Refuse and erase", Press: press(false), Style: "danger"},
		},
	}
}

// AdmitLife is how long those buttons can be pressed.
const AdmitLife = store.PendingLife

// Word is an admin's answer for a connection that waits.
type Word struct {
	Pending string // its id
	Token   string // where its credential waits, as a connection's Token; empty when a button of an earlier Aurora was pressed
	Good    bool   // approve it
}

// pressAdmit is an admin's word on a connection that waits.
func (d *Desk) pressAdmit(ctx context.Context, claim store.Claim, row store.Received, a asker, means pressed) error {
	if a.User.Role != store.Admin {
		return d.settle(ctx, claim, row, whisper(row, notice("Only Aurora admins can do that. You are %s.", a.User.Role)))
	}
	said, err := d.Settings.Admit(ctx, a.Org.ID, Word{Pending: means.Pending, Token: means.Token, Good: means.Good}, row.Person)
	if errors.Is(err, store.ErrNotFound) {
		return d.settle(ctx, claim, row, whisper(row, notice("That connection does not wait any more: it was approved, refused, withdrawn, or erased after a day.")))
	}
	if err != nil {
		return fmt.Errorf("answer for a connection that waits: %w", err)
	}
	return d.settle(ctx, claim, row, whisper(row, Message{Notice: said}))
}
