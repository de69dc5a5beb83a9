package providers

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

const (
	redactedMark  = "[redacted]"
	shortestValue = 6 // shorter values would take ordinary words out of the text
)

// Redactor takes secrets out of text. The zero value knows the shapes of secrets; With adds exact values. It is safe
// for concurrent use and prints as "[redactor]".
type Redactor struct {
	values   []string // every form of every value, longest first
	replacer *strings.Replacer
}

// NewRedactor gives a redactor that also knows these exact values.
func NewRedactor(values ...string) Redactor { return Redactor{}.With(values...) }

// With gives a redactor that also knows these exact values, as they are and as they are printed: base64 (alone or inside
// something larger), hex, URL-escaped, JSON-escaped, and line by line.
func (r Redactor) With(values ...string) Redactor {
	forms := slices.Clone(r.values)
	for _, v := range values {
		forms = append(forms, formsOf(v)...)
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	forms = slices.Compact(forms)
	if len(forms) == 0 {
		return Redactor{}
	}
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, redactedMark)
	}
	return Redactor{forms, strings.NewReplacer(pairs...)}
}

// Redact gives the text with every secret replaced by "[redacted]".
func (r Redactor) Redact(text string) string {
	return redactShapes(r.exact(text))
}

// exact replaces the exact values alone.
func (r Redactor) exact(text string) string {
	if r.replacer == nil {
		return text
	}
	return r.replacer.Replace(text)
}

// Argv redacts each word, and a value that stands alone behind a flag such as --password.
func (r Redactor) Argv(argv []string) []string {
	out := make([]string, len(argv))
	for i, word := range argv {
		out[i] = redactPairs(replaceShapes(r.exact(word), idShape), plainValue) // which key a command is about is told
		if i > 0 && strings.HasPrefix(argv[i-1], "-") && secretName(argv[i-1]) && !strings.HasPrefix(word, "-") && !harmless.MatchString(word) {
			out[i] = redactedMark
		}
	}
	return out
}

// String never shows the values.
func (r Redactor) String() string { return "[redactor]" }

// GoString never shows the values.
func (r Redactor) GoString() string { return "[redactor]" }

func formsOf(value string) []string {
	value = strings.TrimSpace(value)
	if len(value) < shortestValue {
		return nil
	}
	quoted, _ := json.Marshal(value) // a string can always be marshalled
	forms := []string{
		value,
		strings.Trim(string(quoted), `"`),
		hex.EncodeToString([]byte(value)),
		strings.ToUpper(hex.EncodeToString([]byte(value))),
	}
	for _, escaped := range []string{url.QueryEscape(value), url.PathEscape(value)} {
		forms = append(forms, escaped, lowerEscapes(escaped))
	}
	forms = append(forms, base64Forms(value)...)
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			// The first and last line of a key file are the same in every key file.
			if line = strings.TrimSpace(line); len(line) >= 16 && !strings.HasPrefix(line, "-----") {
				forms = append(forms, line)
			}
		}
	}
	return forms
}

// base64Forms gives the value's base64 whatever stands before and after it: three alignments, of which the characters
// that the neighbours could change are cut off.
func base64Forms(value string) []string {
	var forms []string
	for shift := range 3 {
		padded := append(make([]byte, shift), value...)
		whole := len(padded) / 3 * 3
		text := base64.StdEncoding.EncodeToString(padded[:whole])
		if shift > 0 {
			text = text[min(4, len(text)):]
		}
		if len(text) < 8 {
			continue
		}
		forms = append(forms, text, strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		forms = append(forms, enc.EncodeToString([]byte(value)))
	}
	return forms
}

// lowerEscapes writes %2F as %2f, the other spelling in use.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(s[i+1:i+3]))
		}
	}
	return string(b)
}
