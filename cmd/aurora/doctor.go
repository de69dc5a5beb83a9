package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"aurora/agent"
	"aurora/agent/openai"
	"aurora/bot/slack"
	"aurora/providers"
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
	d.look(ctx, "stores", func(ctx context.Context) error {
		if d.config.checkStores() != nil {
			return errors.New("not tried: see the settings above")
		}
		s, err := openStores(ctx, d.config)
		if err == nil {
			defer s.close()
			err = s.ready(ctx)
		}
		return err
	})
	d.look(ctx, "slack", d.slack)
	d.look(ctx, "model", d.model)
	d.programs(ctx)
}

func (d *doctor) slack(ctx context.Context) error {
	if d.config.checkSlack() != nil {
		return errors.New("not tried: see the settings above")
	}
	a := slack.New(slack.Config{AppToken: d.config.SlackAppToken, BotToken: d.config.SlackBotToken, APIURL: d.config.SlackAPIURL, Log: zerolog.Nop()})
	_, team, name, err := a.Workspace(ctx)
	if err != nil {
		return fmt.Errorf("SLACK_BOT_TOKEN is not accepted or Slack cannot be reached: %w", err)
	}
	_, _ = fmt.Fprintf(d.io.out, "      workspace %s (%s)\n", name, team)
	return nil
}

func (d *doctor) model(ctx context.Context) error {
	if !d.config.hasModel() {
		_, _ = fmt.Fprintln(d.io.out, "      no model is set (OPENAI_API_KEY or OPENAI_BASE_URL, and AURORA_MODEL): `run` works, questions do not")
		return nil
	}
	m, err := openai.New(openai.Config{BaseURL: d.config.OpenAIBase, Key: d.config.OpenAIKey, Model: d.config.Model})
	if err != nil {
		return err
	}
	_, err = m.Reply(ctx, agent.Request{System: "Answer with one word.", Messages: []agent.Message{{Role: agent.RoleUser, Text: "Are you there?"}}, MaxReply: 16})
	var failure *agent.Failure
	if errors.As(err, &failure) && failure.Kind != agent.FailLength {
		return errors.New(failure.Sentence())
	}
	return nil
}

// programs tells which CLIs are there. A missing one is no fault: only its cloud cannot be used.
func (d *doctor) programs(ctx context.Context) {
	found := providers.Locate(d.config.Path)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if err := found[name].Err; err != nil {
			_, _ = fmt.Fprintf(d.io.out, "note  %s: not installed. %s\n", name, providers.Install(name))
			continue
		}
		said, err := found[name].Version(ctx)
		if err != nil {
			said = "does not answer --version: " + err.Error()
		}
		_, _ = fmt.Fprintf(d.io.out, "ok    %s: %s\n", name, said)
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
	return fmt.Errorf("%d thing(s) to mend before `aurora serve` can run", d.faults)
}
