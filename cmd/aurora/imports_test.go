package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers are the top-level packages, from left to right: a package imports its parent and what is to the right.
var layers = []string{"cmd", "bot", "agent", "providers", "store"}

// onlyImporters are the packages that alone may import a dependency.
var onlyImporters = map[string]string{
	"github.com/slack-go/slack":               "bot/slack",
	"github.com/infracloudio/msbotbuilder-go": "bot/teams",
	"github.com/openai/openai-go":             "agent/openai",
	"github.com/redis/go-redis":               "store/redis",
	"github.com/hashicorp/vault":              "store/vault",
	"filippo.io/age":                          "store/sealed",
	"github.com/jackc/pgx":                    "store/sql",
	"modernc.org/sqlite":                      "store/sql",
	"mvdan.cc/sh":                             "providers/policy",
}

// TestImportsPointOneWay reads every import of the tree.
func TestImportsPointOneWay(t *testing.T) {
	seen := 0
	for file, imports := range treeImports(t, filepath.Join("..", "..")) {
		from := filepath.ToSlash(filepath.Dir(file))
		for _, path := range imports {
			seen++
			if why := wrongImport(from, path); why != "" {
				t.Errorf("%s imports %s: %s", file, path, why)
			}
		}
	}
	if seen < 500 {
		t.Errorf("only %d imports were read: the walk misses the tree", seen)
	}
}

func TestWrongImportsAreFound(t *testing.T) {
	for _, c := range []struct{ from, path string }{
		{"store", "aurora/bot"}, {"agent", "aurora/bot"}, {"bot/slack", "aurora/bot/teams"}, {"providers", "aurora/agent"},
		{"store/sql", "aurora/store/redis"}, {"bot", "aurora/bot/slack"}, {"bot", "github.com/slack-go/slack"},
		{"agent", "github.com/openai/openai-go/v3"}, {"cmd/aurora", "github.com/redis/go-redis/v9"}, {"providers/policy", "aurora/providers"},
	} {
		if wrongImport(c.from, c.path) == "" {
			t.Errorf("%s may import %s", c.from, c.path)
		}
	}
}

func wrongImport(from, path string) string {
	for dependency, owner := range onlyImporters {
		if strings.HasPrefix(path, dependency) && from != owner && !strings.HasPrefix(from, owner+"/") && from != "store/storetest" {
			return "only " + owner + " may"
		}
	}
	to, ours := strings.CutPrefix(path, "aurora/")
	if !ours || to == "manifests" {
		return ""
	}
	left, right := slices.Index(layers, top(from)), slices.Index(layers, top(to))
	switch {
	case left < 0 || right < 0:
		return "a package outside the layers"
	case right > left || left == 0:
		return ""
	case right < left:
		return "the arrow points to the left"
	case from != to && top(from) == "providers" && to == "providers/policy": // pure: it is to the right of all providers
		return ""
	case from == "store/storetest": // test support: starts the real servers and holds the conformance suites
		return ""
	case from != to && !strings.HasPrefix(from, to+"/"):
		return "neither its parent nor to its right"
	case from == "providers/policy":
		return "policy is pure"
	}
	return ""
}

func top(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

// treeImports gives the imports of every file that is built into the product; tests may use test support.
func treeImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"testdata", "testbench", "node_modules", ".git", "gen"}, d.Name()) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[rel] = append(found[rel], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
