package providers

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aurora/store"
)

// wild is a cloud without a CLI whose calls do what a test wants.
type wild func(context.Context) (Output, error)

func (w wild) Call(ctx context.Context, _ SessionAsk, _ []string) (Output, error) { return w(ctx) }

func (b *bench) direct(call wild) { b.Direct = map[store.Cloud]Direct{store.Tailscale: call} }

func TestPanicWhileACommandRunsIsItsOutcome(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.connect(store.Tailscale, "c1", "a.example")
	b.connect(store.Tailscale, "c2", "b.example")
	var n atomic.Int32
	b.direct(func(context.Context) (Output, error) {
		if n.Add(1) == 1 {
			panic("index out of range")
		}
		return Output{Stdout: []byte("fine")}, nil
	})
	r := b.Run(t.Context(), ask("tailscale devices list", store.Ask))
	broken := 0
	for _, s := range r.Sections {
		if s.Code == CodeLost && s.Fault != nil {
			broken++
		}
	}
	if r.Status != StatusOK || broken != 1 || b.ledger.outcomes != 2 || !strings.Contains(r.Output, "fine") {
		t.Errorf("%+v, %d outcomes", r, b.ledger.outcomes)
	}
}

func TestAChangeWithoutAnAnswerMayHaveTakenEffect(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.connect(store.Tailscale, "c1", "a.example")
	b.direct(func(context.Context) (Output, error) {
		return Output{Stderr: []byte("cut off"), ExitCode: 1}, ErrNoAnswer
	})
	r := b.Run(t.Context(), ask("tailscale devices rename n1 web-9", store.Agent))
	wantCode(t, r, CodeLost, "gave no usable answer", "It may have taken effect", "tailscale devices list")
	if r.Status != StatusFailed || !strings.Contains(r.Output, "cut off") || b.ledger.told() != 1 {
		t.Errorf("%+v", r)
	}
}

func TestOutcomeIsWrittenOnceTheDatabaseIsBack(t *testing.T) {
	b := newBench(t, "")
	b.connect(store.Tailscale, "c1", "a.example")
	b.direct(func(context.Context) (Output, error) { return Output{Stdout: []byte("fine")}, nil })
	synctest.Test(t, func(t *testing.T) {
		slow := &lateIntents{ledger: b.ledger, until: time.Now().Add(time.Minute)}
		b.Intents = slow
		r := b.Run(t.Context(), ask("tailscale devices list", store.Ask))
		if r.Status != StatusOK || !strings.Contains(r.Error, "could not be written down yet") || b.ledger.told() != 0 {
			t.Fatalf("%+v, %d outcomes", r, b.ledger.told())
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := b.ledger.told(); n != 1 {
			t.Errorf("%d outcomes after the database came back", n)
		}
	})
}

// told is how many outcomes were written down.
func (l *ledger) told() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.outcomes
}

// lateIntents takes outcomes from a certain time on.
type lateIntents struct {
	*ledger
	until time.Time
}

func (l *lateIntents) FinishIntent(ctx context.Context, id string, outcome json.RawMessage) error {
	if time.Now().Before(l.until) {
		return store.ErrUnavailable
	}
	return l.ledger.FinishIntent(ctx, id, outcome)
}

func TestProcessesAreBoundedOverAllTurns(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.connect(store.AWS, "c1", "111111111111")
	b.room = make(chan struct{}, 1)
	b.room <- struct{}{}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(context.Canceled)
	wantCode(t, b.Run(ctx, ask("aws ec2 describe-instances", store.Ask)), CodeCancelled, "nothing ran")
	b.nothingRan(t)
	<-b.room
	if r := b.Run(t.Context(), ask("aws ec2 describe-instances", store.Ask)); r.Status != StatusOK || len(b.room) != 0 {
		t.Errorf("with room: %+v; %d places are still taken", r, len(b.room))
	}
	if _, err := b.enter(ctx, job{confirmation: "conf_1/0"}); err != nil || errors.Is(err, context.Canceled) {
		t.Errorf("a click waits for room: %v", err)
	}
}
