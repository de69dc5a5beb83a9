package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"
)

func playgroundCommand(s *settings, io streams) *cobra.Command {
	var dir, addr string
	c := &cobra.Command{
		Use: "playground", Short: "Try Aurora in the browser: a small Slack and small clouds on this machine, no account or key needed",
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			if dir == "" {
				if dir, err = os.MkdirTemp("", "aurora-playground-"); err != nil {
					return fmt.Errorf("make a place for the playground's data: %w", err)
				}
				defer func() { _ = os.RemoveAll(dir) }()
			}
			return play(c.Context(), cfg, dir, addr, io)
		},
	}
	c.Flags().StringVar(&dir, "data-dir", "", "keep the playground's data here (default: a fresh place that is removed at the end)")
	c.Flags().StringVar(&addr, "listen", "127.0.0.1:0", "loopback address of the chat page")
	return c
}

// play runs a whole Aurora against simulators until ctx ends.
func play(ctx context.Context, cfg config, dir, addr string, io streams) error {
	if host, _, err := net.SplitHostPort(addr); err != nil || host != "127.0.0.1" && host != "localhost" && host != "::1" {
		return fmt.Errorf("%w: --listen %s: the playground only listens on loopback, such as 127.0.0.1:7700", errUsage, addr)
	}
	logFile, err := os.OpenFile(filepath.Join(dir, "aurora.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the playground's log: %w", err)
	}
	defer func() { _ = logFile.Close() }()
	slack, err := simulatedSlack(cfg.hasModel())
	if err != nil {
		return err
	}
	sims, err := startSims(ctx, cfg, addr, slack, modelsim.Config{})
	if err != nil {
		return err
	}
	defer sims.close()
	cfg = sims.configure(cfg, dir)
	a, err := newApp(ctx, cfg, newLogger(logFile))
	if err != nil {
		return err
	}
	defer a.close()
	if err := sims.connectPeople(ctx, a); err != nil {
		return fmt.Errorf("connect the playground's people: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.run(ctx) })
	group.Go(func() error { return sims.welcome(ctx, a, io, logFile.Name()) })
	return group.Wait()
}

// sims are the platform, clouds and model of the playground.
type sims struct {
	slack  *slacksim.Server
	clouds *cloudsim.Server
	model  *modelsim.Server // nil when a real one is set
	public string           // address of Aurora's own pages, where connect links lead
	token  string           // opens the page
	mark   string           // the External ID the roles demand
	close  func()

	certificate []byte // of the simulated Azure, PEM
}

func startSims(ctx context.Context, cfg config, addr string, slack slacksim.Config, model modelsim.Config) (*sims, error) {
	s := &sims{token: rand.Text(), mark: "aurora-" + rand.Text() + rand.Text()}
	slack.PageToken = s.token
	var err error
	if s.public, err = spareAddress(ctx); err != nil {
		return nil, err
	}
	if err := s.startSlack(ctx, addr, slack); err != nil {
		return nil, fmt.Errorf("start the simulated Slack: %w", err)
	}
	s.clouds = cloudsim.New(cloudsim.Config{})
	if err := s.clouds.Start(); err != nil {
		s.slack.Close()
		return nil, fmt.Errorf("start the simulated clouds: %w", err)
	}
	s.close = func() { s.slack.Close(); s.clouds.Close() }
	if s.certificate, err = s.clouds.StartTLS(); err != nil {
		s.close()
		return nil, fmt.Errorf("start the simulated Azure: %w", err)
	}
	if cfg.hasModel() {
		return s, nil
	}
	if s.model, err = modelsim.Start(ctx, "127.0.0.1:0", model); err != nil {
		s.close()
		return nil, fmt.Errorf("start the simulated model: %w", err)
	}
	return s, nil
}

// startSlack returns once the simulated Slack listens; it ends with ctx.
func (s *sims) startSlack(ctx context.Context, addr string, c slacksim.Config) error {
	up, failed := make(chan *slacksim.Server, 1), make(chan error, 1)
	go func() {
		failed <- slacksim.ListenAndServe(ctx, addr, c, func(sim *slacksim.Server) { up <- sim })
	}()
	select {
	case s.slack = <-up:
		return nil
	case err := <-failed:
		return err
	}
}

// configure points Aurora at the simulators.
func (s *sims) configure(cfg config, dir string) config {
	cfg.DatabaseURL, cfg.RedisURL, cfg.VaultAddr = "", "", ""
	cfg.DataDir = dir
	cfg.Listen, cfg.PublicURL, cfg.OpsListen = s.public, "http://"+s.public, "127.0.0.1:0"
	cfg.SlackAPIURL, cfg.SlackAppToken, cfg.SlackBotToken = s.slack.URL(), store.Secret(s.slack.AppToken()), store.Secret(s.slack.BotToken(s.slack.TeamID()))
	cfg.SlackSockets = 2
	ends := s.clouds.Endpoints()
	cfg.EndpointAWS, cfg.EndpointSTS, cfg.EndpointCompute = ends.AWS, ends.AWS, ends.GCPCompute
	cfg.EndpointProjects, cfg.EndpointTailscale = ends.GCPResourceManager, ends.Tailscale
	cfg = cfg.signInAt(s.clouds)
	cfg.EndpointEntra, cfg.EndpointARM, cfg.cloudCA, cfg.EndpointScaleway = ends.AzureLoginTLS, ends.AzureARMTLS, s.certificate, ends.Scaleway
	cfg.EndpointBigQuery, cfg.EndpointStorage = ends.GCPBigQuery, ends.GCPStorageTLS
	key := s.clouds.AWSKey()
	cfg.identity = &awsKey{id: key.ID, secret: store.Secret(key.Secret)}
	cfg.DefaultRole = string(store.Operator)
	cfg.Admins = []string{"slack:T0NIMBUS01:U0CHLOE001"}
	if s.model != nil {
		cfg.OpenAIBase, cfg.OpenAIKey, cfg.Model = s.model.URL(), "playground", "simulated"
	}
	return cfg
}

// welcome says where the page is once Aurora answers there, and in plain words what is real and what is not.
func (s *sims) welcome(ctx context.Context, a *app, io streams, logPath string) error {
	if !s.awaitReady(ctx, a) {
		return nil
	}
	_, _ = fmt.Fprintf(io.out, "\nAurora's playground is ready. Open this address (it works on this machine only):\n\n    %s\n\n", s.slack.PageURL())
	_, _ = fmt.Fprintln(io.out, "The Slack you see and the clouds behind it are simulated: nothing you do here reaches a real account.")
	if s.model != nil {
		_, _ = fmt.Fprintln(io.out, "The model is simulated too: it understands simple requests only. Set OPENAI_API_KEY (or OPENAI_BASE_URL) and AURORA_MODEL for a real one.")
	}
	for _, name := range []string{"aws", "gcloud", "az", "scw"} {
		if program := a.programs[name]; program.Err != nil {
			_, _ = fmt.Fprintf(io.out, "%s is not installed, so its cloud cannot be used here. %s\n", name, providers.Install(name))
		}
	}
	_, _ = fmt.Fprintf(io.out, "\nTry:  %s\nLog:  %s\nEnd:  Ctrl-C\n", strings.Join(firstThings, "\n      "), logPath)
	return nil
}

// awaitReady waits until Aurora's sockets are up.
func (s *sims) awaitReady(ctx context.Context, a *app) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for a.slack.Ready() != nil {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}
