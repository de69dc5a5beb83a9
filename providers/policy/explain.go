package policy

import "io"

// Explain writes what the engine thinks of a command for a person: effect, facets, rule, reason and what each
// mode would do. The error is w's.
func (e *Engine) Explain(w io.Writer, c Command, refusal *Refusal) error { return nil }

// Check reads JSON lines {"command":"..."} and writes one JSON verdict line for each, in order, until r ends.
// Memory does not grow with the number of lines. The error is r's or w's; a bad line is a verdict, not an error.
func (e *Engine) Check(r io.Reader, w io.Writer) error { return nil }
