package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aurora/store"
)

// Renewer is a cloud whose access tokens end.
type Renewer interface {
	// Slot says which tokens a run takes. A credential without fitting ones is a *Problem.
	Slot(conn store.Connection, cred store.Credential, readOnly bool) (Slot, error)
	// Renew gets the slot a new access token. An empty Tokens.Refresh means that the old one goes on working. Whatever
	// goes wrong is a *Problem.
	Renew(ctx context.Context, conn store.Connection, cred store.Credential, slot Slot) (Tokens, error)
}

// CredentialKeeper keeps credentials with check-and-set.
type CredentialKeeper interface {
	Get(ctx context.Context, path string) (store.Credential, int64, error)
	Put(ctx context.Context, path string, cred store.Credential, cas int64) (int64, error)
}

// Leases let one process of all do a thing.
type Leases interface {
	// TakeLease gives a token, or store.ErrConflict while another process has the lease.
	TakeLease(ctx context.Context, name string, ttl time.Duration) (token string, err error)
	// GiveLease gives it back. One that has ended or is another's stays as it is.
	GiveLease(ctx context.Context, name, token string) error
}

// Breaker marks connections that only a new sign-in mends.
type Breaker interface {
	// BreakConnection marks the connection and sees to it that whoever can mend it is told, once. A newer generation is
	// left alone.
	BreakConnection(ctx context.Context, c store.Connection) error
}

// Refresher gives runs a credential with an access token that lasts. Over all processes one refreshes a connection at a
// time: it alone has the lease, reads the credential again, and writes with check-and-set what the cloud gave before
// anybody uses it. It keeps nothing in memory.
type Refresher struct {
	Keeper   CredentialKeeper
	Leases   Leases
	Breaker  Breaker
	Renewers map[store.Cloud]Renewer
	Now      func() time.Time // nil for time.Now
}

const (
	refreshEarly = 5 * time.Minute  // before its end a token is replaced
	leastLeft    = time.Minute      // a run may take some minutes: with less left a token is not given out
	leaseTime    = time.Minute      // longer than renewing and keeping may take together
	renewTime    = 20 * time.Second // for the cloud's answer
	keepTime     = 25 * time.Second // for writing down what it gave
	othersTime   = 40 * time.Second // how long another process is waited for
	lookAgain    = 100 * time.Millisecond
)

// renewal is one connection's tokens on their way to being replaced.
type renewal struct {
	conn    store.Connection
	path    string
	renewer Renewer
	slot    Slot
}

// Fresh reads the connection's credential, refreshes what is about to end, and gives what one run may hold. What keeps it
// from that is a *Problem.
func (r *Refresher) Fresh(ctx context.Context, conn store.Connection, readOnly bool) (store.Credential, error) {
	w := renewal{conn: conn, path: strings.TrimPrefix(conn.Token, "vault:"), renewer: r.Renewers[conn.Cloud]}
	cred, _, err := r.read(ctx, w)
	if err != nil {
		return store.Credential{}, err
	}
	if w.renewer == nil || cred.Get("kind") == "" {
		return cred, nil
	}
	if w.slot, err = w.renewer.Slot(conn, cred, readOnly); err != nil {
		return store.Credential{}, err
	}
	if !r.due(cred, w.slot) {
		return narrow(cred, w.slot), nil
	}
	return r.takeTurn(ctx, w, cred)
}

func (r *Refresher) read(ctx context.Context, w renewal) (store.Credential, int64, error) {
	cred, version, err := r.Keeper.Get(ctx, w.path)
	if errors.Is(err, store.ErrNotFound) {
		return store.Credential{}, 0, credentialGone(w.conn, err)
	}
	if err != nil {
		return store.Credential{}, 0, keeperAway(err)
	}
	return cred, version, nil
}

func credentialGone(c store.Connection, err error) error {
	return &Problem{Code: CodeExpired, Broken: true, Err: err,
		Sentence: "The credential of " + label(c) + " is gone: " + Mend(c) + "."}
}

// keeperAway says why the keeper of credentials gave none, and what to do.
func keeperAway(err error) error {
	trouble, ok := errors.AsType[*store.Trouble](err)
	if !ok {
		trouble = &store.Trouble{Kind: store.TroubleUnreachable}
	}
	return &Problem{Code: CodeUnavailable, Err: err, Sentence: "Nothing ran. " + trouble.Sentence()}
}

func (r *Refresher) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *Refresher) due(cred store.Credential, slot Slot) bool {
	return r.left(cred, slot) < refreshEarly
}

func (r *Refresher) left(cred store.Credential, slot Slot) time.Duration {
	t, _ := TokensOf(cred, slot)
	if t.Access == "" {
		return 0
	}
	return t.Expiry.Sub(r.now())
}

// takeTurn refreshes, or lets another process do it. Nobody waits for that while the old access token still lasts.
func (r *Refresher) takeTurn(ctx context.Context, w renewal, cred store.Credential) (store.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, othersTime)
	defer cancel()
	for {
		lease, err := r.Leases.TakeLease(ctx, leaseName(w.path), leaseTime)
		if err == nil {
			return r.refresh(ctx, w, lease)
		}
		if r.left(cred, w.slot) >= leastLeft {
			return narrow(cred, w.slot), nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return store.Credential{}, &Problem{Code: CodeUnavailable, Err: err,
				Sentence: "The sign-in of " + label(w.conn) + " must be renewed and Aurora's short-term memory is away, so nothing ran. Try again in a minute."}
		}
		if !pause(ctx, lookAgain) {
			return store.Credential{}, &Problem{Code: CodeUnavailable, Err: ctx.Err(),
				Sentence: "The sign-in of " + label(w.conn) + " is being renewed and that takes unusually long, so nothing ran. Try again in a minute."}
		}
		if cred, _, err = r.read(ctx, w); err != nil {
			return store.Credential{}, err
		}
		if !r.due(cred, w.slot) {
			return narrow(cred, w.slot), nil
		}
	}
}

func leaseName(path string) string { return "refresh:" + path }

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// refresh does it, with the lease in hand. Once begun it is finished whatever becomes of the caller: a rotated refresh
// token that is not written down is lost, and with it the sign-in.
func (r *Refresher) refresh(ctx context.Context, w renewal, lease string) (store.Credential, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTime)
	defer cancel()
	give := true
	defer func() {
		if give {
			_ = r.Leases.GiveLease(ctx, leaseName(w.path), lease) // it ends by itself
		}
	}()
	cred, version, err := r.read(ctx, w)
	if err != nil {
		return store.Credential{}, err
	}
	if !r.due(cred, w.slot) { // another did it between our look and the lease
		return narrow(cred, w.slot), nil
	}
	renewing, done := context.WithTimeout(ctx, renewTime)
	tokens, err := w.renewer.Renew(renewing, w.conn, cred, w.slot)
	done()
	var p *Problem
	switch {
	case err == nil:
		return r.keep(ctx, w, cred, version, tokens)
	case errors.As(err, &p) && p.Broken:
		return r.broken(ctx, w, cred, p)
	case r.left(cred, w.slot) >= leastLeft:
		give = false // until the lease ends all use the old token and leave the cloud in peace
		return narrow(cred, w.slot), nil
	}
	return store.Credential{}, err
}

// broken looks whether the credential was replaced meanwhile before it takes the cloud's word for final.
func (r *Refresher) broken(ctx context.Context, w renewal, tried store.Credential, p *Problem) (store.Credential, error) {
	now, _, err := r.read(ctx, w)
	if err != nil {
		return store.Credential{}, err
	}
	if !sameSource(now, tried, w.slot) && !r.due(now, w.slot) {
		return narrow(now, w.slot), nil
	}
	marked := *p
	if err := r.Breaker.BreakConnection(ctx, w.conn); err != nil {
		marked.Err = errors.Join(p.Err, fmt.Errorf("mark the connection as broken: %w", err))
	}
	return store.Credential{}, &marked
}

// sameSource tells whether two versions of a credential get their access tokens from the same sign-in.
func sameSource(a, b store.Credential, slot Slot) bool {
	for _, name := range []string{"kind", "reader_account", "operator_account"} {
		if a.Get(name) != b.Get(name) {
			return false
		}
	}
	ta, _ := TokensOf(a, slot)
	tb, _ := TokensOf(b, slot)
	return ta.Refresh == tb.Refresh && a.Get("private_key") == b.Get("private_key") && a.Get("client_id") == b.Get("client_id")
}

// keep writes the new tokens down, and only then gives them out.
func (r *Refresher) keep(ctx context.Context, w renewal, cred store.Credential, version int64, fresh Tokens) (store.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	old, _ := TokensOf(cred, w.slot)
	if fresh.Refresh == "" {
		fresh.Refresh = old.Refresh
	}
	for {
		next := WithTokens(cred, w.slot, fresh)
		_, err := r.Keeper.Put(ctx, w.path, next, version)
		if err == nil {
			return narrow(next, w.slot), nil
		}
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrUnavailable) || !pause(ctx, lookAgain) {
			return store.Credential{}, keeperAway(err)
		}
		now, at, err := r.Keeper.Get(ctx, w.path)
		if errors.Is(err, store.ErrNotFound) {
			return store.Credential{}, credentialGone(w.conn, err)
		}
		if err != nil {
			continue // away: the same write once more, until the time is over
		}
		if held, _ := TokensOf(now, w.slot); held.Access == fresh.Access { // our write was made and its answer lost
			return narrow(now, w.slot), nil
		}
		if !sameSource(now, cred, w.slot) { // somebody signed in anew: nothing of the old goes into that
			if r.due(now, w.slot) {
				return store.Credential{}, &Problem{Code: CodeUnavailable, Sentence: "The connection was made anew in this very moment, so nothing ran. Try again."}
			}
			return narrow(now, w.slot), nil
		}
		cred, version = now, at
	}
}
