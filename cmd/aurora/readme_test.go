package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeCommandsExist takes every `make <target>` and `aurora <command>` that README names and looks for it.
func TestReadmeCommandsExist(t *testing.T) {
	readme := read(t, "../../README.md")
	makefile := read(t, "../../Makefile")
	targets := regexp.MustCompile("make ([a-z][a-z-]*)").FindAllStringSubmatch(readme, -1)
	for _, m := range targets {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(m[1]) + `:`).MatchString(makefile) {
			t.Errorf("README says `make %s`; the Makefile has no such target", m[1])
		}
	}
	commands := regexp.MustCompile("(?m)(?:`|^    )(?:\\./bin/)?aurora ([a-z]+)(?: ([a-z]+))?").FindAllStringSubmatch(readme, -1)
	for _, m := range commands {
		known := newRoot(nil, streams{strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}})
		c, _, err := known.Find([]string{m[1]})
		if err != nil || c == known {
			t.Errorf("README says `aurora %s`; there is no such command", m[1])
			continue
		}
		if sub, _, _ := c.Find([]string{m[2]}); m[2] != "" && c.HasSubCommands() && sub == c {
			t.Errorf("README says `aurora %s %s`; there is no such command", m[1], m[2])
		}
	}
	if len(targets) < 3 || len(commands) < 5 {
		t.Errorf("README names %d make targets and %d commands: it does not show how to use Aurora", len(targets), len(commands))
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
