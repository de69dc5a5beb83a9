package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"aurora/agent"
	"aurora/agent/openai"
	"aurora/bot/slack"
	"aurora/providers"
	"aurora/providers/confine"
)

func doctorCommand(s *settings, io streams) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Tell everything that is missing or wrong, and what to do about it", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			d := doctor{config: cfg, io: io}
			d.examine(c.Context())
			return d.verdict()
		},
	}
}

// doctor looks at one thing after the other and goes on after each fault.
type doctor struct {
	config config
	io     streams
	faults int
}

// doctorTime bounds each look at something on the network.
const doctorTime = 10 * time.Second

func (d *doctor) examine(ctx context.Context) {
	d.tell("settings", d.config.check())
	_, err := loadPolicy(d.config.PolicyFile)
	d.tell("policy", err)
	d.look(ctx, "stores", d.stores)
	d.look(ctx, "slack", d.slack)
	d.look(ctx, "model", d.model)
	d.look(ctx, "clouds", d.clouds)
	d.signIns()
	d.programs(ctx)
}

var errUntried = errors.New("not tried: see the settings above")

func (d *doctor) stores(ctx context.Context) error {
	if d.config.checkStores() != nil {
		return errUntried
	}
	if d.config.embedded() {
		return d.embedded()
	}
	s, err := openStores(ctx, d.config)
	if err != nil {
		return err
	}
	defer s.close()
	if advice, err := s.sql.CheckStandbys(ctx); err == nil && advice != "" {
		_, _ = fmt.Fprintf(d.io.out, "      %s\n", advice)
	}
	return errors.Join(s.sql.Ready(ctx), s.redis.Ready(ctx), s.keeper.Ready(ctx))
}

// embedded looks at the data directory from outside: making it, its key or its tables is for serve.
func (d *doctor) embedded() error {
	dir, err := filepath.Abs(d.config.DataDir)
	if err != nil {
		return fmt.Errorf("find AURORA_DATA_DIR: %w", err)
	}
	info, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		_, _ = fmt.Fprintf(d.io.out, "      embedded: serve will keep everything in %s, which it makes\n", dir)
		return writable("AURORA_DATA_DIR", existing(dir))
	}
	if err != nil || !info.IsDir() {
		return fmt.Errorf("AURORA_DATA_DIR is %s, which is no directory that can be read: name another one", dir)
	}
	_, _ = fmt.Fprintf(d.io.out, "      embedded: everything lies in %s\n", dir)
	return errors.Join(writable("AURORA_DATA_DIR", dir), closed(dir), closed(filepath.Join(dir, "credentials.key")))
}

// existing is the nearest directory above dir that is there.
func existing(dir string) string {
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

// mayWrite asks access(2) for writing into a directory and entering it.
const mayWrite = 0x2 | 0x1

func writable(name, dir string) error {
	if err := syscall.Access(dir, mayWrite); err != nil {
		return fmt.Errorf("%s: %s may not be written (%w): name another directory, or give it to the user Aurora runs as", name, dir, err)
	}
	return nil
}

// closed refuses what others can read: the credentials and their key lie there.
func closed(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	mode := "600"
	if info.IsDir() {
		mode = "700"
	}
	return fmt.Errorf("others can read %s: run `chmod %s %s`", path, mode, path)
}

func (d *doctor) slack(ctx context.Context) error {
	if d.config.checkSlack() != nil || d.config.SlackAPIURL != "" && checkWeb("SLACK_API_URL", d.config.SlackAPIURL, true) != nil {
		return errUntried
	}
	a := slack.New(slack.Config{AppToken: d.config.SlackAppToken, BotToken: d.config.SlackBotToken, APIURL: d.config.SlackAPIURL, Log: zerolog.Nop()})
	_, team, name, err := a.Workspace(ctx)
	if err == nil {
		_, _ = fmt.Fprintf(d.io.out, "      workspace %s (%s)\n", name, team)
	}
	app := a.TryAppToken(ctx)
	if err != nil && app != nil && err.Error() == app.Error() { // Slack is away: once is enough
		return err
	}
	return errors.Join(err, app)
}

func (d *doctor) model(ctx context.Context) error {
	if d.config.checkModel() != nil || d.config.OpenAIBase != "" && checkWeb("OPENAI_BASE_URL", d.config.OpenAIBase, true) != nil {
		return errUntried
	}
	if !d.config.hasModel() {
		_, _ = fmt.Fprintln(d.io.out, "      no model is set (OPENAI_API_KEY or OPENAI_BASE_URL, and AURORA_MODEL): `run` works, questions do not")
		return nil
	}
	m, err := openai.New(openai.Config{BaseURL: d.config.OpenAIBase, Key: d.config.OpenAIKey, Model: d.config.Model})
	if err != nil {
		return err
	}
	_, err = agent.Whole(m.Reply(ctx, agent.Request{System: "Answer with one word.", Messages: []agent.Message{{Role: agent.RoleUser, Text: "Are you there?"}}, MaxReply: 16}))
	var failure *agent.Failure
	switch {
	case !errors.As(err, &failure):
		return err
	case failure.Kind == agent.FailLength: // it answers
		return nil
	case failure.Kind == agent.FailRejected:
		return errors.New("the model's server refuses the request: check OPENAI_BASE_URL, OPENAI_API_KEY and AURORA_MODEL")
	case failure.Kind == agent.FailUnavailable:
		return errors.New("the model's server cannot be reached: see that OPENAI_BASE_URL is right and that it runs")
	}
	return errors.New(failure.Sentence())
}

// clouds makes the connectors as serve does, and reads what they would read later.
func (d *doctor) clouds(ctx context.Context) error {
	if d.config.checkAddresses() != nil {
		return errUntried
	}
	engine, err := loadPolicy("")
	if err != nil {
		return err
	}
	if _, err := newClouds(ctx, d.config, engine, nil, nil); err != nil {
		return err
	}
	if d.config.AzureTokenFile == "" {
		return nil
	}
	if raw, err := os.ReadFile(d.config.AzureTokenFile); err != nil || len(raw) == 0 {
		err = cmp.Or(err, errors.New("it is empty"))
		return fmt.Errorf("AZURE_FEDERATED_TOKEN_FILE: %s holds no token that can be read (%w): let the platform put one there, or leave the setting out", d.config.AzureTokenFile, err)
	}
	return nil
}

// programs tells which CLIs are there. A missing one is no fault: only its cloud cannot be used.
func (d *doctor) programs(ctx context.Context) {
	confiner := confine.Examine()
	_, _ = fmt.Fprintf(d.io.out, "ok    programs run confined: %s\n", confiner.Strength)
	for _, lack := range confiner.Strength.Lacks() {
		_, _ = fmt.Fprintf(d.io.out, "note  programs: %s\n", lack)
	}
	found := providers.Locate(d.config.Path)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if err := found[name].Err; err != nil {
			_, _ = fmt.Fprintf(d.io.out, "note  %s: not installed. %s\n", name, providers.Install(name))
			continue
		}
		said, err := found[name].Version(ctx, confiner.Sandbox)
		if err != nil {
			said = "does not answer --version: " + err.Error()
		}
		_, _ = fmt.Fprintf(d.io.out, "ok    %s: %s (%s, SHA-256 %s)\n", name, said, found[name].Entry, found[name].SHA256)
		if foreign := found[name].Foreign(); foreign != "" {
			_, _ = fmt.Fprintf(d.io.out, "note  %s\n", foreign)
		}
	}
}

func (d *doctor) look(ctx context.Context, name string, at func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	d.tell(name, at(ctx))
}

func (d *doctor) tell(name string, err error) {
	if err == nil {
		_, _ = fmt.Fprintf(d.io.out, "ok    %s\n", name)
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		d.faults++
		_, _ = fmt.Fprintf(d.io.out, "wrong %s: %s\n", name, line)
	}
}

func (d *doctor) verdict() error {
	if d.faults == 0 {
		_, err := fmt.Fprintln(d.io.out, "Everything serve needs is there.")
		return err
	}
	return fmt.Errorf("%d thing(s) to mend", d.faults)
}
