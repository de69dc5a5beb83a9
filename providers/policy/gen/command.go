package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aurora/providers/policy"
)

// command is one command of one program on its way into a table.
type command struct {
	Path     string   // "aws ec2 describe-instances"
	Flags    []cflag  // in the source's order
	Args     []string // positionals as "name" or "name..."; see arity in the encoder
	Aliases  []string // other last words that mean the same command
	Evidence evidence

	label  policy.Effect // what the reviewed label says; zero without one
	notes  string        // the label's notes
	effect policy.Effect
	facets policy.Facets
	rule   string
	masked []string
	drop   bool
}

// cflag is one flag: all its spellings and its kind: b switch, v value, l list, o value only after =, k key=value.
// A trailing r marks a value the CLI reads as a local file, w one it writes, u a value that may be a URL.
type cflag struct {
	Names []string
	Kind  string
	rules []flagRule
}

// evidence is what the CLI's metadata tells about a command.
type evidence struct {
	HTTP   string   `json:"http,omitempty"` // HTTP verb of the request
	Base   string   `json:"base,omitempty"` // the command's base class or operation
	Secret []string `json:"sec,omitempty"`  // output members that hold a secret
	Writes bool     `json:"out,omitempty"`  // writes its result to a positional file
	Ask    bool     `json:"ask,omitempty"`  // the CLI itself asks before running it
}

type sourceLine struct {
	Path  string            `json:"p"`
	Flags []json.RawMessage `json:"f"`
	Args  [][]string        `json:"a"`
	Alias []string          `json:"al"`
	Ev    evidence          `json:"e"`
}

// commands reads what sources, labels and commands.txt say about one program.
func commands(gen, tool string, book *book) ([]*command, error) {
	list, err := readSource(filepath.Join(gen, "sources", tool+".jsonl.gz"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	byPath := map[string]*command{}
	for _, c := range list {
		byPath[c.Path] = c
	}
	for _, c := range book.hand[tool] {
		if known, ok := byPath[c.Path]; ok {
			known.Flags = append(known.Flags, c.Flags...)
			continue
		}
		byPath[c.Path] = c
		list = append(list, c)
	}
	if err := readLabels(filepath.Join(gen, "labels", tool+".csv.gz"), byPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := readSecrets(filepath.Join(gen, "labels", "secret_reads.csv.gz"), byPath); err != nil {
		return nil, err
	}
	return list, nil
}

// spelled adds the other names of commands, and of what stands below them, once their effects are settled.
func spelled(cmds []*command) []*command {
	known := map[string]bool{}
	for _, c := range cmds {
		known[c.Path] = true
	}
	for _, named := range slices.Clone(cmds) {
		group := named.Path[:strings.LastIndexByte(named.Path, ' ')+1]
		for _, alias := range named.Aliases {
			for _, c := range slices.Clone(cmds) {
				if c != named && !strings.HasPrefix(c.Path, named.Path+" ") {
					continue
				}
				twin := *c
				twin.Path, twin.Aliases = group+alias+c.Path[len(named.Path):], nil
				if !known[twin.Path] {
					known[twin.Path] = true
					cmds = append(cmds, &twin)
				}
			}
		}
	}
	return cmds
}

func readSource(path string) ([]*command, error) {
	content, err := gunzip(path)
	if err != nil {
		return nil, err
	}
	var list []*command
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s sourceLine
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		c := &command{Path: s.Path, Evidence: s.Ev, Aliases: s.Alias}
		for _, raw := range s.Flags {
			var f cflag
			if err := json.Unmarshal(raw, &[]any{&f.Names, &f.Kind}); err != nil {
				return nil, fmt.Errorf("read flag of %s: %w", s.Path, err)
			}
			c.Flags = append(c.Flags, f)
		}
		for _, a := range s.Args {
			name := a[0]
			if len(a) > 1 && strings.ContainsAny(a[1], "*+.A") {
				name += "..."
			}
			if len(a) > 2 { // the CLI opens what is named here
				name = strings.Replace(name, a[0], "file", 1)
			}
			c.Args = append(c.Args, name)
		}
		list = append(list, c)
	}
	return list, lines.Err()
}

// readLabels gives the commands of byPath their reviewed effect; rows of unknown commands are test data only.
func readLabels(path string, byPath map[string]*command) error {
	rows, err := readCSV(path)
	if err != nil {
		return err
	}
	for _, row := range rows {
		c, ok := byPath[row["command"]]
		if !ok {
			continue
		}
		c.label, c.notes = labelEffect(row["truth"], row["tier"]), row["notes"]
	}
	return nil
}

func labelEffect(truth, tier string) policy.Effect {
	switch {
	case tier == "delete":
		return policy.Delete
	case tier == "disrupt":
		return policy.Disrupt
	case truth == "read":
		return policy.Read
	case truth == "write":
		return policy.Write
	}
	return policy.Delete
}

func readSecrets(path string, byPath map[string]*command) error {
	rows, err := readCSV(path)
	if err != nil {
		return err
	}
	for _, row := range rows {
		c, ok := byPath[row["command"]]
		if !ok || len(c.Evidence.Secret) > 0 {
			continue
		}
		c.Evidence.Secret = secretPaths(row["what"])
	}
	return nil
}

// secretPaths keeps the JSON paths of a free-text column and says "*" when it holds none.
func secretPaths(what string) []string {
	var paths []string
	for _, p := range strings.Split(what, ";") {
		p = strings.TrimSpace(p)
		if p != "" && !strings.ContainsAny(p, " +/:") && strings.ContainsAny(p, ".[ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return []string{"*"}
	}
	return paths
}

func readCSV(path string) ([]map[string]string, error) {
	content, err := gunzip(path)
	if err != nil {
		return nil, err
	}
	records, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var rows []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func gunzip(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return io.ReadAll(z)
}
