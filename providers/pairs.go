package providers

import (
	"regexp"
	"slices"
	"strings"
)

// The endings of names behind which a secret stands, in lower case and without _ and -.
var secretEndings = []string{
	"password", "passwd", "passphrase", "pwd", "secret", "secretkey", "secretaccesskey", "secretstring", "secretbinary",
	"secretvalue", "apikey", "token", "authkey", "accountkey", "sharedkey", "sharedaccesskey", "storagekey", "privatekey", "privatekeydata",
	"clientkeydata", "encryptionkey", "signingkey", "connectionstring", "credential", "credentials",
}

// Names that are secret only when they are the whole name.
var secretWhole = []string{"pass", "authorization"}

// Tokens that page through lists or make a request repeatable: needed to go on working, and no secret.
var plainTokens = []string{
	"nexttoken", "nextpagetoken", "pagetoken", "continuationtoken", "clienttoken", "clientrequesttoken", "startingtoken",
	"synctoken", "nextsynctoken", "idempotencytoken", "resumetoken", "nextforwardtoken", "nextbackwardtoken", "creatortoken",
}

// harmless is what such a name may well hold without being a secret.
var harmless = regexp.MustCompile(`(?i)^(?:|true|false|null|none|nil|yes|no|on|off|enabled|disabled|required|optional|basic|bearer|\[redacted\]|\[masked\]|arn:.*|[0-9]{1,5})$`)

var joiners = strings.NewReplacer("_", "", "-", "")

// longestName bounds what is looked at of a name: only its end counts.
const longestName = 64

func secretName(name string) bool {
	if len(name) < len("pwd") {
		return false
	}
	name = joiners.Replace(strings.ToLower(name[max(0, len(name)-longestName):]))
	if slices.Contains(plainTokens, name) {
		return false
	}
	if slices.Contains(secretWhole, name) {
		return true
	}
	return slices.ContainsFunc(secretEndings, func(end string) bool { return strings.HasSuffix(name, end) })
}

// pair is a value behind a secret's name, and how it stands there.
type pair struct {
	value  string
	strict bool // name=value or quoted, as programs write it; else in a sentence, behind a flag, or what may be a secret's name
}

// plainValue tells what programs print behind such names without it being a secret.
func plainValue(p pair) bool { return harmless.MatchString(p.value) }

// redactPairs takes out the values behind secret names: name=value, name: value, "name": "value" (also inside a JSON
// string), --name value, unless plain says that it is none. Quotes stay, so that JSON stays JSON. It is written by hand
// because it reads every byte of every output.
func redactPairs(text string, plain func(pair) bool) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); i++ {
		name, after, ok := "", 0, false
		switch text[i] {
		case ':', '=':
			name, after, ok = nameBefore(text, i), i+1, true
		case '-':
			name, after, ok = flagAt(text, i)
		}
		if !ok || i < done || !secretName(name) {
			continue
		}
		start, end, next := valueAt(text, after)
		quoted := start > after && !blank(text[start-1])
		strict := text[i] != '-' && (quoted || text[i] == '=' && start == after) && !strings.EqualFold(strings.Trim(name, "-"), "secret")
		if plain(pair{text[start:end], strict}) {
			continue
		}
		b.WriteString(text[done:start])
		b.WriteString(redactedMark)
		done, i = end, next-1
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

func nameByte(c byte) bool {
	return c == '_' || c == '-' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// nameBefore gives the name that ends before the separator at i, without its quotes.
func nameBefore(text string, i int) string {
	for i > 0 && blank(text[i-1]) {
		i--
	}
	if i > 0 && (text[i-1] == '"' || text[i-1] == '\'') {
		i--
		if i > 0 && text[i-1] == '\\' {
			i--
		}
	}
	end := i
	for i > 0 && nameByte(text[i-1]) {
		i--
	}
	return text[i:end]
}

// flagAt gives the name of a flag that starts at i and has its value behind a blank.
func flagAt(text string, i int) (string, int, bool) {
	if i > 0 && !blank(text[i-1]) && text[i-1] != '\n' {
		return "", 0, false
	}
	end := i
	for end < len(text) && nameByte(text[end]) {
		end++
	}
	if end == len(text) || !blank(text[end]) {
		return "", 0, false
	}
	if _, rest, _ := strings.Cut(text[end:], " "); strings.HasPrefix(strings.TrimLeft(rest, " \t"), "-") {
		return "", 0, false // the next flag
	}
	return text[i:end], end, true
}

// valueAt gives where the value that follows begins and ends inside its quotes, and where the text goes on. A quote
// that is never closed ends with its line.
func valueAt(text string, i int) (start, end, next int) {
	for i < len(text) && blank(text[i]) {
		i++
	}
	for _, quote := range []string{`\"`, `"`, `'`} {
		if !strings.HasPrefix(text[i:], quote) {
			continue
		}
		start = i + len(quote)
		end = start + quotedLength(text[start:], quote)
		return start, end, min(end+len(quote), len(text))
	}
	end = i
	for end < len(text) && !strings.ContainsRune(" \t\n\"',;&{}[]()<>", rune(text[end])) {
		end++
	}
	return i, end, end
}

func quotedLength(text, quote string) int {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\n', strings.HasPrefix(text[i:], quote):
			return i
		case text[i] == '\\' && quote == `"`:
			i++
		}
	}
	return len(text)
}
