package redis

import (
	"context"
	_ "embed" // the scripts
	"encoding/json"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Thread memory forgets its oldest entries beyond these, and all of a layer this long after the last entry.
const (
	MemoryTTL     = 24 * time.Hour
	MemoryEntries = 200
	MemoryBytes   = 256 << 10
)

// Posted is the layer of a thread's memory that everyone in the thread may see. Any other layer is named by the user
// whose connections produced what is in it.
const Posted = "posted"

//go:embed remember.lua
var rememberSource string

var rememberScript = goredis.NewScript(rememberSource)

// Remember appends an entry to a layer of a thread's memory.
func (d *DB) Remember(ctx context.Context, thread, layer string, entry json.RawMessage) error {
	if err := checkEntry(thread, layer, entry); err != nil {
		return fmt.Errorf("remember in the thread: %w", err)
	}
	ctx, done := limit(ctx)
	defer done()
	err := rememberScript.Run(ctx, d.client, []string{key("memory", thread, layer)},
		[]byte(entry), MemoryEntries, MemoryBytes, MemoryTTL.Milliseconds()).Err()
	return d.fail("remember in the thread", err)
}

func checkEntry(thread, layer string, entry json.RawMessage) error {
	if thread == "" || layer == "" {
		return errors.New("thread and layer must be named")
	}
	if !json.Valid(entry) {
		return errors.New("the entry is not JSON")
	}
	if len(entry) > MemoryBytes {
		return fmt.Errorf("the entry has %d bytes, more than %d", len(entry), MemoryBytes)
	}
	return nil
}

// Recall gives a layer's entries, oldest first; none is no error.
func (d *DB) Recall(ctx context.Context, thread, layer string) ([]json.RawMessage, error) {
	ctx, done := limit(ctx)
	defer done()
	raw, err := d.client.LRange(ctx, key("memory", thread, layer), 0, -1).Result()
	if err != nil {
		return nil, d.fail("recall the thread", err)
	}
	out := make([]json.RawMessage, 0, len(raw))
	for _, entry := range raw {
		out = append(out, json.RawMessage(entry))
	}
	return out, nil
}
