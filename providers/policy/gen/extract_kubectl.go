package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// kubectlFlag is one line of "Options:" in kubectl's help, such as "    -o, --output=”:".
var kubectlFlag = regexp.MustCompile(`^ {4}(?:(-[a-zA-Z0-9]), )?(--[a-z0-9-]+)=(.*):$`)

// kubectlOptional are flags whose value may be left out; help does not tell them from the others.
var kubectlOptional = map[string]bool{"--dry-run": true, "--cascade": true, "--validate": true}

// extractKubectl reads the help of every kubectl command; help is generated from the command tree.
func extractKubectl(ctx context.Context, path string) error {
	program, err := exec.LookPath("kubectl")
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubectl is not installed; its stored source stays")
		return nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	if err := kubectlHelp(ctx, enc, program, nil, map[string]bool{}); err != nil {
		return err
	}
	return update(path, out.Bytes())
}

// kubectlHelp writes one command and walks into those listed under its "Commands" headings.
func kubectlHelp(ctx context.Context, enc *json.Encoder, program string, words []string, seen map[string]bool) error {
	name := strings.Join(append([]string{"kubectl"}, words...), " ")
	if seen[name] {
		return nil
	}
	seen[name] = true
	cmd := exec.CommandContext(ctx, program, append(append([]string{}, words...), "--help")...)
	cmd.Env = []string{"HOME=" + os.TempDir(), "KUBECONFIG=/dev/null"}
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s --help: %w", name, err)
	}
	flags := []any{}
	var below, aliases []string
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line != "" && line[0] != ' ' && section == "Aliases:": // its lines are not indented
			_, list, _ := strings.Cut(line, ", ")
			aliases, section = strings.Split(list, ", "), ""
		case line != "" && line[0] != ' ':
			section = line
		case section == "Options:":
			if m := kubectlFlag.FindStringSubmatch(line); m != nil {
				flags = append(flags, kubectlSpelled(m))
			}
		case strings.Contains(section, "Commands") && strings.HasPrefix(line, "  "):
			below = append(below, strings.Fields(line)[0])
		}
	}
	runs := len(words) > 0 && (len(flags) > 0 || len(below) == 0)
	if runs {
		told := map[string]any{"p": name, "f": flags, "a": []any{}}
		if len(aliases) > 0 {
			told["al"] = aliases
		}
		if err := enc.Encode(told); err != nil {
			return err
		}
	}
	for _, sub := range below {
		if err := kubectlHelp(ctx, enc, program, append(append([]string{}, words...), sub), seen); err != nil {
			return err
		}
	}
	return nil
}

func kubectlSpelled(m []string) []any {
	names := []string{m[2]}
	if m[1] != "" {
		names = []string{m[1], m[2]}
	}
	kind := "v"
	switch {
	case m[3] == "true" || m[3] == "false":
		kind = "b"
	case kubectlOptional[m[2]]:
		kind = "o"
	}
	return []any{names, kind}
}
