package main

import (
	"path"
	"strings"
)

// pattern matches command paths word by word: "*" inside a word is a glob, "**" stands for any number of words,
// {a,b} for alternatives. Release tracks are transparent: "gcloud compute ssh" also means the alpha and beta ones.
type pattern struct {
	text string
	alts [][]string
	used bool
	// literal patterns name every command in full
	literal bool
}

func newPattern(text string) *pattern {
	p := &pattern{text: text, literal: !strings.ContainsAny(text, "*?[")}
	for _, alt := range expand(text) {
		p.alts = append(p.alts, strings.Fields(alt))
	}
	return p
}

// expand resolves the {a,b} groups of a pattern.
func expand(text string) []string {
	open := strings.IndexByte(text, '{')
	if open < 0 {
		return []string{text}
	}
	end := open + strings.IndexByte(text[open:], '}')
	var all []string
	for _, choice := range strings.Split(text[open+1:end], ",") {
		all = append(all, expand(text[:open]+choice+text[end+1:])...)
	}
	return all
}

func (p *pattern) match(words []string) bool {
	for _, alt := range p.alts {
		if alt[0] == words[0] && matchWords(alt, words) {
			p.used = true
			return true
		}
	}
	return false
}

// trackless drops gcloud's release track, so that one pattern speaks for all tracks.
func trackless(path string) []string {
	words := strings.Fields(path)
	if len(words) > 2 && words[0] == "gcloud" && (words[1] == "alpha" || words[1] == "beta" || words[1] == "preview") {
		return append([]string{"gcloud"}, words[2:]...)
	}
	return words
}

func matchWords(pat, words []string) bool {
	for i, w := range pat {
		if w == "**" {
			for j := i; j <= len(words); j++ {
				if matchWords(pat[i+1:], words[j:]) {
					return true
				}
			}
			return false
		}
		if i >= len(words) || !matchWord(w, words[i]) {
			return false
		}
	}
	return len(pat) == len(words)
}

func matchWord(pat, word string) bool {
	if !strings.ContainsAny(pat, "*?[") {
		return pat == word
	}
	ok, err := path.Match(pat, word)
	return err == nil && ok
}
