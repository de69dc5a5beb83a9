package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aurora/store"
)

// Modes keeps the modes people chose.
type Modes interface {
	SetMode(ctx context.Context, key string, mode store.Mode, ttl time.Duration) error
	Mode(ctx context.Context, key string) (store.Mode, error)
}

// Tickets keeps values that can be taken once.
type Tickets interface {
	NewTicket(ctx context.Context, value json.RawMessage, ttl time.Duration) (string, error)
	Ticket(ctx context.Context, id string) (json.RawMessage, error)
	TicketByHash(ctx context.Context, hash string) (json.RawMessage, error)
	TakeTicket(ctx context.Context, id string) (json.RawMessage, error)
}

// SignIns keeps sign-ins under way.
type SignIns interface {
	NewSignIn(ctx context.Context, value json.RawMessage, ttl time.Duration) (string, error)
	TakeSignIn(ctx context.Context, state string) (json.RawMessage, error)
}

// Memory keeps what was said in threads.
type Memory interface {
	Remember(ctx context.Context, thread, layer string, entry json.RawMessage) error
	Recall(ctx context.Context, thread, layer string) ([]json.RawMessage, error)
}

// Allowances keeps what may run without a click for a while.
type Allowances interface {
	Allow(ctx context.Context, thread string, who store.Person, path string, ttl time.Duration) error
	Allowed(ctx context.Context, thread string, who store.Person, path string) (bool, error)
}

// Homes remembers who opened his Home, and where.
type Homes interface {
	KeepHome(ctx context.Context, who store.Person, channel string, ttl time.Duration) error
	HomeOf(ctx context.Context, who store.Person) (string, error)
}

// Signals hurries and holds back.
type Signals interface {
	Publish(ctx context.Context, topic, payload string) error
	Subscribe(ctx context.Context, topic string) <-chan string
	Pace(ctx context.Context, key string, every time.Duration, burst int) (time.Duration, error)
}

// State is Redis, real or embedded.
type State interface {
	Modes
	Leases
	Tickets
	SignIns
	Memory
	Allowances
	Homes
	Signals
	Confirmations
	Ready(ctx context.Context) error
}

// MemoryLimits are the caps of thread memory the suite checks.
type MemoryLimits struct{ Entries, Bytes int }

// StateSuite is the conformance suite of State. Its parts use keys of their own.
func StateSuite(t *testing.T, s State, limits MemoryLimits) {
	t.Run("ready", func(t *testing.T) { must(t, s.Ready(t.Context())) })
	t.Run("a mode lasts its time", func(t *testing.T) { modes(t, s) })
	t.Run("a ticket is taken once", func(t *testing.T) { tickets(t, s) })
	t.Run("a sign-in is taken once", func(t *testing.T) { signIns(t, s) })
	t.Run("a thread remembers in layers", func(t *testing.T) { memory(t, s) })
	t.Run("a thread forgets its oldest", func(t *testing.T) { memoryCaps(t, s, limits) })
	t.Run("allowed for a while, for one person, thread and path", func(t *testing.T) { allowances(t, s) })
	t.Run("a Home is one person's, for a while", func(t *testing.T) { homes(t, s) })
	t.Run("what is published is heard", func(t *testing.T) { wakes(t, s) })
	t.Run("slots come at their pace", func(t *testing.T) { pace(t, s) })
	t.Run("a lease is one process's", func(t *testing.T) { leases(t, s) })
	confirmations(t, s)
}

func modes(t *testing.T, s Modes) {
	ctx := t.Context()
	absent(t, second(s.Mode(ctx, "slack:T1:U1|T1:C1:1.1")))
	must(t, s.SetMode(ctx, "slack:T1:U1|T1:C1:1.1", store.Agent, time.Hour))
	must(t, s.SetMode(ctx, "slack:T1:U2|T1:C1:1.1", store.Ask, 300*time.Millisecond))
	if got, err := s.Mode(ctx, "slack:T1:U1|T1:C1:1.1"); err != nil || got != store.Agent {
		t.Errorf("Mode: %q, %v, want agent", got, err)
	}
	waitFor(t, "the mode to end", func() bool {
		_, err := s.Mode(ctx, "slack:T1:U2|T1:C1:1.1")
		return errors.Is(err, store.ErrNotFound)
	})
	if got, err := s.Mode(ctx, "slack:T1:U1|T1:C1:1.1"); err != nil || got != store.Agent {
		t.Errorf("the other Mode afterwards: %q, %v, want agent", got, err)
	}
	refused(t, s.SetMode(ctx, "k", "root", time.Hour))
	refused(t, s.SetMode(ctx, "k", store.Agent, 0))
	refused(t, s.SetMode(ctx, "k", store.Agent, -time.Second))
}

func tickets(t *testing.T, s Tickets) {
	ctx := t.Context()
	want := json.RawMessage(`{"user":"u1","text":"ü<>&\u2028"}`)
	id, err := s.NewTicket(ctx, want, time.Hour)
	must(t, err)
	if len(id) < 26 { // base32: 26 letters are 130 bits
		t.Errorf("the id %q has fewer than 128 bits", id)
	}
	for range 2 { // looking does not spend it
		got, err := s.Ticket(ctx, id)
		must(t, err)
		same(t, want, got)
	}
	got, err := s.TicketByHash(ctx, store.HashNonce(id))
	must(t, err)
	same(t, want, got)
	absent(t, second(s.TicketByHash(ctx, id)))
	absent(t, second(s.Ticket(ctx, store.HashNonce(id)))) // who reads the store cannot use what it finds
	absent(t, second(s.TakeTicket(ctx, store.HashNonce(id))))
	takenOnce(t, want, func() (json.RawMessage, error) { return s.TakeTicket(ctx, id) })
	absent(t, second(s.Ticket(ctx, id)))
	absent(t, second(s.TakeTicket(ctx, "")))
	short, err := s.NewTicket(ctx, want, 300*time.Millisecond)
	must(t, err)
	waitFor(t, "the ticket to end", func() bool {
		_, err := s.Ticket(ctx, short)
		return errors.Is(err, store.ErrNotFound)
	})
	absent(t, second(s.TakeTicket(ctx, short)))
	refused(t, second(s.NewTicket(ctx, json.RawMessage("not JSON"), time.Hour)))
	refused(t, second(s.NewTicket(ctx, nil, time.Hour)))
	refused(t, second(s.NewTicket(ctx, want, 0)))
	refused(t, second(s.NewTicket(ctx, json.RawMessage(`"`+strings.Repeat("x", 1<<20)+`"`), time.Hour)))
}

func signIns(t *testing.T, s State) {
	ctx := t.Context()
	want := json.RawMessage(`{"user":"u1","browser":"abc"}`)
	state, err := s.NewSignIn(ctx, want, time.Hour)
	must(t, err)
	absent(t, second(s.TakeTicket(ctx, state))) // one is not good for the other
	ticket, err := s.NewTicket(ctx, want, time.Hour)
	must(t, err)
	absent(t, second(s.TakeSignIn(ctx, ticket)))
	takenOnce(t, want, func() (json.RawMessage, error) { return s.TakeSignIn(ctx, state) })
}

func takenOnce(t *testing.T, want json.RawMessage, take func() (json.RawMessage, error)) {
	t.Helper()
	values, errs := make([]json.RawMessage, 50), make([]error, 50)
	var takers sync.WaitGroup
	for i := range values {
		takers.Go(func() { values[i], errs[i] = take() })
	}
	takers.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			same(t, want, values[i])
			continue
		}
		absent(t, err)
	}
	if won != 1 {
		t.Errorf("taken %d times, want once", won)
	}
}

func memory(t *testing.T, s Memory) {
	ctx := t.Context()
	must(t, s.Remember(ctx, "T1:C1:1", "posted", json.RawMessage(`{"n":1}`)))
	must(t, s.Remember(ctx, "T1:C1:1", "u1", json.RawMessage(`"only u1's"`)))
	must(t, s.Remember(ctx, "T1:C1:1", "posted", json.RawMessage(`{"n":2}`)))
	must(t, s.Remember(ctx, "T1:C1", "1:posted", json.RawMessage(`"another thread's"`)))
	for _, c := range []struct {
		thread, layer string
		want          []string
	}{
		{"T1:C1:1", "posted", []string{`{"n":1}`, `{"n":2}`}},
		{"T1:C1:1", "u1", []string{`"only u1's"`}},
		{"T1:C1:1", "u2", nil},
		{"T1:C1:2", "posted", nil},
	} {
		if diff := cmp.Diff(c.want, recall(t, s, c.thread, c.layer)); diff != "" {
			t.Errorf("Recall %s %s (-want +got):\n%s", c.thread, c.layer, diff)
		}
	}
	refused(t, s.Remember(ctx, "T1:C1:1", "posted", json.RawMessage("{")))
	refused(t, s.Remember(ctx, "T1:C1:1", "", json.RawMessage("{}")))
	refused(t, s.Remember(ctx, "", "posted", json.RawMessage("{}")))
}

func memoryCaps(t *testing.T, s Memory, limits MemoryLimits) {
	ctx := t.Context()
	for i := range limits.Entries + 10 {
		must(t, s.Remember(ctx, "many", "posted", json.RawMessage(fmt.Sprint(i))))
	}
	got := recall(t, s, "many", "posted")
	if len(got) != limits.Entries || got[0] != "10" || got[len(got)-1] != fmt.Sprint(limits.Entries+9) {
		t.Errorf("of %d entries %d are left, from %s to %s", limits.Entries+10, len(got), got[0], got[len(got)-1])
	}
	big := func(c string) json.RawMessage {
		return json.RawMessage(`"` + strings.Repeat(c, limits.Bytes*2/5) + `"`)
	}
	for _, c := range []string{"a", "b", "c"} {
		must(t, s.Remember(ctx, "big", "posted", big(c)))
	}
	if got := recall(t, s, "big", "posted"); len(got) != 2 || got[0][1] != 'b' || got[1][1] != 'c' {
		t.Errorf("of three big entries %d are left, want the two newest", len(got))
	}
	whole := json.RawMessage(`"` + strings.Repeat("d", limits.Bytes-2) + `"`)
	must(t, s.Remember(ctx, "big", "posted", whole))
	if got := recall(t, s, "big", "posted"); len(got) != 1 || got[0] != string(whole) {
		t.Errorf("after one entry of the whole size %d are left, want that one", len(got))
	}
	refused(t, s.Remember(ctx, "big", "posted", json.RawMessage(`"`+strings.Repeat("e", limits.Bytes)+`"`)))
}

func recall(t *testing.T, s Memory, thread, layer string) []string {
	t.Helper()
	entries, err := s.Recall(t.Context(), thread, layer)
	must(t, err)
	var out []string
	for _, entry := range entries {
		out = append(out, string(entry))
	}
	return out
}

func homes(t *testing.T, s Homes) {
	ctx := t.Context()
	who := store.Person{Platform: store.Slack, Team: "T1", ID: "U1"}
	stranger, namesake := who, who
	stranger.ID, namesake.Team = "U2", "T2"
	absent(t, second(s.HomeOf(ctx, who)))
	must(t, s.KeepHome(ctx, who, "D1", time.Hour))
	must(t, s.KeepHome(ctx, stranger, "D2", 300*time.Millisecond))
	if got, err := s.HomeOf(ctx, who); err != nil || got != "D1" {
		t.Errorf("HomeOf: %q, %v, want D1", got, err)
	}
	absent(t, second(s.HomeOf(ctx, namesake)))
	waitFor(t, "the Home to be forgotten", func() bool {
		_, err := s.HomeOf(ctx, stranger)
		return errors.Is(err, store.ErrNotFound)
	})
	refused(t, s.KeepHome(ctx, who, "D1", 0))
}

func allowances(t *testing.T, s Allowances) {
	ctx := t.Context()
	who := store.Person{Platform: store.Slack, Team: "T1", ID: "U1"}
	must(t, s.Allow(ctx, "T1:C1:1", who, "gcloud compute instances start", time.Hour))
	must(t, s.Allow(ctx, "T1:C1:1", who, "short", 300*time.Millisecond))
	stranger, namesake := who, who
	stranger.ID, namesake.Platform = "U2", store.Teams
	for _, c := range []struct {
		thread string
		who    store.Person
		path   string
		want   bool
	}{
		{"T1:C1:1", who, "gcloud compute instances start", true},
		{"T1:C1:2", who, "gcloud compute instances start", false},
		{"T1:C1:1", stranger, "gcloud compute instances start", false},
		{"T1:C1:1", namesake, "gcloud compute instances start", false},
		{"T1:C1:1", who, "gcloud compute instances", false},
		{"T1:C1:1", who, "gcloud compute instances start ", false},
		{"T1:C1:1", who, "gcloud compute instances delete", false},
	} {
		if got, err := s.Allowed(ctx, c.thread, c.who, c.path); err != nil || got != c.want {
			t.Errorf("Allowed %s %s %q: %v, %v, want %v", c.thread, c.who, c.path, got, err, c.want)
		}
	}
	waitFor(t, "what is allowed to end", func() bool {
		allowed, err := s.Allowed(ctx, "T1:C1:1", who, "short")
		return err == nil && !allowed
	})
	refused(t, s.Allow(ctx, "T1:C1:1", who, "", time.Hour))
	refused(t, s.Allow(ctx, "", who, "a b", time.Hour))
	refused(t, s.Allow(ctx, "T1:C1:1", store.Person{}, "a b", time.Hour))
	refused(t, s.Allow(ctx, "T1:C1:1", who, "a b", 0))
}

func wakes(t *testing.T, s Signals) {
	ctx, cancel := context.WithCancel(t.Context())
	first, other := s.Subscribe(ctx, "stop"), s.Subscribe(ctx, "freeze")
	must(t, s.Publish(ctx, "stop", "turn_1"))
	if got := hear(t, first); got != "turn_1" {
		t.Errorf("heard %q, want turn_1", got)
	}
	for i := range 1000 { // a listener that does not read holds nobody up
		must(t, s.Publish(ctx, "stop", fmt.Sprint(i)))
	}
	select {
	case got := <-other:
		t.Errorf("heard %q on another topic", got)
	default:
	}
	cancel()
	for range first { //nolint:revive // drained until it is closed
	}
}

func hear(t *testing.T, from <-chan string) string {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatal("nothing was heard")
		return ""
	}
}

func pace(t *testing.T, s Signals) {
	ctx := t.Context()
	const every = 10 * time.Second
	var waits []time.Duration
	for range 5 {
		wait, err := s.Pace(ctx, "post:C1", every, 3)
		must(t, err)
		waits = append(waits, wait.Round(5*time.Second))
	}
	if want := []time.Duration{0, 0, 0, every, 2 * every}; !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
	if wait, err := s.Pace(ctx, "post:C2", every, 1); err != nil || wait != 0 {
		t.Errorf("another key waits %v, %v", wait, err)
	}
	concurrentPace(t, s)
	refused(t, second(s.Pace(ctx, "k", 0, 1)))
	refused(t, second(s.Pace(ctx, "k", time.Second, 0)))
}

// concurrentPace: 40 callers at once get 40 slots, an interval apart.
func concurrentPace(t *testing.T, s Signals) {
	const every = 10 * time.Minute // so long that how fast the calls are does not matter
	waits, errs := make([]time.Duration, 40), make([]error, 40)
	var callers sync.WaitGroup
	for i := range waits {
		callers.Go(func() { waits[i], errs[i] = s.Pace(t.Context(), "crowd", every, 4) })
	}
	callers.Wait()
	must(t, errors.Join(errs...))
	slices.Sort(waits)
	for i, wait := range waits {
		if got, want := wait.Round(time.Minute), time.Duration(max(0, i-3))*every; got != want {
			t.Errorf("slot %d is %v away, want %v", i, got, want)
		}
	}
}

// second drops a value that comes with an error.
func second[T any](_ T, err error) error { return err }

func absent(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v, want not found", err)
	}
}

// refused wants an error that is no outage and no "not found": the input itself was bad.
func refused(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error %v, want a refusal", err)
	}
}

func same(t *testing.T, want, got json.RawMessage) {
	t.Helper()
	if string(want) != string(got) {
		t.Errorf("got %s, want %s", got, want)
	}
}
