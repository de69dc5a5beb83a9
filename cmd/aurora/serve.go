package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func serveCommand(s *settings, io streams) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the bot", Args: exactly(0),
		Long: "Run the bot against Slack. Settings come from the environment; `aurora doctor` tells what is missing.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			if err := cfg.check(); err != nil {
				_, rules := loadPolicy(cfg.PolicyFile) // told in the same breath
				return fmt.Errorf("the settings are not complete; `aurora doctor` looks at the rest:\n%w", errors.Join(err, rules))
			}
			log := newLogger(io.err)
			a, err := newAppOn(c.Context(), cfg, log, func(ctx context.Context) (*stores, error) { return awaitStores(ctx, cfg, log) })
			if err != nil && c.Context().Err() != nil {
				return nil // told to end before it had begun
			}
			if err != nil {
				return err
			}
			defer a.close()
			return a.run(c.Context())
		},
	}
}

func newLogger(w io.Writer) zerolog.Logger {
	return zerolog.New(w).With().Timestamp().Logger()
}

// shutdownTime is how long answers under way may take when the process is told to end.
const shutdownTime = 5 * time.Second

// run serves until ctx ends or a part gives up for good. Slack comes last and goes first: nothing is taken in that
// nobody works on.
func (a *app) run(ctx context.Context) error {
	public, err := listen(ctx, "AURORA_LISTEN", a.config.Listen)
	if err != nil {
		return err
	}
	ops, err := listen(ctx, "AURORA_OPS_LISTEN", a.config.OpsListen)
	if err != nil {
		return errors.Join(err, public.Close())
	}
	a.tellPrograms()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveHTTP(ctx, public, a.web.Handler()) })
	group.Go(func() error { return serveHTTP(ctx, ops, a.opsHandler()) })
	group.Go(func() error { return a.worker.Run(ctx) })
	group.Go(func() error { return a.sweeper.Run(ctx) })
	group.Go(func() error { return a.recon.Run(ctx) })
	if advice, err := a.stores.sql.CheckStandbys(ctx); err != nil || advice != "" {
		a.log.Warn().Err(err).Str("advice", advice).Msg("standbys of the database")
	}
	group.Go(func() error { return logHeads(ctx, a.stores.sql, a.log) })
	group.Go(func() error { return a.slack.Run(ctx) })
	a.log.Info().Str("public", public.Addr().String()).Str("ops", ops.Addr().String()).Bool("embedded", a.config.embedded()).
		Bool("model", a.config.hasModel()).Str("policy", a.policy.Version()).Str("runner", a.stores.runner).Msg("aurora serves")
	return group.Wait()
}

// tellPrograms says in the log which programs were found, what keeps them from the rest of the machine, and what does not.
func (a *app) tellPrograms() {
	a.log.Info().Stringer("inForce", a.confiner.Strength).Msg("programs are confined")
	for _, lack := range a.confiner.Strength.Lacks() {
		a.log.Warn().Msg("programs: " + lack)
	}
	for _, name := range slices.Sorted(maps.Keys(a.programs)) {
		p := a.programs[name]
		if p.Err != nil {
			continue
		}
		a.log.Info().Str("program", name).Str("release", p.Release).Str("entry", p.Entry).Str("sha256", p.SHA256).Msg("found")
		if foreign := p.Foreign(); foreign != "" {
			a.log.Warn().Msg(foreign)
		}
	}
}

func listen(ctx context.Context, name, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; set it to an address of this machine that is free", name, err)
	}
	return l, nil
}

// serveHTTP serves until ctx ends, then lets answers under way finish for a while.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return server.Close()
	}
	return nil
}

// opsHandler answers whoever runs Aurora: is it alive, does it take work, how is it doing.
func (a *app) opsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", serveReady(a.dependencies()))
	mux.Handle("GET /metrics", promhttp.HandlerFor(newRegistry(a.slack.Stats), promhttp.HandlerOpts{}))
	return mux
}
