package policy

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// provenDryRuns are the tokens that may lower an effect: they are known not to change anything.
var provenDryRuns = []string{"--dry-run=client", "--dry-run=server", "-check", "--check", "-check=true"}

// decoys are words that fool readers of text: verbs, help, skeletons, dry runs of other programs.
var decoys = []string{
	"list", "get", "describe", "show", "read", "help", "--help", "-h", "--version", "--dry-run", "--no-dry-run", "--dryrun", "--dry-run=none",
	"--dry-run=client", "--dry-run=server", "-check", "--generate-cli-skeleton", "--generate-cli-skeleton=output", "--query=list", "--what-if",
	"--validate-only", "wait", "--", "-", "--output=json", "--format=json", "-o", "x=y", "ls", "--yes", "--quiet", "--force=false", "--list", "status",
}

// knownTokens are the flags a command and its program take, with a value where they need one.
func knownTokens(d *dialect, leaf *node) []string {
	tokens := slices.Clone(decoys)
	for f := range d.table.flagsOf(leaf) {
		tokens = append(tokens, spelled(f.names[0], f.kind))
	}
	for name, g := range d.globals {
		tokens = append(tokens, spelled(name, g.kind))
	}
	return tokens
}

func spelled(name string, kind byte) string {
	switch kind & kindArity {
	case kindSwitch:
		return name
	case kindKey:
		return strings.NewReplacer("{index}", "0", "{key}", "k").Replace(name) + "=x"
	}
	return name + "=x"
}

// lowered says how a mutated command got milder than the original; empty when it did not.
func lowered(e *Engine, before, after Verdict, argv []string) string {
	if after.Path != before.Path || slices.ContainsFunc(argv, func(w string) bool { return slices.Contains(provenDryRuns, w) }) && after.Rule == "dry-run" {
		return ""
	}
	if after.Effect < before.Effect {
		return "effect " + before.Effect.String() + " became " + after.Effect.String()
	}
	for _, m := range explained {
		if was, is := e.Decide(before, m.context), e.Decide(after, m.context); is.Decision < was.Decision {
			return m.name + ": " + was.Decision.String() + " became " + is.Decision.String()
		}
	}
	return ""
}

var every = flag.Bool("every", false, "mutate every labelled command, not one in seven")

// stride keeps the mutation tests short; -every takes all of them, in some minutes.
func stride() int {
	if *every {
		return 1
	}
	return 7
}

func TestAppendedTokenNeverLowers(t *testing.T) {
	t.Parallel()
	e := engine()
	checked := 0
	for _, tool := range truthTools {
		d := e.dialects[tool]
		for n, l := range labels(t, tool) {
			c, refusal := e.Parse(l.command)
			if refusal != nil || n%stride() != 0 {
				continue
			}
			before := e.Classify(c)
			if before.Effect == Read && !before.Facets.Any(refusing) {
				continue
			}
			leaf := d.resolve(c.Argv).leaf
			if leaf == nil {
				continue
			}
			for _, token := range knownTokens(d, leaf) {
				argv := append(slices.Clone(c.Argv), token)
				checked++
				if how := lowered(e, before, e.Classify(Command{Argv: argv}), argv); how != "" {
					t.Errorf("%s + %s: %s", l.command, token, how)
				}
			}
		}
	}
	t.Logf("%d appended tokens", checked)
}

func TestSwappedTokenNeverLowers(t *testing.T) {
	t.Parallel()
	e := engine()
	checked := 0
	for n, l := range invocations(t) {
		c, refusal := e.Parse(l.command)
		if refusal != nil || l.truth == "read" || n%stride() != 0 {
			continue
		}
		words := len(strings.Fields(c.Path))
		before := e.Classify(c)
		bare := e.Classify(Command{Argv: strings.Fields(c.Path)}) // what the command does whatever its flags
		for i := words; i < len(c.Argv); i++ {
			for _, token := range decoys {
				argv := slices.Clone(c.Argv)
				argv[i] = token
				checked++
				after := e.Classify(Command{Argv: argv})
				if how := lowered(e, bare, after, argv); how != "" && before.Effect >= bare.Effect {
					t.Errorf("%s: %s for %s: %s", l.command, token, c.Argv[i], how)
				}
			}
		}
	}
	t.Logf("%d swapped tokens", checked)
}

// FuzzParse checks that parsing never panics and that what is accepted can be written down and read back.
func FuzzParse(f *testing.F) {
	for _, r := range readRows(f, "testdata/traps.csv.gz") {
		f.Add(controlText.Replace(r["command"]))
	}
	for _, r := range readRows(f, "testdata/controls.csv.gz") {
		f.Add(r["command"])
	}
	f.Add(`aws x "a\"b\$c` + "`d`" + `" 'e f' g\ h`)
	e := engine()
	f.Fuzz(func(t *testing.T, line string) {
		c, refusal := e.Parse(line)
		if refusal != nil {
			if refusal.Reason == "" || !utf8.ValidString(refusal.Reason) {
				t.Errorf("%q is refused without a sentence: %q", line, refusal.Reason)
			}
			return
		}
		again, refusal := e.Parse(Quote(c.Argv))
		if refusal != nil || !slices.Equal(again.Argv, c.Argv) {
			t.Errorf("%q was read as %q and, written down, as %q (%v)", line, c.Argv, again.Argv, refusal)
		}
		v := e.Classify(c)
		if v.Effect < Read || v.Effect > Forbidden || v.Rule == "" || v.Reason == "" {
			t.Errorf("%q has no full verdict: %+v", line, v)
		}
		for _, m := range explained {
			if r := e.Decide(v, m.context); r.Decision < Allow || r.Rule == "" || r.Reason == "" {
				t.Errorf("%q has no full ruling in %s: %+v", line, m.name, r)
			}
		}
		if clean := CleanHuman(line); utf8.ValidString(line) && !utf8.ValidString(clean) {
			t.Errorf("cleaning %q broke it", line)
		}
	})
}

// FuzzClassify glues random words onto real commands: nothing may panic, and a change never turns into a read.
func FuzzClassify(f *testing.F) {
	f.Add(uint64(1), "--dry-run=none list")
	f.Add(uint64(7), "-Aojson -- x=y @f file:///etc/passwd")
	var changes []labelled
	for _, tool := range truthTools {
		for _, l := range labels(f, tool) {
			if l.truth != "read" {
				changes = append(changes, l)
			}
		}
	}
	e := engine()
	f.Fuzz(func(t *testing.T, seed uint64, tail string) {
		l := changes[rand.New(rand.NewPCG(seed, 1)).IntN(len(changes))]
		c, refusal := e.ParseArgv(append(strings.Fields(l.command), strings.Fields(tail)...))
		if refusal != nil {
			return
		}
		before := e.Classify(Command{Argv: strings.Fields(l.command)})
		if how := lowered(e, before, e.Classify(c), c.Argv); how != "" {
			t.Errorf("%s %s: %s", l.command, tail, how)
		}
	})
}
