package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"aurora/manifests"
)

func manifestCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "manifest", Short: "Print what Slack or AWS needs to know of Aurora", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say `aurora manifest slack` or `aurora manifest aws`", errUsage)
		}}
	c.AddCommand(&cobra.Command{
		Use: "slack", Short: "Print the Slack app manifest", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(manifests.Slack)
			return err
		},
	})
	c.AddCommand(&cobra.Command{
		Use: "aws", Short: "Print the CloudFormation template of the roles that Aurora assumes", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(manifests.AWSRoles)
			return err
		},
	})
	return c
}
