package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aurora/store"
	"aurora/store/sql"
)

func auditCommand(s *settings, io streams) *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "Check or export the audit", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say `aurora audit verify` or `aurora audit export`", errUsage)
		}}
	c.AddCommand(auditVerify(s, io), auditExport(s, io))
	return c
}

func auditVerify(s *settings, io streams) *cobra.Command {
	var heads []string
	var file string
	c := &cobra.Command{
		Use: "verify", Short: "Check that no row of the audit was changed, moved or taken out", Args: exactly(0),
		Long: "Check that no row of the audit was changed, moved or taken out. Rows cut off at the end show only against a head that was " +
			"logged elsewhere: `aurora serve` logs one a minute; give it as --head <seq>:<hash>.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			known, err := readHeads(heads)
			if err != nil {
				return err
			}
			report, err := verifyAudit(c.Context(), cfg, file, known)
			if err != nil {
				return err
			}
			return tellReport(io.out, report, file)
		},
	}
	c.Flags().StringArrayVar(&heads, "head", nil, "a head that was logged, as <seq>:<hash>; may be given more than once")
	c.Flags().StringVar(&file, "file", "", "check an export instead of the database")
	return c
}

func verifyAudit(ctx context.Context, cfg config, file string, heads []sql.Head) (sql.Report, error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return sql.Report{}, fmt.Errorf("read the export: %w", err)
		}
		defer func() { _ = f.Close() }()
		return sql.VerifyChain(readExport(f), cfg.AuditKey, heads...)
	}
	db, err := openAudit(ctx, cfg)
	if err != nil {
		return sql.Report{}, err
	}
	defer func() { _ = db.Close() }()
	return db.VerifyAudit(ctx, heads...)
}

// openAudit opens the database alone: neither Redis nor Vault is needed to read the audit.
func openAudit(ctx context.Context, cfg config) (*sql.DB, error) {
	url := cfg.DatabaseURL.Reveal()
	if url == "" {
		url = filepath.Join(cfg.DataDir, "aurora.db")
		if _, err := os.Stat(url); err != nil {
			return nil, fmt.Errorf("there is no database: set DATABASE_URL, or AURORA_DATA_DIR to where the embedded one lies: %w", err)
		}
	}
	db, err := sql.Open(ctx, sql.Config{URL: url, AuditKey: cfg.AuditKey, Runner: runnerName()})
	if err != nil {
		return nil, fmt.Errorf("open the audit: %w", err)
	}
	return db, nil
}

func readHeads(words []string) ([]sql.Head, error) {
	var heads []sql.Head
	for _, w := range words {
		seq, hash, _ := strings.Cut(w, ":")
		n, err := strconv.ParseInt(seq, 10, 64)
		if err != nil || hash == "" {
			return nil, fmt.Errorf("%w: --head %q is not <seq>:<hash>", errUsage, w)
		}
		heads = append(heads, sql.Head{Seq: n, Hash: hash})
	}
	return heads, nil
}

func tellReport(w io.Writer, r sql.Report, file string) error {
	for _, fault := range r.Faults {
		_, _ = fmt.Fprintln(w, fault)
	}
	if len(r.Faults) > 0 {
		return fmt.Errorf("the audit is not whole: %d fault(s) in %d rows", len(r.Faults), r.Rows)
	}
	if r.Rows == 0 && file != "" {
		return fmt.Errorf("there is nothing in %s, so nothing was checked: write it with `aurora audit export`", file)
	}
	if r.Rows == 0 {
		_, err := fmt.Fprintln(w, "There is nothing in the audit yet.")
		return err
	}
	_, err := fmt.Fprintf(w, "The audit is whole: %d rows, head %d:%s\n", r.Rows, r.Head.Seq, r.Head.Hash)
	return err
}

func auditExport(s *settings, io streams) *cobra.Command {
	return &cobra.Command{
		Use: "export", Short: "Write every row of the audit as a JSON line", Args: exactly(0),
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
			out := bufio.NewWriter(io.out)
			enc := json.NewEncoder(out)
			for entry, err := range db.AuditWalk(c.Context(), 1) {
				if err != nil {
					return fmt.Errorf("read the audit: %w", err)
				}
				if err := enc.Encode(entry); err != nil {
					return fmt.Errorf("write the export: %w", err)
				}
			}
			return out.Flush()
		},
	}
}

// readExport reads what export wrote, row by row.
func readExport(r io.Reader) iter.Seq2[store.AuditEntry, error] {
	return func(yield func(store.AuditEntry, error) bool) {
		dec := json.NewDecoder(r)
		for {
			var e store.AuditEntry
			err := dec.Decode(&e)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				err = fmt.Errorf("read the export: %w", err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}
