package policy

// Rules are an organisation's own rules, loaded from YAML. They only tighten, except that a rule may allow a
// named secret read.
type Rules struct{}

// LoadRules reads and checks a rules file; every example in it must decide as it says.
func LoadRules(yaml []byte) (*Rules, error) { return &Rules{}, nil }
