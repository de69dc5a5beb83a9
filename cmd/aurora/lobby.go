package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"aurora/store"
)

// How long serve waits for stores that are away when it starts, and between two looks. A machine that starts everything
// at once starts Aurora before its database, and supervisors give up on what ends at once several times; afterwards one
// should see that it does not come up.
const (
	lobbyPatience = 20 * time.Second
	lobbyFirst    = 250 * time.Millisecond
	lobbyPause    = 2 * time.Second
)

// lobby is where serve waits. Meanwhile healthz says that it lives, and readyz for what it waits.
type lobby struct {
	log zerolog.Logger
	mu  sync.Mutex
	why error
}

// awaitStores opens the stores. Those that are merely away are waited for; what only a person can mend ends it at once.
func awaitStores(ctx context.Context, c config, log zerolog.Logger) (*stores, error) {
	s, err := openStores(ctx, c)
	if err == nil || !passing(err) || ctx.Err() != nil {
		return s, err
	}
	door, taken := listen(ctx, "AURORA_OPS_LISTEN", c.OpsListen)
	if taken != nil {
		return nil, errors.Join(err, taken)
	}
	l := &lobby{log: log, why: err}
	open, shut := context.WithCancel(ctx)
	var answering sync.WaitGroup
	answering.Go(func() { _ = serveHTTP(open, door, l) })
	defer answering.Wait()
	defer shut()
	return l.wait(ctx, c)
}

// wait looks again and again, until the stores can be opened or patience is over.
func (l *lobby) wait(ctx context.Context, c config) (*stores, error) {
	l.log.Warn().Str("why", oneLine(l.why)).Dur("patience", lobbyPatience).Msg("waiting for the stores")
	for began, pause := time.Now(), lobbyFirst; ; pause = min(2*pause, lobbyPause) {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		case <-timer.C:
		}
		s, err := openStores(ctx, c)
		if err == nil || !passing(err) || time.Since(began) > lobbyPatience {
			return s, err
		}
		l.mu.Lock()
		l.why = err
		l.mu.Unlock()
	}
}

// ServeHTTP answers whoever asks how the start goes.
func (l *lobby) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.URL.Path == "/healthz" {
		_, _ = io.WriteString(w, "ok\n")
		return
	}
	l.mu.Lock()
	why := l.why
	l.mu.Unlock()
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, "not ready\n")
	for _, err := range parts(why) {
		if u, ok := errors.AsType[*unopenedError](err); ok {
			_, _ = fmt.Fprintf(w, "%s: %s\n", strings.ToLower(u.what), state(u.err))
		}
	}
}

// passing tells whether all that keeps the stores from being opened may pass by itself. A password that Redis does not
// take will not.
func passing(err error) bool {
	for _, part := range parts(err) {
		u, ok := errors.AsType[*unopenedError](part)
		if !ok || !errors.Is(u.err, store.ErrUnavailable) {
			return false
		}
		for _, refusal := range []string{"WRONGPASS", "NOAUTH", "NOPERM"} {
			if strings.Contains(u.err.Error(), refusal) {
				return false
			}
		}
	}
	return true
}

// parts takes joined errors apart.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // the joint itself is looked for, not what it holds
	if !ok {
		return []error{err}
	}
	var all []error
	for _, part := range joined.Unwrap() {
		all = append(all, parts(part)...)
	}
	return all
}

func oneLine(err error) string { return strings.Join(strings.Split(err.Error(), "\n"), "; ") }
