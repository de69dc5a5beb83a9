package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aurora/store"
)

func accessCommand(s *settings, io streams) *cobra.Command {
	c := &cobra.Command{Use: "access", Short: "Tell who can use what", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say `aurora access report`, or `aurora access report --csv`", errUsage)
		}}
	c.AddCommand(accessReport(s, io))
	return c
}

func accessReport(s *settings, io streams) *cobra.Command {
	var asCSV bool
	c := &cobra.Command{
		Use: "report", Short: "List who can use which connection, up to which effect, and when each was last used", Args: exactly(0),
		Long: "List who can use which connection: his own, or the organisation's by a grant; up to which effect; and when he last had a command " +
			"run with it, as the audit has it. It reads the database alone and shows no credential.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			db, err := openAudit(c.Context(), cfg)
			if err != nil {
				return err
			}
			defer func() { _ = db.Close() }()
			list, err := db.Access(c.Context())
			if err != nil {
				return fmt.Errorf("make the report: %w", err)
			}
			if asCSV {
				return writeCSV(io.out, list)
			}
			return writeTable(io.out, list)
		},
	}
	c.Flags().BoolVar(&asCSV, "csv", false, "write comma-separated values")
	return c
}

var accessColumns = []string{"who", "user", "active", "role", "cloud", "account", "owner", "connection", "where", "effect", "status", "created", "last_use"}

func accessFields(a store.Access) []string {
	persons := make([]string, len(a.Persons))
	for i, p := range a.Persons {
		persons[i] = p.String()
	}
	where := "everywhere"
	if g := a.Grant; g != nil {
		where = strings.TrimSuffix(cmp.Or(g.Channel, "every channel")+" "+g.Project, " ")
	}
	last := "never"
	if !a.LastUse.IsZero() {
		last = a.LastUse.UTC().Format(time.RFC3339)
	}
	active := "yes"
	if !a.User.Active {
		active = "no"
	}
	c := a.Connection
	return []string{strings.Join(persons, " "), a.User.ID, active, string(a.User.Role), string(c.Cloud), c.Account, c.Owner(), c.ID, where,
		a.Effect(), string(c.Status), c.CreatedAt.UTC().Format(time.RFC3339), last}
}

func writeCSV(w io.Writer, list []store.Access) error {
	out := csv.NewWriter(w)
	rows := [][]string{accessColumns}
	for _, a := range list {
		fields := accessFields(a)
		for i, f := range fields {
			if f != "" && strings.ContainsRune("=+-@\t\r", rune(f[0])) { // a spreadsheet would take it for a formula
				fields[i] = "'" + f
			}
		}
		rows = append(rows, fields)
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func writeTable(w io.Writer, list []store.Access) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "Nobody can use anything yet: nothing is connected.")
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(out, strings.ToUpper(strings.Join(accessColumns, "\t"))) // Flush tells
	for _, a := range list {
		fields := accessFields(a)
		for i, f := range fields {
			fields[i] = visible(f)
		}
		_, _ = fmt.Fprintln(out, strings.Join(fields, "\t"))
	}
	return out.Flush()
}

// visible keeps names that people chose from moving the terminal's cursor or a column.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}
