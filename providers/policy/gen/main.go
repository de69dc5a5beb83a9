// Command gen builds the policy tables from what the installed CLIs say about themselves.
//
// It reads sources/ (the grammar of each CLI, written by the extractors from the CLI's own metadata), labels/
// (reviewed effects per command), commands.txt (commands of programs without metadata), overrides.txt and flags.txt
// (reviewed changes, one line each with its reason), and writes ../tables/*.gz, ../tables/counts.txt and
// ../tables/conflicts.txt. Sources that disagree: the worst effect wins and the conflict is listed.
//
//	go run ./providers/policy/gen            pack the tables from the checked-in sources
//	go run ./providers/policy/gen -extract   read the installed CLIs first; a missing CLI keeps its stored source
//	go run ./providers/policy/gen -extract -only az,scw
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("dir", "providers/policy", "directory of package policy")
	read := flag.Bool("extract", false, "read the installed CLIs before packing")
	only := flag.String("only", "", "programs to read with -extract, such as az,scw; empty reads all")
	flag.Parse()
	if err := run(context.Background(), *dir, *read, *only); err != nil {
		fmt.Fprintln(os.Stderr, "policy tables:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, read bool, only string) error {
	gen := filepath.Join(dir, "gen")
	if read {
		if err := extractAll(ctx, gen, only); err != nil {
			return err
		}
	}
	files, err := build(gen)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, "tables", name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// build makes every file of ../tables from the checked-in inputs under gen.
func build(gen string) (map[string][]byte, error) {
	book, err := readBook(gen)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, tool := range tools {
		cmds, err := commands(gen, tool, book)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", tool, err)
		}
		if err := merge(tool, cmds, book); err != nil {
			return nil, err
		}
		cmds = spelled(cmds)
		segment, err := encode(cmds, book)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", tool, err)
		}
		files[tool+".gz"] = segment
		book.count(tool, cmds)
	}
	if err := book.unused(); err != nil {
		return nil, err
	}
	files["counts.txt"] = book.counts()
	files["conflicts.txt"] = book.conflictList()
	return files, nil
}

// tools are the programs with a table, in the order of the counts file.
var tools = []string{"aws", "gcloud", "az", "scw", "kubectl", "terraform", "helm", "gsutil", "bq"}
