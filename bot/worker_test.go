package bot

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// line is a queue with one thread in it, and what became of the thread.
type line struct {
	Turns
	Rows

	work  func(ctx context.Context) error // what is done with the thread
	renew func(n int) error
	away  int // how often Postpone finds no database

	mu        sync.Mutex
	claimed   bool
	renewed   int
	released  int
	postponed []time.Duration
	cause     error // why the work was ended
}

func (l *line) Claim(context.Context, string) (store.Claim, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.claimed {
		return store.Claim{}, store.ErrNotFound
	}
	l.claimed = true
	return store.Claim{Thread: "t", Runner: "w", Fence: 1}, nil
}

func (l *line) Renew(context.Context, store.Claim) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewed++
	if l.renew == nil {
		return nil
	}
	return l.renew(l.renewed)
}

func (l *line) Release(context.Context, store.Claim) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released++
	return nil
}

func (l *line) Postpone(_ context.Context, _ store.Claim, wait time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away > 0 {
		l.away--
		return store.ErrUnavailable
	}
	l.postponed = append(l.postponed, wait)
	return nil
}

func (l *line) OpenTurn(context.Context, store.Claim) (store.Turn, store.Received, error) {
	return store.Turn{}, store.Received{}, store.ErrNotFound
}

func (l *line) Pending(ctx context.Context, _ store.Claim) ([]store.Received, error) {
	err := l.work(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cause = context.Cause(ctx)
	return nil, err
}

// quiet is an outbox with nothing in it.
type quiet struct{ sends }

// sends are the ways of an Outbox that nothing here takes.
type sends interface {
	AddPosts(ctx context.Context, c store.Claim, posts []store.Post) error
	BeginSend(ctx context.Context, c store.Claim, postID int64) error
	Sent(ctx context.Context, c store.Claim, postID int64, ts string) error
}

func (quiet) Outbox(context.Context, store.Claim) ([]store.Post, error) { return nil, nil }

// turnOver lets a worker work on the line until the given time is over, then ends it.
func turnOver(t *testing.T, l *line, after time.Duration) {
	t.Helper()
	w := &Worker{
		Runner: "w", Queue: l, Log: zerolog.Nop(), Wake: func(context.Context) <-chan struct{} { return nil },
		Desk: &Desk{Stores: Stores{Turns: l, Rows: l, Outbox: quiet{}}},
	}
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
}

func untilEnded(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestALostLeaseEndsTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var ended time.Duration
		l := &line{renew: func(n int) error {
			if n == 2 {
				return store.ErrFenced
			}
			return nil
		}}
		l.work = func(ctx context.Context) error {
			defer func() { ended = time.Since(began) }()
			return untilEnded(ctx)
		}
		turnOver(t, l, time.Minute)
		if !errors.Is(l.cause, store.ErrFenced) || ended != 2*renewEvery {
			t.Errorf("ended after %s by %v", ended, l.cause)
		}
		if l.released != 0 || l.postponed != nil {
			t.Errorf("what another has now was given back: %d, %v", l.released, l.postponed)
		}
	})
}

func TestALeaseThatCannotBeRenewedEndsTheWorkBeforeItIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var ended time.Duration
		l := &line{renew: func(int) error { return store.ErrUnavailable }}
		l.work = func(ctx context.Context) error {
			defer func() { ended = time.Since(began) }()
			return untilEnded(ctx)
		}
		turnOver(t, l, time.Minute)
		const lease = 15 * time.Second
		if !errors.Is(l.cause, store.ErrFenced) || ended > lease || ended < 2*renewEvery {
			t.Errorf("ended after %s by %v", ended, l.cause)
		}
	})
}

func TestAShortOutageOfTheDatabaseKeepsTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{renew: func(n int) error {
			if n%2 == 1 {
				return store.ErrUnavailable
			}
			return nil
		}}
		l.work = func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(40 * time.Second):
				return nil
			}
		}
		turnOver(t, l, time.Minute)
		if l.cause != nil || l.released != 1 || l.renewed < 7 {
			t.Errorf("ended by %v, released %d, renewed %d", l.cause, l.released, l.renewed)
		}
	})
}

func TestLeftWorkIsTriedAgainInTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want time.Duration
	}{
		"an error":            {errors.New("broken"), retryAfter},
		"the database":        {store.ErrUnavailable, retryAfter},
		"Slack asks to wait":  {&Later{After: 7 * time.Second}, 7 * time.Second},
		"no time at all":      {&Later{}, time.Second},
		"an hour":             {&Later{After: time.Hour}, time.Minute},
		"inside another":      {errors.Join(errors.New("send part 1"), &Later{After: 9 * time.Second}), 9 * time.Second},
		"less than no time":   {&Later{After: -time.Second}, time.Second},
		"somebody else's now": {store.ErrFenced, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &line{work: func(context.Context) error { return c.err }}
				turnOver(t, l, 10*time.Second)
				if c.want == 0 && (l.postponed != nil || l.released != 0) || c.want != 0 && (len(l.postponed) != 1 || l.postponed[0] != c.want) {
					t.Errorf("postponed by %v, released %d; want %s", l.postponed, l.released, c.want)
				}
			})
		})
	}
}

func TestThreadIsGivenBackOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	for away, postponed := range map[int]int{6: 1, 60: 0} { // in time, and after the lease is over anyway
		synctest.Test(t, func(t *testing.T) {
			l := &line{away: away, work: func(context.Context) error { return store.ErrUnavailable }}
			turnOver(t, l, time.Minute)
			if len(l.postponed) != postponed {
				t.Errorf("after %d tries in vain: postponed %v", away, l.postponed)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			l, began := &line{away: away, work: func(context.Context) error { return store.ErrUnavailable }}, time.Now()
			turnOver(t, l, time.Second)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("the shutdown took %s", took)
			}
		})
	}
}

func TestShutdownGivesThreadsBackAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{work: untilEnded}
		turnOver(t, l, 3*time.Second)
		if l.released != 1 || l.postponed != nil {
			t.Errorf("released %d, postponed %v", l.released, l.postponed)
		}
	})
}
