package slack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	firstWait = 50 * time.Millisecond
	longWait  = 30 * time.Second
	drainTime = 2 * time.Second
	writeTime = 100 * time.Millisecond // for acknowledgements slack-go has queued; it does not tell when they are written
)

// Run keeps the sockets until ctx ends (nil is returned then) or Slack says that the tokens are no good, which only a
// person can change. It is called once.
func (a *Adapter) Run(ctx context.Context) error {
	if err := a.config.check(); err != nil {
		return err
	}
	if err := a.introduce(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	// Sockets outlive ctx for a moment: what was already taken is still acknowledged.
	sockets, hangUp := context.WithCancelCause(context.WithoutCancel(ctx))
	defer hangUp(nil)
	a.line.watch(a.config.Silence, a.alarm)
	defer a.line.unwatch()
	var open sync.WaitGroup
	for range a.config.Sockets {
		open.Go(func() { a.keepSocket(sockets, hangUp) })
	}
	select {
	case <-ctx.Done():
		a.intake.close()
		a.intake.drain(drainTime)
		sleep(sockets, writeTime)
	case <-sockets.Done():
	case err := <-a.over:
		a.intake.close()
		a.intake.drain(drainTime)
		sleep(sockets, writeTime)
		hangUp(err)
	}
	hangUp(nil)
	open.Wait()
	a.intake.drain(drainTime)
	a.aside.drain(apiTimeout)
	a.homes.room.close()
	a.homes.room.drain(drainTime)
	return unlessEnded(ctx, fatalCause(sockets))
}

// giveUp ends Run with err: what it says only a person can mend. The first one counts.
func (a *Adapter) giveUp(err error) {
	select {
	case a.over <- err:
	default:
	}
}

func fatalCause(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// introduce finds out who the bot is, as long as it takes.
func (a *Adapter) introduce(ctx context.Context) error {
	var wait backoff
	for {
		_, err := a.whoAmI(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if fatal := explainFatal(err, "SLACK_BOT_TOKEN"); fatal != nil {
			return fatal
		}
		pause := wait.next(err)
		a.config.Log.Warn().Str("why", safe(err)).Dur("again_in", pause).Msg("Slack cannot be reached")
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// keepSocket connects again and again. The wait grows until a hello was seen.
func (a *Adapter) keepSocket(ctx context.Context, hangUp context.CancelCauseFunc) {
	var wait backoff
	for {
		greeted, err := a.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		if fatal := explainFatal(err, "SLACK_APP_TOKEN"); fatal != nil {
			hangUp(fatal)
			return
		}
		if greeted {
			wait = backoff{}
		}
		if slackWord(err) == "link_disabled" && a.line.refused() {
			a.config.Log.Error().Msg("Slack cannot be heard: " + errOff.Error())
		}
		pause := wait.next(err)
		a.config.Log.Info().Str("why", safe(err)).Bool("had_hello", greeted).Dur("again_in", pause).Msg("a Slack socket ended")
		if !sleep(ctx, pause) {
			return
		}
	}
}

// backoff doubles its waits from firstWait to longWait, each with jitter so that replicas spread out.
type backoff struct{ tries int }

func (b *backoff) next(err error) time.Duration {
	wait := longWait
	if b.tries < 12 {
		wait = min(longWait, firstWait<<b.tries)
	}
	b.tries++
	wait = wait/2 + rand.N(wait/2+1) //nolint:gosec // spreads load, guards nothing
	return max(wait, retryAfter(err))
}

// sleep tells whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// alarm is told that no socket was there for too long.
func (a *Adapter) alarm() {
	a.config.Log.Error().Dur("silence", a.config.Silence).Msg("Slack has not been heard for too long: " + errDeaf.Error())
}

// errOff needs no patience: Slack says it itself, and nothing comes until a person turns it on again.
var errOff = errors.New("the app's Socket Mode is turned off; turn it on under Socket Mode in its settings")

var errDeaf = errors.New("no Socket Mode connection; check that Socket Mode is turned on for the app and that no other process holds its 10 sockets")

// Ready tells whether Slack can be heard: nil once a socket had its hello, and until none was open for Config.Silence or
// Slack said that Socket Mode is turned off. The error says what to look at.
func (a *Adapter) Ready() error {
	if err := a.line.ready(a.config.Silence); err != nil {
		return fmt.Errorf("listen to Slack: %w", err)
	}
	return nil
}

// line is how the connection to Slack stands.
type line struct {
	mu    sync.Mutex
	open  int
	heard bool
	off   bool      // Slack refused the last socket because Socket Mode is turned off
	since time.Time // when the last open socket was lost
	bell  *time.Timer
}

func (l *line) watch(silence time.Duration, alarm func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bell = time.AfterFunc(silence, func() {
		l.mu.Lock()
		deaf := l.open == 0
		l.mu.Unlock()
		if deaf {
			alarm()
		}
	})
}

func (l *line) unwatch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bell.Stop()
}

func (l *line) up() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	l.heard, l.off = true, false
}

// refused notes that Slack lets nobody listen any more; news tells whether that was not known.
func (l *line) refused() (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	news, l.off = !l.off, true
	return news
}

func (l *line) down(silence time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.open == 0 {
		l.since = time.Now()
		l.bell.Reset(silence)
	}
}

func (l *line) ready(silence time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off && l.open == 0 {
		return errOff
	}
	if !l.heard {
		return errors.New("no hello yet: no socket is open")
	}
	if l.open == 0 && time.Since(l.since) > silence {
		return errDeaf
	}
	return nil
}

func (l *line) sockets() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}
