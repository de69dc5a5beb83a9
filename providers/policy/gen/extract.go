package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed extract/*.py
var scripts embed.FS

// extractor reads one installed CLI.
type extractor struct {
	tool  string
	start func(ctx context.Context, script string) (*exec.Cmd, error)
}

var extractors = []extractor{
	{"aws", awsCommand},
	{"gcloud", gcloudCommand},
	{"az", azCommand},
}

// extractAll runs every extractor whose CLI is installed and merges what it says into the stored sources. A command the
// CLI no longer has stays until its line is taken out by hand: a partial load must not shrink a table.
func extractAll(ctx context.Context, gen, only string) error {
	wanted := func(tool string) bool { return only == "" || slices.Contains(strings.Split(only, ","), tool) }
	for _, x := range extractors {
		if !wanted(x.tool) {
			continue
		}
		out, err := x.run(ctx)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(os.Stderr, "%s is not installed; its stored source stays\n", x.tool)
			continue
		}
		if err != nil {
			return fmt.Errorf("read the grammar of %s: %w", x.tool, err)
		}
		if err := update(filepath.Join(gen, "sources", x.tool+".jsonl.gz"), out); err != nil {
			return fmt.Errorf("store the grammar of %s: %w", x.tool, err)
		}
	}
	if wanted("scw") {
		if err := extractScw(ctx, gen); err != nil {
			return fmt.Errorf("read the grammar of scw: %w", err)
		}
	}
	if wanted("kubectl") {
		return extractKubectl(ctx, filepath.Join(gen, "sources", "kubectl.jsonl.gz"))
	}
	return nil
}

// extractScw builds and runs the small program beside this one that holds scaleway-cli as a library.
func extractScw(ctx context.Context, gen string) error {
	cmd := exec.CommandContext(ctx, "go", "run", "-mod=readonly", ".")
	cmd.Dir, cmd.Stderr = filepath.Join(gen, "scw"), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	return update(filepath.Join(gen, "sources", "scw.jsonl.gz"), out)
}

func (x extractor) run(ctx context.Context) ([]byte, error) {
	script, err := scripts.ReadFile("extract/" + x.tool + ".py")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aurora-extract-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "extract.py")
	if err := os.WriteFile(path, script, 0o600); err != nil {
		return nil, err
	}
	cmd, err := x.start(ctx, path)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, os.Stderr
	cmd.Env = append(cmd.Environ(), "HOME="+dir, "CLOUDSDK_CONFIG="+dir, "AZURE_CONFIG_DIR="+dir, "AWS_CONFIG_FILE="+filepath.Join(dir, "none"))
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	if out.Len() == 0 { // read after the run: a CLI that told nothing must not pass for one that has nothing new
		return nil, errors.New("the CLI told nothing")
	}
	return out.Bytes(), nil
}

// python is the interpreter named in the first line of an installed entry script; pyenv's shims are looked through.
func python(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", err
	}
	if real, err := exec.Command("pyenv", "which", program).Output(); err == nil {
		path = strings.TrimSpace(string(real))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if !strings.HasPrefix(line, "#!") || !strings.Contains(line, "python") {
		return "", fmt.Errorf("%s does not start with a Python interpreter", path)
	}
	return strings.TrimSpace(line[2:]), nil
}

func awsCommand(ctx context.Context, script string) (*exec.Cmd, error) {
	interpreter, err := python("aws")
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, interpreter, script), nil
}

func azCommand(ctx context.Context, script string) (*exec.Cmd, error) {
	interpreter, err := python("az")
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, interpreter, script), nil
}

func gcloudCommand(ctx context.Context, script string) (*exec.Cmd, error) {
	program, err := exec.LookPath("gcloud")
	if err != nil {
		return nil, err
	}
	told, err := exec.CommandContext(ctx, program, "info", "--format=value(installation.sdk_root,basic.python_location)").Output()
	if err != nil {
		return nil, err
	}
	places := strings.Fields(string(told))
	if len(places) != 2 {
		return nil, errors.New("gcloud info does not tell its root and its Python")
	}
	cmd := exec.CommandContext(ctx, places[1], script)
	cmd.Env = append(os.Environ(), "AURORA_GCLOUD_ROOT="+places[0])
	return cmd, nil
}

// update merges fresh lines into a stored source: a fresh command replaces the stored one but keeps its further flags.
func update(path string, fresh []byte) error {
	lines := map[string]map[string]any{}
	stored, err := gunzip(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, text := range [][]byte{stored, fresh} {
		for line := range bytes.Lines(text) {
			var s map[string]any
			if err := json.Unmarshal(line, &s); err != nil {
				return err
			}
			name, _ := s["p"].(string)
			if old, ok := lines[name]; ok {
				s["f"] = union(s["f"], old["f"])
			}
			lines[name] = s
		}
	}
	names := make([]string, 0, len(lines))
	for name := range lines {
		names = append(names, name)
	}
	slices.Sort(names)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, name := range names {
		if err := enc.Encode(lines[name]); err != nil {
			return err
		}
	}
	return writeGzip(path, out.Bytes())
}

// union adds to the fresh flags those stored ones of which no spelling is among the fresh.
func union(fresh, stored any) any {
	list, _ := fresh.([]any)
	known := map[string]bool{}
	for _, f := range list {
		for _, n := range flagNames(f) {
			known[n] = true
		}
	}
	old, _ := stored.([]any)
	for _, f := range old {
		if !slices.ContainsFunc(flagNames(f), func(n string) bool { return known[n] }) {
			list = append(list, f)
		}
	}
	if list == nil {
		list = []any{}
	}
	return list
}

func flagNames(f any) []string {
	pair, _ := f.([]any)
	if len(pair) == 0 {
		return nil
	}
	var names []string
	inner, _ := pair[0].([]any)
	for _, n := range inner {
		if s, ok := n.(string); ok {
			names = append(names, s)
		}
	}
	return names
}

func writeGzip(path string, text []byte) error {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
