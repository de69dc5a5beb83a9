package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// GrammarCommand is one command of our own typed grammars, programs tailscale and ovhcloud, which have no CLI
// behind them: the executor dispatches on Name.
type GrammarCommand struct {
	Program string   // tailscale or ovhcloud
	Name    string   // stable name for dispatch, such as "device delete"
	Paths   []string // every accepted spelling of the words after the program; the first is the canonical one
	Args    []GrammarArg
	Flags   []GrammarFlag
	Effect  Effect
	Facets  Facets
	Masked  []string // JSON paths of secret members of the answer
	Help    string   // one sentence
}

// GrammarArg is a positional argument.
type GrammarArg struct {
	Name     string
	Pattern  string // anchored regular expression every value must match
	Optional bool
	Repeated bool // takes all further words; only the last argument
}

// GrammarFlag is a flag of our own grammars, written --name value or --name=value.
type GrammarFlag struct {
	Name    string // with its dashes
	Value   bool   // false: a switch
	Pattern string // anchored regular expression every value must match
}

// Call is a resolved command of our own grammars.
type Call struct {
	Command *GrammarCommand
	Args    map[string][]string // by argument name
	Flags   map[string]string   // by flag name; a switch has the value "true"
}

// Grammar lists our own typed commands of a program (tailscale or ovhcloud) in a fixed order.
func Grammar(program string) []GrammarCommand {
	g, ok := grammars()[program]
	if !ok {
		return nil
	}
	return slices.Clone(g.list)
}

// ResolveCall finds the typed command behind an argv that Parse or ParseArgv accepted. A nil refusal means that every
// argument and flag matches its pattern; a forbidden command resolves too, Classify refuses it.
func (e *Engine) ResolveCall(argv []string) (Call, *Refusal) {
	if len(argv) == 0 {
		return Call{}, unparsed("There is no command.")
	}
	g, ok := grammars()[argv[0]]
	if !ok {
		return Call{}, &Refusal{Rule: RuleUnknown, Reason: fmt.Sprintf("%q has no typed commands.", clip(argv[0]))}
	}
	return g.resolve(argv)
}

// grammar is the commands of one program with their spellings.
type grammar struct {
	program string
	list    []GrammarCommand
	byPath  map[string]*GrammarCommand
	paths   []string
	deepest int // words of the longest spelling
}

var grammars = sync.OnceValue(func() map[string]*grammar {
	return map[string]*grammar{"tailscale": newGrammar("tailscale", tailscaleCommands()), "ovhcloud": newGrammar("ovhcloud", ovhCommands())}
})

func newGrammar(program string, list []GrammarCommand) *grammar {
	g := &grammar{program: program, list: list, byPath: map[string]*GrammarCommand{}}
	for i := range g.list {
		c := &g.list[i]
		c.Program = program
		for _, p := range c.Paths {
			g.byPath[p] = c
			g.paths = append(g.paths, p)
			g.deepest = max(g.deepest, len(strings.Fields(p)))
		}
	}
	slices.Sort(g.paths)
	return g
}

// resolve finds the longest spelling that the words begin with, then fits arguments and flags.
func (g *grammar) resolve(argv []string) (Call, *Refusal) {
	words, flags, refusal := g.split(argv[1:])
	if refusal != nil {
		return Call{}, refusal
	}
	for n := min(len(words), g.deepest); n > 0; n-- {
		c, ok := g.byPath[strings.Join(words[:n], " ")]
		if !ok {
			continue
		}
		return c.fit(words[n:], flags)
	}
	return Call{}, g.unknown(words)
}

// split tells words from flags without knowing the command: which flags take a value is the same in a whole program.
func (g *grammar) split(argv []string) ([]string, [][2]string, *Refusal) {
	var words []string
	var flags [][2]string
	for i := 0; i < len(argv); i++ {
		word := argv[i]
		if len(word) < 2 || word[0] != '-' {
			words = append(words, word)
			continue
		}
		name, value, valued := strings.Cut(word, "=")
		takes, known := g.flagTakes(name)
		switch {
		case !known:
			return nil, nil, &Refusal{Rule: RuleUnknown, Reason: fmt.Sprintf("%s has no flag %s.", g.program, clip(name))}
		case !takes && valued && value != "true" && value != "false":
			return nil, nil, unparsed("The flag %s takes no value.", name)
		case !takes && !valued:
			value = "true"
		case takes && !valued && i+1 >= len(argv):
			return nil, nil, unparsed("The flag %s needs a value. Write %s=VALUE.", name, name)
		case takes && !valued:
			i++
			value = argv[i]
		}
		flags = append(flags, [2]string{name, value})
	}
	return words, flags, nil
}

func (g *grammar) flagTakes(name string) (takes, known bool) {
	for i := range g.list {
		for _, f := range g.list[i].Flags {
			if f.Name == name {
				return f.Value, true
			}
		}
	}
	return false, false
}

func (g *grammar) unknown(words []string) *Refusal {
	if len(words) == 0 {
		return &Refusal{Rule: RuleUnknown, Nearest: g.program + " " + g.list[0].Paths[0], Reason: fmt.Sprintf("Say what %s should do, such as: %s %s", g.program, g.program, g.list[0].Paths[0])}
	}
	r := &Refusal{Rule: RuleUnknown, Reason: fmt.Sprintf("%s has no command %q.", g.program, clip(strings.Join(words, " ")))}
	if best := nearest(strings.Join(words, " "), g.paths); best != "" {
		r.Nearest = g.program + " " + best
		r.Reason += " Did you mean: " + r.Nearest + "?"
		return r
	}
	r.Reason += " Among its commands: " + list(g.paths, 6) + "."
	return r
}

func (c *GrammarCommand) fit(words []string, flags [][2]string) (Call, *Refusal) {
	call := Call{Command: c, Args: map[string][]string{}, Flags: map[string]string{}}
	name := c.Program + " " + c.Paths[0]
	for _, a := range c.Args {
		switch {
		case len(words) == 0 && a.Optional:
		case len(words) == 0:
			return Call{}, unparsed("%s needs %s: %s", name, a.Name, c.usage())
		case a.Repeated:
			call.Args[a.Name], words = words, nil
		default:
			call.Args[a.Name], words = words[:1], words[1:]
		}
		for _, value := range call.Args[a.Name] {
			if !anchored(a.Pattern).MatchString(value) {
				return Call{}, unparsed("%q is no valid %s.", clip(value), a.Name)
			}
		}
	}
	if len(words) > 0 {
		return Call{}, &Refusal{Rule: RuleUnknown, Reason: fmt.Sprintf("%s does not take the word %q. Write: %s", name, clip(words[0]), c.usage())}
	}
	for _, f := range flags {
		i := slices.IndexFunc(c.Flags, func(known GrammarFlag) bool { return known.Name == f[0] })
		if i < 0 {
			return Call{}, &Refusal{Rule: RuleUnknown, Reason: fmt.Sprintf("%s has no flag %s. Write: %s", name, f[0], c.usage())}
		}
		if c.Flags[i].Value && !anchored(c.Flags[i].Pattern).MatchString(f[1]) {
			return Call{}, unparsed("%q is no valid value of %s.", clip(f[1]), f[0])
		}
		call.Flags[f[0]] = f[1]
	}
	return call, nil
}

// usage writes the command's shape, such as: tailscale device get DEVICE
func (c *GrammarCommand) usage() string {
	out := c.Program + " " + c.Paths[0]
	for _, a := range c.Args {
		word := strings.ToUpper(a.Name)
		if a.Repeated {
			word += "..."
		}
		if a.Optional {
			word = "[" + word + "]"
		}
		out += " " + word
	}
	return out
}

var patterns sync.Map // string -> *regexp.Regexp; the grammars hold a dozen patterns

func anchored(pattern string) *regexp.Regexp {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(`\A(?:` + pattern + `)\z`)
	patterns.Store(pattern, re)
	return re
}

// classifyOwn judges a command of our own grammars.
func classifyOwn(d *dialect, argv []string) Verdict {
	call, refusal := grammars()[d.name].resolve(argv)
	if refusal != nil {
		return faultVerdict(d.provider, d.name, refusal)
	}
	c := call.Command
	v := Verdict{Provider: d.provider, Path: d.name + " " + c.Paths[0], Effect: c.Effect, Facets: c.Facets, Masked: c.Masked, Rule: "table", Reason: tableReason(c.Effect)}
	if c.Effect == Forbidden || c.Facets.Any(refusing) {
		v.Rule, v.Reason = "typed", c.Help
	}
	for _, f := range c.Flags {
		value, given := call.Flags[f.Name]
		if !given {
			continue
		}
		v.Flags = append(v.Flags, Flag{Name: f.Name, Written: f.Name, Value: value})
		if kind, ok := typedScopes[f.Name]; ok {
			v.Scope = append(v.Scope, Scope{Kind: kind, Flag: f.Name, Value: value})
		}
	}
	for _, a := range c.Args {
		v.Position = append(v.Position, call.Args[a.Name]...)
	}
	v.tidy()
	return v
}

var typedScopes = map[string]string{"--tailnet": "tailnet", "--cloud-project": "project", "--region": "location"}

// The patterns of identifiers. None of them can leave its place in a path.
const (
	idPattern     = `[A-Za-z0-9]{1,64}`
	namePattern   = `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`
	tagPattern    = `tag:[a-z][a-z0-9-]{0,62}`
	cidrPattern   = `[0-9A-Fa-f.:]{2,45}/[0-9]{1,3}`
	addrPattern   = `[0-9A-Fa-f.:]{2,45}`
	blockPattern  = `[0-9A-Fa-f][0-9A-Fa-f.:]{1,44}(?:/[0-9]{1,3})?`
	domainPattern = `[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?`
	timePattern   = `[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]{5,15}Z)?`
	boolPattern   = `true|false`
	daysPattern   = `[0-9]{1,3}(?:d|h|m|s)?`
	textPattern   = `[^\x00-\x1f]{1,500}`
	policyPattern = `(?s).{2,}` // the parser bounds the whole line; a counted repeat above 1,000 does not compile
)
