package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aurora/store"
)

// Confirmations keeps what waits for a click.
type Confirmations interface {
	PutConfirmation(ctx context.Context, c store.Confirmation) error
	Confirmation(ctx context.Context, id string) (store.Confirmation, error)
	ConfirmationByNonce(ctx context.Context, nonceHash string) (store.Confirmation, error)
	TakeConfirmation(ctx context.Context, id, click string) (store.ConfirmationState, error)
	EndConfirmation(ctx context.Context, id string, to store.ConfirmationState) (store.ConfirmationState, error)
	ConfirmationLists
}

// ConfirmationLists finds confirmations without their ids.
type ConfirmationLists interface {
	PendingOf(ctx context.Context, turn string) ([]string, error)
	PendingIn(ctx context.Context, thread string) ([]string, error)
	DueConfirmations(ctx context.Context, most int) ([]store.Confirmation, error)
	ToldConfirmation(ctx context.Context, id string) error
}

// NewConfirmation is a pending record with every field set, for tests. name makes its ids, turn and thread its own.
func NewConfirmation(name string, lasts time.Duration) store.Confirmation {
	now := time.Now()
	return store.Confirmation{
		ID: "conf_" + name, NonceHash: store.HashNonce("nonce of " + name), OrgID: "org1", UserID: "u1",
		Asker:  store.Person{Platform: store.Slack, Team: "T1", ID: "U1"},
		Thread: "T1:C1:" + name, Turn: "turn_" + name, Step: 2, Call: "call_1", CardPart: 3,
		Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1", Thread: name},
		Mode:  store.Agent, Cloud: store.GCP, ConnectionID: "c1", Generation: 4, Account: "a@example.com", Project: "p1", Region: "r1",
		Commands: []store.Planned{
			{Argv: []string{"gcloud", "compute", "instances", "delete", "x <&> \u202e\u2028 ü \ufffd", ""}, Effect: "delete",
				Facets: []string{"bulk"}, Rule: "gce-delete", Touches: []string{"instance x", "\x1b[31m"}},
			{Argv: []string{}, Effect: "write", Rule: "r"},
		},
		FourEyes: true, Tainted: true, Typed: true, Policy: "v1", AskedAt: now, Expires: now.Add(lasts),
	}
}

func confirmations(t *testing.T, s Confirmations) {
	t.Run("a record comes back as it was", func(t *testing.T) { records(t, s) })
	t.Run("a record cannot be replaced", func(t *testing.T) { replacing(t, s) })
	t.Run("a card sent again has a new nonce", func(t *testing.T) { newNonce(t, s) })
	t.Run("a click takes it once and may take it again", func(t *testing.T) { taking(t, s) })
	t.Run("of 1000 clicks one takes it", func(t *testing.T) { Clicks(t, s, 1000) })
	t.Run("cancelled, voided and expired ones stay so", func(t *testing.T) { ending(t, s) })
	t.Run("a click and a cancel: one wins", func(t *testing.T) { clickOrCancel(t, s) })
	t.Run("it expires by itself", func(t *testing.T) { expiring(t, s) })
	t.Run("an expiry is told by one replica", func(t *testing.T) { due(t, s) })
	t.Run("what waits is listed by turn and thread", func(t *testing.T) { lists(t, s) })
}

func records(t *testing.T, s Confirmations) {
	ctx := t.Context()
	absent(t, second(s.Confirmation(ctx, "conf_record")))
	absent(t, second(s.ConfirmationByNonce(ctx, store.HashNonce("nonce of record"))))
	c := NewConfirmation("record", time.Minute)
	must(t, s.PutConfirmation(ctx, c))
	byID, err := s.Confirmation(ctx, c.ID)
	must(t, err)
	byNonce, err := s.ConfirmationByNonce(ctx, c.NonceHash)
	must(t, err)
	for _, got := range []store.Confirmation{byID, byNonce} {
		if got.Digest() != c.Digest() {
			t.Errorf("the digest changed on the way:\n%s", cmp.Diff(c, got))
		}
		if got.State != store.ConfirmationPending || got.TakenBy != "" {
			t.Errorf("state %q by %q, want pending", got.State, got.TakenBy)
		}
	}
	absent(t, second(s.ConfirmationByNonce(ctx, "nonce of record"))) // the nonce itself is not the key
	absent(t, second(s.ConfirmationByNonce(ctx, "")))
}

func replacing(t *testing.T, s Confirmations) {
	ctx := t.Context()
	c := NewConfirmation("replace", time.Minute)
	must(t, s.PutConfirmation(ctx, c))
	must(t, s.PutConfirmation(ctx, c)) // a replayed step
	other := c
	other.Account = "b@example.com"
	conflict(t, s.PutConfirmation(ctx, other))
	thief := NewConfirmation("replace-thief", time.Minute)
	thief.NonceHash = c.NonceHash
	conflict(t, s.PutConfirmation(ctx, thief))
	if _, err := s.TakeConfirmation(ctx, c.ID, "click1"); err != nil {
		t.Fatal(err)
	}
	must(t, s.PutConfirmation(ctx, c)) // changes nothing
	got, err := s.Confirmation(ctx, c.ID)
	if err != nil || got.State != store.ConfirmationTaken || got.Digest() != c.Digest() {
		t.Errorf("after putting a taken one again: %q, %v, want it taken and unchanged", got.State, err)
	}
	for _, spoil := range []func(*store.Confirmation){
		func(c *store.Confirmation) { c.ID = "" }, func(c *store.Confirmation) { c.Turn = "" },
		func(c *store.Confirmation) { c.Thread = "" }, func(c *store.Confirmation) { c.NonceHash = "raw nonce" },
		func(c *store.Confirmation) { c.Expires = time.Time{} }, func(c *store.Confirmation) { c.Expires = c.Expires.AddDate(1, 0, 0) },
		func(c *store.Confirmation) { c.State = store.ConfirmationTaken },
		func(c *store.Confirmation) { c.Commands[0].Argv[4] = "not UTF-8: \xff" },
	} {
		bad := NewConfirmation("bad", time.Minute)
		spoil(&bad)
		refused(t, s.PutConfirmation(ctx, bad))
	}
}

func newNonce(t *testing.T, s Confirmations) {
	ctx := t.Context()
	first := NewConfirmation("again", time.Minute)
	must(t, s.PutConfirmation(ctx, first))
	then := first
	then.NonceHash = store.HashNonce("second nonce of again")
	must(t, s.PutConfirmation(ctx, then))
	absent(t, second(s.ConfirmationByNonce(ctx, first.NonceHash)))
	found, err := s.ConfirmationByNonce(ctx, then.NonceHash)
	must(t, err)
	if found.NonceHash != then.NonceHash || found.Digest() != first.Digest() || found.State != store.ConfirmationPending {
		t.Errorf("found %s by the second nonce, want the same record pending", cmp.Diff(then, found))
	}
	state(t, store.ConfirmationVoided)(s.EndConfirmation(ctx, first.ID, store.ConfirmationVoided))
	must(t, s.PutConfirmation(ctx, first)) // voided before its card was sent once more: the click must hear that
	found, err = s.ConfirmationByNonce(ctx, first.NonceHash)
	if err != nil || found.State != store.ConfirmationVoided {
		t.Errorf("a voided one put again: %q, %v, want it voided", found.State, err)
	}
	state(t, store.ConfirmationVoided)(s.TakeConfirmation(ctx, first.ID, "act:1"))
}

func taking(t *testing.T, s Confirmations) {
	ctx := t.Context()
	c := NewConfirmation("take", time.Minute)
	must(t, s.PutConfirmation(ctx, c))
	for range 3 {
		state(t, store.ConfirmationTaken)(s.TakeConfirmation(ctx, c.ID, "act:1"))
	}
	got, err := s.TakeConfirmation(ctx, c.ID, "act:2")
	if got != store.ConfirmationTaken {
		t.Errorf("another click hears %q, want taken", got)
	}
	conflict(t, err)
	for _, to := range []store.ConfirmationState{store.ConfirmationCancelled, store.ConfirmationVoided, store.ConfirmationExpired} {
		state(t, store.ConfirmationTaken)(s.EndConfirmation(ctx, c.ID, to))
	}
	found, err := s.Confirmation(ctx, c.ID)
	if err != nil || found.TakenBy != "act:1" || found.Digest() != c.Digest() {
		t.Errorf("taken by %q, %v, want act:1 and the record unchanged", found.TakenBy, err)
	}
	absent(t, second(s.TakeConfirmation(ctx, "conf_unknown", "act:1")))
	absent(t, second(s.EndConfirmation(ctx, "conf_unknown", store.ConfirmationVoided)))
	refused(t, second(s.TakeConfirmation(ctx, c.ID, "")))
	refused(t, second(s.EndConfirmation(ctx, c.ID, store.ConfirmationTaken)))
	refused(t, second(s.EndConfirmation(ctx, c.ID, store.ConfirmationPending)))
	refused(t, second(s.EndConfirmation(ctx, c.ID, "")))
}

// Clicks lets 64 goroutines share that many different clicks on one confirmation: one takes it.
func Clicks(t *testing.T, s Confirmations, total int) {
	t.Helper()
	c := NewConfirmation("clicks", time.Hour)
	must(t, s.PutConfirmation(t.Context(), c))
	const side = 64
	states, errs := make([]store.ConfirmationState, total), make([]error, total)
	var clickers sync.WaitGroup
	for worker := range side {
		clickers.Go(func() {
			for i := worker; i < total; i += side {
				states[i], errs[i] = insist(t, s, c.ID, fmt.Sprint("act:", i))
			}
		})
	}
	clickers.Wait()
	won := ""
	for i := range total {
		if errs[i] == nil && states[i] == store.ConfirmationTaken {
			if won != "" {
				t.Fatalf("%s and act:%d both took it", won, i)
			}
			won = fmt.Sprint("act:", i)
			continue
		}
		if states[i] != store.ConfirmationTaken || !errors.Is(errs[i], store.ErrConflict) {
			t.Fatalf("click %d: %q, %v, want taken by another", i, states[i], errs[i])
		}
	}
	found, err := s.Confirmation(t.Context(), c.ID)
	if err != nil || won == "" || found.TakenBy != won {
		t.Errorf("the record says %q took it, %v; the click that was told so is %q", found.TakenBy, err, won)
	}
}

// insist clicks until it is heard: on a busy machine a call may take too long, and the same click may take again.
func insist(t *testing.T, s Confirmations, id, click string) (store.ConfirmationState, error) {
	for range 20 {
		state, err := s.TakeConfirmation(t.Context(), id, click)
		if !errors.Is(err, store.ErrUnavailable) {
			return state, err
		}
	}
	return "", errors.New("nobody listens")
}

func ending(t *testing.T, s Confirmations) {
	ctx := t.Context()
	all := []store.ConfirmationState{store.ConfirmationCancelled, store.ConfirmationVoided, store.ConfirmationExpired}
	for _, first := range all {
		c := NewConfirmation("end-"+string(first), time.Minute)
		must(t, s.PutConfirmation(ctx, c))
		state(t, first)(s.EndConfirmation(ctx, c.ID, first))
		state(t, first)(s.TakeConfirmation(ctx, c.ID, "act:late"))
		for _, then := range all {
			state(t, first)(s.EndConfirmation(ctx, c.ID, then))
		}
		found, err := s.Confirmation(ctx, c.ID)
		if err != nil || found.State != first || found.TakenBy != "" {
			t.Errorf("%s: found %q by %q, %v", first, found.State, found.TakenBy, err)
		}
	}
}

func clickOrCancel(t *testing.T, s Confirmations) {
	for round := range 20 {
		c := NewConfirmation(fmt.Sprint("either-", round), time.Minute)
		must(t, s.PutConfirmation(t.Context(), c))
		var clicked, cancelled store.ConfirmationState
		var clickErr, cancelErr error
		var both sync.WaitGroup
		both.Go(func() { clicked, clickErr = s.TakeConfirmation(t.Context(), c.ID, "act:1") })
		both.Go(func() { cancelled, cancelErr = s.EndConfirmation(t.Context(), c.ID, store.ConfirmationCancelled) })
		both.Wait()
		must(t, errors.Join(clickErr, cancelErr))
		if clicked != cancelled {
			t.Fatalf("the click heard %q, the cancel %q", clicked, cancelled)
		}
	}
}

func expiring(t *testing.T, s Confirmations) {
	ctx := t.Context()
	past := NewConfirmation("past", -time.Second)
	must(t, s.PutConfirmation(ctx, past))
	state(t, store.ConfirmationExpired)(s.TakeConfirmation(ctx, past.ID, "act:1"))
	state(t, store.ConfirmationExpired)(s.EndConfirmation(ctx, past.ID, store.ConfirmationCancelled))
	soon := NewConfirmation("soon", 300*time.Millisecond)
	must(t, s.PutConfirmation(ctx, soon))
	waitFor(t, "the confirmation to expire", func() bool {
		found, err := s.Confirmation(ctx, soon.ID)
		return err == nil && found.State == store.ConfirmationExpired
	})
	state(t, store.ConfirmationExpired)(s.TakeConfirmation(ctx, soon.ID, "act:1"))
	found, err := s.Confirmation(ctx, soon.ID)
	if err != nil || found.Digest() != soon.Digest() {
		t.Errorf("the expired record: %v, want it unchanged", err)
	}
	taken := NewConfirmation("taken-in-time", 500*time.Millisecond)
	must(t, s.PutConfirmation(ctx, taken))
	state(t, store.ConfirmationTaken)(s.TakeConfirmation(ctx, taken.ID, "act:1"))
	must(t, s.ToldConfirmation(ctx, past.ID))
	waitFor(t, "its time to be over", func() bool { return time.Now().After(taken.Expires) })
	state(t, store.ConfirmationTaken)(s.TakeConfirmation(ctx, taken.ID, "act:1")) // the click's own retry, later
	must(t, s.ToldConfirmation(ctx, soon.ID))
}

func due(t *testing.T, s Confirmations) {
	ctx := t.Context()
	want := map[string]int{}
	for i := range 30 {
		c := NewConfirmation(fmt.Sprint("due-", i), -time.Second)
		must(t, s.PutConfirmation(ctx, c))
		want[c.ID] = 1
	}
	clicked := NewConfirmation("due-clicked", 200*time.Millisecond)
	must(t, s.PutConfirmation(ctx, clicked))
	state(t, store.ConfirmationTaken)(s.TakeConfirmation(ctx, clicked.ID, "act:1"))
	waiting := NewConfirmation("due-waiting", time.Minute)
	must(t, s.PutConfirmation(ctx, waiting))
	waitFor(t, "the clicked one's time to be over", func() bool { return time.Now().After(clicked.Expires) })

	var mu sync.Mutex
	got := map[string]int{}
	var replicas sync.WaitGroup
	for range 8 {
		replicas.Go(func() {
			for range 6 {
				found, err := s.DueConfirmations(ctx, 3)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, c := range found {
					got[c.ID]++
					if c.State != store.ConfirmationExpired {
						t.Errorf("%s is due but %s", c.ID, c.State)
					}
				}
				mu.Unlock()
			}
		})
	}
	replicas.Wait()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("how often each was given out (-want +got):\n%s", diff)
	}
	for id := range want {
		must(t, s.ToldConfirmation(ctx, id))
	}
	refused(t, second(s.DueConfirmations(ctx, 0)))
}

func lists(t *testing.T, s Confirmations) {
	ctx := t.Context()
	var ids []string
	for _, name := range []string{"list-a", "list-b", "list-c"} {
		c := NewConfirmation(name, time.Minute)
		c.Turn, c.Thread = "turn_list", "T1:C1:list"
		must(t, s.PutConfirmation(ctx, c))
		ids = append(ids, c.ID)
	}
	later := NewConfirmation("list-later", time.Minute)
	later.Thread = "T1:C1:list"
	must(t, s.PutConfirmation(ctx, later))
	state(t, store.ConfirmationTaken)(s.TakeConfirmation(ctx, ids[1], "act:1"))
	ofTurn, err := s.PendingOf(ctx, "turn_list")
	must(t, err)
	inThread, err := s.PendingIn(ctx, "T1:C1:list")
	must(t, err)
	if diff := cmp.Diff([]string{ids[0], ids[2]}, ofTurn); diff != "" {
		t.Errorf("PendingOf (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{ids[0], ids[2], later.ID}, inThread); diff != "" {
		t.Errorf("PendingIn (-want +got):\n%s", diff)
	}
	none, err := s.PendingOf(ctx, "turn_unknown")
	if err != nil || len(none) != 0 {
		t.Errorf("PendingOf a turn without any: %v, %v", none, err)
	}
}

// state checks what a change answered.
func state(t *testing.T, want store.ConfirmationState) func(store.ConfirmationState, error) {
	t.Helper()
	return func(got store.ConfirmationState, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("state %q, %v, want %q", got, err, want)
		}
	}
}

func conflict(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("error %v, want a conflict", err)
	}
}
