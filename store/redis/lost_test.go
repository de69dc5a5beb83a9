package redis_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/redis"
	"aurora/store/storetest"
)

// everyCall runs each method once, with good input.
func everyCall(ctx context.Context, db *redis.DB) map[string]error {
	out := map[string]error{"Ready": db.Ready(ctx)}
	who := store.Person{Platform: store.Slack, Team: "T1", ID: "U1"}
	value := json.RawMessage(`{}`)
	out["SetMode"] = db.SetMode(ctx, "k", store.Agent, time.Hour)
	_, out["Mode"] = db.Mode(ctx, "k")
	_, out["NewTicket"] = db.NewTicket(ctx, value, time.Hour)
	_, out["Ticket"] = db.Ticket(ctx, "x")
	_, out["TakeTicket"] = db.TakeTicket(ctx, "x")
	_, out["NewSignIn"] = db.NewSignIn(ctx, value, time.Hour)
	_, out["TakeSignIn"] = db.TakeSignIn(ctx, "x")
	out["Remember"] = db.Remember(ctx, "t", redis.Posted, value)
	_, out["Recall"] = db.Recall(ctx, "t", redis.Posted)
	out["Allow"] = db.Allow(ctx, "t", who, "a b", time.Hour)
	_, out["Allowed"] = db.Allowed(ctx, "t", who, "a b")
	out["Publish"] = db.Publish(ctx, "t", "x")
	_, out["Pace"] = db.Pace(ctx, "k", time.Second, 1)
	out["PutConfirmation"] = db.PutConfirmation(ctx, storetest.NewConfirmation("lost", time.Minute))
	_, out["Confirmation"] = db.Confirmation(ctx, "conf_lost")
	_, out["ConfirmationByNonce"] = db.ConfirmationByNonce(ctx, "x")
	_, out["TakeConfirmation"] = db.TakeConfirmation(ctx, "conf_lost", "act:1")
	_, out["EndConfirmation"] = db.EndConfirmation(ctx, "conf_lost", store.ConfirmationVoided)
	_, out["PendingOf"] = db.PendingOf(ctx, "t")
	_, out["PendingIn"] = db.PendingIn(ctx, "t")
	_, out["DueConfirmations"] = db.DueConfirmations(ctx, 1)
	out["ToldConfirmation"] = db.ToldConfirmation(ctx, "conf_lost")
	return out
}

func TestLostRedisIsUnavailable(t *testing.T) {
	server := storetest.Redis(t)
	db := open(t, server.URL)
	server.Kill(t)
	begun := time.Now()
	for name, err := range everyCall(t.Context(), db) {
		if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), server.Password) {
			t.Errorf("%s without Redis: %v, want store.ErrUnavailable", name, err)
		}
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("all calls took %s", took)
	}
	heard := db.Subscribe(t.Context(), "t")
	select {
	case got := <-heard:
		t.Errorf("heard %q from a server that is gone", got)
	default:
	}
}

func TestSilentRedisIsUnavailableInTwoSeconds(t *testing.T) {
	server := storetest.Redis(t)
	db := open(t, server.URL)
	server.Pause(t)
	for name, call := range map[string]func() error{
		"Mode":             func() error { _, err := db.Mode(t.Context(), "k"); return err },
		"TakeConfirmation": func() error { _, err := db.TakeConfirmation(t.Context(), "c", "act:1"); return err },
		"Open":             func() error { _, err := redis.Open(t.Context(), server.URL); return err },
	} {
		begun := time.Now()
		err := call()
		if took := time.Since(begun); !errors.Is(err, store.ErrUnavailable) || took > 2*time.Second {
			t.Errorf("%s: %v after %s, want store.ErrUnavailable within 2s", name, err, took)
		}
	}
	server.Resume(t)
	if _, err := db.Mode(t.Context(), "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Mode once it answers again: %v, want not found", err)
	}
}

func TestCallerWhoGaveUpIsNoOutage(t *testing.T) {
	db := open(t, storetest.Redis(t).URL)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range everyCall(ctx, db) {
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s by a caller who gave up: %v, want context.Canceled", name, err)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	server := storetest.Redis(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for name, c := range map[string]struct{ url, want string }{
		"wrong password": {"redis://:hunter2@" + server.Addr, "WRONGPASS"},
		"no password":    {"redis://" + server.Addr, "NOAUTH"},
		"nothing there":  {"redis://:hunter2@127.0.0.1:1", "connection refused"},
		"no answer":      {"redis://:hunter2@" + silent.Addr().String(), "Redis at"},
		"no Sentinel":    {"redis+sentinel://:hunter2@127.0.0.1:1/m", "Redis at 127.0.0.1:1"},
	} {
		begun := time.Now()
		_, err := redis.Open(t.Context(), c.url)
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want store.ErrUnavailable with %q and no password", name, err, c.want)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%s: told after %s", name, took)
		}
	}
}

func TestReadOnlyReplicaIsUnavailable(t *testing.T) {
	replica := storetest.Sentinel(t).Replicas(t)[0]
	if _, err := redis.Open(t.Context(), replica.URL); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("Open of a replica: %v, want store.ErrUnavailable and READONLY", err)
	}
}

func TestEmbeddedEndsWithItsProcess(t *testing.T) {
	db := embedded(t)
	if err := db.SetMode(t.Context(), "k", store.Agent, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Mode(t.Context(), "k"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Mode once closed: %v, want store.ErrUnavailable", err)
	}
}
