package redis

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aurora/store"
)

// maxTicket is the size in bytes above which a ticket or sign-in is refused.
const maxTicket = 64 << 10

// NewTicket keeps a value under a fresh id of 130 random bits. Only the id's hash is stored: who reads Redis cannot use
// a ticket. The value is JSON and holds no credential.
func (d *DB) NewTicket(ctx context.Context, value json.RawMessage, ttl time.Duration) (id string, err error) {
	return d.issue(ctx, "ticket", value, ttl)
}

// Ticket looks at a ticket without spending it, so that a link preview cannot use it up. store.ErrNotFound when it is
// unknown, spent or over.
func (d *DB) Ticket(ctx context.Context, id string) (json.RawMessage, error) {
	return d.TicketByHash(ctx, store.HashNonce(id))
}

// TakeTicket spends a ticket: of all callers one gets the value, the others store.ErrNotFound.
func (d *DB) TakeTicket(ctx context.Context, id string) (json.RawMessage, error) {
	return d.take(ctx, "ticket", id)
}

// NewSignIn keeps what a sign-in under way must find again when the browser comes back, and gives its OAuth state.
// The value must name the user and the browser it was begun in; the callback compares both.
func (d *DB) NewSignIn(ctx context.Context, value json.RawMessage, ttl time.Duration) (state string, err error) {
	return d.issue(ctx, "signin", value, ttl)
}

// TakeSignIn spends an OAuth state; a second callback with the same one gets store.ErrNotFound.
func (d *DB) TakeSignIn(ctx context.Context, state string) (json.RawMessage, error) {
	return d.take(ctx, "signin", state)
}

func (d *DB) issue(ctx context.Context, kind string, value json.RawMessage, ttl time.Duration) (string, error) {
	if err := checkTicket(value, ttl); err != nil {
		return "", fmt.Errorf("issue a %s: %w", kind, err)
	}
	ctx, done := limit(ctx)
	defer done()
	id := rand.Text()
	if err := d.client.Set(ctx, hashed(kind, id), []byte(value), ttl).Err(); err != nil {
		return "", d.fail("issue a "+kind, err)
	}
	return id, nil
}

func checkTicket(value json.RawMessage, ttl time.Duration) error {
	if !json.Valid(value) {
		return errors.New("its value is not JSON")
	}
	if len(value) > maxTicket {
		return fmt.Errorf("its value has %d bytes, more than %d", len(value), maxTicket)
	}
	_, err := millis(ttl)
	return err
}

func (d *DB) take(ctx context.Context, kind, id string) (json.RawMessage, error) {
	ctx, done := limit(ctx)
	defer done()
	raw, err := d.client.GetDel(ctx, hashed(kind, id)).Bytes()
	return raw, d.fail("take the "+kind, err)
}

func hashed(kind, id string) string {
	return key(kind, store.HashNonce(id))
}
