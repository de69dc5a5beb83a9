package policy

import "strings"

// Effect says how much a command changes. Effects are ordered: a larger one is worse. The zero value is no
// effect at all and is treated as Forbidden everywhere.
type Effect uint8

// The effects, mildest first.
const (
	Read      Effect = iota + 1 // changes nothing
	Write                       // creates or changes something that can be changed back
	Disrupt                     // stops, reboots, detaches, revokes: something that works may stop working
	Delete                      // takes away something that may not come back
	Forbidden                   // never run from chat
)

// String gives the word used in chat, in docs and by policy check.
func (e Effect) String() string {
	switch e {
	case Read:
		return "read"
	case Write:
		return "write"
	case Disrupt:
		return "disrupt"
	case Delete:
		return "delete"
	}
	return "forbidden"
}

// MarshalText writes the effect's word.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// ParseEffect reads an effect's word; false when there is no such effect.
func ParseEffect(word string) (Effect, bool) {
	for e := Read; e <= Forbidden; e++ {
		if e.String() == word {
			return e, true
		}
	}
	return 0, false
}

// Facet is something a command does besides its effect. Facets are bits; a set of them is Facets.
type Facet uint16

// Facets is a set of facets.
type Facets = Facet

// The facets, as in the decision table.
const (
	Secret     Facet = 1 << iota // the value printed is a secret and is the point of the command
	Masked                       // a read in which some members are secret
	Data                         // object bodies, rows, messages
	Log                          // log lines and console output
	Permission                   // changes who may do what
	Exposure                     // opens a network, makes public, shares
	Egress                       // copies or exports data out
	Payload                      // runs code, SQL or documents given to it
	Spend                        // billed scans, large capacity
	Bulk                         // touches many things through a selector
)

var facetNames = []string{"secret", "masked", "data", "log", "permission", "exposure", "egress", "payload", "spend", "bulk"}

// Has reports whether every facet of want is in the set.
func (f Facet) Has(want Facet) bool { return want != 0 && f&want == want }

// Any reports whether at least one facet of want is in the set.
func (f Facet) Any(want Facet) bool { return f&want != 0 }

// Names lists the facets of the set in their fixed order; never nil.
func (f Facet) Names() []string {
	names := []string{}
	for i, name := range facetNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String joins the facets' names with a comma.
func (f Facet) String() string { return strings.Join(f.Names(), ",") }

// ParseFacet reads one facet's name; false when there is no such facet.
func ParseFacet(name string) (Facet, bool) {
	for i, known := range facetNames {
		if known == name {
			return 1 << i, true
		}
	}
	return 0, false
}
