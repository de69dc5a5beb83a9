package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"aurora/manifests"
)

func manifestCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "manifest", Short: "Print what a chat platform needs to install Aurora", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say `aurora manifest slack`", errUsage)
		}}
	c.AddCommand(&cobra.Command{
		Use: "slack", Short: "Print the Slack app manifest", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(manifests.Slack)
			return err
		},
	})
	return c
}
