package providers

import (
	"regexp"
	"slices"
	"strings"
)

// shape is one known form of a secret. hint is a text without which it cannot occur, so that most output is only
// searched and not matched; hints are lower case where fold is set.
type shape struct {
	hints []string
	fold  bool
	re    *regexp.Regexp
	with  string // replacement, with groups
}

// The hints of shapes that people's own words are not held against.
const (
	idShape     = "AKIA"   // the id of an AWS access key names it and opens nothing
	headerShape = "bearer" // "basic authentication" is no header
)

const keep1 = "${1}" + redactedMark

var shapes = []shape{
	{[]string{"PRIVATE KEY"}, false, regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)`), redactedMark},
	{[]string{"AKIA", "ASIA"}, false, regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{12,124}\b`), redactedMark},
	{[]string{"AIza"}, false, regexp.MustCompile(`AIza[0-9A-Za-z_-]{35}`), redactedMark},
	{[]string{"ya29."}, false, regexp.MustCompile(`ya29\.[0-9A-Za-z_.-]{6,}`), redactedMark},
	{[]string{"1//0"}, false, regexp.MustCompile(`\b1//0[0-9A-Za-z_-]{20,}`), redactedMark},
	{[]string{"GOCSPX-"}, false, regexp.MustCompile(`GOCSPX-[0-9A-Za-z_-]{20,}`), redactedMark},
	{[]string{"xox", "xapp-"}, false, regexp.MustCompile(`\b(?:xox[a-z](?:\.xox[a-z])?|xapp)-[0-9A-Za-z-]{8,}`), redactedMark},
	{[]string{"hooks.slack.com"}, false, regexp.MustCompile(`(hooks\.slack\.com/(?:services|workflows|triggers)/)[0-9A-Za-z/_-]+`), keep1},
	{[]string{"tskey-"}, false, regexp.MustCompile(`\btskey-[a-z]+-[0-9A-Za-z-]{4,}`), redactedMark},
	{[]string{"eyJ"}, false, regexp.MustCompile(`\beyJ[0-9A-Za-z_-]{6,}\.[0-9A-Za-z_-]{6,}(?:\.[0-9A-Za-z_-]*)*`), redactedMark},
	{[]string{"Q~"}, false, regexp.MustCompile(`[0-9A-Za-z_~.-]{3}[0-9]Q~[0-9A-Za-z_~.-]{31,34}`), redactedMark},
	{[]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"}, false, regexp.MustCompile(`\b(?:gh[pousr]_[0-9A-Za-z]{30,}|github_pat_[0-9A-Za-z_]{22,})`), redactedMark},
	{[]string{"glpat-"}, false, regexp.MustCompile(`\bglpat-[0-9A-Za-z_-]{20,}`), redactedMark},
	{[]string{"npm_"}, false, regexp.MustCompile(`\bnpm_[0-9A-Za-z]{36}\b`), redactedMark},
	{[]string{"sk-", "sk_", "rk_"}, false, regexp.MustCompile(`\b(?:sk-[0-9A-Za-z_-]{20,}|[sr]k_(?:live|test)_[0-9A-Za-z]{16,})`), redactedMark},
	{[]string{"hvs.", "hvb."}, false, regexp.MustCompile(`\bhv[sb]\.[0-9A-Za-z_-]{20,}`), redactedMark},
	{[]string{"AGE-SECRET-KEY-"}, false, regexp.MustCompile(`AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{20,}`), redactedMark},
	{[]string{"sig="}, false, regexp.MustCompile(`([?&]sig=)[0-9A-Za-z%+/=_-]{16,}`), keep1},
	{[]string{"x-amz-"}, true, regexp.MustCompile(`(?i)([?&]X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s"']+`), keep1},
	{[]string{"x-goog-"}, true, regexp.MustCompile(`(?i)([?&]X-Goog-(?:Signature|Credential)=)[^&\s"']+`), keep1},
	{[]string{"://"}, false, regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"'<>]*:)[^\s/@"'<>]+(@)`), "${1}" + redactedMark + "${2}"},
	{[]string{"bearer", "basic", "authorization", "x-auth-token"}, true, regexp.MustCompile(`(?i)(\b(?:bearer|basic)[ \t]+)[0-9A-Za-z_.~+/=-]{12,}`), keep1},
}

func redactShapes(text string) string {
	return redactPairs(replaceShapes(text), plainValue)
}

// replaceShapes replaces every known form but those with the hints.
func replaceShapes(text string, but ...string) string {
	lower := strings.ToLower(text)
	for _, s := range shapes {
		in := text
		if s.fold {
			in = lower
		}
		if containsAny(in, s.hints) && !slices.Contains(but, s.hints[0]) {
			text = s.re.ReplaceAllString(text, s.with)
		}
	}
	return text
}

func containsAny(text string, hints []string) bool {
	for _, h := range hints {
		if strings.Contains(text, h) {
			return true
		}
	}
	return false
}
