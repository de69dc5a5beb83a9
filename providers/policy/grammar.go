package policy

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
	Help    string // one sentence
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
func Grammar(program string) []GrammarCommand { return nil }

// ResolveCall finds the typed command behind an argv that Parse or ParseArgv accepted.
func (e *Engine) ResolveCall(argv []string) (Call, *Refusal) {
	return Call{}, &Refusal{Rule: RuleUnknown, Reason: "The grammar is not built yet."}
}
