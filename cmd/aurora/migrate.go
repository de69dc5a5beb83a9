package main

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"aurora/store/sql"
)

func migrateCommand(s *settings, io streams) *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Prepare the PostgreSQL database, as its owner", Args: exactly(0),
		Long: "Prepare the PostgreSQL database. It connects as the owner (AURORA_MIGRATE_URL) and grants the role named in DATABASE_URL, " +
			"which `aurora serve` uses, exactly what it needs.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			role, err := serveRole(cfg)
			if err != nil {
				return err
			}
			applied, err := sql.Migrate(c.Context(), cfg.MigrateURL.Reveal(), role)
			if err != nil {
				return fmt.Errorf("migrate: %w", err)
			}
			for _, name := range applied {
				_, _ = fmt.Fprintln(io.out, "applied", name)
			}
			_, err = fmt.Fprintf(io.out, "The database is up to date and role %s may use it.\n", role)
			return err
		},
	}
}

// serveRole is the role that serve will use, which the owner grants its rights.
func serveRole(c config) (string, error) {
	var wrong []error
	if c.MigrateURL == "" {
		wrong = append(wrong, errors.New("AURORA_MIGRATE_URL is missing: give the owner's address, postgres://owner:password@host/database"))
	}
	u, err := url.Parse(c.DatabaseURL.Reveal())
	if err != nil || u.User == nil || u.User.Username() == "" {
		wrong = append(wrong, errors.New("DATABASE_URL is missing or names no role: give serve's own address, postgres://aurora:password@host/database, whose role must not own the tables"))
	}
	if err := errors.Join(wrong...); err != nil {
		return "", err
	}
	return u.User.Username(), nil
}
