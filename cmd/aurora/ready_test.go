package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aurora/agent"
	"aurora/store"
)

func TestReadyzNamesWhatIsAway(t *testing.T) {
	t.Parallel()
	is := func(name string, vital bool, err error) dependency {
		return dependency{name, vital, func(context.Context) error { return err }}
	}
	well, model := is("redis", true, nil), is("model", false, errors.New("It cannot be reached."))
	hangs := dependency{"postgresql", true, func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
	}}
	sealed := fmt.Errorf("use Vault: %w", &store.Trouble{Kind: store.TroubleSealed, Advice: "Vault is sealed: unseal it"})
	for name, c := range map[string]struct {
		all    []dependency
		status int
		body   string
	}{
		"all well":           {[]dependency{well}, http.StatusOK, "ready\nredis: ok\n"},
		"the model is away":  {[]dependency{well, model}, http.StatusOK, "ready, but not for everything\nredis: ok\nmodel: It cannot be reached.\n"},
		"Vault is sealed":    {[]dependency{model, is("vault", true, sealed)}, http.StatusServiceUnavailable, "not ready\nmodel: It cannot be reached.\nvault: Vault is sealed: unseal it\n"},
		"one of them hangs":  {[]dependency{hangs, well}, http.StatusServiceUnavailable, "not ready\npostgresql: does not answer in time\nredis: ok\n"},
		"its error is wordy": {[]dependency{is("redis", true, fmt.Errorf("a\n b: %w", store.ErrUnavailable))}, http.StatusServiceUnavailable, "not ready\nredis: cannot be reached (a b: the store cannot be reached)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			w := httptest.NewRecorder()
			serveReady(c.all)(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil))
			if w.Code != c.status || w.Body.String() != c.body {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, c.status, c.body)
			}
		})
	}
}

func TestBrainIsLookedAtOnlyWhenNothingIsKnown(t *testing.T) {
	t.Parallel()
	looks := 0
	thinks := thought{}
	b := &brain{Model: &thinks, reach: func(context.Context) error { looks++; return nil }}
	ready := func(want string, wantLooks int) {
		t.Helper()
		said := ""
		if err := b.Ready(t.Context()); err != nil {
			said = err.Error()
		}
		if said != want || looks != wantLooks {
			t.Errorf("it says %q after %d looks, want %q after %d", said, looks, want, wantLooks)
		}
	}
	ready("", 1)
	thinks.err = &agent.Failure{Kind: agent.FailLimited}
	_, _ = agent.Whole(b.Reply(t.Context(), agent.Request{}))
	ready((&agent.Failure{Kind: agent.FailLimited}).Sentence(), 1)
	b.at = time.Now().Add(-knownFor - time.Second)
	ready("", 2)
	thinks.err = &agent.Failure{Kind: agent.FailFiltered} // the answer's fault, not the model's
	_, _ = agent.Whole(b.Reply(t.Context(), agent.Request{}))
	ready("", 2)
	thinks.err = context.Canceled // nobody waits for it any more
	_, _ = agent.Whole(b.Reply(t.Context(), agent.Request{}))
	ready("", 2)
}

// thought is a model that answers with an error or not.
type thought struct{ err error }

func (t *thought) Reply(context.Context, agent.Request) iter.Seq2[agent.Piece, error] {
	return agent.AtOnce(agent.Reply{}, t.err)
}
