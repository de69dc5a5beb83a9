package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"aurora/providers/policy"
)

// book holds the reviewed inputs: overrides, flag rules, hand-made commands; and what the build learns.
type book struct {
	sentences map[string]string // rule name -> the sentence people see
	over      []override
	flags     []flagRule
	hand      map[string][]*command
	sets      map[string][]string // named flag sets of commands.txt
	tally     []string
	conflicts []string
}

// override changes what the sources say about the commands its pattern matches.
type override struct {
	at   string // file and line, for errors
	rule string
	pat  *pattern
	change
}

// change is the right side of a rule line.
type change struct {
	effect policy.Effect // raise to at least this
	exact  bool          // set it, lower too
	facets policy.Facets
	remove policy.Facets
	masked []string
	drop   bool
}

// flagRule changes the effect of commands that carry a flag.
type flagRule struct {
	at    string
	rule  string
	pat   *pattern
	flag  string // glob over the flag's names
	value string // glob over the value; empty means any
	change
}

func readBook(gen string) (*book, error) {
	b := &book{sentences: map[string]string{}, hand: map[string][]*command{}, sets: map[string][]string{}}
	for _, part := range []struct {
		file string
		take func(at, rule, left string, c change) error
	}{
		{"overrides.txt", b.takeOverride}, {"flags.txt", b.takeFlag}, {"commands.txt", b.takeCommand},
	} {
		if err := b.readRules(filepath.Join(gen, part.file), part.take); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readRules reads "[rule] sentence" headings and "left => changes # reason" lines.
func (b *book) readRules(path string, take func(at, rule, left string, c change) error) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rule := ""
	for n, line := range strings.Split(string(content), "\n") {
		at := fmt.Sprintf("%s:%d", filepath.Base(path), n+1)
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(line, "["):
			name, sentence, _ := strings.Cut(line[1:], "]")
			rule = name
			if sentence = strings.TrimSpace(sentence); sentence != "" {
				b.sentences[name] = sentence
			}
			continue
		case strings.HasPrefix(line, "@"):
			name, flags, _ := strings.Cut(line[1:], " ")
			b.sets[name] = strings.Fields(flags)
			continue
		}
		body, reason, ok := strings.Cut(line, " # ")
		if !ok || strings.TrimSpace(reason) == "" {
			return fmt.Errorf("%s: every line ends with \" # reason\"", at)
		}
		left, right, ok := strings.Cut(body, "=>")
		if !ok || rule == "" {
			return fmt.Errorf("%s: want a [rule] heading above and pattern => change here", at)
		}
		c, err := parseChange(right)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if err := take(at, rule, strings.TrimSpace(left), c); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	return nil
}

func parseChange(text string) (change, error) {
	var c change
	for _, word := range strings.Fields(text) {
		if paths, ok := strings.CutPrefix(word, "mask:"); ok {
			c.masked = append(c.masked, strings.Split(paths, ";")...)
			c.facets |= policy.Masked
			continue
		}
		if word == "?" {
			continue
		}
		if word == "drop" {
			c.drop = true
			continue
		}
		bare := strings.TrimLeft(word, "=-")
		if e, ok := policy.ParseEffect(bare); ok {
			c.effect, c.exact = e, strings.HasPrefix(word, "=")
			continue
		}
		f, ok := policy.ParseFacet(bare)
		if !ok {
			return c, fmt.Errorf("unknown word %q", word)
		}
		if strings.HasPrefix(word, "-") {
			c.remove |= f
			continue
		}
		c.facets |= f
	}
	return c, nil
}

func (b *book) takeOverride(at, rule, left string, c change) error {
	b.over = append(b.over, override{at: at, rule: rule, pat: newPattern(left), change: c})
	return nil
}

func (b *book) takeFlag(at, rule, left string, c change) error {
	cmd, flag, ok := strings.Cut(left, " :: ")
	if !ok {
		return fmt.Errorf("want command :: flag")
	}
	name, value, _ := strings.Cut(flag, "=")
	pat := newPattern(strings.TrimSpace(cmd))
	for _, n := range expand(strings.TrimSpace(name)) {
		for _, v := range expand(strings.TrimSpace(value)) {
			b.flags = append(b.flags, flagRule{at: at, rule: rule, pat: pat, flag: n, value: v, change: c})
		}
	}
	return nil
}

// takeCommand reads "path | flags | arguments"; flags are --name,-n:kind or @set.
func (b *book) takeCommand(at, rule, left string, c change) error {
	parts := strings.Split(left, "|")
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	for _, path := range expand(strings.TrimSpace(parts[0])) {
		cmd := &command{Path: path, Args: strings.Fields(parts[2]), rule: rule}
		cmd.label, cmd.facets, cmd.masked, cmd.effect = c.effect, c.facets, c.masked, c.effect
		if err := b.addFlags(cmd, strings.Fields(parts[1])); err != nil {
			return err
		}
		tool := strings.Fields(path)[0]
		b.hand[tool] = append(b.hand[tool], cmd)
	}
	return nil
}

func (b *book) addFlags(c *command, words []string) error {
	for _, word := range words {
		if set, ok := strings.CutPrefix(word, "@"); ok {
			flags, known := b.sets[set]
			if !known {
				return fmt.Errorf("unknown flag set @%s", set)
			}
			if err := b.addFlags(c, flags); err != nil {
				return err
			}
			continue
		}
		names, kind, ok := strings.Cut(word, ":")
		if !ok {
			return fmt.Errorf("flag %q has no kind", word)
		}
		c.Flags = append(c.Flags, cflag{Names: strings.Split(names, ","), Kind: kind})
	}
	return nil
}

// unused fails on rules that match nothing any more, so that stale ones do not pile up.
func (b *book) unused() error {
	var stale []string
	for _, o := range b.over {
		if !o.pat.used {
			stale = append(stale, o.at+" "+o.pat.text)
		}
	}
	for _, f := range b.flags {
		if !f.pat.used {
			stale = append(stale, f.at+" "+f.pat.text+" :: "+f.flag)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	return fmt.Errorf("rules that match no command:\n  %s", strings.Join(stale, "\n  "))
}

func (b *book) count(tool string, cmds []*command) {
	n := map[policy.Effect]int{}
	facets := map[string]int{}
	total := 0
	for _, c := range cmds {
		if c.drop {
			continue
		}
		total++
		n[c.effect]++
		for _, f := range c.facets.Names() {
			facets[f]++
		}
	}
	line := fmt.Sprintf("%s commands=%d", tool, total)
	for e := policy.Read; e <= policy.Forbidden; e++ {
		line += fmt.Sprintf(" %s=%d", e, n[e])
	}
	for _, f := range policy.Facet(1<<10 - 1).Names() {
		line += fmt.Sprintf(" %s=%d", f, facets[f])
	}
	b.tally = append(b.tally, line)
}

func (b *book) counts() []byte { return []byte(strings.Join(b.tally, "\n") + "\n") }

func (b *book) conflictList() []byte {
	sort.Strings(b.conflicts)
	var out bytes.Buffer
	out.WriteString("Commands whose sources disagree: path, effect taken, what the sources say. The worst wins unless an override says why not.\n")
	for _, c := range b.conflicts {
		out.WriteString(c + "\n")
	}
	return out.Bytes()
}
