package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// streams are where a command reads and writes.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// exactly refuses another number of arguments with exit status 2 and the command's own usage line.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fmt.Errorf("%w: say `%s`", errUsage, c.UseLine())
	}
}

func versionCommand(io streams) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(io.out, "aurora", version)
			return err
		},
	}
}
