package redis

import (
	"context"
	"crypto/sha256"
	_ "embed" // the script
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"aurora/store"
)

// ConfirmationTTL is how long a record can be found after it was put, whatever became of it.
const ConfirmationTTL = 24 * time.Hour

//go:embed confirmation_put.lua
var putSource string

var putScript = goredis.NewScript(putSource)

// PutConfirmation keeps a confirmation, pending when it is new. The same one (by Digest) may be put again with another
// nonce, as a card that is sent once more has: its state stays, and from then on the new nonce alone finds it. Another
// one under its id or nonce gives store.ErrConflict. Under Sentinel a record counts only once a replica has it as well,
// so that the card that is shown then outlives the master.
func (d *DB) PutConfirmation(ctx context.Context, c store.Confirmation) error {
	record, err := recordOf(c)
	if err != nil {
		return fmt.Errorf("keep the confirmation: %w", err)
	}
	ctx, done := limit(ctx)
	defer done()
	keys := []string{recordKey(c.ID), nonceKey(c.NonceHash), turnKey(c.Turn), threadKey(c.Thread), dueKey()}
	answer, err := d.surely(ctx, putScript, keys, c.ID, record, c.Expires.UnixMilli(), ConfirmationTTL.Milliseconds(),
		c.Digest(), c.NonceHash, nonceKey(""))
	if err != nil {
		return d.fail("keep the confirmation", err)
	}
	kept, err := answer.Bool()
	if err == nil && !kept {
		return fmt.Errorf("keep the confirmation: %w", store.ErrConflict)
	}
	return d.fail("keep the confirmation", err)
}

// recordOf gives what is stored: everything but the state, in a form that reads back to the same digest.
func recordOf(c store.Confirmation) ([]byte, error) {
	if err := checkConfirmation(c); err != nil {
		return nil, err
	}
	c.State, c.TakenBy = "", ""
	record, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	var back store.Confirmation
	if err := json.Unmarshal(record, &back); err != nil {
		return nil, err
	}
	if back.Digest() != c.Digest() { // JSON replaces bytes that are not UTF-8: another command would run than was shown
		return nil, errors.New("it holds text that is not UTF-8")
	}
	return record, nil
}

func checkConfirmation(c store.Confirmation) error {
	switch {
	case c.ID == "" || c.Turn == "" || c.Thread == "":
		return errors.New("its id, turn and thread must be set")
	case !isHash(c.NonceHash):
		return errors.New("its nonce must be hashed with store.HashNonce")
	case c.State != "" && c.State != store.ConfirmationPending:
		return fmt.Errorf("it is %s already", c.State)
	case c.Expires.IsZero() || time.Until(c.Expires) > ConfirmationTTL-time.Hour:
		return errors.New("it must expire, and well before its record is forgotten")
	}
	return nil
}

func isHash(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == sha256.Size
}

// Confirmation gives a record as it was put, with the state it is in by Redis time. store.ErrNotFound when there is
// none, and when what lies there is not this confirmation's record. The caller compares Digest with the audit's.
func (d *DB) Confirmation(ctx context.Context, id string) (store.Confirmation, error) {
	ctx, done := limit(ctx)
	defer done()
	found, err := d.settle(ctx, id, "", "")
	return found, d.fail("look up the confirmation", err)
}

// ConfirmationByNonce finds the record a button belongs to; nonceHash is store.HashNonce of the button's value.
func (d *DB) ConfirmationByNonce(ctx context.Context, nonceHash string) (store.Confirmation, error) {
	short, done := limit(ctx)
	defer done()
	id, err := d.client.Get(short, nonceKey(nonceHash)).Result()
	if err != nil {
		return store.Confirmation{}, d.fail("look up the button", err)
	}
	found, err := d.settle(short, id, "", "")
	if err == nil && found.NonceHash != nonceHash {
		return store.Confirmation{}, fmt.Errorf("look up the button: it leads to another's record: %w", store.ErrNotFound)
	}
	return found, d.fail("look up the button", err)
}

// PendingOf lists the confirmations of a turn that wait for a click, by id.
func (d *DB) PendingOf(ctx context.Context, turn string) ([]string, error) {
	return d.pending(ctx, turnKey(turn))
}

// PendingIn lists the confirmations of a thread that wait for a click, by id.
func (d *DB) PendingIn(ctx context.Context, thread string) ([]string, error) {
	return d.pending(ctx, threadKey(thread))
}

// pending asks each record for its state: the lists only say where to look.
func (d *DB) pending(ctx context.Context, list string) ([]string, error) {
	ctx, done := limit(ctx)
	defer done()
	ids, err := d.client.SMembers(ctx, list).Result()
	if err != nil {
		return nil, d.fail("list what waits for a click", err)
	}
	slices.Sort(ids)
	var waiting []string
	for _, id := range ids {
		found, err := d.settle(ctx, id, "", "")
		if errors.Is(err, goredis.Nil) || errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, d.fail("list what waits for a click", err)
		}
		if found.State == store.ConfirmationPending {
			waiting = append(waiting, id)
		}
	}
	return waiting, nil
}

func recordKey(id string) string   { return key("confirmation", id) }
func nonceKey(hash string) string  { return key("nonce", hash) }
func turnKey(turn string) string   { return key("turn", turn) }
func threadKey(name string) string { return key("thread", name) }
func dueKey() string               { return key("due") }
