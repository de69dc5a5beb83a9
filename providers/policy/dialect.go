package policy

import (
	"fmt"
	"strings"
)

// dialect is how one program reads its argv: which flags may stand anywhere, and how flags are written.
type dialect struct {
	name     string
	provider string
	style    style
	table    *table
	globals  map[string]*globalFlag
	judge    func(*call, *Verdict) // what only code can tell about a command of this program
}

// style is a family of flag syntax.
type style uint8

const (
	argparse style = iota // --long value, --long=value, -s value; values do not start with a dash (aws, gcloud, az)
	pflag                 // --long=value, clusters -Aojson; a value may start with a dash (kubectl, helm)
	goflag                // -name=value or --name=value, no clusters (terraform)
	abslflag              // like goflag, --no before switches (bq)
	keyvalue              // key=value arguments; dashes only for the program's own flags (scw)
)

// globalFlag is a flag that every command of a program takes.
type globalFlag struct {
	name   string // the first spelling
	kind   byte
	action string // "", scope:<kind>, format, query or a forbidden rule's name after "!"
}

// parseGlobals reads lines of "names kind action".
func parseGlobals(text string) map[string]*globalFlag {
	globals := map[string]*globalFlag{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		names := strings.Split(f[0], ",")
		kind, _ := FlagKind(f[1])
		g := &globalFlag{name: names[0], kind: kind}
		if len(f) > 2 {
			g.action = f[2]
		}
		for _, n := range names {
			globals[n] = g
		}
	}
	return globals
}

// call is an argv as the program itself would read it.
type call struct {
	d     *dialect
	argv  []string
	path  string // the command words that were found
	leaf  *node  // nil when the words do not end at a command
	group *node  // the last node reached
	stray string // the first word after group that the grammar does not know there
	flags []givenFlag
	args  []string // positional arguments
	rest  []string // what follows a bare --; part of args once the call is checked
	dash  bool     // a bare -- was seen
	fault *Refusal // the first thing that makes the argv unreadable
}

// givenFlag is one flag as written.
type givenFlag struct {
	name   string
	value  string
	valued bool       // a value was given
	at     *node      // the command whose flag it was taken for
	own    *tableFlag // the command's flag
	global *globalFlag
}

// resolve reads an argv from left to right: words walk down the command tree, flags are matched against the
// program's and the command's own, the rest are arguments. What it cannot read is a fault.
func (d *dialect) resolve(argv []string) *call {
	c := &call{d: d, argv: argv, path: d.name, group: &d.table.nodes[0]}
	if c.group.class >= 0 {
		c.leaf = c.group
	}
	for i := 1; i < len(argv) && c.fault == nil; i++ {
		word := argv[i]
		switch {
		case c.dash:
			c.rest = append(c.rest, word)
		case word == "--":
			c.dash = true
		case c.looksLikeFlag(word):
			i = c.takeFlag(i)
		default:
			c.takeWord(word)
		}
	}
	if c.fault == nil {
		c.check()
	}
	return c
}

// looksLikeFlag tells flags from words; "-" and negative numbers are words, but for a flag that is a digit.
func (c *call) looksLikeFlag(word string) bool {
	if len(word) < 2 || word[0] != '-' {
		return false
	}
	if word[1] != '.' && (word[1] < '0' || word[1] > '9') {
		return true
	}
	own, global := c.find(word)
	return own != nil || global != nil
}

func (c *call) takeWord(word string) {
	if len(c.args) == 0 && c.stray == "" {
		if next := c.d.table.child(c.group, word); next != nil {
			c.group, c.leaf = next, nil
			if next.class >= 0 {
				c.leaf = next
			}
			c.path += " " + word
			return
		}
	}
	if c.leaf == nil || c.bare() {
		if c.stray == "" {
			c.stray = word
			c.fault = c.unknownCommand()
		}
		return
	}
	if c.d.style == keyvalue {
		c.takeKey(word)
		return
	}
	c.args = append(c.args, word)
}

// takeKey reads a key=value argument; a word without "=" is a positional argument.
func (c *call) takeKey(word string) {
	key, value, ok := strings.Cut(word, "=")
	if !ok {
		c.args = append(c.args, word)
		return
	}
	own := c.d.key(c.leaf, key)
	if own == nil {
		c.fault = c.unknownFlag(key)
		return
	}
	c.flags = append(c.flags, givenFlag{name: key, value: value, valued: true, own: own, at: c.leaf})
}

// key finds a key=value argument; {index} and {key} in the grammar stand for one step of a path.
func (d *dialect) key(leaf *node, key string) *tableFlag {
	for f := range d.table.flagsOf(leaf) {
		for _, name := range f.names {
			if name == key || strings.IndexByte(name, '{') >= 0 && matchKey(name, key) {
				return f
			}
		}
	}
	return nil
}

func matchKey(pattern, key string) bool {
	for pattern != "" && key != "" {
		p, restP, moreP := strings.Cut(pattern, ".")
		k, restK, moreK := strings.Cut(key, ".")
		if p != k && (p == "" || p[0] != '{' || k == "") || moreP != moreK {
			return false
		}
		pattern, key = restP, restK
	}
	return pattern == "" && key == ""
}

// takeFlag reads the flag at argv[i] and returns the index of the last word it took.
func (c *call) takeFlag(i int) int {
	word := c.argv[i]
	name, value, valued := strings.Cut(word, "=")
	if c.d.style == goflag || c.d.style == abslflag {
		name = oneStyle(c.d.style, name)
	}
	own, global := c.find(name)
	if own == nil && global == nil {
		if (c.d.style == pflag || c.d.style == keyvalue) && word[1] != '-' {
			return c.takeCluster(i)
		}
		c.fault = c.unknownFlag(name)
		return i
	}
	return c.takeValue(i, givenFlag{name: name, value: value, valued: valued, own: own, global: global, at: c.leaf})
}

// oneStyle writes -name and --name the way the tables do.
func oneStyle(s style, name string) string {
	bare := strings.TrimLeft(name, "-")
	if s == goflag || len(bare) == 1 {
		return "-" + bare
	}
	return "--" + bare
}

func (c *call) find(name string) (*tableFlag, *globalFlag) {
	var own *tableFlag
	if c.leaf != nil {
		own = c.d.table.flag(c.leaf, name)
	}
	if own != nil {
		return own, nil
	}
	return nil, c.d.globals[name]
}

func (f *givenFlag) kind() byte {
	if f.own != nil {
		return f.own.kind
	}
	return f.global.kind
}

// takeValue gives a flag the words that belong to it.
func (c *call) takeValue(i int, f givenFlag) int {
	switch arity := f.kind() & kindArity; {
	case f.valued || arity == kindSwitch || arity == kindOptional:
		c.flags = append(c.flags, f)
		return i
	case arity == kindList:
		c.flags = append(c.flags, f)
		for i+1 < len(c.argv) && c.argv[i+1] != "--" && !c.looksLikeFlag(c.argv[i+1]) {
			i++
			f.value, f.valued = c.argv[i], true
			c.flags = append(c.flags, f)
		}
		return i
	}
	if i+1 >= len(c.argv) || c.d.style == argparse && (c.argv[i+1] == "--" || c.looksLikeFlag(c.argv[i+1])) {
		c.fault = unparsed("The flag %s needs a value. Write %s=VALUE.", f.name, f.name)
		return i
	}
	f.value, f.valued = c.argv[i+1], true
	c.flags = append(c.flags, f)
	return i + 1
}

// takeCluster reads short flags written together, such as -Aojson: switches first, then at most one with a value.
func (c *call) takeCluster(i int) int {
	word := c.argv[i]
	for at := 1; at < len(word); at++ {
		name := "-" + word[at:at+1]
		own, global := c.find(name)
		if own == nil && global == nil {
			c.fault = c.unknownFlag(name)
			return i
		}
		f := givenFlag{name: name, own: own, global: global, at: c.leaf}
		if f.kind()&kindArity == kindSwitch {
			if at+1 < len(word) && word[at+1] == '=' {
				f.value, f.valued = word[at+2:], true
				return c.takeValue(i, f)
			}
			c.flags = append(c.flags, f)
			continue
		}
		if at+1 < len(word) {
			f.value, f.valued = strings.TrimPrefix(word[at+1:], "="), true
		}
		return c.takeValue(i, f)
	}
	return i
}

// check looks at the whole call once the command is known: flags that stood before the command word must be its own or
// the program's, and arguments must fit.
func (c *call) check() {
	if c.leaf == nil || c.bare() && len(c.flags) == 0 {
		c.fault = c.unknownCommand()
		return
	}
	for i := range c.flags {
		f := &c.flags[i]
		if f.at == c.leaf {
			continue
		}
		own := c.d.table.flag(c.leaf, f.name)
		if f.global == nil && (own == nil || own.kind&kindArity != f.own.kind&kindArity) {
			c.fault = c.unknownFlag(f.name)
			return
		}
		f.own = own
	}
	if c.d.style == argparse {
		c.checkArgs()
	}
	// What follows -- is arguments too; whoever looks for files, addresses and kinds must see it.
	c.args = append(c.args, c.rest...)
}

// checkArgs refuses words that no argument of the command takes.
func (c *call) checkArgs() {
	names := c.d.table.args[c.leaf.args]
	if len(names) > 0 && strings.HasSuffix(names[len(names)-1], "...") {
		return
	}
	if c.dash {
		c.fault = unparsed("%s takes nothing after a bare --. Leave it out.", c.path)
		return
	}
	if len(c.args) > len(names) {
		c.fault = &Refusal{Rule: RuleUnknown, Reason: fmt.Sprintf("%s does not take the word %q. Flags start with two hyphens; values with blanks go in quotes.", c.path, clip(c.args[len(names)]))}
	}
}

// bare reports that no command word was found yet: a program alone takes flags such as --version, and no arguments.
func (c *call) bare() bool { return c.group == &c.d.table.nodes[0] }

func (c *call) unknownCommand() *Refusal {
	if c.stray == "" {
		return &Refusal{Rule: RuleUnknown, Nearest: c.anyBelow(), Reason: fmt.Sprintf("%s is a group of commands, not a command. One of them is: %s", c.path, c.anyBelow())}
	}
	words := make([]string, 0, c.group.n)
	for _, kid := range c.d.table.nodes[c.group.first : c.group.first+c.group.n] {
		words = append(words, kid.word)
	}
	r := &Refusal{Rule: RuleUnknown}
	if best := nearest(c.stray, words); best != "" {
		r.Nearest = c.path + " " + best
		r.Reason = fmt.Sprintf("%s has no command %q. Did you mean: %s?", c.path, clip(c.stray), r.Nearest)
		return r
	}
	r.Nearest = c.anyBelow()
	r.Reason = fmt.Sprintf("%s has no command %q. Among its commands: %s.", c.path, clip(c.stray), list(words, 6))
	return r
}

// anyBelow is the first full command below the group that was reached.
func (c *call) anyBelow() string {
	n, path := c.group, c.path
	for (n.class < 0 || n == &c.d.table.nodes[0]) && n.n > 0 {
		n = &c.d.table.nodes[n.first]
		path += " " + n.word
	}
	return path
}

func (c *call) unknownFlag(name string) *Refusal {
	var names []string
	if c.leaf != nil {
		for f := range c.d.table.flagsOf(c.leaf) {
			names = append(names, f.names...)
		}
	}
	for n := range c.d.globals {
		names = append(names, n)
	}
	r := &Refusal{Rule: RuleUnknown, Nearest: nearest(name, names)}
	where := c.path
	if c.leaf == nil {
		where += " (flags of a command stand after it)"
	}
	r.Reason = fmt.Sprintf("%s has no flag %s.", where, clip(name))
	if r.Nearest != "" {
		r.Reason += fmt.Sprintf(" Write the flag's full name; the nearest is %s.", r.Nearest)
	}
	return r
}

// clip keeps a quoted word short in a sentence.
func clip(word string) string {
	if len(word) <= 60 {
		return word
	}
	return strings.ToValidUTF8(word[:60], "") + "…"
}

func list(words []string, most int) string {
	if len(words) > most {
		return strings.Join(words[:most], ", ") + ", …"
	}
	return strings.Join(words, ", ")
}
