package redis_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/redis"
	"aurora/store/storetest"
)

// hostile is somebody with access to Redis.
type hostile struct {
	*storetest.RedisServer
	t *testing.T
}

// set writes one field of a record, every byte spelled out so that nothing needs quoting.
func (h hostile) set(id, field, value string) {
	h.t.Helper()
	var spelled strings.Builder
	for _, b := range []byte(value) {
		fmt.Fprintf(&spelled, `\x%02x`, b)
	}
	h.Do(h.t, fmt.Sprintf(`HSET aurora:confirmation:%s %s "%s"`, id, field, spelled.String()))
}

func (h hostile) record(id string) string {
	h.t.Helper()
	return h.Do(h.t, "HGET aurora:confirmation:"+id+" record")
}

// A changed field either shows in the digest, which the caller compares with the audit's, or the record is not given.
func TestChangedRecordShows(t *testing.T) {
	server := hostile{storetest.Redis(t), t}
	db := open(t, server.URL)
	var fields map[string]any
	good := storetest.NewConfirmation("good", time.Minute)
	raw, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "state") // kept outside the record, and no part of the digest
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		c := storetest.NewConfirmation("field-"+strings.ReplaceAll(name, "_", "-"), time.Minute)
		put(t, db, c)
		server.set(c.ID, "record", changed(t, server.record(c.ID), name))
		for how, found := range map[string]func() (store.Confirmation, error){
			"by id":    func() (store.Confirmation, error) { return db.Confirmation(t.Context(), c.ID) },
			"by nonce": func() (store.Confirmation, error) { return db.ConfirmationByNonce(t.Context(), c.NonceHash) },
		} {
			got, err := found()
			if name == "nonce_hash" && how == "by id" { // no part of the digest: a click comes by its nonce
				continue
			}
			if err == nil && got.Digest() == c.Digest() {
				t.Errorf("%s: a change of %q does not show", how, name)
			}
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: a change of %q: %v, want not found", how, name, err)
			}
		}
	}
}

// changed gives the record with one field replaced by another value of its kind.
func changed(t *testing.T, record, name string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(record), &fields); err != nil {
		t.Fatal(err)
	}
	switch value := fields[name].(type) {
	case bool:
		fields[name] = !value
	case float64:
		fields[name] = value + 1
	case string:
		fields[name] = value + "x"
		if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
			fields[name] = at.Add(time.Hour)
		}
	case map[string]any:
		value["team"] = "T2"
	case []any:
		fields[name] = value[:1]
	default:
		t.Fatalf("%q is a %T", name, value)
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestDamagedSwappedOrLostRecordIsNotFound(t *testing.T) {
	server := hostile{storetest.Redis(t), t}
	db := open(t, server.URL)
	for name, harm := range map[string]func(c, other store.Confirmation){
		"swapped":          func(c, other store.Confirmation) { server.set(c.ID, "record", server.record(other.ID)) },
		"emptied":          func(c, _ store.Confirmation) { server.set(c.ID, "record", "") },
		"not JSON":         func(c, _ store.Confirmation) { server.set(c.ID, "record", "{{") },
		"later expiry":     func(c, _ store.Confirmation) { server.set(c.ID, "expires", "99999999999999") },
		"no number":        func(c, _ store.Confirmation) { server.set(c.ID, "expires", "never") },
		"no such state":    func(c, _ store.Confirmation) { server.set(c.ID, "state", "approved") },
		"a field is gone":  func(c, _ store.Confirmation) { server.Do(t, "HDEL aurora:confirmation:"+c.ID+" expires") },
		"deleted":          func(c, _ store.Confirmation) { server.Do(t, "DEL aurora:confirmation:"+c.ID) },
		"flushed":          func(_, _ store.Confirmation) { server.Do(t, "FLUSHALL") },
		"the button moved": func(c, other store.Confirmation) { server.Do(t, "SET aurora:nonce:"+c.NonceHash+" "+other.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			c := storetest.NewConfirmation(strings.ReplaceAll(name, " ", "-"), time.Minute)
			other := storetest.NewConfirmation("other-than-"+strings.ReplaceAll(name, " ", "-"), time.Minute)
			put(t, db, c)
			put(t, db, other)
			harm(c, other)
			if _, err := db.ConfirmationByNonce(t.Context(), c.NonceHash); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("ConfirmationByNonce: %v, want not found", err)
			}
			if name == "the button moved" {
				return
			}
			if _, err := db.TakeConfirmation(t.Context(), c.ID, "act:1"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("TakeConfirmation: %v, want not found", err)
			}
			if waiting, err := db.PendingOf(t.Context(), c.Turn); err != nil || len(waiting) > 0 {
				t.Errorf("PendingOf: %v, %v, want none", waiting, err)
			}
		})
	}
}

func TestRecordsAreForgottenAfterADay(t *testing.T) {
	server := storetest.Redis(t)
	db := open(t, server.URL)
	c := storetest.NewConfirmation("day", time.Minute)
	put(t, db, c)
	if err := db.Remember(t.Context(), "t", redis.Posted, json.RawMessage(`1`)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"confirmation:" + c.ID, "nonce:" + c.NonceHash, "turn:" + c.Turn, "memory:t:posted"} {
		var left int
		if _, err := fmt.Sscan(server.Do(t, "TTL aurora:"+key), &left); err != nil {
			t.Fatal(err)
		}
		if left < 86400-60 || left > 86400 {
			t.Errorf("%s is kept for %d s, want a day", key, left)
		}
	}
}

func TestRedisCannotUseTicketsOrButtons(t *testing.T) {
	server := storetest.Redis(t)
	db := open(t, server.URL)
	ticket, err := db.NewTicket(t.Context(), json.RawMessage(`{}`), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	state, err := db.NewSignIn(t.Context(), json.RawMessage(`{}`), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, storetest.NewConfirmation("hidden", time.Minute))
	keys := server.Do(t, "KEYS *")
	for _, secret := range []string{ticket, state, "nonce of hidden"} {
		if strings.Contains(keys, secret) || strings.Contains(keys, strings.ReplaceAll(secret, " ", "%20")) {
			t.Errorf("Redis holds %q", secret)
		}
	}
	if !strings.Contains(keys, "aurora:ticket:") || !strings.Contains(keys, "aurora:signin:") {
		t.Errorf("the keys are %s", keys)
	}
}

func put(t *testing.T, db *redis.DB, c store.Confirmation) {
	t.Helper()
	if err := db.PutConfirmation(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}
