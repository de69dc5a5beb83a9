// Command aurora is the one binary: the bot itself (serve), a playground that needs no account, and the tools around
// both. It is the only place that reads the environment, and it wires the layers together: cmd -> bot -> agent ->
// providers -> store. It holds no behaviour of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"aurora/providers/confine"
	"aurora/store/redis"
)

// version is set when a release is built.
var version = "dev"

func main() {
	if status, keeper := confine.Reexec(os.Args, os.Environ()); keeper {
		os.Exit(status)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	redis.LogTo(redisLog(os.Args, os.Stderr))
	code := run(ctx, os.Args[1:], os.Environ(), streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// redisLog is where the Redis client's own messages go: into serve's log. The other commands say by themselves what is
// wrong with Redis.
func redisLog(args []string, w io.Writer) func(message string) {
	if !slices.Contains(args, "serve") {
		return func(string) {}
	}
	log := newLogger(w)
	return func(message string) { log.Warn().Str("from", "redis client").Msg(message) }
}

// errUsage marks errors that come from how a command was called: exit status 2.
var errUsage = errors.New("usage")

// run is main with everything it touches handed in; tests call it. It gives the exit status: 0, 1 for a failure, 2 for
// a wrong call.
func run(ctx context.Context, args, environ []string, io streams) int {
	root := newRoot(environ, io)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errSilent):
		return 1
	}
	_, _ = fmt.Fprintf(io.err, "aurora: %v\n", err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

// errSilent is a failure that was already told.
var errSilent = errors.New("told already")

func newRoot(environ []string, io streams) *cobra.Command {
	root := &cobra.Command{
		Use: "aurora", Short: "A chatops bot for people on call", SilenceUsage: true, SilenceErrors: true,
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say what to do; `aurora --help` lists it", errUsage)
		},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return fmt.Errorf("%w: there is no command %q; `aurora --help` lists them", errUsage, args[0])
		},
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	envFile := root.PersistentFlags().String("env-file", "", "read settings from this file (mode 0600) besides the environment")
	s := &settings{environ: environ, file: envFile}
	root.AddCommand(serveCommand(s, io), playgroundCommand(s, io), doctorCommand(s, io), migrateCommand(s, io),
		policyCommand(s, io), auditCommand(s, io), accessCommand(s, io), manifestCommand(io), versionCommand(io))
	return root
}
