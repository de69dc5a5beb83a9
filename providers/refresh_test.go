package providers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aurora/providers"
	"aurora/store"
	"aurora/store/redis"
	"aurora/store/sealed"
)

// issuer gives out tokens and counts; it can be made to refuse, to hang, or to rotate.
type issuer struct {
	mu      sync.Mutex
	calls   int
	rotates bool
	err     error
	during  func() // called while a renewal is under way
	now     func() time.Time
}

func (i *issuer) Slot(_ store.Connection, _ store.Credential, readOnly bool) (providers.Slot, error) {
	if readOnly {
		return providers.ReadSlot, nil
	}
	return providers.WideSlot, nil
}

func (i *issuer) Renew(_ context.Context, _ store.Connection, _ store.Credential, slot providers.Slot) (providers.Tokens, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls++
	if i.during != nil {
		i.during()
	}
	if i.err != nil {
		return providers.Tokens{}, i.err
	}
	t := providers.Tokens{Access: fmt.Sprintf("access-%s-%d", slot, i.calls), Expiry: i.now().Add(time.Hour), Scopes: []string{string(slot)}}
	if i.rotates {
		t.Refresh = fmt.Sprintf("refresh-%s-%d", slot, i.calls)
	}
	return t, nil
}

func (i *issuer) renewals() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls
}

// rows notes which connections broke.
type rows struct {
	mu     sync.Mutex
	broken map[string]bool
}

func (r *rows) BreakConnection(_ context.Context, c store.Connection) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken[c.ID] = true
	return nil
}

// faulty is a keeper some of whose writes go wrong.
type faulty struct {
	providers.CredentialKeeper
	puts func(write func() error) error
}

func (f *faulty) Put(ctx context.Context, path string, cred store.Credential, cas int64) (version int64, err error) {
	if f.puts == nil {
		return f.CredentialKeeper.Put(ctx, path, cred, cas)
	}
	err = f.puts(func() (err error) {
		version, err = f.CredentialKeeper.Put(ctx, path, cred, cas)
		return err
	})
	return version, err
}

const tokenPath = "kv/data/aurora/users/usr_1/gcp"

// counter is a refresher on a real sealed file and an embedded Redis, with an issuer of its own.
type counter struct {
	*providers.Refresher
	keeper *faulty
	leases *redis.DB
	issuer *issuer
	rows   *rows
	conn   store.Connection
	began  time.Time
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	file, err := sealed.Open(sealed.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	leases, err := redis.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = leases.Close() })
	c := &counter{keeper: &faulty{CredentialKeeper: file}, leases: leases, rows: &rows{broken: map[string]bool{}}, began: time.Now()}
	c.issuer = &issuer{now: func() time.Time { return c.began }}
	c.conn = store.Connection{ID: "con_1", OrgID: "org_1", UserID: "usr_1", Cloud: store.GCP, Account: "ada@example.com", Token: "vault:" + tokenPath}
	c.Refresher = &providers.Refresher{
		Keeper: c.keeper, Leases: leases, Breaker: c.rows, Renewers: map[store.Cloud]providers.Renewer{store.GCP: c.issuer}, Now: func() time.Time { return c.began },
	}
	return c
}

// kept puts a credential whose two access tokens last so long.
func (c *counter) kept(t *testing.T, left time.Duration) {
	t.Helper()
	cred := store.NewCredential(map[string]string{"kind": providers.KindOAuth, "email": "ada@example.com", "subject": "1", "client_id": "c", "private_key": "none"})
	for _, slot := range []providers.Slot{providers.ReadSlot, providers.WideSlot} {
		cred = providers.WithTokens(cred, slot, providers.Tokens{
			Access: "old-access-" + string(slot), Refresh: "old-refresh-" + string(slot), Expiry: c.began.Add(left), Scopes: []string{"s"},
		})
	}
	_, version, err := c.keeper.Get(t.Context(), tokenPath)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := c.keeper.CredentialKeeper.Put(t.Context(), tokenPath, cred, version); err != nil {
		t.Fatal(err)
	}
}

func (c *counter) fresh(t *testing.T, readOnly bool) string {
	t.Helper()
	cred, err := c.Fresh(t.Context(), c.conn, readOnly)
	if err != nil {
		t.Fatal(err)
	}
	return cred.Get("access_token")
}

func (c *counter) tokens(t *testing.T, slot providers.Slot) providers.Tokens {
	t.Helper()
	cred, _, err := c.keeper.Get(t.Context(), tokenPath)
	if err != nil {
		t.Fatal(err)
	}
	tokens, _ := providers.TokensOf(cred, slot)
	return tokens
}

func problemOf(t testing.TB, err error) *providers.Problem {
	t.Helper()
	var p *providers.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%v is no problem", err)
	}
	return p
}

func TestARunHoldsOneAccessTokenAndNothingElse(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.kept(t, time.Hour)
	for _, readOnly := range []bool{true, false} {
		cred, err := c.Fresh(t.Context(), c.conn, readOnly)
		if err != nil {
			t.Fatal(err)
		}
		slot := map[bool]string{true: "read", false: "wide"}[readOnly]
		want := map[string]string{
			"access_token": "old-access-" + slot, "scopes": "s", "expiry": c.began.Add(time.Hour).UTC().Format(time.RFC3339Nano),
			"email": "ada@example.com", "kind": "oauth", "subject": "1", "client_id": "c",
		}
		got := cred.Reveal()
		for name := range got {
			if strings.HasPrefix(name, "read_") || strings.HasPrefix(name, "wide_") {
				if strings.Contains(name, "token") {
					t.Errorf("a run with readOnly %t holds %s", readOnly, name)
				}
				delete(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("readOnly %t: %s", readOnly, diff)
		}
	}
	if c.issuer.renewals() != 0 {
		t.Error("a token that lasts was renewed")
	}
}

func TestATokenIsRenewedFiveMinutesEarly(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]int{5*time.Minute + time.Second: 0, 5*time.Minute - time.Second: 1, 0: 1, -time.Hour: 1} {
		c := newCounter(t)
		c.kept(t, left)
		c.fresh(t, true)
		if got := c.issuer.renewals(); got != want {
			t.Errorf("with %s left it was renewed %d times, want %d", left, got, want)
		}
	}
}

func TestARotatedTokenIsKeptBeforeTheAccessTokenIsUsed(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.issuer.rotates = true
	c.kept(t, 0)
	if got := c.fresh(t, true); got != "access-read-1" {
		t.Fatalf("the run got %s", got)
	}
	if got := c.tokens(t, providers.ReadSlot); got.Refresh != "refresh-read-1" || got.Access != "access-read-1" {
		t.Errorf("kept: %s, %s", got.Access, got.Refresh)
	}
	if got := c.tokens(t, providers.WideSlot); got.Refresh != "old-refresh-wide" || got.Access != "old-access-wide" {
		t.Error("the other slot was touched")
	}
	c.keeper.puts = func(func() error) error { return errors.New("refused for good") }
	_, err := c.Fresh(t.Context(), c.conn, false)
	if p := problemOf(t, err); p.Code != providers.CodeUnavailable || p.Broken {
		t.Errorf("what could not be kept was given out: %v", err)
	}
}

func TestTheOldRefreshTokenStaysWhereNoneComes(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.kept(t, 0)
	c.fresh(t, true)
	if got := c.tokens(t, providers.ReadSlot); got.Refresh != "old-refresh-read" || got.Access != "access-read-1" {
		t.Errorf("kept: %s, %s", got.Access, got.Refresh)
	}
}

func TestOfManyOneRenews(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.issuer.rotates = true
	c.kept(t, 0)
	second := *c.Refresher // another replica on the same stores
	got := make([]string, 60)
	var callers sync.WaitGroup
	for i := range got {
		callers.Go(func() {
			r := []*providers.Refresher{c.Refresher, &second}[i%2]
			cred, err := r.Fresh(t.Context(), c.conn, true)
			if err != nil {
				t.Error(err)
			}
			got[i] = cred.Get("access_token")
		})
	}
	callers.Wait()
	for _, token := range got {
		if token != "access-read-1" {
			t.Fatalf("a caller got %q", token)
		}
	}
	if n := c.issuer.renewals(); n != 1 {
		t.Errorf("%d renewals", n)
	}
}

func TestNobodyWaitsWhileTheOldTokenLasts(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.kept(t, 4*time.Minute)
	lease, err := c.leases.TakeLease(t.Context(), "refresh:"+tokenPath, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.fresh(t, true); got != "old-access-read" || c.issuer.renewals() != 0 {
		t.Errorf("the run got %s after %d renewals", got, c.issuer.renewals())
	}
	if err := c.leases.GiveLease(t.Context(), "refresh:"+tokenPath, lease); err != nil {
		t.Fatal(err)
	}
	if got := c.fresh(t, true); got != "access-read-1" {
		t.Errorf("with the lease free the run got %s", got)
	}
	c.kept(t, 4*time.Minute)
	if err := c.leases.Close(); err != nil { // Redis away
		t.Fatal(err)
	}
	if got := c.fresh(t, true); got != "old-access-read" {
		t.Errorf("without Redis the run got %s", got)
	}
	c.kept(t, 0)
	_, err = c.Fresh(t.Context(), c.conn, true)
	if p := problemOf(t, err); p.Code != providers.CodeUnavailable || p.Broken || c.issuer.renewals() != 1 {
		t.Errorf("without Redis and a token: %v after %d renewals", err, c.issuer.renewals())
	}
}

func TestACloudThatIsDownIsLeftInPeace(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.issuer.err = &providers.Problem{Code: providers.CodeUnavailable, Sentence: "Google cannot be reached right now."}
	c.kept(t, 4*time.Minute)
	for range 3 {
		if got := c.fresh(t, true); got != "old-access-read" {
			t.Errorf("the run got %s", got)
		}
	}
	if n := c.issuer.renewals(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	d := newCounter(t)
	d.issuer.err = c.issuer.err
	d.kept(t, 0)
	_, err := d.Fresh(t.Context(), d.conn, true)
	if p := problemOf(t, err); p.Code != providers.CodeUnavailable || p.Broken || d.rows.broken["con_1"] {
		t.Errorf("%v", err)
	}
	d.issuer.err = nil
	if got := d.fresh(t, true); got != "access-read-2" {
		t.Errorf("once it is back the run got %s", got)
	}
}

func TestASignInThatWasTakenBackIsMarked(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.issuer.err = &providers.Problem{Code: providers.CodeExpired, Broken: true, Sentence: "It has ended: connect again."}
	c.kept(t, 0)
	for i := range 2 {
		_, err := c.Fresh(t.Context(), c.conn, true)
		if p := problemOf(t, err); !p.Broken || p.Sentence != "It has ended: connect again." {
			t.Errorf("time %d: %+v", i, p)
		}
	}
	if !c.rows.broken["con_1"] {
		t.Error("the connection is not marked")
	}
}

func TestAnotherSignInMeanwhileWins(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.kept(t, 0)
	anew := func() {
		cred, version, err := c.keeper.Get(t.Context(), tokenPath)
		if err != nil {
			t.Error(err)
		}
		cred = providers.WithTokens(cred, providers.ReadSlot, providers.Tokens{Access: "anew", Refresh: "anew-refresh", Expiry: c.began.Add(time.Hour)})
		if _, err := c.keeper.CredentialKeeper.Put(t.Context(), tokenPath, cred, version); err != nil {
			t.Error(err)
		}
	}
	c.issuer.during = anew
	c.issuer.err = &providers.Problem{Code: providers.CodeExpired, Broken: true, Sentence: "It has ended."}
	if got := c.fresh(t, true); got != "anew" || c.rows.broken["con_1"] {
		t.Errorf("after a refusal of the old one the run got %s", got)
	}
	c.kept(t, 0)
	c.issuer.err, c.issuer.rotates = nil, true
	if got := c.fresh(t, true); got != "anew" || c.tokens(t, providers.ReadSlot).Refresh != "anew-refresh" {
		t.Errorf("after the old one was renewed the run got %s", got)
	}
}

func TestWhatElseChangedMeanwhileStays(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.issuer.rotates = true
	c.kept(t, 0)
	c.issuer.during = func() {
		cred, version, err := c.keeper.Get(t.Context(), tokenPath)
		if err != nil {
			t.Error(err)
		}
		cred = providers.WithTokens(cred, providers.WideSlot, providers.Tokens{Access: "wide-anew", Refresh: "wide-refresh", Expiry: c.began.Add(time.Hour)})
		if _, err := c.keeper.CredentialKeeper.Put(t.Context(), tokenPath, cred, version); err != nil {
			t.Error(err)
		}
	}
	if got := c.fresh(t, true); got != "access-read-1" {
		t.Errorf("the run got %s", got)
	}
	if read, wide := c.tokens(t, providers.ReadSlot), c.tokens(t, providers.WideSlot); read.Refresh != "refresh-read-1" || wide.Access != "wide-anew" {
		t.Errorf("kept: %s and %s", read.Refresh, wide.Access)
	}
}

func TestALostWriteIsMadeAgain(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(n int, write func() error) error{
		"away three times": func(n int, write func() error) error {
			if n < 3 {
				return store.ErrUnavailable
			}
			return write()
		},
		"written, the answer lost": func(n int, write func() error) error {
			if err := write(); err != nil || n > 0 {
				return err
			}
			return store.ErrUnavailable
		},
	} {
		c := newCounter(t)
		c.issuer.rotates = true
		c.kept(t, 0)
		n := -1
		c.keeper.puts = func(write func() error) error { n++; return trouble(n, write) }
		if got := c.fresh(t, true); got != "access-read-1" || c.tokens(t, providers.ReadSlot).Refresh != "refresh-read-1" || c.issuer.renewals() != 1 {
			t.Errorf("%s: the run got %s after %d renewals", name, got, c.issuer.renewals())
		}
	}
}

func TestARefreshIsFinishedThoughTheCallerIsGone(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.issuer.rotates = true
	c.kept(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	c.issuer.during = cancel
	_, _ = c.Fresh(ctx, c.conn, true) // what the caller hears does not matter
	if got := c.tokens(t, providers.ReadSlot); got.Refresh != "refresh-read-1" {
		t.Errorf("kept: %s", got.Refresh)
	}
}

func TestWhatHoldsNoSlotsIsUsedAsItIsKept(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	want := map[string]string{"access_token": "pasted", "email": "ada@example.com"}
	if _, err := c.keeper.Put(t.Context(), tokenPath, store.NewCredential(want), 0); err != nil {
		t.Fatal(err)
	}
	cred, err := c.Fresh(t.Context(), c.conn, true)
	if diff := cmp.Diff(want, cred.Reveal()); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	absent := c.conn
	absent.Token = "vault:" + tokenPath + "/other"
	_, err = c.Fresh(t.Context(), absent, true)
	if p := problemOf(t, err); p.Code != providers.CodeExpired || !p.Broken {
		t.Errorf("%v", err)
	}
}
