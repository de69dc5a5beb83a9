package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func policyCommand(s *settings, io streams) *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "Ask what Aurora would do with a command", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say `aurora policy explain -- <command>` or `aurora policy check`", errUsage)
		}}
	c.AddCommand(policyExplain(s, io), policyCheck(s, io))
	return c
}

func policyExplain(s *settings, io streams) *cobra.Command {
	return &cobra.Command{
		Use: "explain -- <command>", Short: "Say how one command is classified, by which rule, and what each mode does with it",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%w: say `aurora policy explain -- aws ec2 describe-instances`", errUsage)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			engine, err := loadPolicy(cfg.PolicyFile)
			if err != nil {
				return err
			}
			if len(args) == 1 && strings.ContainsAny(args[0], " \t") { // the whole command came quoted as one word
				command, refusal := engine.Parse(args[0])
				return engine.Explain(io.out, command, refusal)
			}
			command, refusal := engine.ParseArgv(args)
			return engine.Explain(io.out, command, refusal)
		},
	}
}

func policyCheck(s *settings, io streams) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: `Read JSON lines {"command":"..."} and write one JSON verdict for each`, Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			engine, err := loadPolicy(cfg.PolicyFile)
			if err != nil {
				return err
			}
			return engine.Check(io.in, io.out)
		},
	}
}
