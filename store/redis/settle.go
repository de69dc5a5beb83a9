package redis

import (
	"context"
	_ "embed" // the script
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"aurora/store"
)

// replicaWait is how long a decision waits for a replica to have it too.
const replicaWait = 500 * time.Millisecond

//go:embed confirmation_settle.lua
var settleSource string

var settleScript = goredis.NewScript(settleSource)

// TakeConfirmation gives a pending confirmation to one click. A nil error with the state taken means that this click
// has it, the first time or again. Another click's gives the state taken with store.ErrConflict; any other state comes
// with a nil error and means that nothing may run.
//
// Under Sentinel a take counts only once a replica has it as well, else it is store.ErrUnavailable and the same click
// may try again. Sentinel promotes the replica that has received most, so a take is lost only when the master and the
// replica that had it fail together or are cut off; then the unique intent in SQL still lets it run but once.
func (d *DB) TakeConfirmation(ctx context.Context, id, click string) (store.ConfirmationState, error) {
	if click == "" {
		return "", errors.New("take the confirmation: the click must be named")
	}
	ctx, done := limit(ctx)
	defer done()
	found, err := d.decide(ctx, id, store.ConfirmationTaken, click)
	if err != nil {
		return "", d.fail("take the confirmation", err)
	}
	if found.State == store.ConfirmationTaken && found.TakenBy != click {
		return found.State, fmt.Errorf("take the confirmation: %w", store.ErrConflict)
	}
	return found.State, nil
}

// EndConfirmation cancels, voids or expires a pending confirmation and gives the state it is in afterwards: another
// than asked for when somebody was faster. Like a take it must have reached a replica under Sentinel.
func (d *DB) EndConfirmation(ctx context.Context, id string, to store.ConfirmationState) (store.ConfirmationState, error) {
	if to != store.ConfirmationCancelled && to != store.ConfirmationVoided && to != store.ConfirmationExpired {
		return "", fmt.Errorf("end the confirmation: %q does not end one", to)
	}
	ctx, done := limit(ctx)
	defer done()
	found, err := d.decide(ctx, id, to, "")
	return found.State, d.fail("end the confirmation", err)
}

// decide settles, and where there are replicas does not believe it until one of them has it.
func (d *DB) decide(ctx context.Context, id string, to store.ConfirmationState, click string) (store.Confirmation, error) {
	answer, err := d.surely(ctx, settleScript, settleKeys(id), id, string(to), click)
	if err != nil {
		return store.Confirmation{}, err
	}
	return read(id, answer)
}

// surely runs a script that writes, and where there are replicas waits until one of them has it too: store.ErrUnavailable
// when none has. What the script itself answers, an error too, is the caller's to read.
func (d *DB) surely(ctx context.Context, script *goredis.Script, keys []string, args ...any) (*goredis.Cmd, error) {
	if !d.replicated {
		return script.Run(ctx, d.client, keys, args...), nil
	}
	pipe := d.client.Pipeline() // one connection: WAIT is about what was written on it before
	answer := script.Eval(ctx, pipe, keys, args...)
	wait := pipe.Do(ctx, "WAIT", 1, replicaWait.Milliseconds())
	_, _ = pipe.Exec(ctx) // both results are looked at one by one
	if answer.Err() != nil {
		return answer, nil
	}
	acks, err := wait.Int()
	if err != nil {
		return nil, err
	}
	if acks < 1 {
		return nil, fmt.Errorf("no replica has it: %w", store.ErrUnavailable)
	}
	return answer, nil
}

// settle moves a record to a state where that is allowed, or with to == "" only looks, and gives it as it then is.
func (d *DB) settle(ctx context.Context, id string, to store.ConfirmationState, click string) (store.Confirmation, error) {
	return read(id, settleScript.Run(ctx, d.client, settleKeys(id), id, string(to), click))
}

func settleKeys(id string) []string { return []string{recordKey(id), dueKey()} }

// read takes the script's answer apart. What is not the record that was put under this id counts as not found: the
// expiry Redis compares must be the one in the record, and the record must be about this confirmation.
func read(id string, answer *goredis.Cmd) (store.Confirmation, error) {
	parts, err := answer.StringSlice()
	if err != nil {
		return store.Confirmation{}, err
	}
	damaged := fmt.Errorf("what is stored under %s is not its record: %w", id, store.ErrNotFound)
	if len(parts) != 4 {
		return store.Confirmation{}, damaged
	}
	var found store.Confirmation
	if json.Unmarshal([]byte(parts[3]), &found) != nil || found.ID != id {
		return store.Confirmation{}, damaged
	}
	if strconv.FormatInt(found.Expires.UnixMilli(), 10) != parts[2] {
		return store.Confirmation{}, damaged
	}
	found.State, found.TakenBy = store.ConfirmationState(parts[0]), parts[1]
	switch found.State {
	case store.ConfirmationPending, store.ConfirmationTaken, store.ConfirmationCancelled,
		store.ConfirmationVoided, store.ConfirmationExpired:
		return found, nil
	}
	return store.Confirmation{}, damaged
}
