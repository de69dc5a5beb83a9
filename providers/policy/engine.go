// Package policy judges cloud commands: it parses a line into an argv, classifies the argv by the CLIs' own
// grammar (effect and facets), and decides in a context (mode, role, channel, org rules). The executor calls it
// before every run and again at every click; `aurora policy` and `aurora explain` print what it thinks. It is
// pure: it runs nothing, opens nothing, and reads nothing but its embedded tables and what it is given.
// Whatever it does not know is refused.
package policy

// Engine holds the tables and the organisation's rules. It is safe for concurrent use.
type Engine struct {
	rules   *Rules
	version string
}

// New loads the embedded tables; rules may be nil. An error means that the binary is broken and nothing may run.
func New(rules *Rules) (*Engine, error) {
	return &Engine{rules: rules, version: "0"}, nil
}

// Version is a digest of tables and org rules; it belongs into every audit row.
func (e *Engine) Version() string { return e.version }

// Parse makes a command of one line of text. Exactly one of the results counts: the refusal is nil when the
// line is a command of a known program.
func (e *Engine) Parse(text string) (Command, *Refusal) {
	return Command{}, &Refusal{Rule: RuleUnparsed, Reason: "The parser is not built yet."}
}

// ParseArgv makes a command of words that are already split, as the model's tool may send them.
func (e *Engine) ParseArgv(argv []string) (Command, *Refusal) {
	return Command{}, &Refusal{Rule: RuleUnparsed, Reason: "The parser is not built yet."}
}

// Classify says what a command does, whoever asks.
func (e *Engine) Classify(c Command) Verdict {
	return Verdict{Provider: c.Provider, Effect: Forbidden, Rule: RuleUnknown, Reason: "The tables are not built yet."}
}

// Decide applies the decision table, role, channel, grant and org rules; the strictest wins.
func (e *Engine) Decide(v Verdict, c Context) Ruling {
	return Ruling{Decision: Refuse, Rule: v.Rule, Reason: v.Reason}
}

// Rules of verdicts that stand for "not a command we know".
const (
	RuleUnparsed = "unparsed" // the text is not one plain command
	RuleUnknown  = "unknown"  // the command or one of its flags is in no table
)
