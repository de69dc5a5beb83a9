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

	"aurora/store"
)

// readyTime bounds all looks of one answer together: they are taken side by side.
const readyTime = 2 * time.Second

// dependency is something Aurora cannot work without, or not as well.
type dependency struct {
	name  string
	vital bool // without it this replica takes no work
	look  func(ctx context.Context) error
}

// dependencies are all of them, in the order they are told. The model is not vital, nor is a replica of Redis,
// for which confirmations wait: an Aurora that is taken out because of them could not even say so, while typed commands, verbs and clicks work without one.
func (a *app) dependencies() []dependency {
	database, memory, credentials := "postgresql", "redis", "vault"
	if a.config.embedded() {
		database, memory, credentials = "database file", "memory", "credentials file"
	}
	all := []dependency{
		{database, true, a.stores.sql.Ready}, {memory, true, a.stores.redis.Ready}, {credentials, true, a.stores.keeper.Ready},
		{"slack", true, func(context.Context) error { return a.slack.Ready() }},
	}
	if a.stores.redis.Replicated() {
		all = append(all, dependency{"redis replica", false, a.stores.redis.InStep})
	}
	if a.brain != nil {
		all = append(all, dependency{"model", false, a.brain.Ready})
	}
	return all
}

// serveReady answers 200 when this replica takes work and 503 when it does not, in both cases with a line for each thing
// it depends on.
func serveReady(all []dependency) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		found := make([]error, len(all))
		var looking sync.WaitGroup
		for i, d := range all {
			looking.Go(func() { found[i] = d.look(ctx) })
		}
		looking.Wait()
		status, word, lines := http.StatusOK, "ready", make([]string, len(all))
		for i, d := range all {
			lines[i] = d.name + ": " + state(found[i])
			switch {
			case found[i] == nil:
			case d.vital:
				status, word = http.StatusServiceUnavailable, "not ready"
			case status == http.StatusOK:
				word = "ready, but not for everything"
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, word+"\n"+strings.Join(lines, "\n")+"\n")
	}
}

// state says in one line how a dependency is. What follows in brackets is the cause, for whoever mends it.
func state(err error) string {
	trouble, ok := errors.AsType[*store.Trouble](err)
	switch {
	case err == nil:
		return "ok"
	case ok && trouble.Err == nil:
		return trouble.Advice
	case ok:
		return fmt.Sprintf("%s (%s)", trouble.Advice, cause(trouble.Err))
	case errors.Is(err, context.DeadlineExceeded):
		return "does not answer in time"
	case errors.Is(err, store.ErrUnavailable):
		return fmt.Sprintf("cannot be reached (%s)", cause(err))
	}
	return cause(err)
}
