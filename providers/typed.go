package providers

import (
	"regexp"
	"strings"
	"unicode"
)

// Typed gives what a person wrote with every secret replaced. It is for messages, in which people talk about passwords
// and tokens far more often than they paste one: a value behind such a word counts when it looks like one, the id of an
// access key alone does not, and the secret that belongs to one does without a name.
func (r Redactor) Typed(text string) string {
	text = replaceShapes(r.exact(text), idShape, headerShape)
	text = redactKeys(text)
	text = inContext.ReplaceAllString(text, keep1)
	for _, re := range []*regexp.Regexp{inWords, inHeader} {
		text = re.ReplaceAllStringFunc(text, func(found string) string {
			groups := re.FindStringSubmatch(found)
			if talkedOf(pair{value: groups[2]}) {
				return found
			}
			return groups[1] + redactedMark
		})
	}
	return redactPairs(text, talkedOf)
}

// Overheard gives what others wrote with everything replaced that may be a secret: nobody is told of it, so a word too
// many does no harm.
func (r Redactor) Overheard(text string) string { return r.Redact(r.Typed(text)) }

// inContext is a UUID that is called a secret: Scaleway's secret keys have no other shape.
var inContext = regexp.MustCompile(`(?i)(\bsecret(?:[ _-]?(?:access[ _-]?)?key)?\b["']?\s*(?:is|=|:)\s*["']?)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b`)

// inWords is a word that somebody calls a password or the like, inHeader one that is sent as one.
var (
	inWords  = regexp.MustCompile(`(?i)(\b(?:password|passwd|passphrase|secret|token|(?:api|secret|private|access)[ _-]?key)[ \t]+(?:is|was)[ \t:=]+["'\x60]?)([^\s"'\x60]+)`)
	inHeader = regexp.MustCompile(`(?i)(\b(?:bearer|basic)[ \t]+)([0-9A-Za-z_.~+/=-]{12,})`)
)

// keyLike is forty characters of an AWS secret access key's alphabet.
var keyLike = regexp.MustCompile(`[A-Za-z0-9/+]{40,}`)

// aroundKey are characters which say that what stands beside them is a piece of a longer word.
const aroundKey = "-_.~@#%"

// redactKeys takes out secret access keys, which have no mark of their own: exactly forty random characters.
func redactKeys(text string) string {
	beside := strings.Contains(text, "AKIA") || strings.Contains(text, "ASIA")
	var b strings.Builder
	done := 0
	for _, at := range keyLike.FindAllStringIndex(text, -1) {
		word := text[at[0]:at[1]]
		whole := len(word) == 40 && (at[0] == 0 || !strings.ContainsRune(aroundKey, rune(text[at[0]-1]))) &&
			(at[1] == len(text) || !strings.ContainsRune(aroundKey+"=", rune(text[at[1]])))
		if !whole || !beside && !random(word) {
			continue
		}
		b.WriteString(text[done:at[0]] + redactedMark)
		done = at[1]
	}
	return b.String() + text[done:]
}

// random tells whether forty characters are no digest, no path and no identifier.
func random(word string) bool {
	if upper, lower, digit := classes(word); !upper || !lower || !digit {
		return false
	}
	for part := range strings.SplitSeq(word, "/") {
		if upper, lower, digit := classes(part); upper && lower && digit && len(part) >= 8 || jumbled(part) {
			return true
		}
	}
	return false
}

// jumbled tells letters thrown together from words written together.
func jumbled(part string) bool {
	turns, capitals := 0, false
	for i := 1; i < len(part); i++ {
		before, after := part[i-1] < 'a', part[i] < 'a'
		if before != after {
			turns++
		}
		capitals = capitals || before && after
	}
	return turns >= 4 && capitals
}

func classes(word string) (upper, lower, digit bool) {
	for _, r := range word {
		upper = upper || unicode.IsUpper(r)
		lower = lower || unicode.IsLower(r)
		digit = digit || unicode.IsDigit(r)
	}
	return upper, lower, digit
}

// reference is what stands for a secret without being one.
var reference = regexp.MustCompile(`^(?:[$<%{].*|arn:.*|projects/.*|[*xX.•]+|\[.*|(?:vault|op|ref\+|ssm|file|env):.*|[~./].*)$`)

// states are what people say of a token.
var states = regexp.MustCompile(`(?i)^(?:expired|invalid|missing|revoked|rotated|unknown|changed|correct|incorrect|rejected|policy|rotation|authentication|authorization)$`)

// talkedOf tells a word about a secret from the secret.
func talkedOf(p pair) bool {
	value := strings.TrimRight(p.value, ".!?")
	if len(value) < shortestValue || plainValue(pair{value: value}) || reference.MatchString(value) || states.MatchString(value) {
		return true
	}
	return !p.strict && !guarded(p.value)
}

// guarded tells whether a word in a sentence looks chosen to be hard to guess, and not like a name with dashes.
func guarded(value string) bool {
	upper, lower, _ := classes(value)
	if (upper || lower) && strings.ContainsAny(value, "!@#$%^&*+") {
		return true
	}
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune("-_./:", r) }) {
		upper, lower, digit := classes(part)
		if digit && (upper || lower) && len(part) > 4 {
			return true
		}
	}
	return false
}
